import {spawn} from "node:child_process";
import {appendFileSync, existsSync} from "node:fs";
import {basename, delimiter, dirname, join, resolve} from "node:path";

const prefix = resolve(dirname(process.execPath), "..");

/** How to call npm: the one that called us, or the one that came with this Node, or the one in PATH. */
function npmCommand() {
  const own = [
    process.env.npm_execpath,
    join(prefix, "lib", "node_modules", "npm", "bin", "npm-cli.js"),
    join(prefix, "share", "nodejs", "npm", "bin", "npm-cli.js"),
  ].find((path) => path !== undefined && basename(path) === "npm-cli.js" && existsSync(path));
  if (own !== undefined) return [process.execPath, own];
  const beside = join(dirname(process.execPath), "npm");
  return [existsSync(beside) ? beside : "npm"];
}

/**
 * The environment of an inner npm: ours without what the outer npm says about its own package and script, and without
 * settings that make node-gyp build for something other than this Node.
 */
function npmEnvironment() {
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (/^npm_(package|lifecycle)_/i.test(name)) continue;
    if (/^npm_config_(local_prefix|global|global_prefix|prefix|omit|only|production|dry_run|workspaces?)$/i.test(name))
      continue;
    if (
      /^npm_config_(target|runtime|disturl|dist_url|arch|target_arch|platform|nodedir|ignore_scripts|json)$/i.test(name)
    )
      continue;
    env[name] = value;
  }
  env.NODE_ENV = "development";
  // Build scripts start `node` by name; it must be this one.
  env.PATH = [dirname(process.execPath), process.env.PATH ?? ""].join(delimiter);
  if (headers() !== "") {
    // The devnet's own node-gyp 8 reads the first, npm's newer one the second.
    env.npm_config_nodedir = headers();
    env.npm_package_config_node_gyp_nodedir = headers();
  }
  return env;
}

/** Where this Node's C headers are installed, or "" when node-gyp has to download them. */
const headers = () => (existsSync(join(prefix, "include", "node", "node_version.h")) ? prefix : "");

// What a user's .npmrc may say and what an install from our lock file must not listen to.
const SETTINGS = [
  "--include=dev",
  "--include=optional",
  "--global=false",
  "--package-lock=true",
  "--bin-links=true",
  "--install-strategy=hoisted",
  "--legacy-peer-deps=false",
  "--strict-peer-deps=false",
  "--engine-strict=false",
  "--dry-run=false",
  "--json=false",
  "--no-audit",
  "--no-fund",
  "--no-update-notifier",
  "--loglevel=http",
  "--color=false",
  "--progress=false",
];

/**
 * Runs npm in `cwd` with no input, all output appended to `logFile`.
 * Returns `{ok, tail}`: the last lines it printed, for an error message. `onLine` sees every line.
 */
export function npm(args, {cwd, logFile, onLine = () => {}}) {
  const [command, ...first] = npmCommand();
  const all = [...first, ...args, ...SETTINGS, `--nodedir=${headers()}`];
  return run(command, all, {cwd, logFile, env: npmEnvironment(), onLine});
}

/** Runs a command with no input, all output appended to `logFile`; see `npm`. */
export function run(command, args, {cwd, logFile, env = process.env, onLine = () => {}}) {
  appendFileSync(logFile, `\n$ cd ${cwd} && ${[command, ...args].join(" ")}\n`);
  return new Promise((done) => {
    const lines = [];
    const child = spawn(command, args, {cwd, env, stdio: ["ignore", "pipe", "pipe"]});
    let rest = "";
    const take = (chunk) => {
      appendFileSync(logFile, chunk);
      const parts = (rest + chunk).split("\n");
      rest = parts.pop();
      for (const line of parts) {
        lines.push(line);
        onLine(line);
      }
      if (lines.length > 400) lines.splice(0, lines.length - 400);
    };
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    // Ctrl-C reaches npm by itself; a SIGTERM to us alone has to be handed on.
    const stop = () => {
      child.kill("SIGTERM");
      process.exit(143);
    };
    process.once("SIGTERM", stop);
    const finish = (ok, why) => {
      process.removeListener("SIGTERM", stop);
      if (rest !== "") lines.push(rest);
      if (why !== undefined) lines.push(why);
      done({ok, tail: lines});
    };
    child.on("error", (error) => finish(false, `${command}: ${error.message}`));
    child.on("close", (code, signal) => finish(code === 0, signal === null ? undefined : `ended by ${signal}`));
  });
}
