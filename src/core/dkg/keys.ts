import {fromHex, type PubkeyHex, pubkeyHex} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import {additionChain, linearCombination} from "../threshold/addition-chain.js";
import type {PublicKeyPoint} from "../threshold/bls.js";
import {CURVE_ORDER, mod} from "../threshold/scalar.js";
import {entryAt, loadCommitments, malformedChunk} from "./chunk.js";
import {type DealingHeader, layoutFor} from "./dealing.js";
import {type DkgGroup, evaluateCommitments, isInfinity} from "./group.js";
import {contributions, firstPower, type Plan, validatorsOf} from "./plan.js";

/** One validator's keys after a ceremony. */
export interface ValidatorKeys {
  readonly groupPublicKey: PubkeyHex;
  /** By recipient. */
  readonly sharePublicKeys: readonly PubkeyHex[];
}

/** A chunk of one qualified dealer, checked before. */
export interface QualifiedChunk {
  readonly header: DealingHeader;
  readonly bytes: Uint8Array;
}

/**
 * The keys of a chunk's validators, from public data alone.
 * @param chunks the same chunk of every qualified dealer, by dealer
 * @throws DKG_DEALERS_MISSING · DKG_CHUNK_MALFORMED when the result is infinity, which no honest dealer allows
 */
export function chunkKeys(
  group: DkgGroup,
  plan: Plan,
  qualified: readonly number[],
  {chunk, chunks}: {chunk: number; chunks: ReadonlyMap<number, QualifiedChunk>},
): ValidatorKeys[] {
  const parts = contributions(plan, qualified);
  const chain = additionChain(parts.map(({factor}) => factor));
  return validatorsOf(plan, chunk).map((validator, place) => {
    const loaded = parts.map(({dealer}) => {
      const dealt = chunks.get(dealer);
      if (dealt === undefined) throw new PleiadesError({code: "DKG_DEALERS_MISSING", dealer, chunk});
      const entry = entryAt(plan, layoutFor(plan, dealt.header, chunk), dealt.bytes, place);
      return loadCommitments(group, entry, "curve");
    });
    const sums = loaded[0]!.map((_, k) =>
      linearCombination(
        group.publicKeys,
        chain,
        loaded.map((one) => one[k]!),
      ),
    );
    return keysOf(group, plan, validator, sums);
  });
}

function keysOf(group: DkgGroup, plan: Plan, validator: number, sums: readonly PublicKeyPoint[]): ValidatorKeys {
  const old = plan.kind === "refresh" ? plan.previous : null;
  const load = (key: PubkeyHex): PublicKeyPoint => group.publicKeys.load(fromHex(key), "full");
  const sharePublicKeys = Array.from({length: plan.recipients}, (_, i) => {
    const dealt = evaluateCommitments(group, sums, {index: i + 1, first: firstPower(plan)});
    return old === null ? dealt : group.publicKeys.sum([load(old.sharePublicKeys[validator]![i]!), dealt]);
  });
  const groupKey = old === null ? sums[0]! : load(old.groupPublicKeys[validator]!);
  const [groupPublicKey, ...keys] = [groupKey, ...sharePublicKeys].map((point) => {
    const bytes = group.publicKeys.bytes(point);
    if (isInfinity(bytes)) throw malformedChunk(`a key of validator ${validator} is infinity`);
    return pubkeyHex(bytes);
  });
  return {groupPublicKey: groupPublicKey!, sharePublicKeys: keys};
}

/**
 * A recipient's share of one validator: what the qualified dealers dealt it, added as {@link contributions} says.
 * @param dealt by dealer
 * @param old refresh only: the share so far
 * @throws DKG_DEALERS_MISSING
 */
export function sumShares(
  plan: Plan,
  qualified: readonly number[],
  dealt: ReadonlyMap<number, bigint>,
  old: bigint = 0n,
): bigint {
  return contributions(plan, qualified).reduce((sum, {dealer, factor}) => {
    const share = dealt.get(dealer);
    if (share === undefined) throw new PleiadesError({code: "DKG_DEALERS_MISSING", dealer});
    return mod(sum + factor * share);
  }, old % CURVE_ORDER);
}
