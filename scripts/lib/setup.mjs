/**
 * Everything between a fresh clone and a program that runs: dependencies, the TypeScript build, and the devnet's own
 * packages. Plain Node, no dependencies. Each step leaves a stamp that names what it was made from, written last, so a
 * second start only compares stamps, and an interrupted step is done again.
 */
import "./node-version.mjs";
import {createHash} from "node:crypto";
import {existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from "node:fs";
import {dirname, join, relative} from "node:path";
import {fileURLToPath} from "node:url";
import {withLock} from "./lock.mjs";
import {npm, run} from "./npm.mjs";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const stateDir = join(root, ".pleiades");
const lockFile = join(stateDir, "setup.lock");
const logFile = join(stateDir, "setup.log");
const SOURCES = ["src", "test", "devnet/src"];
// Built by node-gyp. Lodestar does not start without snappy; the others are taken when they build.
const NATIVE = ["snappy", "classic-level", "gc-stats", "c-kzg", "bigint-buffer"];
// Change it when the steps change in a way that old installs must be made again.
const RECIPE = 1;

/** What failed, the end of its output, and what to do. Printed without a stack. */
export class SetupError extends Error {
  name = "SetupError";
}

const toStderr = (line) => process.stderr.write(`${line}\n`);

/**
 * Makes the root package ready: node_modules matches package-lock.json, dist matches the sources.
 * Safe to call from several processes at once. `log` takes one progress line at a time (default: standard error).
 * @throws SetupError
 */
export async function ensureRoot({log = toStderr} = {}) {
  if (isInstalled(root) && isBuilt()) return;
  await locked(log, async () => {
    if (!isInstalled(root)) await install(root, "Pleiades' packages", log);
    if (!isBuilt()) await build(log);
  });
}

/**
 * Makes the devnet's packages ready: the real Lodestar client in devnet/node_modules, native parts built.
 * Takes about two minutes the first time. Also makes the root package ready.
 * @throws SetupError
 */
export async function ensureDevnet({log = toStderr} = {}) {
  await ensureRoot({log});
  const dir = join(root, "devnet");
  if (isInstalled(dir)) return;
  await locked(log, async () => {
    if (!isInstalled(dir)) await install(dir, "the devnet's packages (Lodestar 1.5.1)", log, NATIVE);
  });
}

/** Prints a SetupError as text and leaves; anything else is thrown on. */
export function exitOnSetupError(error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`\n${error.message}`);
  process.exit(1);
}

function locked(log, task) {
  return withLock(lockFile, task, (pid) =>
    log(`[setup] waiting for process ${pid}, which is setting up this checkout`),
  );
}

// ---- packages

/** What an install is made from: the locked versions, and the Node and machine that native parts are built for. */
function installKey(dir) {
  const hash = createHash("sha256").update(readFileSync(join(dir, "package-lock.json")));
  const {dependencies, devDependencies, overrides} = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
  hash.update(JSON.stringify([dependencies, devDependencies, overrides]));
  return `${RECIPE} ${process.platform}-${process.arch} abi${process.versions.modules} ${hash.digest("hex")}`;
}

const installStamp = (dir) => join(dir, "node_modules", ".pleiades-setup");

function isInstalled(dir) {
  // A link means that somebody shares one install between checkouts; it is theirs to keep up to date.
  if (lstatSync(join(dir, "node_modules"), {throwIfNoEntry: false})?.isSymbolicLink()) return true;
  return readOr(installStamp(dir), "") === installKey(dir);
}

async function install(dir, what, log, native = []) {
  const key = installKey(dir);
  rmSync(installStamp(dir), {force: true});
  const expected = Object.keys(JSON.parse(readFileSync(join(dir, "package-lock.json"), "utf8")).packages).length - 1;
  await step(`installing ${what}: ${expected}`, log, (onLine) =>
    npm(["ci", "--ignore-scripts"], {cwd: dir, logFile, onLine}),
  );
  if (native.length > 0) {
    await step(`compiling native parts: ${native.join(", ")}`, log, (onLine) =>
      npm(["rebuild", "--ignore-scripts=false", "--foreground-scripts", ...native], {cwd: dir, logFile, onLine}),
    );
  }
  writeFileSync(installStamp(dir), key);
}

// ---- build

const dist = join(root, "dist");
const buildStamp = join(dist, ".pleiades-build");

function filesBelow(dir, found = []) {
  if (!existsSync(dir)) return found;
  for (const entry of readdirSync(dir, {withFileTypes: true})) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) filesBelow(path, found);
    else found.push(path);
  }
  return found;
}

