import {type ChildProcess, execFileSync, spawn} from "node:child_process";
import {resolve} from "node:path";

/** The checkout that the built tests belong to. */
export const ROOT = resolve(import.meta.dirname, "../../..");

interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly command: string;
}

function processTable(): Row[] {
  const text = execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,stat=,args="], {encoding: "utf8"});
  return text.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    // A zombie has ended and only waits for its parent to ask how.
    if (match === null || match[4]!.startsWith("Z")) return [];
    return [{pid: Number(match[1]), parent: Number(match[2]), group: Number(match[3]), command: match[5]!}];
  });
}

/** `npm start`, or another script of package.json, in a process group of its own, as a shell with job control would start it. */
export class DevnetProcess {
  readonly output: string[] = [];
  readonly stdout: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #waiting: (() => void)[] = [];

  constructor(args: readonly string[], script = "start") {
    const npm = process.env.npm_execpath;
    const command = npm?.endsWith(".js") ? [process.execPath, npm] : ["npm"];
    this.#child = spawn(command[0]!, [...command.slice(1), "run", script, "--silent", "--", ...args], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const take = (chunk: string): void => {
      this.output.push(chunk);
      for (const wake of this.#waiting.splice(0)) wake();
    };
    this.#child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
      this.stdout.push(chunk);
      take(chunk);
    });
    this.#child.stderr!.setEncoding("utf8").on("data", take);
    this.#ended = new Promise((done) =>
      this.#child.once("close", (code) => {
        done(code);
        for (const wake of this.#waiting.splice(0)) wake();
      }),
    );
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get text(): string {
    return this.output.join("");
  }

  /** Waits for a text in the output. Rejects when the program ends first. */
  async says(what: RegExp): Promise<void> {
    while (!what.test(this.text)) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`it ended without saying ${what}:\n${this.text}`);
      }
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
  }

  /** npm and every process below it, however its groups are arranged. */
  family(): Row[] {
    const rows = processTable();
    const found = rows.filter((row) => row.pid === this.pid);
    for (const member of found) found.push(...rows.filter((row) => row.parent === member.pid));
    return found;
  }

  /** As Ctrl-C in a terminal: to the whole process group. */
  interrupt(): void {
    process.kill(-this.pid, "SIGINT");
  }

  /** To npm alone. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** To the program that npm started. */
  signalProgram(signal: NodeJS.Signals): void {
    const program = processTable().find((row) => row.parent === this.pid);
    if (program !== undefined) process.kill(program.pid, signal);
  }

  /** The exit code; null after a signal. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  /** For a test that failed half way: nothing may stay behind. */
  cleanUp(): void {
    for (const {pid} of this.family()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
  }
}

/** Those of these processes that still run, as command lines. Asks until there is none or the bound is reached. */
export async function survivors(family: readonly Row[], boundMs: number): Promise<string[]> {
  const end = performance.now() + boundMs;
  for (;;) {
    const now = new Map(processTable().map((row) => [row.pid, row.command]));
    const left = family.filter(({pid, command}) => now.get(pid) === command);
    if (left.length === 0 || performance.now() > end) return left.map(({pid, command}) => `${pid} ${command}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
