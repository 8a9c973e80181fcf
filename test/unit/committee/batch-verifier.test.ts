import {expect} from "chai";
import {blstGroup, loadSecretKey} from "../../../src/adapters/bls/blst.js";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {BatchVerifier} from "../../../src/committee/batch-verifier.js";
import {fromHex} from "../../../src/core/bytes.js";
import {PRIORITY} from "../../../src/core/duty/sign-request.js";
import type {Clock} from "../../../src/ports/clock.js";
import type {SignatureClaim} from "../../../src/ports/signature-batches.js";
import {testScalar} from "../../support/committees.js";
import {offSubgroupSignature, withSmallOrder} from "../../support/odd-points.js";

const secretOf = (seed: number) => loadSecretKey(Buffer.from(testScalar(seed).toString(16).padStart(64, "0"), "hex"));
const message = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const load = (bytes: Uint8Array) => blstGroup.signatures.load(bytes, "curve");

/** A true claim of signer `seed`. */
function claim(seed: number, byte: number): SignatureClaim {
  const secret = secretOf(seed);
  return {
    message: message(byte),
    key: blstGroup.publicKeys.load(fromHex(secret.publicKey), "full"),
    signature: load(secret.signUncompressed(message(byte))),
  };
}

/** A clock whose pauses are over at the next turn. */
const impatient = {
  after: (_ms: number, callback: () => void) => {
    setImmediate(callback);
    return () => {};
  },
};

/** The real group, and what it was asked. */
function counted(clock: Pick<Clock, "after"> = impatient) {
  const asked: string[] = [];
  const bls = {
    verify: (...args: Parameters<typeof blstGroup.verify>) => {
      asked.push("one");
      return blstGroup.verify(...args);
    },
    verifyAll: (claims: readonly SignatureClaim[]) => {
      asked.push(`all ${claims.length}`);
      return blstGroup.verifyAll(claims);
    },
    verifySame: (claims: readonly SignatureClaim[]) => {
      asked.push(`same ${claims.length}`);
      return blstGroup.verifySame(claims);
    },
  };
  return {asked, verifier: new BatchVerifier({bls, clock})};
}

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function turnUntil(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await new Promise((resolve) => setImmediate(resolve));
  expect(condition()).to.equal(true);
}

