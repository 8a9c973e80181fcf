import {randomUUID} from "node:crypto";
import {readFileSync} from "node:fs";
import {join} from "node:path";
import {controlClient} from "../../../src/app/cli/control-client.js";
import {type RootHex, rootHex} from "../../../src/core/bytes.js";
import {codeOf} from "../../../src/core/errors.js";
import type {CeremonyReport} from "../../../src/plugin/dkg/report.js";
import {family, killAll, stillRunning, until} from "../cli.js";
import {doubleStatements, readEvidence, readOutput} from "../dkg-evidence.js";
import type {OperatorProcesses} from "../dkg-processes.js";
import type {Seeded} from "../seeded.js";

/** A restart takes a second or two; a busy machine may need more. */
const BOUND_MS = 60_000;
const ADDRESS = "0x1111111111111111111111111111111111111111";
/** Of the ceremonies side by side; 60 are two chunks. */
const VALIDATORS = [1, 60, 2];
type Victim = "operator" | "keeper" | "both" | "all";
const VICTIMS: readonly Victim[] = ["operator", "operator", "keeper", "keeper", "both", "both", "all"];

export interface CeremonyResult {
  readonly kills: {readonly [victim in Victim]: number};
  readonly finished: number;
  readonly keys: number;
  readonly problems: readonly string[];
  /** Texts that nobody has signed. */
  readonly definitions: readonly string[];
  /** Whose committee files a signer may load. */
  readonly committeeFiles: readonly string[];
}

/**
 * Kills operators, keepers and all of them while ceremonies run side by side, and starts them again. Whatever is over is
 * followed by new ceremonies until all kills are done; then everything must end, alike everywhere.
 */
export class CeremonyRounds {
  readonly #random: Seeded;
  readonly #operators: OperatorProcesses;
  readonly #kills = {operator: 0, keeper: 0, both: 0, all: 0};
  readonly #problems: string[] = [];
  readonly #definitions = new Map<RootHex, string>();
  #template = "";

  /** @param modules.operators not started yet */
  constructor({random, operators}: {random: Seeded; operators: OperatorProcesses}) {
    this.#random = random;
    this.#operators = operators;
  }

