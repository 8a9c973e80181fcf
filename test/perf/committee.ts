/** A committee of separate processes for the benchmark, and load on it. */
import {spawn} from "node:child_process";
import {readFileSync} from "node:fs";
import {mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {systemClock} from "../../src/adapters/clock/system.js";
import {MemoryLogger} from "../../src/adapters/logger/memory.js";
import {interopSecret} from "../../src/app/local/interop.js";
import {LocalCommittee} from "../../src/app/local/local-committee.js";
import type {LocalPlan} from "../../src/app/local/plan.js";
import {prepareLocal} from "../../src/app/local/prepare.js";
import {validatorKeys} from "../../src/app/split/validator-keys.js";
import type {OperatorId, PubkeyHex} from "../../src/core/bytes.js";
import type {Commit} from "./commit-plugin.js";
import type {BurstJob, LanesJob, LoadResult} from "./load-client.js";
import {cpuByRole, type Role} from "./processes.js";

/** What a load cost: what the client saw, and what the committee's processes used meanwhile. */
export interface Measured extends LoadResult {
  /** Processor milliseconds for one signature, by role (all operators together, all keepers together). */
  readonly cpuPerSignature: Readonly<Record<Role | "client", number>>;
  /** Unix milliseconds. */
  readonly began: number;
  readonly ended: number;
}

export class BenchCommittee {
  readonly keys: readonly PubkeyHex[];
  readonly splitMs: number;
  readonly #folder: string;
  readonly #plan: LocalPlan;
  #running: LocalCommittee | null = null;
  #nextEpoch = 10;

  private constructor(folder: string, plan: LocalPlan, splitMs: number) {
    this.#folder = folder;
    this.#plan = plan;
    this.splitMs = splitMs;
    this.keys = plan.groupPublicKeys;
  }

  /** Splits `keys` interop keys among `operators`; nothing runs yet. */
  static async prepare({operators, keys}: {operators: number; keys: number}): Promise<BenchCommittee> {
    const folder = await mkdtemp(join(tmpdir(), "pleiades-bench-"));
    const secrets = Array.from({length: keys}, (_, i) => interopSecret(i));
    const began = performance.now();
    const plan = await prepareLocal({
      dataDir: join(folder, "local"),
      operators,
      keys: {
        label: `interop 0..${keys - 1}`,
        load: async () => ({keys: validatorKeys(secrets), records: "never-signed"}),
      },
    });
    return new BenchCommittee(folder, plan, performance.now() - began);
  }

  /** Milliseconds until the signer answered. */
  async start(): Promise<number> {
    const began = performance.now();
    this.#running = await LocalCommittee.start(
      this.#plan,
      {logger: new MemoryLogger(), clock: systemClock},
      {
        operatorPlugins: (id) => ({
          "bench-commits": {
            module: join(import.meta.dirname, "commit-plugin.js"),
            config: {file: this.#commitFile(id)},
          },
        }),
      },
    );
    return performance.now() - began;
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = null;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.#folder, {recursive: true, force: true});
  }

  get running(): LocalCommittee {
    if (this.#running === null) throw new Error("the committee does not run");
    return this.#running;
  }

  /** Durations of the commits of all operators that were stopped in good order, by time. */
  commits({began, ended}: {began: number; ended: number}): number[] {
    return this.#plan.operators.flatMap(({id}) => {
      const all = JSON.parse(readFileSync(this.#commitFile(id), "utf8")) as Commit[];
      return all.filter(([at]) => at >= began && at <= ended).map(([, ms]) => ms);
    });
  }

  lanes({inFlight, count}: {inFlight: number; count: number}): Promise<Measured> {
    const keys = this.keys.slice(0, Math.floor(this.keys.length / inFlight) * inFlight);
    const firstEpoch = this.#epochs(Math.ceil(count / keys.length));
    return this.#load({kind: "lanes", keys, inFlight, count, firstEpoch}, count);
  }

  burst({keys, rounds, form, blockAfterMs}: BurstOptions): Promise<Measured> {
    const firstEpoch = this.#epochs(rounds);
    const block =
      blockAfterMs === undefined
        ? {}
        : {block: {key: this.keys.at(-1)!, afterMs: blockAfterMs, firstSlot: firstEpoch * 32}};
    return this.#load(
      {kind: "burst", keys: this.keys.slice(0, keys), rounds, form, firstEpoch, ...block},
      keys * rounds,
    );
  }

  #epochs(count: number): number {
    const first = this.#nextEpoch;
    this.#nextEpoch += count + 1;
    return first;
  }

  async #load(job: LanesJob | BurstJob, signatures: number): Promise<Measured> {
    const before = cpuByRole(process.pid);
    const began = Date.now();
    const result = await runClient({...job, url: this.running.url});
    const ended = Date.now();
    const after = cpuByRole(process.pid);
    if (result.errors.length > signatures / 2) {
      throw new Error(`${result.errors.length} requests failed, the first: ${result.errors[0]}`);
    }
    if (result.errors.length > 0) {
      process.stderr.write(`${result.errors.length} requests failed, the first: ${result.errors[0]?.slice(0, 400)}\n`);
    }
    const per = (role: Role): number => (after[role] - before[role]) / signatures;
    return {
      ...result,
      cpuPerSignature: {
        signer: per("signer"),
        operator: per("operator"),
        keeper: per("keeper"),
        client: result.cpuMs / signatures,
      },
      began,
      ended,
    };
  }

  #commitFile(id: OperatorId): string {
    return join(this.#folder, `commits-${id}.json`);
  }
}

export interface BurstOptions {
  readonly keys: number;
  readonly rounds: number;
  readonly form: "single" | "batch";
  /** With a block so long after each burst. */
  readonly blockAfterMs?: number;
}

function runClient(job: object): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "load-client.js"), JSON.stringify(job)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.on("close", (code) =>
      code === 0 ? resolve(JSON.parse(text) as LoadResult) : reject(new Error(`load client: ${code}`)),
    );
  });
}
