import {createHash} from "node:crypto";
import {readFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {blstGroup, loadSecretKey} from "../../../src/adapters/bls/blst.js";
import {fromHex, parseOperatorId, parsePubkeyHex, toHex} from "../../../src/core/bytes.js";
import {checkShareKeys} from "../../../src/core/committee/share-keys.js";
import {isValidPartial} from "../../../src/core/threshold/collect.js";
import {combinePartials, combinePlainPartials, liftPartial} from "../../../src/core/threshold/combine.js";
import {scaleShare, splitSecret} from "../../../src/core/threshold/polynomial.js";
import {sharedDir} from "../../support/shared.js";

/** The 2-of-3 vector of the draft distributed profile of the remote signing API. */
interface Vector {
  readonly polynomial_coefficients: readonly string[];
  readonly signing_data: {readonly object_root: string; readonly domain: string};
  readonly signing_root: string;
  readonly composite_public_key: string;
  readonly participants: readonly {id: string; secret_key: string; public_key: string; signature: string}[];
  readonly recovered_signature: string;
}

const QUORUM = {n: 3, t: 2};
const PAIRS = [
  [0, 1],
  [0, 2],
  [1, 2],
] as const;
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.slice(2), "hex"));
const load = (signature: Uint8Array) => blstGroup.signatures.load(signature, "curve");
const hexOf = (point: ReturnType<typeof load>): string => toHex(blstGroup.signatures.bytes(point));

describe("remote signing API, distributed profile: the 2-of-3 vector", () => {
  let vector: Vector;
  before(function () {
    const shared = sharedDir();
    if (shared === null) this.skip();
    const file = "vectors/remote-signing-distributed-pr29/test-vectors/threshold-signing.json";
    vector = JSON.parse(readFileSync(join(shared, file), "utf8")) as Vector;
  });

  it("has the signing root of its signing data", () => {
    const {object_root, domain} = vector.signing_data;
    const root = createHash("sha256").update(bytes(object_root)).update(bytes(domain)).digest();
    expect(toHex(root)).to.equal(vector.signing_root);
  });

  it("splits into its shares", () => {
    const [secret, ...coefficients] = vector.polynomial_coefficients.map(BigInt);
    const shares = splitSecret(secret!, QUORUM, coefficients);
    expect(shares.map((share) => [String(share.index), toHex(share.secret)])).to.deep.equal(
      vector.participants.map(({id, secret_key}) => [id, secret_key]),
    );
  });

  it("has keys on one polynomial, and partials made by its shares", () => {
    const keys = vector.participants.map(({public_key}) => parsePubkeyHex(public_key));
    const group = {groupPublicKey: parsePubkeyHex(vector.composite_public_key), sharePublicKeys: keys};
    checkShareKeys(blstGroup, group, QUORUM.t);
    for (const {secret_key, public_key, signature} of vector.participants) {
      const key = loadSecretKey(bytes(secret_key));
      expect(key.publicKey).to.equal(public_key);
      expect(toHex(key.sign(bytes(vector.signing_root)))).to.equal(signature);
    }
  });

  it("recovers its signature from any two of its plain partials", () => {
    for (const pair of PAIRS) {
      const some = pair.map((at) => vector.participants[at]!);
      const partials = new Map(some.map(({id, signature}) => [Number(id), load(bytes(signature))]));
      expect(hexOf(combinePlainPartials(blstGroup, partials).signature)).to.equal(vector.recovered_signature);
    }
  });

  it("recovers the same signature from scaled partials, which lift to the plain ones", () => {
    const root = bytes(vector.signing_root);
    const scaled = vector.participants.map(({secret_key}) =>
      loadSecretKey(scaleShare(bytes(secret_key), QUORUM)).signUncompressed(root),
    );
    for (const pair of PAIRS) {
      const partials = new Map(pair.map((at) => [at + 1, load(scaled[at]!)]));
      expect(hexOf(combinePartials(blstGroup, QUORUM, partials).signature)).to.equal(vector.recovered_signature);
    }
    const sharePublicKeys = vector.participants.map(({public_key}) => parsePubkeyHex(public_key));
    vector.participants.forEach(({id, signature}, at) => {
      expect(hexOf(liftPartial(blstGroup, QUORUM, load(scaled[at]!)))).to.equal(signature);
      const context = {quorum: QUORUM, message: root, sharePublicKeys};
      expect(isValidPartial(blstGroup, context, parseOperatorId(Number(id)), scaled[at]!)).to.be.true;
    });
    const groupKey = blstGroup.publicKeys.load(fromHex(parsePubkeyHex(vector.composite_public_key)), "full");
    expect(blstGroup.verify(root, groupKey, load(bytes(vector.recovered_signature)))).to.be.true;
  });
});
