import type {OperatorId} from "../../../src/core/bytes.js";
import {stillRunning} from "../cli.js";
import type {Seeded} from "../seeded.js";
import {waitFor} from "../wait.js";
import {KillableCommittee} from "./committee.js";
import {CommitteeLoad} from "./committee-load.js";
import {readRecords} from "./keeper-rounds.js";

/** The programs start in a second or two; a busy machine may need more. */
const BOUND_MS = 30_000;
/** Operators down at once: with one all duties are signed, with two none are, and nothing may go wrong then either. */
const MOST_DOWN = [1, 1, 1, 2];

export interface CommitteeResult {
  readonly kills: {operator: number; keeper: number; signer: number};
  readonly partials: number;
  readonly signatures: number;
  readonly outcomes: ReadonlyMap<string, number>;
  readonly problems: readonly string[];
}

/**
 * Kills operators, keepers and the signer of a running committee under load and starts them again. A supervisor's part
 * is played here: whatever has ended is started. After each crash of an operator its records are read.
 */
export class CommitteeRounds {
  readonly #random: Seeded;
  readonly #kills = {operator: 0, keeper: 0, signer: 0};
  readonly #problems: string[] = [];
  readonly #down = new Set<OperatorId>();
  readonly #restarts = new Set<Promise<void>>();
  #signerDown = false;

  constructor({random}: {random: Seeded}) {
    this.#random = random;
  }

  async run(kills: number): Promise<CommitteeResult> {
    const committee = await KillableCommittee.prepare({
      keys: CommitteeLoad.KEYS,
      first: this.#random.chance(0.5),
    });
    try {
      await committee.start();
      const load = await CommitteeLoad.start(committee, this.#random.fork());
      try {
        for (let i = 0; i < kills && this.#problems.length + load.problems.length === 0; i++) {
          await pause(this.#random.int(20, 500));
          await this.#kill(committee, load);
        }
        await Promise.all(this.#restarts);
        await this.#revive(committee);
        await load.proveLife();
      } finally {
        await load.stop();
      }
      await committee.stop();
      for (const id of committee.ids) await this.#judge(committee, load, id);
      this.#problems.push(...load.problems);
      return {...load.result(), kills: this.#kills, problems: this.#problems};
    } finally {
      await committee.stop();
      if (this.#problems.length === 0) committee.remove();
      else console.log(`    data and logs are kept in ${committee.plan.dataDir}`);
    }
  }

  async #kill(committee: KillableCommittee, load: CommitteeLoad): Promise<void> {
    const dice = this.#random.next();
    const mostDown = this.#random.pick(MOST_DOWN);
    if (dice < 0.2) {
      if (this.#signerDown || committee.signer === null) return;
      this.#signerDown = true;
      this.#kills.signer++;
      const {signer} = committee;
      signer.kill("SIGKILL");
      await signer.ended;
      this.#later(async () => {
        await committee.startSigner();
        this.#signerDown = false;
      });
      return;
    }
    await waitFor("an operator that may be killed", () => this.#down.size < mostDown, BOUND_MS);
    const victim = this.#random.pick(committee.ids.filter((id) => !this.#down.has(id)));
    const operator = committee.operator(victim);
    if (operator === null) {
      this.#problems.push(`operator ${victim} ended without being killed`);
      return;
    }
    this.#down.add(victim);
    const keeper = committee.keeperPid(victim);
    if (dice < 0.6) {
      this.#kills.operator++;
      operator.kill("SIGKILL");
      await operator.ended;
    } else {
      this.#kills.keeper++;
      process.kill(keeper, "SIGKILL");
      const end = await Promise.race([operator.ended, pause(BOUND_MS).then(() => null)]);
      if (end?.code !== 1) this.#problems.push(`operator ${victim} without a keeper: ${JSON.stringify(end)}`);
    }
    this.#later(async () => {
      await this.#keeperGone(victim, keeper);
      await this.#judge(committee, load, victim);
      await committee.startOperator(victim);
      this.#down.delete(victim);
    });
  }

  /** A keeper must not outlive its operator: two of them on one store would be two operators with one share. */
  async #keeperGone(id: OperatorId, pid: number): Promise<void> {
    for (const end = performance.now() + BOUND_MS; stillRunning([pid]).length > 0; await pause(20)) {
      if (performance.now() < end) continue;
      this.#problems.push(`the keeper of operator ${id} outlived it`);
      return;
    }
  }

  async #judge(committee: KillableCommittee, load: CommitteeLoad, id: OperatorId): Promise<void> {
    this.#problems.push(...load.ledger(id).unrecorded(await readRecords(committee.dataDir(id))));
  }

  #later(task: () => Promise<void>): void {
    const running = task()
      .catch((error: Error) => void this.#problems.push(`a restart failed: ${error.message}`))
      .finally(() => this.#restarts.delete(running));
    this.#restarts.add(running);
  }

  /** What a problem left down. */
  async #revive(committee: KillableCommittee): Promise<void> {
    for (const id of committee.ids) if (committee.operator(id) === null) await committee.startOperator(id);
    if (committee.signer === null) await committee.startSigner();
  }
}

/** A pause that lost a race does not keep the process alive. */
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());
