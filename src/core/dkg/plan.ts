import type {PubkeyHex} from "../bytes.js";
import {delta, lagrangePlan} from "../threshold/lagrange.js";

/** `fresh`: a new key. `refresh`: new shares of the same key for the same operators. `reshare`: for other operators. */
export type CeremonyKind = "fresh" | "refresh" | "reshare";

/** The numbers of one ceremony that everything else is computed from. */
export interface Plan {
  /** The ceremony's id, 32 bytes. */
  readonly id: Uint8Array;
  readonly kind: CeremonyKind;
  /** Dealers have the numbers 1…dealers: in a reshare those of the old committee. */
  readonly dealers: number;
  /** Dealers that must qualify: the threshold of the old committee in a reshare, else of this one. */
  readonly dealerThreshold: number;
  /** Recipients have the numbers 1…recipients: the indices of the shares that are made. */
  readonly recipients: number;
  /** t of the shares that are made. */
  readonly threshold: number;
  readonly validators: number;
  /** The keys that live on; null for a fresh one. */
  readonly previous: PreviousKeys | null;
}

/** By validator; share public keys by dealer. */
export interface PreviousKeys {
  readonly groupPublicKeys: readonly PubkeyHex[];
  readonly sharePublicKeys: readonly (readonly PubkeyHex[])[];
}

/** Validators in one chunk of a dealing: at 13 operators 50 KB, and 60 ms of checking. */
export const CHUNK_VALIDATORS = 50;

export const chunkCount = ({validators}: Plan): number => Math.ceil(validators / CHUNK_VALIDATORS);

/** The validators of a chunk, counted from 0. */
export function validatorsOf({validators}: Plan, chunk: number): number[] {
  const first = chunk * CHUNK_VALIDATORS;
  return Array.from({length: Math.min(CHUNK_VALIDATORS, validators - first)}, (_, k) => first + k);
}

/** Commitments per validator; a refresh deals zero, whose commitment needs no words. */
export const commitmentCount = ({kind, threshold}: Plan): number => (kind === "refresh" ? threshold - 1 : threshold);
export const firstPower = ({kind}: Plan): 0 | 1 => (kind === "refresh" ? 1 : 0);
/** Only a fresh key asks for proofs of possession: the constants of a reshare are shares, whose keys are known. */
export const hasProofs = ({kind}: Plan): boolean => kind === "fresh";
/** What a dealer's share was divided by before it was dealt, so that only whole numbers multiply points. */
export const dealingScale = ({dealers, dealerThreshold}: Plan): bigint => delta({n: dealers, t: dealerThreshold});

/**
 * What each qualified dealer counts. Fresh and refresh: all of them are added. Reshare: the lowest-numbered
 * `dealerThreshold` of them, by whole-number Lagrange coefficients at 0, which undo the division by the scale.
 * @param qualified at least `dealerThreshold` different dealers, ascending @throws THRESHOLD_SIGNER_SET
 */
export function contributions(
  plan: Plan,
  qualified: readonly number[],
): readonly {readonly dealer: number; readonly factor: bigint}[] {
  if (plan.kind !== "reshare") return qualified.map((dealer) => ({dealer, factor: 1n}));
  const size = {n: plan.dealers, t: plan.dealerThreshold};
  const {ids, coefficients} = lagrangePlan(size, qualified.slice(0, plan.dealerThreshold));
  return ids.map((dealer, i) => ({dealer, factor: coefficients[i]!}));
}
