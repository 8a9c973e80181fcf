import type {PubkeyHex, RootHex} from "../core/bytes.js";
import type {SlashingSubject} from "../core/duty/slashing-subject.js";
import {decideSlashing, type SlashingDecision} from "../core/slashing/decide.js";
import type {SlashingStore} from "../ports/slashing-store.js";

/**
 * Decides on a slashable message and records it in one step inside the store's write queue. What it answers, a repeat
 * too, is answered only when the commit that holds the record is durable.
 */
export class SlashingGuard {
  readonly #store: Pick<SlashingStore, "transact">;

  constructor({store}: {store: Pick<SlashingStore, "transact">}) {
    this.#store = store;
  }

  /** @throws SLASHING_STORE_FAILED · SLASHING_STORE_CORRUPT */
  decide(key: PubkeyHex, subject: SlashingSubject, signingRoot: RootHex): Promise<SlashingDecision> {
    return this.#store.transact(key, (record) => {
      const decision = decideSlashing(record, subject, signingRoot);
      return {write: decision.answer === "approve" ? decision.record : "keep", result: decision};
    });
  }
}
