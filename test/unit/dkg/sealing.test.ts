import {x25519} from "@noble/curves/ed25519.js";
import {expect} from "chai";
import {toHex} from "../../../src/core/bytes.js";
import {isSealingKey, openSeal, type SealContext, seal, sealingPublicKey} from "../../../src/core/dkg/sealing.js";
import {testSeed} from "../../support/dkg.js";

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));
const [ephemeralSecret, sealingSecret] = [testSeed(1), testSeed(2)];
const context: SealContext = {
  ceremony: testSeed(3),
  dealer: 1,
  recipient: 2,
  chunk: 0,
  ephemeral: sealingPublicKey(ephemeralSecret),
  sealingKey: sealingPublicKey(sealingSecret),
  publicHash: testSeed(4),
};

describe("a sealed message", () => {
  it("is opened by the recipient's key alone, in its place alone", () => {
    const plain = testSeed(5);
    const sealed = seal(ephemeralSecret, context, plain)!;
    expect(openSeal(sealingSecret, context, sealed)).to.deep.equal(plain);
    expect(openSeal(testSeed(6), context, sealed)).to.equal(null);
    const others: Partial<SealContext>[] = [
      {ceremony: testSeed(9)},
      {dealer: 2},
      {recipient: 3},
      {chunk: 1},
      {ephemeral: sealingPublicKey(testSeed(9))},
      {sealingKey: sealingPublicKey(testSeed(9))},
      {publicHash: testSeed(9)},
    ];
    for (const other of others) expect(openSeal(sealingSecret, {...context, ...other}, sealed)).to.equal(null);
    for (let i = 0; i < sealed.length; i++) {
      const bent = Uint8Array.from(sealed);
      bent[i]! ^= 0x80;
      expect(openSeal(sealingSecret, context, bent)).to.equal(null);
    }
    expect(openSeal(sealingSecret, context, sealed.subarray(0, 15))).to.equal(null);
  });

  it("is made with X25519 keys as another implementation has them", () => {
    for (let i = 0; i < 20; i++) {
      expect(toHex(sealingPublicKey(testSeed(i)))).to.equal(toHex(x25519.getPublicKey(testSeed(i))));
    }
  });

  it("cannot be made for a key of small order, which everybody could open", () => {
    const small = [
      "00".repeat(32),
      `01${"00".repeat(31)}`,
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      `ec${"ff".repeat(30)}7f`,
    ].map(hex);
    for (const key of small) {
      expect(isSealingKey(key), toHex(key)).to.equal(false);
      expect(seal(ephemeralSecret, {...context, sealingKey: key}, testSeed(5))).to.equal(null);
      expect(openSeal(sealingSecret, {...context, ephemeral: key}, testSeed(5))).to.equal(null);
    }
    expect(isSealingKey(context.sealingKey)).to.equal(true);
  });
});
