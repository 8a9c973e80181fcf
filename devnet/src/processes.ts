import {type ChildProcess, spawn} from "node:child_process";
import {createWriteStream} from "node:fs";
import {type AddressInfo, createServer} from "node:net";
import {createInterface} from "node:readline";

/** A program of the devnet that could not start or ended by itself. */
export class ProgramError extends Error {
  override name = "ProgramError";
}

export interface Program {
  readonly name: string;
  readonly pid: number;
  /** The last lines it printed. */
  tail(): readonly string[];
  /** Rejects with ProgramError when the program ends without having been asked to. */
  readonly failed: Promise<never>;
  /** Asks it to end, kills it after `graceMs`, resolves when it is gone. */
  stop(graceMs?: number): Promise<void>;
  kill(): void;
}

/**
 * Kills what is left when this process dies without cleaning up, even by SIGKILL: a shell that holds the process ids and
 * waits for the end of its input, which is a pipe from here.
 */
export class Reaper {
  readonly #shell: ChildProcess;

  constructor() {
    const script = `trap '' INT TERM HUP; while read -r pid; do pids="$pids $pid"; done; kill -9 $pids 2>/dev/null`;
    // A group of its own, so that killing our whole group does not take it along.
    this.#shell = spawn("/bin/sh", ["-c", script], {stdio: ["pipe", "ignore", "ignore"], detached: true});
    this.#shell.on("error", () => {});
    this.#shell.stdin?.on("error", () => {});
    this.#shell.unref();
    (this.#shell.stdin as unknown as {unref?: () => void} | null)?.unref?.();
  }

  watch(pid: number): void {
    this.#shell.stdin?.write(`${pid}\n`);
  }

  /** Everything has ended: forget the process ids, which may soon belong to others. */
  dismiss(): void {
    this.#shell.kill("SIGKILL");
  }
}

const KEEP_LINES = 40;

/**
 * Starts a program in a group of its own, so that Ctrl-C in a terminal reaches only the devnet, which ends its
 * programs in order. Output goes to `logFile`, line by line also to `onLine`.
 */
export function startProgram(
  {reaper, onLine = () => {}}: {reaper: Reaper; onLine?: (line: string) => void},
  options: {
    name: string;
    /** Default: Node. */
    command?: string;
    args: readonly string[];
    cwd: string;
    logFile: string;
    env?: NodeJS.ProcessEnv;
  },
): Program {
  const {name, command = process.execPath, args, cwd, logFile} = options;
  const child = spawn(command, args, {
    cwd,
    env: {...process.env, ...options.env},
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const log = createWriteStream(logFile, {flags: "a"});
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({input: stream}).on("line", (line) => {
      log.write(`${line}\n`);
      lines.push(line);
      if (lines.length > KEEP_LINES) lines.shift();
      onLine(line);
    });
  }
  if (child.pid !== undefined) reaper.watch(child.pid);
  let asked = false;
  const gone = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", () => resolve());
  });
  const failed = new Promise<never>((_, reject) => {
    const fail = (why: string): void => {
      if (asked) return;
      const shown = lines.slice(-15).map((line) => `  | ${line}`);
      reject(new ProgramError([`The ${name} ${why}.`, ...shown, `Its log is ${logFile}.`].join("\n")));
    };
    child.once("error", (error) => fail(`could not be started: ${error.message}`));
    child.once("close", (code, signal) => fail(signal === null ? `ended with code ${code}` : `was ended by ${signal}`));
  });
  failed.catch(() => {});
  void gone.then(() => log.end());
  return {
    name,
    pid: child.pid ?? -1,
    failed,
    tail: () => [...lines],
    kill() {
      asked = true;
      child.kill("SIGKILL");
    },
    async stop(graceMs = 8_000) {
      asked = true;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await gone;
      clearTimeout(timer);
    },
  };
}

/** Ports on loopback that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      {length: count},
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once("error", reject);
          server.listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
