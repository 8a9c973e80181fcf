/**
 * `npm test`: all set-up, then lint, then every test. `npm test -- unit/duty` runs the files whose path below test/
 * contains one of the arguments; `--long` adds test/long and makes harnesses that count (kill, fuzz) count further. The last line is `N passed, N failed` of the whole run, with
 * `, N skipped` when there are any; the exit code is 0 only when nothing failed.
 *
 * One process has one preset (@lodestar/params freezes it at import), so files are run by preset: a comment
 * `// presets: mainnet`, `minimal` or `both` at the top of a file decides; without one, test/spec runs under both,
 * test/e2e under minimal, and everything else under mainnet.
 */
import {spawn} from "node:child_process";
import {existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync} from "node:fs";
import {join, relative} from "node:path";
import {createInterface} from "node:readline";
import {ensureDevnet, ensureRoot, root, SetupError} from "./lib/setup.mjs";

// A little less than the 20 minutes that the whole command may take, so that there is still time to say what happened.
const USUAL_BOUND_MS = 19 * 60_000;
// With --long a person has asked for it, by the hour if wanted.
const LONG_BOUND_MS = 24 * 60 * 60_000;
// A process whose tests are over and that still runs left something open: a socket, a timer, a child.
const EXIT_BOUND_MS = 15_000;
// Sockets and child processes wait for each other: two at once fill two cores.
const AT_ONCE = 2;
// Beside these, two as well: what mostly waits. test/chain waits for slots, minutes on end, and judges what is on the
// chain, not how fast it came; a handover waits for epochs, and commands for their processes.
const BESIDE = ["chain", "handover", "commands"];
const USAGE = "npm test -- [--long] [PART OF A PATH BELOW test/ ...]";

const began = performance.now();
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const passed = [];
const failures = [];
const skipped = [];
const durations = [];

const {long, parts} = readArguments(process.argv.slice(2));
const BOUND_MS = long ? LONG_BOUND_MS : USUAL_BOUND_MS;
const bound = setTimeout(() => {
  failures.push({title: `the whole run took longer than ${BOUND_MS / 60_000} minutes`, error: running().join(", ")});
  stopAll();
}, BOUND_MS);
bound.unref();
const children = new Map();
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
]) {
  process.on(signal, () => {
    stopAll();
    process.exit(code);
  });
}

try {
  await timed("set-up", () => ensureRoot({log: console.log}));
  const jobs = plan();
  if (jobs.length === 0) {
    failures.push({title: "no test was found", error: parts.length > 0 ? `nothing matches ${parts.join(" ")}` : ""});
  }
  if (jobs.some((job) => job.alone || job.name.startsWith("chain")))
    await timed("devnet set-up", () => ensureDevnet({log: console.log}));
  if (parts.length === 0) await timed("lint", lint);
  await Promise.all([
    inParallel(jobs.filter((job) => !job.alone && !job.beside)),
    inParallel(jobs.filter((job) => job.beside)),
  ]);
  for (const job of jobs.filter((one) => one.alone)) await timed(job.name, () => mocha(job));
} catch (error) {
  const text = error instanceof SetupError ? error.message : (error.stack ?? String(error));
  failures.push({title: error instanceof SetupError ? "set-up" : "scripts/test.mjs", error: text});
}
report();

function readArguments(argv) {
  const options = argv.filter((arg) => arg.startsWith("-"));
  const unknown = options.find((option) => option !== "--long");
  if (unknown !== undefined) {
    console.error(`unknown option ${unknown}\n${USAGE}`);
    process.exit(2);
  }
  const rest = argv.filter((arg) => !arg.startsWith("-"));
  return {long: options.length > 0, parts: rest.map((part) => part.replace(/^(\.\/)?(dist\/)?test\//, ""))};
}

// ---- what to run

/** Built test files, as paths below test/ without an ending. */
function testFiles(dir = join(root, "dist", "test")) {
  return readdirSync(dir, {withFileTypes: true}).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return testFiles(path);
    return path.endsWith(".test.js") ? [relative(join(root, "dist", "test"), path).slice(0, -".js".length)] : [];
  });
}

function presetsOf(file) {
  const head = readFileSync(join(root, "test", `${file}.ts`), "utf8").slice(0, 500);
  const marked = /^\/\/ presets: (mainnet|minimal|both)$/m.exec(head)?.[1];
  const preset = marked ?? {spec: "both", e2e: "minimal"}[file.split("/")[0]] ?? "mainnet";
  return preset === "both" ? ["mainnet", "minimal"] : [preset];
}

/** Integration in parts of about the same length, so that both cores have work to the end. */
function kindOf(file) {
  const [folder, part, name] = file.split("/");
  if (part === "dkg" && name === "handover.test") return "handover";
  if (folder === "integration" && (part === "dkg" || part === "share")) return "ceremonies";
  if (folder === "integration" && part === "cli") return "commands";
  return ["chain", "integration", "spec", "simulation", "e2e", "long"].includes(folder) ? folder : "unit";
}

/** Mocha processes: by folder and preset; e2e and long ones alone, for they measure time, those that wait beside. */
function plan() {
  const groups = new Map();
  for (const file of testFiles().sort()) {
    if (parts.length > 0 && !parts.some((part) => file.includes(part))) continue;
    const folder = file.split("/")[0];
    if (folder === "long" && !long && parts.length === 0) continue;
    const kind = kindOf(file);
    for (const preset of presetsOf(file)) {
      const name = `${kind} ${preset}`;
      const job = groups.get(name) ?? {
        name,
        preset,
        files: [],
        alone: kind === "e2e" || kind === "long",
        beside: BESIDE.includes(kind),
      };
      job.files.push(join("dist", "test", `${file}.js`));
      groups.set(name, job);
    }
  }
  // The longest first.
  const order = [...BESIDE, "ceremonies", "integration", "simulation", "unit", "spec", "e2e", "long"];
  return [...groups.values()].sort((a, b) => order.indexOf(a.name.split(" ")[0]) - order.indexOf(b.name.split(" ")[0]));
}

async function inParallel(jobs) {
  const waiting = [...jobs];
  const worker = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const current = job;
      await timed(current.name, () => mocha(current));
    }
  };
  await Promise.all(Array.from({length: AT_ONCE}, worker));
}

