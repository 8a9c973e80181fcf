import {blstDkgGroup} from "../../src/adapters/bls/blst.js";
import {pubkeyHex, rootHex, signatureHex} from "../../src/core/bytes.js";
import type {CeremonyRecord} from "../../src/core/dkg/ceremony-file.js";
import type {Definition} from "../../src/core/dkg/definition.js";
import {depositRoots} from "../../src/core/dkg/deposits.js";
import {signItem} from "../../src/core/dkg/items.js";
import type {ValidatorKeys} from "../../src/core/dkg/keys.js";
import {type Outcomes, transcriptHash} from "../../src/core/dkg/output.js";
import {proveShares} from "../../src/core/dkg/share-proof.js";
import {splitSecret} from "../../src/core/threshold/polynomial.js";
import {CURVE_ORDER, toScalar} from "../../src/core/threshold/scalar.js";
import {type TestCeremony, testCeremony, testSeed} from "./dkg.js";

const group = blstDkgGroup;
const scalar = (seed: number): bigint => (BigInt(rootHex(testSeed(seed))) % (CURVE_ORDER - 1n)) + 1n;

export interface TestRecord extends TestCeremony {
  readonly record: CeremonyRecord;
  /** By operator, then by validator. */
  readonly shares: readonly (readonly bigint[])[];
}

/** What a ceremony of n operators would leave, from shares dealt by the test. */
export function testRecord(
  n: number,
  options: Partial<Omit<Definition, "nonce">> & {results?: readonly number[]} = {},
): TestRecord {
  const {results: who, ...rest} = options;
  const made = testCeremony(n, rest);
  const {ceremony, signed, nodes} = made;
  const {plan, definition} = ceremony;
  const {threshold: t, validators} = plan;
  const dealt = Array.from({length: validators}, (_, v) => {
    const coefficients = Array.from({length: t - 1}, (__, k) => scalar(1000 * v + k + 1));
    const secret = scalar(1000 * v + 900);
    return {secret, shares: splitSecret(secret, {n, t}, coefficients).map((one) => toScalar(one.secret, "share"))};
  });
  const keyOf = (secret: bigint) => pubkeyHex(group.publicKeys.bytes(group.base(secret)));
  const keys = dealt.map(({secret, shares}): ValidatorKeys => {
    return {groupPublicKey: keyOf(secret), sharePublicKeys: shares.map(keyOf)};
  });
  const operators = Array.from({length: n}, (_, i) => i + 1);
  const outcomes: Outcomes = {
    verdicts: operators.map((recipient) => ({recipient, revision: 0, hash: rootHex(testSeed(recipient))})),
    qualified: operators.map((dealer) => ({dealer, dealing: rootHex(testSeed(100 + dealer))})),
    guilty: [],
    keys,
  };
  const transcript = transcriptHash(ceremony, outcomes);
  const shares = operators.map((id) => dealt.map((one) => one.shares[id - 1]!));
  const roots = depositRoots(definition, keys);
  const results = (who ?? operators).map((author) => {
    const own = shares[author - 1]!;
    const deposits = roots.map((root, i) =>
      signatureHex(group.sign(own[Math.floor(i / definition.depositAmounts.length)]!, root)),
    );
    const body = {transcript, proof: proveShares(group, transcript, own), deposits};
    return signItem(ceremony, {author, kind: "result", sequence: 0, body}, nodes[author - 1]!.sign);
  });
  return {...made, record: {signed, outcomes, transcript, results}, shares};
}
