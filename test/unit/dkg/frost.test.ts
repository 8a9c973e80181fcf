import {createHash} from "node:crypto";
import {createFROST} from "@noble/curves/abstract/frost.js";
import {bls12_381} from "@noble/curves/bls12-381.js";
import {expect} from "chai";
import {blstDkgGroup, loadSecretKey} from "../../../src/adapters/bls/blst.js";
import {toHex} from "../../../src/core/bytes.js";
import {openChunk} from "../../../src/core/dkg/checking.js";
import {dealerPolynomial} from "../../../src/core/dkg/dealing.js";
import {headerOf} from "../../../src/core/dkg/items.js";
import {chunkKeys, sumShares} from "../../../src/core/dkg/keys.js";
import {scalarBytes} from "../../../src/core/threshold/scalar.js";
import {testCeremony, testSeed} from "../../support/dkg.js";
import {announceOf, dealingOf} from "../../support/dkg-dealings.js";

const G1 = bls12_381.G1.Point;
const {Fn} = G1;

/** FROST's key generation over G1, by another library: nothing of it is ours but the numbers fed to it. */
const frost = createFROST({
  name: "FROST-BLS12381G1-SHA256-test",
  Point: G1,
  hash: (message) => new Uint8Array(createHash("sha256").update(message).digest()),
});

/** As that library turns random bytes into a number from 1 to r−1, the other way round. */
function bytesFor(scalar: bigint): Uint8Array {
  const bytes = Buffer.from((scalar - 1n).toString(16).padStart(96, "0"), "hex");
  return new Uint8Array(Fn.isLE ? bytes.reverse() : bytes);
}

/** Partial signatures put together by that library's arithmetic alone. */
function combineElsewhere(partials: ReadonlyMap<number, Uint8Array>): string {
  const ids = [...partials.keys()];
  const {Point} = bls12_381.G2;
  const sum = ids.reduce((total, i) => {
    const others = ids.filter((j) => j !== i).map(BigInt);
    const numerator = others.reduce((product, j) => Fn.mul(product, j), 1n);
    const denominator = others.reduce((product, j) => Fn.mul(product, Fn.create(j - BigInt(i))), 1n);
    return total.add(Point.fromBytes(partials.get(i)!).multiply(Fn.div(numerator, denominator)));
  }, Point.ZERO);
  return toHex(sum.toBytes(true));
}

describe("a ceremony and another implementation of FROST's key generation", () => {
  for (const n of [4, 7]) {
    it(`make the same keys and shares of the same polynomials, ${n} operators`, () => {
      const {ceremony, nodes} = testCeremony(n);
      const {plan} = ceremony;
      const secrets = (i: number) => ({seed: testSeed(50 + i)});
      const ids = Array.from({length: n}, (_, i) => i + 1);

      const announces = ids.map((i) => announceOf(blstDkgGroup, ceremony, i, secrets(i), nodes[i - 1]!));
      const dealings = ids.map((i) =>
        dealingOf(blstDkgGroup, ceremony, i, secrets(i), {announces, node: nodes[i - 1]!}),
      );
      const chunks = new Map(
        ids.map((i) => [i, {header: headerOf(ceremony, dealings[i - 1]!.item), bytes: dealings[i - 1]!.chunks[0]!}]),
      );
      const [keys] = chunkKeys(blstDkgGroup, plan, ids, {chunk: 0, chunks});
      const shares = ids.map((recipient) => {
        const dealt = ids.map((dealer): [number, bigint] => {
          const at = {dealer, chunk: 0, ...chunks.get(dealer)!};
          const opened = openChunk(blstDkgGroup, plan, secrets(recipient).seed, recipient, at);
          return [dealer, opened.ok ? opened.shares[0]! : 0n];
        });
        return sumShares(plan, ids, new Map(dealt));
      });

      const names = ids.map((i) => frost.Identifier.fromNumber(i));
      const signers = {min: plan.threshold, max: n};
      const first = ids.map((i) => {
        const [constant, ...others] = dealerPolynomial(plan, secrets(i), i, 0);
        const numbers = [...others.map(bytesFor), bytesFor(12345n + BigInt(i))];
        return frost.DKG.round1(names[i - 1]!, signers, Fn.toBytes(constant!), () => numbers.shift()!);
      });
      const shown = (i: number) => first.filter((_, k) => k !== i).map((one) => one.public);
      const second = first.map((one, i) => frost.DKG.round2(one.secret, shown(i)));
      const results = first.map((one, i) => {
        const received = second.filter((_, k) => k !== i).map((sent) => sent[names[i]!]!);
        return frost.DKG.round3(one.secret, shown(i), received);
      });

      for (const [i, {public: theirs, secret}] of results.entries()) {
        expect(toHex(theirs.commitments[0]!)).to.equal(keys!.groupPublicKey);
        expect(Fn.fromBytes(secret.signingShare)).to.equal(shares[i]);
        const verifying = names.map((name) => toHex(theirs.verifyingShares[name]!));
        expect(verifying).to.deep.equal(keys!.sharePublicKeys);
      }

      const message = new Uint8Array(32).fill(9);
      const partials = ids
        .slice(-plan.threshold)
        .map((i): [number, Uint8Array] => [i, loadSecretKey(scalarBytes(shares[i - 1]!)).sign(message)]);
      const signature = combineElsewhere(new Map(partials));
      const {longSignatures} = bls12_381;
      const hashed = longSignatures.hash(message, "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_");
      const key = Buffer.from(keys!.groupPublicKey.slice(2), "hex");
      expect(longSignatures.verify(Buffer.from(signature.slice(2), "hex"), hashed, key)).to.equal(true);
      const fewer = combineElsewhere(new Map(partials.slice(1)));
      expect(longSignatures.verify(Buffer.from(fewer.slice(2), "hex"), hashed, key)).to.equal(false);
    }).timeout(60_000);
  }
});