function sourceKey() {
  const hash = createHash("sha256").update(`${RECIPE} ${installKey(root)}`);
  const files = SOURCES.flatMap((dir) => filesBelow(join(root, dir))).sort();
  for (const file of [join(root, "tsconfig.json"), ...files]) {
    hash.update(`\n${relative(root, file)}\n`).update(readFileSync(file));
  }
  return hash.digest("hex");
}

function isBuilt() {
  if (readOr(buildStamp, "") !== sourceKey()) return false;
  // A build by hand, perhaps of other sources, leaves files newer than the stamp.
  const stamped = statSync(buildStamp).mtimeMs;
  return filesBelow(dist).every((file) => statSync(file).mtimeMs <= stamped);
}

async function build(log) {
  const key = sourceKey();
  rmSync(buildStamp, {force: true});
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  await step("building", log, (onLine) =>
    run(process.execPath, [tsc, "-p", root, "--pretty", "false"], {cwd: root, logFile, onLine}),
  );
  // Tests are found by looking into dist: what has no source any more must go.
  for (const file of filesBelow(dist)) {
    const source = join(root, relative(dist, file).replace(/\.js(\.map)?$/, ".ts"));
    if (/\.js(\.map)?$/.test(file) && !existsSync(source)) rmSync(file);
  }
  writeFileSync(buildStamp, key);
}

// ---- steps

const TELL_EVERY_MS = 10_000;

/** Runs one long command with a line at its start, every ten seconds, and at its end. */
async function step(what, log, task) {
  mkdirSync(stateDir, {recursive: true});
  if (statSync(logFile, {throwIfNoEntry: false})?.size > 5_000_000) rmSync(logFile);
  const began = performance.now();
  const elapsed = () => `${Math.round((performance.now() - began) / 1000)} s`;
  let last = "";
  log(`[setup] ${what} ...`);
  const timer = setInterval(() => log(`[setup] ${what} ... ${elapsed()}${last}`), TELL_EVERY_MS);
  const result = await task((line) => {
    const fetched = /^npm http (?:fetch|cache) (?:GET \d+ )?\S*\/([^/\s?]+)/.exec(line);
    if (fetched) last = `, ${decodeURIComponent(fetched[1])}`;
    const compiling = /^\s*(?:CC|CXX|SOLINK_MODULE)\(target\) (\S+)/.exec(line);
    if (compiling) last = `, ${compiling[1]}`;
  });
  clearInterval(timer);
  if (!result.ok) throw new SetupError(explain(what, result.tail));
  log(`[setup] ${what}: done in ${elapsed()}`);
}

function explain(what, lines) {
  const text = lines.join("\n");
  const shown = lines.filter((line) => line.trim() !== "" && !line.startsWith("npm http")).slice(-25);
  return [
    `Set-up failed while ${what}.`,
    ...shown.map((line) => `  | ${line}`),
    "",
    `What to do: ${advice(text)}`,
    `The whole output is in ${relative(process.cwd(), logFile) || logFile}.`,
  ].join("\n");
}

function advice(text) {
  const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ECONNRESET|ENOTCACHED|EIDLETIMEOUT/;
  if (/ENOSPC/.test(text)) return "the disk is full; about 1 GB is needed. Free some and run the same command again.";
  if (/EACCES|EPERM/.test(text))
    return "make this checkout and npm's cache writable for you, and run the same command again.";
  if (/gyp ERR!|node-gyp/.test(text)) {
    const tools =
      "python3, make and a C++ compiler (Debian/Ubuntu: apt-get install python3 make g++; macOS: xcode-select --install)";
    const net = offline.test(text)
      ? " It also needs either Node's own headers beside this Node or a connection to nodejs.org."
      : "";
    return `Lodestar's native packages are compiled here, which needs ${tools}.${net} Then run the same command again.`;
  }
  if (offline.test(text))
    return "the package registry could not be reached. Check the connection (npm ping), and run the same command again.";
  if (/EUSAGE|in sync/.test(text)) return "package.json and package-lock.json disagree; restore both from git.";
  if (/error TS\d+/.test(text)) return "correct the errors above; the command builds again by itself.";
  if (/ENOENT/.test(text))
    return "a program or file named above is missing. npm comes with Node: check that `npm --version` works.";
  return "read the lines above; running the same command again starts this step afresh.";
}

function readOr(path, otherwise) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}
