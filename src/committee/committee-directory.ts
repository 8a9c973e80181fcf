import {fromHex, type PubkeyHex} from "../core/bytes.js";
import type {Committee, CommitteeOperator, CommitteeValidator} from "../core/committee/committee.js";
import {PleiadesError} from "../core/errors.js";
import type {BlsGroup, PublicKeyPoint} from "../core/threshold/bls.js";
import type {Quorum} from "../core/threshold/combine.js";

/** One validator with what is needed to sign for it. */
export interface DirectoryEntry {
  readonly committee: Committee;
  readonly validator: CommitteeValidator;
  readonly quorum: Quorum;
  /** The group public key's point, loaded at the first use. */
  groupKey(): PublicKeyPoint;
}

/** Which committee signs for which key: an immutable view of the committee files, replaced as a whole by a reload. */
export class CommitteeDirectory {
  readonly committees: readonly Committee[];
  /** Lower-case, in the order of the files. */
  readonly publicKeys: readonly PubkeyHex[];
  /** Every operator once, by peer id; an operator may sit in several committees. */
  readonly operators: readonly CommitteeOperator[];
  /** Newest generation first: more than one while a key is handed over. */
  readonly #entries = new Map<PubkeyHex, readonly DirectoryEntry[]>();

  /** @throws COMMITTEE_DUPLICATE_KEY when two committees of one generation hold the same validator */
  constructor(committees: readonly Committee[], bls: Pick<BlsGroup, "publicKeys">) {
    this.committees = committees;
    for (const committee of committees) {
      for (const validator of committee.validators) {
        const key = validator.groupPublicKey;
        const others = this.#entries.get(key) ?? [];
        if (others.some((other) => other.committee.generation === committee.generation)) {
          throw new PleiadesError({code: "COMMITTEE_DUPLICATE_KEY", field: "committees", value: key});
        }
        const quorum = {n: committee.operators.length, t: committee.threshold};
        let point: PublicKeyPoint | undefined;
        const groupKey = (): PublicKeyPoint => {
          point ??= bls.publicKeys.load(fromHex(key), "curve");
          return point;
        };
        const all = [...others, {committee, validator, quorum, groupKey}];
        this.#entries.set(
          key,
          all.sort((a, b) => b.committee.generation - a.committee.generation),
        );
      }
    }
    this.publicKeys = [...this.#entries.keys()];
    this.operators = [...mergeOperators(committees).values()];
  }

  /** Newest generation first, at least one. @throws COMMITTEE_UNKNOWN_KEY */
  find(key: PubkeyHex): readonly [DirectoryEntry, ...DirectoryEntry[]] {
    const [newest, ...older] = this.#entries.get(key) ?? [];
    if (newest === undefined) throw new PleiadesError({code: "COMMITTEE_UNKNOWN_KEY", key});
    return [newest, ...older];
  }

  has(key: PubkeyHex): boolean {
    return this.#entries.has(key);
  }
}

/** An operator that two files give different addresses is reached at any of them. */
function mergeOperators(committees: readonly Committee[]): Map<string, CommitteeOperator> {
  const operators = new Map<string, CommitteeOperator>();
  for (const operator of committees.flatMap((committee) => committee.operators)) {
    const known = operators.get(operator.peerId)?.addresses ?? [];
    operators.set(operator.peerId, {...operator, addresses: [...new Set([...known, ...operator.addresses])]});
  }
  return operators;
}
