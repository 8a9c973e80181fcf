import {type AdditionChain, additionChain, linearCombination} from "../threshold/addition-chain.js";
import type {BlsGroup, PublicKeyPoint, SignaturePoint} from "../threshold/bls.js";

/**
 * What a ceremony needs of the group besides sums: a parameter, so that the same code runs over the curve and over the
 * transparent group of the simulation. Only the base point is ever multiplied by a secret.
 */
export interface DkgGroup extends BlsGroup {
  /** secret·G in G1. @param secret 1…r−1 @throws THRESHOLD_SCALAR_RANGE */
  base(secret: bigint): PublicKeyPoint;
  /** 96 bytes. @param secret 1…r−1 @throws THRESHOLD_SCALAR_RANGE */
  sign(secret: bigint, message: Uint8Array): Uint8Array;
  /** Whether each signature is its key's; errors cannot be made to cancel each other out. */
  verifyAll(claims: readonly {message: Uint8Array; key: PublicKeyPoint; signature: SignaturePoint}[]): boolean;
  /** Whether the signature is the sum of each key's signature of its own message; the messages must differ. */
  verifyAggregate(claims: readonly {message: Uint8Array; key: PublicKeyPoint}[], signature: SignaturePoint): boolean;
}

const INFINITY_FLAG = 0x40;
/** Whether a compressed encoding is that of the point at infinity. */
export const isInfinity = (bytes: Uint8Array): boolean => (bytes[0]! & INFINITY_FLAG) !== 0;

/** Σ index^(first+k)·Cₖ: the polynomial with these commitments, evaluated at a small index with sums only. */
export function evaluateCommitments(
  group: Pick<DkgGroup, "publicKeys">,
  commitments: readonly PublicKeyPoint[],
  {index, first}: {index: number; first: 0 | 1},
): PublicKeyPoint {
  return linearCombination(group.publicKeys, powersChain(index, first, commitments.length), commitments);
}

/** One for each index, kind and threshold: at most a few hundred. */
const chains = new Map<string, AdditionChain>();

function powersChain(index: number, first: number, length: number): AdditionChain {
  const key = `${index}/${first}/${length}`;
  let chain = chains.get(key);
  if (chain === undefined) {
    chain = additionChain(Array.from({length}, (_, k) => BigInt(index) ** BigInt(first + k)));
    chains.set(key, chain);
  }
  return chain;
}
