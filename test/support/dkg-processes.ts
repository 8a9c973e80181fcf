import {mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {loadOrCreateIdentity} from "../../src/adapters/libp2p/identity.js";
import {freePorts} from "../../src/app/local/ports.js";
import type {CeremonyReport} from "../../src/plugin/dkg/report.js";
import {Cli, type CliResult, cli, family, killAll, MAIN, stillRunning} from "./cli.js";

const node = process.execPath;

/** Operators of a ceremony as anybody would run them: processes, each with a folder and a configuration of its own. */
export class OperatorProcesses {
  readonly dir: string;
  readonly peerIds: readonly string[];
  readonly ports: readonly number[];
  readonly #running = new Map<number, Cli>();
  readonly #all: number[] = [];

  private constructor(dir: string, peerIds: readonly string[], ports: readonly number[]) {
    this.dir = dir;
    this.peerIds = peerIds;
    this.ports = ports;
  }

  /** @param options.network lines of the configuration below `network:` @param options.plugins the same of `plugins:` */
  static async create(
    n: number,
    {
      network = ["  name: hoodi"],
      patience = {},
      plugins = [],
    }: {network?: readonly string[]; patience?: object; plugins?: readonly string[]} = {},
  ): Promise<OperatorProcesses> {
    const dir = realpathSync(mkdtempSync(join(tmpdir(), "pleiades-ceremony-")));
    const ports = await freePorts(Array.from({length: n}, () => 0));
    const peerIds: string[] = [];
    for (const [i, port] of ports.entries()) {
      const folder = join(dir, String(i + 1));
      mkdirSync(folder);
      const {peerId} = await loadOrCreateIdentity(join(folder, "node.key"));
      peerIds.push(peerId);
      writeFileSync(join(folder, "password"), "correct horse\n", {mode: 0o600});
      const lines = ["network:", ...network, "operator:", `  listen: [/ip4/127.0.0.1/tcp/${port}]`];
      const own = [
        "  passwordFile: ./password",
        "plugins:",
        `  dkg: {config: ${JSON.stringify({patience})}}`,
        ...plugins,
        "",
      ];
      writeFileSync(join(folder, "lodestar.config.yaml"), [...lines, ...own].join("\n"));
    }
    return new OperatorProcesses(dir, peerIds, ports);
  }

  get count(): number {
    return this.peerIds.length;
  }
  config(n: number): string {
    return join(this.dir, String(n), "lodestar.config.yaml");
  }

  dataDir(n: number): string {
    return join(this.dir, String(n), "data");
  }

  /** The operators file of `dkg create`. */
  membersFile(coordinators: readonly string[] = []): string {
    const file = join(this.dir, "operators.yaml");
    const operators = this.peerIds.map((peerId, i) => {
      return {id: i + 1, peerId, addresses: [`/ip4/127.0.0.1/tcp/${this.ports[i]}`]};
    });
    writeFileSync(file, JSON.stringify({operators, ...(coordinators.length > 0 ? {coordinators} : {})}));
    return file;
  }

  /** @param options.fileKiB no file of its processes can grow beyond, as on a disk that is full; it may not get ready */
  async start(n: number, {fileKiB = null}: {fileKiB?: number | null} = {}): Promise<Cli> {
    // In blocks of 512 bytes.
    const limit = ["sh", "-c", `ulimit -f ${(fileKiB ?? 0) * 2}; exec "$0" "$@"`, node, MAIN];
    const command = fileKiB === null ? {} : {command: limit};
    const process = new Cli(["operator", "--config", this.config(n), "--json"], command);
    this.#running.set(n, process);
    await process.json();
    this.#all.push(...family(process.pid));
    return process;
  }
  startAll(): Promise<Cli[]> {
    return Promise.all(this.peerIds.map((_, i) => this.start(i + 1)));
  }

  /** The process that was started last. */
  running(n: number): Cli {
    const process = this.#running.get(n);
    if (process === undefined) throw new Error(`operator ${n} was never started`);
    return process;
  }

  /** As a power cut: the operator and its keeper at once. */
  async kill(n: number): Promise<void> {
    const process = this.#running.get(n);
    if (process === undefined) return;
    killAll(family(process.pid));
    await process.done;
  }

  dkg(n: number, ...args: string[]): Promise<CliResult> {
    return cli(["dkg", ...args, "--config", this.config(n)]);
  }
  /** The same as its JSON; throws with standard error when it fails. */
  async dkgJson<T>(n: number, ...args: string[]): Promise<T> {
    const {code, stdout, stderr} = await this.dkg(n, ...args, "--json");
    if (code !== 0) throw new Error(`dkg ${args[0]} of operator ${n} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  async report(n: number, id: string): Promise<CeremonyReport> {
    const reports = await this.dkgJson<CeremonyReport[]>(n, "status", "--ceremony", id);
    return reports[0]!;
  }

  close(): void {
    killAll(stillRunning([...this.#all, ...[...this.#running.values()].flatMap(({pid}) => family(pid))]));
    rmSync(this.dir, {recursive: true, force: true});
  }
}
