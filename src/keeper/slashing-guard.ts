import type {PubkeyHex, RootHex} from "../core/bytes.js";
import type {SlashingSubject} from "../core/duty/slashing-subject.js";
import type {ReasonCode} from "../core/errors.js";
import {decideSlashing, type SlashingDecision} from "../core/slashing/decide.js";
import type {SlashingRecord} from "../core/slashing/record.js";
import type {SlashingStore} from "../ports/slashing-store.js";

export type Released<P> =
  | Extract<SlashingDecision, {answer: "deny"}>
  | (Exclude<SlashingDecision, {answer: "deny"}> & {readonly signed: P});

/** Asked first, inside the same step: whether the share may sign it at all, and the record to decide on. */
export type Gate = (
  record: SlashingRecord | undefined,
) =>
  | {readonly answer: "deny"; readonly code: ReasonCode}
  | {readonly answer: "approve"; readonly record: SlashingRecord | undefined};

/**
 * Decides on a slashable message and records it in one step inside the store's write queue. What it answers, a repeat
 * too, is answered only when the commit that holds the record is durable.
 */
export class SlashingGuard {
  readonly #store: Pick<SlashingStore, "transact">;

  constructor({store}: {store: Pick<SlashingStore, "transact">}) {
    this.#store = store;
  }

  /**
   * The decision and, unless it is a denial, what `sign` resolved with. `sign` is called inside the write queue as soon as
   * the decision stands, so that the signature is made while the disk works. It is handed back only when the commit is
   * durable, and never when the commit failed. It must not compute before it returns: everybody's commit waits for that.
   * @throws SLASHING_STORE_FAILED · SLASHING_STORE_CORRUPT
   */
  async decide<P>(
    key: PubkeyHex,
    subject: SlashingSubject,
    signingRoot: RootHex,
    sign: () => Promise<P>,
    gate: Gate | null = null,
  ): Promise<Released<P>> {
    const {decision, signing} = await this.#store.transact(key, (record) => {
      const admitted = gate?.(record) ?? ({answer: "approve", record} as const);
      const decision = admitted.answer === "deny" ? admitted : decideSlashing(admitted.record, subject, signingRoot);
      const signing = decision.answer === "deny" ? null : sign();
      // When the commit fails nobody waits for it any more.
      signing?.catch(() => {});
      return {write: decision.answer === "approve" ? decision.record : "keep", result: {decision, signing}};
    });
    return decision.answer === "deny" ? decision : {...decision, signed: (await signing) as P};
  }
}
