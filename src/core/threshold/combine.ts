import {PleiadesError} from "../errors.js";
import {type AdditionChain, additionChain, linearCombination} from "./addition-chain.js";
import type {BlsGroup, SignaturePoint} from "./bls.js";
import {cheapestSigners, delta, lagrangePlan, plainCoefficients} from "./lagrange.js";
import {invert} from "./scalar.js";

/** n operators of whom t sign. */
export interface Quorum {
  readonly n: number;
  readonly t: number;
}

export interface Combined {
  /** Unverified: a lie in any partial makes it wrong. */
  readonly signature: SignaturePoint;
  /** The indices whose partials went in, ascending. */
  readonly signers: readonly number[];
}

/**
 * The group signature Σ (Δ·λᵢ)·σ′ᵢ out of at least t partials made with scaled shares. Nothing is verified here: the
 * result must be verified once under the group public key, with subgroup check, before anybody sees it.
 * With more than t partials those with the smallest coefficients are taken.
 * @param partials by share index, loaded with the `curve` check
 * @throws THRESHOLD_SIGNER_SET
 */
export function combinePartials(
  bls: Pick<BlsGroup, "signatures">,
  quorum: Quorum,
  partials: ReadonlyMap<number, SignaturePoint>,
): Combined {
  const present = [...partials.keys()].sort((a, b) => a - b);
  const {ids, chain} = lagrangePlan(quorum, cheapestSigners(quorum, present));
  return {signature: linearCombination(bls.signatures, chain, pick(partials, ids)), signers: ids};
}

/**
 * The same out of plain partials, made with unscaled shares: exactly as many as the threshold, or the result is wrong.
 * @throws THRESHOLD_SIGNER_SET when there are none
 */
export function combinePlainPartials(
  bls: Pick<BlsGroup, "signatures">,
  partials: ReadonlyMap<number, SignaturePoint>,
): Combined {
  const ids = [...partials.keys()].sort((a, b) => a - b);
  if (ids.length === 0) throw new PleiadesError({code: "THRESHOLD_SIGNER_SET", signers: ""});
  const chain = additionChain(plainCoefficients(ids));
  return {signature: linearCombination(bls.signatures, chain, pick(partials, ids)), signers: ids};
}

/** Δ·σ′: the plain partial signature, which verifies under the share public key. */
export function liftPartial(
  bls: Pick<BlsGroup, "signatures">,
  quorum: Quorum,
  partial: SignaturePoint,
): SignaturePoint {
  return linearCombination(bls.signatures, liftingChain(delta(quorum)), [partial]);
}

/** One for each kind of committee. */
const liftingChains = new Map<bigint, AdditionChain>();

function liftingChain(factor: bigint): AdditionChain {
  const chain = liftingChains.get(factor) ?? additionChain([factor]);
  liftingChains.set(factor, chain);
  return chain;
}

/**
 * Δ⁻¹·σ: what a scaled share would have signed, out of a plain partial signature. It lets participants that sign with
 * their plain share stand beside our own operators, at the price of a whole scalar multiplication each.
 */
export function scalePartial(
  bls: Pick<BlsGroup, "signatures">,
  quorum: Quorum,
  partial: SignaturePoint,
): SignaturePoint {
  const factor = delta(quorum);
  let chain = scalings.get(factor);
  if (chain === undefined) {
    chain = additionChain([invert(factor)]);
    scalings.set(factor, chain);
  }
  return linearCombination(bls.signatures, chain, [partial]);
}

/** By Δ: one for each size of committee. */
const scalings = new Map<bigint, AdditionChain>();

const pick = (partials: ReadonlyMap<number, SignaturePoint>, ids: readonly number[]): SignaturePoint[] =>
  ids.map((id) => partials.get(id)!);
