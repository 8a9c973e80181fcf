import {toHex} from "../core/bytes.js";
import {PRIORITY, type Priority} from "../core/duty/sign-request.js";
import type {BlsGroup} from "../core/threshold/bls.js";
import type {Clock} from "../ports/clock.js";
import type {NextTurn} from "../ports/next-turn.js";
import type {SignatureBatches, SignatureClaim} from "../ports/signature-batches.js";

/**
 * Distinct messages of one batch: twice as many would save a twentieth of the time each, and hold up the event loop, and
 * with it a block, twice as long.
 */
const MAX_DISTINCT = 16;
/** Claims about one message: their sum is computed on other threads and costs a fifteenth of a verification each. */
const MAX_SAME = 512;

/** After a batch of so many more are on their way, and a pairing check each would cost more than a pause. */
const CROWD = 4;
const PAUSE_MS = 4;
/**
 * Of one message a batch of four costs 0.3 ms each and one of thirty-two 0.1, so there the pause grows with the crowd: what
 * comes in it is about as much again as came before, until the pause is as long as a large client will never notice.
 */
const PAUSE_MS_EACH = 1.5;
const MAX_PAUSE_MS = 12;

interface Waiting extends SignatureClaim {
  readonly resolve: (valid: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Verifies combined signatures. Those that wait together are verified together: claims about one message as one, and of
 * distinct messages a few at a time, with a turn of the event loop after each batch. What is alone is verified at once,
 * a block always is, and the most urgent goes first. After a crowd there is a pause, in which the next one gathers. A batch
 * that fails is halved until the wrong ones stand alone.
 */
export class BatchVerifier {
  readonly #bls: Pick<BlsGroup, "verify"> & SignatureBatches;
  readonly #nextTurn: NextTurn;
  readonly #levels: Waiting[][] = Object.values(PRIORITY).map(() => []);
  readonly #clock: Pick<Clock, "after">;
  #running = false;

  constructor({
    bls,
    clock,
    nextTurn = setImmediate,
  }: {
    bls: Pick<BlsGroup, "verify"> & SignatureBatches;
    clock: Pick<Clock, "after">;
    nextTurn?: NextTurn | undefined;
  }) {
    this.#bls = bls;
    this.#clock = clock;
    this.#nextTurn = nextTurn;
  }

  /** Whether the claim is true. Rejects only when the library fails. A block waits for nobody. */
  verify(claim: SignatureClaim, priority: Priority): boolean | Promise<boolean> {
    if (priority === PRIORITY.block) return this.#bls.verify(claim.message, claim.key, claim.signature);
    return new Promise((resolve, reject) => {
      this.#levels[priority]!.push({...claim, resolve, reject});
      if (this.#running) return;
      this.#running = true;
      // Not at once: what the same turn brings is verified together.
      this.#nextTurn(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    for (let batch = this.#next(); batch.length > 0; batch = this.#next()) {
      await this.#check(batch).catch((error: unknown) => {
        for (const {reject} of batch) reject(error);
      });
      await this.#turn();
      if (batch.length >= CROWD && this.#waiting() < MAX_DISTINCT) await this.#pause(pauseAfter(batch));
    }
    this.#running = false;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#nextTurn(resolve));
  }

  #waiting(): number {
    return this.#levels.reduce((sum, level) => sum + level.length, 0);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(ms, resolve));
  }

  /** The oldest claim of the most urgent level that has one, with company of that level that goes well with it. */
  #next(): Waiting[] {
    const level = this.#levels.find((waiting) => waiting.length > 0);
    const first = level?.[0];
    if (level === undefined || first === undefined) return [];
    const isSame = ({message}: Waiting): boolean => Buffer.compare(message, first.message) === 0;
    const same = level.filter(isSame).slice(0, MAX_SAME);
    const batch = same.length > 1 ? same : onePerMessage(level).slice(0, MAX_DISTINCT);
    const taken = new Set(batch);
    level.splice(0, level.length, ...level.filter((one) => !taken.has(one)));
    return batch;
  }

  async #check(batch: readonly Waiting[]): Promise<void> {
    if (await this.#holds(batch)) {
      for (const {resolve} of batch) resolve(true);
      return;
    }
    if (batch.length === 1) {
      batch[0]!.resolve(false);
      return;
    }
    const half = batch.length >> 1;
    for (const part of [batch.slice(0, half), batch.slice(half)]) {
      await this.#turn();
      await this.#check(part);
    }
  }

  #holds(batch: readonly Waiting[]): boolean | Promise<boolean> {
    const [first, second] = batch;
    if (second === undefined) return this.#bls.verify(first!.message, first!.key, first!.signature);
    return isOfOneMessage(batch) ? this.#bls.verifySame(batch) : this.#bls.verifyAll(batch);
  }
}

function isOfOneMessage([first, second]: readonly Waiting[]): boolean {
  return first !== undefined && second !== undefined && Buffer.compare(first.message, second.message) === 0;
}

const pauseAfter = (batch: readonly Waiting[]): number =>
  isOfOneMessage(batch) ? Math.min(MAX_PAUSE_MS, PAUSE_MS_EACH * batch.length) : PAUSE_MS;

/** The oldest claim about each message, so that a batch is either of one message or of distinct ones. */
function onePerMessage(claims: readonly Waiting[]): Waiting[] {
  const found = new Map<string, Waiting>();
  for (const claim of claims) {
    const message = toHex(claim.message);
    if (!found.has(message)) found.set(message, claim);
  }
  return [...found.values()];
}
