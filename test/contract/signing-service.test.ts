import {expect} from "chai";
import {blstGroup} from "../../src/adapters/bls/blst.js";
import {fromHex, parsePubkeyHex, rootHex} from "../../src/core/bytes.js";
import {parseSignRequest} from "../../src/core/duty/request-codec.js";
import {computeSigningRoot} from "../../src/core/duty/signing-root.js";
import {PleiadesError} from "../../src/core/errors.js";
import {scalarBytes} from "../../src/core/threshold/scalar.js";
import type {OperatorFailure, SigningService} from "../../src/ports/signing-service.js";
import {testKey} from "../support/committees.js";
import {attestation, block, randao, testNetwork} from "../support/keeper.js";
import {memoryCommittee} from "../support/memory-committee.js";
import {SingleKeyService} from "../support/single-key-service.js";

const NETWORK = testNetwork();
const KEYS = [testKey(1, {n: 4}), testKey(2, {n: 4})];

/** What every signing service must do, a committee like a single key. */
function signingServiceContract(open: () => Promise<SigningService>): void {
  let service: SigningService;
  beforeEach(async () => {
    service = await open();
  });
  const key = (i = 0) => service.publicKeys()[i]!;
  const sign = (wire: unknown, publicKey = key(), signal = new AbortController().signal) => {
    const {request} = parseSignRequest(wire, NETWORK.preset);
    const root = rootHex(computeSigningRoot(request, NETWORK).signingRoot);
    return service.sign(publicKey, request, root, signal);
  };
  const failureOf = (promise: Promise<unknown>): Promise<PleiadesError> =>
    promise.then(
      () => expect.fail("it was signed"),
      (error) => (error instanceof PleiadesError ? error : expect.fail(String(error))),
    );

  it("gives signatures that verify under the group public key", async () => {
    for (const wire of [attestation(98, 99), block(3200), randao(100)]) {
      const signature = await sign(wire);
      const {request} = parseSignRequest(wire, NETWORK.preset);
      const {signingRoot} = computeSigningRoot(request, NETWORK);
      const point = blstGroup.signatures.load(fromHex(signature), "full");
      const publicKey = blstGroup.publicKeys.load(fromHex(key()), "full");
      expect(blstGroup.verify(signingRoot, publicKey, point)).to.equal(true);
    }
  });

  it("gives the same bytes for a repeat", async () => {
    expect(await sign(attestation(98, 99))).to.equal(await sign(attestation(98, 99)));
  });

  it("gives the same bytes to all who ask at once", async () => {
    const signatures = await Promise.all([1, 2, 3].map(() => sign(block(3200))));
    expect(new Set(signatures).size).to.equal(1);
  });

  it("refuses a double vote, a surround vote and a double block, and says so for each operator", async () => {
    await sign(attestation(98, 99));
    await sign(block(3200));
    for (const wire of [attestation(98, 99, {byte: 9}), attestation(97, 100), block(3200, 9)]) {
      const error = await failureOf(sign(wire));
      expect(error.code).to.equal("COMMITTEE_REFUSED");
      expect(error.data.operators as OperatorFailure[]).to.not.be.empty;
    }
  });

  it("keeps keys apart", async () => {
    await sign(attestation(98, 99), key(0));
    expect(await sign(attestation(98, 99, {byte: 9}), key(1))).to.be.a("string");
  });

  it("does not know other keys", async () => {
    const error = await failureOf(sign(randao(100), parsePubkeyHex("ab".repeat(48))));
    expect(error.code).to.equal("COMMITTEE_UNKNOWN_KEY");
  });

  it("ends with the signal", async () => {
    const error = await failureOf(sign(randao(100), key(), AbortSignal.abort()));
    expect(error.code).to.equal("COMMITTEE_TIMEOUT");
  });

  it("tells the highest slot and epoch that were recorded", async () => {
    const signal = new AbortController().signal;
    expect(await service.highWatermark(signal)).to.deep.equal({slot: null, epoch: null});
    await sign(attestation(98, 99));
    await sign(block(3200), key(1));
    expect(await service.highWatermark(signal)).to.deep.equal({slot: 3200n, epoch: 99n});
  });

  it("lists its keys in lower case and the health of their operators", () => {
    expect(service.publicKeys()).to.have.length(2);
    for (const publicKey of service.publicKeys()) expect(publicKey).to.match(/^0x[0-9a-f]{96}$/);
    for (const {healthyOperators, threshold} of service.health()) {
      expect(healthyOperators).to.be.at.least(threshold);
    }
  });
}

describe("the signing service of a committee", () => {
  signingServiceContract(async () => (await memoryCommittee(KEYS, {n: 4, network: NETWORK})).service);
});

describe("the signing service of single keys", () => {
  signingServiceContract(async () => new SingleKeyService(KEYS.map(({secret}) => scalarBytes(secret))));
});

describe("a committee in memory", () => {
  it("gives byte for byte what the whole key gives", async () => {
    const {service} = await memoryCommittee(KEYS, {n: 4, network: NETWORK});
    const single = new SingleKeyService(KEYS.map(({secret}) => scalarBytes(secret)));
    const signal = new AbortController().signal;
    for (const wire of [attestation(98, 99), block(3200), randao(100)]) {
      const {request} = parseSignRequest(wire, NETWORK.preset);
      const root = rootHex(computeSigningRoot(request, NETWORK).signingRoot);
      for (const key of service.publicKeys()) {
        expect(await service.sign(key, request, root, signal)).to.equal(await single.sign(key, request, root, signal));
      }
    }
  });

  it("never gives two signatures for one target to a coordinator that asks every operator for its own choice", async () => {
    const {service, link, committee} = await memoryCommittee(KEYS, {n: 4, network: NETWORK});
    const {groupPublicKey: key, committeeHash} = committee.validators[0]!;
    const signal = new AbortController().signal;
    const ask = (byte: number) =>
      Promise.all(
        committee.operators.map(({peerId}) =>
          link.requestPartial(peerId, {key, committeeHash, priority: 1, request: attestation(98, 99, {byte})}, signal),
        ),
      );
    const [first, second] = await Promise.all([ask(1), ask(2)]);
    const signed = (replies: typeof first): number => replies.filter(({kind}) => kind === "signed").length;
    expect(Math.min(signed(first), signed(second))).to.be.lessThan(committee.threshold);
    expect(signed(first) + signed(second)).to.equal(committee.operators.length);
    expect(service.publicKeys()).to.include(key);
  });
});
