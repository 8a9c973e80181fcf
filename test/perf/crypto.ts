/** What the cryptography itself costs, in this run on these cores. */
import blst from "@chainsafe/blst";
import {blstGroup} from "../../src/adapters/bls/blst.js";
import {combinePartials} from "../../src/core/threshold/combine.js";
import {lagrangePlan} from "../../src/core/threshold/lagrange.js";
import {quantile} from "./figures.js";

const message = (i: number): Uint8Array => new Uint8Array(32).fill(i & 0xff);
const secretOf = (i: number): blst.SecretKey => blst.SecretKey.fromKeygen(Buffer.alloc(32, i + 1));

/** Median milliseconds of one call. */
function timed(rounds: number, call: (i: number) => void): number {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    call(i);
    times.push(performance.now() - start);
  }
  return quantile(times, 0.5);
}

/** Median core milliseconds of one call: of this process's threads together, whatever else the machine does. */
function coreTimed(rounds: number, call: () => void): number {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = process.cpuUsage();
    call();
    const {user, system} = process.cpuUsage(start);
    times.push((user + system) / 1000);
  }
  return quantile(times, 0.5);
}

export interface CryptoCosts {
  readonly signMs: number;
  readonly verifyMs: number;
  readonly batchedVerifyMs: number;
}

const BATCH = 64;

export function cryptoCosts(): CryptoCosts {
  const secret = secretOf(0);
  const publicKey = secret.toPublicKey();
  timed(50, (i) => secret.sign(message(i)));
  const signMs = timed(300, (i) => secret.sign(message(i)));
  const signature = secret.sign(message(0));
  // As the coordinator does: the signature's subgroup is checked, the public key was checked when it was loaded.
  const verifyMs = timed(200, () => blst.verify(message(0), publicKey, signature, false, true));
  const sets = Array.from({length: BATCH}, (_, i) => {
    const key = secretOf(i);
    return {msg: message(i), pk: key.toPublicKey(), sig: key.sign(message(i))};
  });
  const batchedVerifyMs = coreTimed(15, () => blst.verifyMultipleAggregateSignatures(sets, false, true)) / BATCH;
  return {signMs, verifyMs, batchedVerifyMs};
}

/** The lower of each: a neighbour on the machine can only slow things down. */
export const lower = (a: CryptoCosts, b: CryptoCosts): CryptoCosts => ({
  signMs: Math.min(a.signMs, b.signMs),
  verifyMs: Math.min(a.verifyMs, b.verifyMs),
  batchedVerifyMs: Math.min(a.batchedVerifyMs, b.batchedVerifyMs),
});

/** Milliseconds to combine t partials, for the set of signers whose coefficients are the largest. */
export function combineMs({n, t}: {n: number; t: number}): number {
  const largest = (ids: readonly number[]): number =>
    lagrangePlan({n, t}, ids).coefficients.reduce((max, c) => Math.max(max, Math.abs(Number(c))), 0);
  const sets = Array.from({length: n}, (_, first) => Array.from({length: t}, (_, i) => ((first + i) % n) + 1));
  const worst = sets.reduce((a, b) => (largest(b) > largest(a) ? b : a));
  const partials = new Map(
    worst.map((id) => [id, blstGroup.signatures.load(secretOf(id).sign(message(1)).toBytes(false), "curve")]),
  );
  return timed(200, () => combinePartials(blstGroup, {n, t}, partials));
}