async function timed(name, task) {
  const start = performance.now();
  try {
    return await task();
  } finally {
    durations.push([name, performance.now() - start]);
  }
}

// ---- running

/** Starts a program in a process group of its own and prints its lines with its name in front. */
function start(name, args, env = {}) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: {...process.env, ...env},
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  children.set(name, child);
  const lines = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({input: stream}).on("line", (line) => {
      lines.push(line);
      if (lines.length > 40) lines.shift();
      console.log(`${name} | ${line}`);
    });
  }
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve({code: null, why: error.message}));
    child.once("exit", (code, signal) => {
      children.delete(name);
      // What the tests started and did not stop ends with them.
      killGroup(child);
      resolve({code, why: signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`});
    });
  });
  return {child, lines, ended};
}

function killGroup(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is gone, as it should be.
  }
}

/** A declaration: the bound on the whole run asks for it while the lines above are still waited for. */
function running() {
  return [...children.keys()].map((name) => `${name} was running`);
}

function stopAll() {
  for (const child of children.values()) killGroup(child);
}

async function lint() {
  const biome = join(root, "node_modules", "@biomejs", "biome", "bin", "biome");
  const {lines, ended} = start("lint", [biome, "check", "--error-on-warnings", "--colors=off", "."]);
  const {code, why} = await ended;
  if (code !== 0) failures.push({title: "lint (npm run lint)", error: `${why}\n${lines.join("\n")}`});
}

async function mocha({name, preset, files}) {
  const folder = mkdtempIn(join(root, ".pleiades", "test"));
  const eventsFile = join(folder, "events");
  const {child, lines, ended} = start(
    name,
    [
      join(root, "node_modules", "mocha", "bin", "mocha.js"),
      "--reporter",
      join(root, "scripts", "lib", "mocha-reporter.mjs"),
      ...files,
    ],
    {LODESTAR_PRESET: preset, PLEIADES_TEST_EVENTS: eventsFile, PLEIADES_LONG: long ? "1" : ""},
  );
  let leftOpen = false;
  let overAt = null;
  const watch = setInterval(() => {
    if (overAt === null && readEvents(eventsFile).at(-1)?.kind === "end") overAt = performance.now();
    if (overAt !== null && performance.now() - overAt > EXIT_BOUND_MS) {
      leftOpen = true;
      killGroup(child);
    }
  }, 1_000);
  const {code, why} = await ended;
  clearInterval(watch);
  const events = readEvents(eventsFile);
  rmSync(folder, {recursive: true, force: true});

  const ofKind = (kind) => events.filter((event) => event.kind === kind);
  passed.push(...ofKind("pass"));
  skipped.push(...ofKind("skip").map((event) => ({...event, title: `${event.title} [${name}]`})));
  failures.push(...ofKind("fail").map((event) => ({...event, title: `${event.title} [${name}]`})));
  const over = events.at(-1)?.kind === "end";
  if (leftOpen) {
    failures.push({
      title: `${name}: all tests were over but the process did not end`,
      error: "something was left open",
    });
  } else if (!over) {
    const during = ofKind("begin").at(-1);
    const where = during === undefined ? "before the first test" : `during or after: ${during.title} (${during.file})`;
    failures.push({title: `${name}: the process died ${where}`, error: [why, ...lines].join("\n")});
  } else if (code !== 0 && ofKind("fail").length === 0) {
    failures.push({title: `${name}: ${why} without a failed test`, error: lines.join("\n")});
  } else if (ofKind("begin").length + ofKind("skip").length === 0) {
    failures.push({title: `${name}: ran zero tests`, error: files.join("\n")});
  }
}

function mkdtempIn(parent) {
  mkdirSync(parent, {recursive: true});
  return mkdtempSync(join(parent, "run-"));
}

function readEvents(file) {
  if (!existsSync(file)) return [];
  const complete = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return complete.map((line) => JSON.parse(line));
}

// ---- the end

function report() {
  clearTimeout(bound);
  console.log("");
  for (const [name, ms] of durations) console.log(`${seconds(ms).padStart(9)}  ${name}`);
  console.log(`${seconds(performance.now() - began).padStart(9)}  whole run`);
  if (skipped.length > 0) {
    console.log(`\nskipped:`);
    for (const {title} of skipped) console.log(`  ${title}`);
  }
  if (failures.length > 0) console.log("\nfailed:");
  for (const [i, {title, file, error}] of failures.entries()) {
    console.log(`\n  ${i + 1}) ${title}${file === undefined ? "" : `\n     ${file}`}`);
    console.log(String(error ?? "").replace(/^/gm, "     "));
  }
  const counts = [`${passed.length} passed`, `${failures.length} failed`];
  if (skipped.length > 0) counts.push(`${skipped.length} skipped`);
  console.log(`\n${counts.join(", ")}`);
  process.exit(failures.length === 0 ? 0 : 1);
}
