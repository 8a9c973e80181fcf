import {fromHex, type PubkeyHex, toHex} from "../bytes.js";
import {codeOf, PleiadesError} from "../errors.js";
import {type AdditionChain, additionChain, linearCombination} from "../threshold/addition-chain.js";
import type {BlsGroup, PublicKeyPoint} from "../threshold/bls.js";

/** Set in the first byte of a compressed point at infinity. */
const INFINITY_FLAG = 0x40;

/**
 * Checks that a group public key and its share public keys are f(0), f(1) … f(n) in the exponent for one polynomial f of
 * degree exactly t−1. Less than that degree would let fewer than t operators sign; more, and no t of them could.
 *
 * The first t points are loaded with all checks. Each later one must then be what the t before it imply: the t-th
 * finite difference of f is zero, Σ (−1)ᵗ⁻ᵏ·C(t,k)·f(i+k) = 0 for k = 0…t, and the last coefficient is 1. So the
 * rest are computed from points already known to be valid and compared as bytes, which is cheaper than loading them.
 *
 * @throws THRESHOLD_BAD_POINT · COMMITTEE_SHARES_INCONSISTENT
 */
export function checkShareKeys(
  bls: BlsGroup,
  {groupPublicKey, sharePublicKeys}: {groupPublicKey: PubkeyHex; sharePublicKeys: readonly PubkeyHex[]},
  t: number,
): void {
  const keys = [groupPublicKey, ...sharePublicKeys];
  const {next, leading} = differenceChains(t);
  const points = keys.slice(0, t).map((key, index) => loadKey(bls, key, {groupPublicKey, index}));
  const top = linearCombination(bls.publicKeys, leading, points);
  if ((bls.publicKeys.bytes(top)[0]! & INFINITY_FLAG) !== 0) {
    throw new PleiadesError({code: "COMMITTEE_SHARES_INCONSISTENT", groupPublicKey, reason: "degree too low"});
  }
  for (let index = t; index < keys.length; index++) {
    const implied = linearCombination(bls.publicKeys, next, points.slice(index - t));
    if (toHex(bls.publicKeys.bytes(implied)) !== keys[index]) {
      throw new PleiadesError({code: "COMMITTEE_SHARES_INCONSISTENT", groupPublicKey, operatorId: index});
    }
    points.push(implied);
  }
}

function loadKey(bls: BlsGroup, key: PubkeyHex, at: {groupPublicKey: PubkeyHex; index: number}): PublicKeyPoint {
  try {
    return bls.publicKeys.load(fromHex(key), "full");
  } catch (error) {
    const reason = error instanceof PleiadesError ? error.data.reason : undefined;
    throw new PleiadesError({code: codeOf(error), ...at, key, reason}, {cause: error});
  }
}

const chains = new Map<number, {next: AdditionChain; leading: AdditionChain}>();

/** `next`: f(i+t) from f(i)…f(i+t−1). `leading`: (t−1)! times the coefficient of xᵗ⁻¹ from the same points. */
function differenceChains(t: number): {next: AdditionChain; leading: AdditionChain} {
  let known = chains.get(t);
  if (known === undefined) {
    const signed = (row: number, k: number) => binomial(row, k) * ((row - k) % 2 === 0 ? 1n : -1n);
    known = {
      next: additionChain(Array.from({length: t}, (_, k) => -signed(t, k))),
      leading: additionChain(Array.from({length: t}, (_, k) => signed(t - 1, k))),
    };
    chains.set(t, known);
  }
  return known;
}

function binomial(n: number, k: number): bigint {
  let value = 1n;
  for (let i = 1; i <= k; i++) value = (value * BigInt(n - k + i)) / BigInt(i);
  return value;
}