describe("the batch verifier", () => {
  it("verifies what is alone alone", async () => {
    const {asked, verifier} = counted();
    expect(await verifier.verify(claim(1, 1), PRIORITY.attestation)).to.equal(true);
    expect(asked).to.deep.equal(["one"]);
  });

  it("verifies claims about one message as one, and of distinct messages a few at a time", async () => {
    const {asked, verifier} = counted();
    const claims = [
      ...[1, 2, 3].map((seed) => claim(seed, 9)),
      ...Array.from({length: 18}, (_, i) => claim(4, 20 + i)),
    ];
    const answers = await Promise.all(claims.map((one) => verifier.verify(one, PRIORITY.attestation)));
    expect(answers).to.deep.equal(claims.map(() => true));
    expect(asked).to.deep.equal(["same 3", "all 16", "all 2"]);
  });

  for (const [what, byteOf] of [
    ["one message", () => 7],
    ["distinct messages", (i: number) => i],
  ] as const) {
    it(`finds every wrong claim among many about ${what}, and passes all the others`, async () => {
      const {verifier} = counted();
      const claims = Array.from({length: 13}, (_, i) => claim(i + 1, byteOf(i)));
      const wrong = new Set([0, 4, 11]);
      const stranger = claim(99, 99).signature;
      const asked = claims.map((one, i) => (wrong.has(i) ? {...one, signature: stranger} : one));
      const answers = await Promise.all(asked.map((one) => verifier.verify(one, PRIORITY.attestation)));
      expect(answers).to.deep.equal(claims.map((_, i) => !wrong.has(i)));
    });

    it(`is not deceived by errors about ${what} that cancel each other out`, async () => {
      const {verifier} = counted();
      const [first, second] = [claim(1, byteOf(1)), claim(2, byteOf(2))];
      const error = claim(3, 3).signature;
      const {sum, negate} = blstGroup.signatures;
      const answers = await Promise.all([
        verifier.verify({...first, signature: sum([first.signature, error])}, PRIORITY.attestation),
        verifier.verify({...second, signature: sum([second.signature, negate(error)])}, PRIORITY.attestation),
      ]);
      expect(answers).to.deep.equal([false, false]);
    });

    it(`refuses points outside the subgroup among claims about ${what}`, async () => {
      const {verifier} = counted();
      const claims = Array.from({length: 4}, (_, i) => claim(i + 1, byteOf(i)));
      const odd = [
        load(offSubgroupSignature(1)),
        load(withSmallOrder(secretOf(2).signUncompressed(claims[1]!.message))),
        claims[2]!.signature,
        claims[3]!.signature,
      ];
      const answers = await Promise.all(
        claims.map((one, i) => verifier.verify({...one, signature: odd[i]!}, PRIORITY.attestation)),
      );
      expect(answers).to.deep.equal([false, false, true, true]);
    });
  }

  it("lets a block pass everything that waits", async () => {
    const {verifier} = counted();
    const order: string[] = [];
    const attestations = Array.from({length: 20}, async (_, i) => {
      await verifier.verify(claim(1, i), PRIORITY.attestation);
      order.push("attestation");
    });
    expect(verifier.verify(claim(2, 1), PRIORITY.block)).to.equal(true);
    expect(order).to.deep.equal([]);
    await Promise.all(attestations);
  });

  it("gives the event loop a turn after each batch, in which a more urgent claim takes its place", async () => {
    const {verifier} = counted();
    const order: string[] = [];
    const ask = async (name: string, one: SignatureClaim, priority: 1 | 2): Promise<void> => {
      await verifier.verify(one, priority);
      order.push(name);
    };
    const waiting = Array.from({length: 33}, (_, i) => ask(`proof ${i}`, claim(1, i), PRIORITY.selectionProof));
    const late = (async () => {
      while (order.length === 0) await new Promise((resolve) => setImmediate(resolve));
      await ask("attestation", claim(2, 1), PRIORITY.attestation);
    })();
    await Promise.all([...waiting, late]);
    expect(order.indexOf("attestation")).to.be.within(16, 32);
  });

  it("pauses after a crowd, so that the next one is verified together, but a lone claim after a lone one is not kept", async () => {
    const clock = new ManualClock();
    const {asked, verifier} = counted(clock);
    const ask = (first: number, count: number) =>
      Promise.all(Array.from({length: count}, (_, i) => verifier.verify(claim(1, first + i), PRIORITY.attestation)));
    await ask(0, 1);
    await ask(1, 4);
    expect(asked).to.deep.equal(["one", "all 4"]);
    await turnUntil(() => clock.pending() === 1);
    const next = ask(10, 2);
    await turns();
    const later = ask(20, 1);
    await turns();
    expect(asked).to.have.length(2);
    clock.advance(4);
    await Promise.all([next, later]);
    expect(asked).to.deep.equal(["one", "all 4", "all 3"]);
    await turns();
    expect(clock.pending()).to.equal(0);
  });

  it("tells those who asked when the library fails, and goes on", async () => {
    let broken = true;
    const verifier = new BatchVerifier({
      clock: impatient,
      bls: {
        ...blstGroup,
        verify: (...args) => {
          if (broken) throw new Error("broken");
          return blstGroup.verify(...args);
        },
      },
    });
    const failed = await Promise.resolve(verifier.verify(claim(1, 1), PRIORITY.rest)).catch((error: Error) => error);
    expect(failed).to.have.property("message", "broken");
    broken = false;
    expect(await verifier.verify(claim(1, 1), PRIORITY.rest)).to.equal(true);
  });
});