  async run(kills: number, {coordinators = []}: {coordinators?: readonly string[]} = {}): Promise<CeremonyResult> {
    const operators = this.#operators;
    const file = join(operators.dir, "template.json");
    const args = ["--operators", operators.membersFile(coordinators), "--out", file];
    await operators.dkgJson(1, "create", ...args, "--withdrawal-address", ADDRESS, "--fee-recipient", ADDRESS);
    this.#template = readFileSync(file, "utf8");
    await operators.startAll();
    await this.#begin();
    for (let i = 0; i < kills && this.#problems.length === 0; i++) {
      if (await this.#isOver()) await this.#begin();
      await pause(this.#random.int(0, 400));
      await this.#kill();
      if ((i + 1) % 25 === 0) console.log(`    ${i + 1} of ${kills} kills, ${this.#definitions.size} ceremonies`);
    }
    await this.#finish();
    return this.#judge();
  }

  async #begin(): Promise<void> {
    const before = this.#definitions.size;
    for (const [i, validators] of VALIDATORS.entries()) {
      const json = JSON.parse(this.#template) as {nonce: string; validators: number};
      const nonce = rootHex(Buffer.from(randomUUID().replaceAll("-", "").repeat(2), "hex"));
      const text = `${JSON.stringify({...json, nonce, validators})}\n`;
      const ids = await Promise.all(this.#all.map((n) => this.#join(n, text)));
      if (new Set(ids).size !== 1) this.#problems.push(`ceremony ${before + i}: several ids`);
      this.#definitions.set(ids[0]!, text);
    }
  }

  get #all(): number[] {
    return this.#operators.peerIds.map((_, i) => i + 1);
  }

  async #join(n: number, definition: string): Promise<RootHex> {
    return ((await this.#control(n, "POST", "/run", {definition})) as {id: RootHex}).id;
  }

  #control(n: number, method: "GET" | "POST", path: string, body?: unknown): Promise<unknown> {
    const client = controlClient("dkg", {dataDir: this.#operators.dataDir(n), signal: new AbortController().signal});
    return client.ask(method, path, body);
  }

  async #reports(n: number): Promise<readonly CeremonyReport[]> {
    return (await this.#control(n, "GET", "/ceremonies")) as readonly CeremonyReport[];
  }

  async #isOver(): Promise<boolean> {
    const reports = await Promise.all(this.#all.map((n) => this.#reports(n)));
    return reports.flat().every(({end}) => end !== null);
  }

  async #kill(): Promise<void> {
    const victim = this.#random.pick(VICTIMS);
    this.#kills[victim]++;
    const numbers = victim === "all" ? this.#all : [this.#random.pick(this.#all)];
    await Promise.all(numbers.map((n) => this.#killOne(n, victim)));
    // Some stay away for a while, in which the others go on.
    if (this.#random.chance(0.3)) await pause(this.#random.int(0, 500));
    await Promise.all(numbers.map((n) => this.#operators.start(n)));
  }

  async #killOne(n: number, victim: Victim): Promise<void> {
    const operator = this.#operators.running(n);
    const pids = family(operator.pid);
    if (pids.length < 2) this.#problems.push(`operator ${n} ended without being killed`);
    killAll(victim === "operator" ? pids.slice(0, 1) : victim === "keeper" ? pids.slice(1) : pids);
    // A keeper must not outlive its operator, nor an operator its keeper.
    await until(`the processes of operator ${n} to end`, () => stillRunning(pids).length === 0, BOUND_MS);
    await operator.done;
  }

  async #finish(): Promise<void> {
    const end = performance.now() + BOUND_MS;
    while (!(await this.#isOver())) {
      if (performance.now() > end) {
        const reports = await Promise.all(this.#all.map((n) => this.#reports(n)));
        for (const {id, step, halted} of reports.flat().filter((one) => one.end === null)) {
          this.#problems.push(`${id.slice(0, 10)} hangs at ${step}${halted === null ? "" : `, halted by ${halted}`}`);
        }
        return;
      }
      await pause(100);
    }
  }

  async #judge(): Promise<CeremonyResult> {
    let keys = 0;
    for (const n of this.#all) {
      for (const {id, end} of await this.#reports(n)) {
        if (end?.outcome !== "finished") this.#problems.push(`operator ${n}, ${id}: ${JSON.stringify(end)}`);
      }
      await this.#operators.kill(n);
    }
    const evidence = await Promise.all(this.#all.map((n) => readEvidence(this.#operators.dataDir(n))));
    for (const id of this.#definitions.keys()) {
      this.#problems.push(...doubleStatements(evidence.map(({items}) => items.get(id) ?? [])));
      try {
        const [first, ...others] = this.#all.map((n) => readOutput(this.#operators.dataDir(n), id));
        if (first!.guilty > 0 || first!.missing.length > 0) this.#problems.push(`${id}: somebody is blamed`);
        for (const [name, text] of first!.files) {
          if (others.some(({files}) => files.get(name) !== text)) this.#problems.push(`${id}: ${name} differs`);
        }
        keys += first!.keys.length;
        const lacking = first!.keys.filter((key) => !evidence.every(({shares}) => shares.includes(key)));
        if (lacking.length > 0) this.#problems.push(`${id}: ${lacking.length} keys without all shares`);
      } catch (error) {
        this.#problems.push(`${id}: ${codeOf(error)}`);
      }
    }
    for (const [i, {secrets}] of evidence.entries()) {
      if (secrets.length > 0) this.#problems.push(`the keeper of operator ${i + 1} keeps ${secrets.join(", ")}`);
    }
    const committeeFiles = [...this.#definitions.keys()].map((id) =>
      join(this.#operators.dataDir(1), "plugins/dkg/ceremonies", id, "committee.json"),
    );
    return {
      kills: this.#kills,
      finished: this.#definitions.size,
      keys,
      problems: [...new Set(this.#problems)],
      definitions: [...this.#definitions.values()],
      committeeFiles,
    };
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
