import {type ChildProcess, execFileSync, spawn} from "node:child_process";
import {join} from "node:path";

const ROOT = join(import.meta.dirname, "../../..");
export const MAIN = join(ROOT, "dist/src/main.js");
export {ROOT};

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Like a person's environment: what `npm test` adds to it must not reach the program. */
export function plainEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_|^LODESTAR_/i.test(name)));
}

/** A running `pleiades` command. */
export class Cli {
  readonly child: ChildProcess;
  readonly done: Promise<CliResult>;
  #stdout = "";
  #stderr = "";

  constructor(
    args: readonly string[],
    {cwd, command = [process.execPath, MAIN], env = plainEnv(), detached = false}: CliOptions = {},
  ) {
    const [program = "", ...first] = command;
    this.child = spawn(program, [...first, ...args], {cwd, env, detached, stdio: ["ignore", "pipe", "pipe"]});
    this.child.stdout?.setEncoding("utf8").on("data", (text) => {
      this.#stdout += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text) => {
      this.#stderr += text;
    });
    this.done = new Promise((resolve) => {
      this.child.once("close", (code, signal) => resolve({code, signal, stdout: this.#stdout, stderr: this.#stderr}));
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }
  get stderr(): string {
    return this.#stderr;
  }

  /** The first line of standard output, as JSON; throws with standard error when the command ends without one. */
  async json<T>(boundMs = 120_000): Promise<T> {
    const ended = (): boolean => this.child.exitCode !== null || this.child.signalCode !== null;
    await until("a line of output", () => this.#stdout.includes("\n") || ended(), boundMs);
    const [line] = this.#stdout.split("\n");
    if (line === undefined || line === "") throw new Error(`no output; standard error: ${this.#stderr}`);
    return JSON.parse(line) as T;
  }
}

export interface CliOptions {
  readonly cwd?: string;
  readonly command?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly detached?: boolean;
}

export const cli = (args: readonly string[], options: CliOptions = {}): Promise<CliResult> =>
  new Cli(args, options).done;

interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
}

function processes(): Row[] {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid=,state="], {encoding: "utf8"})
    .split("\n")
    .flatMap((line) => {
      const [pid, parent, state = ""] = line.trim().split(/\s+/);
      return pid === undefined || pid === "" ? [] : [{pid: Number(pid), parent: Number(parent), state}];
    });
}

/** A process and everything below it. */
export function family(root: number): number[] {
  const rows = processes();
  const found = [root];
  for (const pid of found) found.push(...rows.filter(({parent}) => parent === pid).map((row) => row.pid));
  return found;
}

/** Those that still run; one that has ended and waits for its parent to notice does not. */
export function stillRunning(pids: readonly number[]): number[] {
  const alive = new Set(processes().flatMap(({pid, state}) => (state.startsWith("Z") ? [] : [pid])));
  return pids.filter((pid) => alive.has(pid));
}

/** Like waitFor, for conditions that cost a process each time they are looked at. */
export async function until(what: string, condition: () => boolean, boundMs = 15_000): Promise<void> {
  const end = performance.now() + boundMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${boundMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** For the end of a test that failed half way. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone already.
    }
  }
}

/** Of a signer's first committee, by its health check. */
export async function healthyOperators(url: string): Promise<number | undefined> {
  const response = await fetch(`${url}/healthcheck`);
  const {checks} = (await response.json()) as {checks: {data: {healthyOperators: number}}[]};
  return checks[0]?.data.healthyOperators;
}
