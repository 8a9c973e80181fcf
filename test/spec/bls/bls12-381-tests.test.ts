import {readdirSync, readFileSync} from "node:fs";
import {join} from "node:path";
import chainsafe from "@chainsafe/bls";
import {bls12_381} from "@noble/curves/bls12-381.js";
import {expect} from "chai";
import {blstGroup, loadSecretKey} from "../../../src/adapters/bls/blst.js";
import {toHex} from "../../../src/core/bytes.js";
import {PleiadesError} from "../../../src/core/errors.js";
import {failure} from "../../support/errors.js";
import {sharedDir} from "../../support/shared.js";

/** @see https://github.com/ethereum/bls12-381-tests v0.1.1 */
const shared = sharedDir();
const folder = shared === null ? null : join(shared, "vectors/bls12-381-tests-v0.1.1");

function vectors<I, O>(handler: string, check: (input: I, output: O) => void): void {
  describe(`bls12-381-tests: ${handler}`, () => {
    if (folder === null) {
      it("needs the shared vectors", function () {
        this.skip();
      });
      return;
    }
    const files = readdirSync(join(folder, handler));
    it("has vectors", () => {
      expect(files.length).to.be.above(0);
    });
    for (const file of files) {
      it(file.replace(".json", ""), () => {
        const {input, output} = JSON.parse(readFileSync(join(folder, handler, file), "utf8")) as {input: I; output: O};
        check(input, output);
      });
    }
  });
}

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replace(/^0x/, ""), "hex"));
const {publicKeys, signatures} = blstGroup;

/** What we do with keys and signatures from outside: load in full, then verify; what does not load is not valid. */
function verifyFresh(keys: readonly string[], message: string, signature: string): boolean {
  try {
    const points = keys.map((key) => publicKeys.load(bytes(key), "full"));
    if (points.length === 0) return false;
    return blstGroup.verify(bytes(message), publicKeys.sum(points), signatures.load(bytes(signature), "full"));
  } catch (error) {
    expect(error).to.be.instanceOf(PleiadesError);
    return false;
  }
}

function loads(load: () => unknown): boolean {
  try {
    load();
    return true;
  } catch (error) {
    expect(error).to.include({code: "THRESHOLD_BAD_POINT"});
    return false;
  }
}

/** The encoding of infinity deserialises, but no key or signature of ours is ever infinity: `full` refuses it. */
const isInfinity = (hex: string): boolean => /^c00*$/.test(hex);

vectors<{privkey: string; message: string}, string | null>("sign", ({privkey, message}, output) => {
  if (output === null) {
    failure("THRESHOLD_SCALAR_RANGE", () => loadSecretKey(bytes(privkey)));
    expect(() => chainsafe.sign(bytes(privkey), bytes(message))).to.throw();
    return;
  }
  const key = loadSecretKey(bytes(privkey));
  expect(toHex(key.sign(bytes(message)))).to.equal(output);
  const uncompressed = signatures.load(key.signUncompressed(bytes(message)), "full");
  expect(toHex(signatures.bytes(uncompressed))).to.equal(output);
  expect(toHex(chainsafe.sign(bytes(privkey), bytes(message)))).to.equal(output);
});

vectors<{pubkey: string; message: string; signature: string}, boolean>("verify", (input, output) => {
  expect(verifyFresh([input.pubkey], input.message, input.signature)).to.equal(output);
  expect(chainsafe.verify(bytes(input.pubkey), bytes(input.message), bytes(input.signature))).to.equal(output);
});

vectors<string[], string | null>("aggregate", (input, output) => {
  const check = output !== null && isInfinity(output.slice(2)) ? "curve" : "full";
  const points = input.map((signature) => signatures.load(bytes(signature), check));
  if (output === null) expect(points).to.deep.equal([]);
  else expect(toHex(signatures.bytes(signatures.sum(points)))).to.equal(output);
});

vectors<{pubkeys: string[]; message: string; signature: string}, boolean>("fast_aggregate_verify", (input, output) => {
  expect(verifyFresh(input.pubkeys, input.message, input.signature)).to.equal(output);
  // verifyAggregate of @chainsafe/bls 8.2.0 takes a key at infinity among others when given bytes, so keys are loaded
  // and validated one by one first.
  const verified = (): boolean => {
    try {
      const keys = input.pubkeys.map((key) => chainsafe.PublicKey.fromBytes(bytes(key), undefined, true));
      return chainsafe.verifyAggregate(keys, bytes(input.message), bytes(input.signature));
    } catch {
      return false;
    }
  };
  expect(verified()).to.equal(output);
});

vectors<{pubkeys: string[]; messages: string[]; signature: string}, boolean>("aggregate_verify", (input, output) => {
  const verified = chainsafe.verifyMultiple(
    input.pubkeys.map(bytes),
    input.messages.map(bytes),
    bytes(input.signature),
  );
  expect(verified).to.equal(output);
});

vectors<{pubkeys: string[]; messages: string[]; signatures: string[]}, boolean>("batch_verify", (input, output) => {
  const sets = input.pubkeys.map((key, i) => ({
    publicKey: bytes(key),
    message: bytes(input.messages[i]!),
    signature: bytes(input.signatures[i]!),
  }));
  expect(chainsafe.verifyMultipleSignatures(sets)).to.equal(output);
  const each = sets.map((_, i) => verifyFresh([input.pubkeys[i]!], input.messages[i]!, input.signatures[i]!));
  expect(each.every((valid) => valid)).to.equal(output);
});

vectors<{pubkey: string}, boolean>("deserialization_G1", ({pubkey}, output) => {
  expect(loads(() => publicKeys.load(bytes(pubkey), "full"))).to.equal(output && !isInfinity(pubkey));
  if (output) expect(toHex(publicKeys.bytes(publicKeys.load(bytes(pubkey), "curve")))).to.equal(`0x${pubkey}`);
});

vectors<{signature: string}, boolean>("deserialization_G2", ({signature}, output) => {
  expect(loads(() => signatures.load(bytes(signature), "full"))).to.equal(output && !isInfinity(signature));
  if (output) expect(toHex(signatures.bytes(signatures.load(bytes(signature), "curve")))).to.equal(`0x${signature}`);
});

// Neither blst nor @chainsafe/bls hashes to the curve from JavaScript: this is about the oracle of the other tests.
vectors<{msg: string}, {x: string; y: string}>("hash_to_G2", ({msg}, output) => {
  const DST = "QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_";
  const {x, y} = bls12_381.G2.hashToCurve(Buffer.from(msg), {DST}).toAffine();
  const text = ({c0, c1}: {c0: bigint; c1: bigint}): string =>
    [c0, c1].map((c) => `0x${c.toString(16).padStart(96, "0")}`).join(",");
  expect({x: text(x), y: text(y)}).to.deep.equal(output);
});

describe("@chainsafe/bls", () => {
  it("runs on blst here, not on its slow fallback", () => {
    expect(chainsafe.implementation).to.equal("blst-native");
  });
});
