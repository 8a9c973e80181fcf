import {expect} from "chai";
import {blstDkgGroup, loadSecretKey} from "../../../src/adapters/bls/blst.js";
import {parseEpoch, parseSignatureHex, toHex} from "../../../src/core/bytes.js";
import {checkShareKeys} from "../../../src/core/committee/share-keys.js";
import type {Ceremony} from "../../../src/core/dkg/ceremony.js";
import {ceremonyOf} from "../../../src/core/dkg/ceremony.js";
import {checkChunk, isNamedChunk, judgeComplaint, malformationOf, openChunk} from "../../../src/core/dkg/checking.js";
import {chunkHash} from "../../../src/core/dkg/chunk.js";
import {opensCommitment, shareOf} from "../../../src/core/dkg/dealing.js";
import {headerOf, type Item} from "../../../src/core/dkg/items.js";
import {chunkKeys, sumShares} from "../../../src/core/dkg/keys.js";
import {verifyNodeSignature} from "../../../src/core/dkg/node-signature.js";
import {contributions} from "../../../src/core/dkg/plan.js";
import {sealingSecret} from "../../../src/core/dkg/seed.js";
import {checkShareProof, proveShares} from "../../../src/core/dkg/share-proof.js";
import {plainCoefficients} from "../../../src/core/threshold/lagrange.js";
import {mod, scalarBytes, toScalar} from "../../../src/core/threshold/scalar.js";
import {publicKeyOf, type TestKey, testDraft, testKey} from "../../support/committees.js";
import {consented, type TestNode, testCeremony, testDefinition, testNode, testSeed} from "../../support/dkg.js";
import {announceOf, dealingOf, type TestDealing} from "../../support/dkg-dealings.js";
import {anyFailure} from "../../support/errors.js";

const group = blstDkgGroup;

interface Run {
  readonly ceremony: Ceremony;
  readonly announces: readonly Item<"announce">[];
  /** By dealer − 1. */
  readonly dealings: readonly TestDealing[];
  seedOf(participant: number): Uint8Array;
}

function run(
  ceremony: Ceremony,
  nodes: readonly TestNode[],
  shareOfDealer?: (dealer: number, v: number) => bigint,
): Run {
  const seedOf = (number: number) => testSeed(number);
  const of = (peer: string): TestNode => nodes.find(({peerId}) => peerId === peer)!;
  const secrets = (number: number, dealer: number | null) => ({
    seed: seedOf(number),
    ...(dealer !== null && shareOfDealer !== undefined ? {share: (v: number) => shareOfDealer(dealer, v)} : {}),
  });
  const announces = ceremony.participants.map(({number, peerId, dealer}) =>
    announceOf(group, ceremony, number, secrets(number, dealer), of(peerId)),
  );
  const dealers = ceremony.participants.filter(({dealer}) => dealer !== null).sort((a, b) => a.dealer! - b.dealer!);
  const dealings = dealers.map(({number, peerId, dealer}) =>
    dealingOf(group, ceremony, number, secrets(number, dealer), {announces, node: of(peerId)}),
  );
  return {ceremony, announces, dealings, seedOf};
}

/** All shares of one validator, by recipient − 1, after every chunk was checked. */
function sharesOf({ceremony, dealings, seedOf}: Run, qualified: readonly number[], old?: TestKey): bigint[] {
  const {plan} = ceremony;
  return Array.from({length: plan.recipients}, (_, i) => {
    const dealt = qualified.map((dealer): [number, bigint] => {
      const {item, chunks} = dealings[dealer - 1]!;
      const at = {dealer, header: headerOf(ceremony, item), chunk: 0, bytes: chunks[0]!};
      checkChunk(group, plan, at);
      const opened = openChunk(group, plan, seedOf(i + 1), i + 1, at);
      if (!opened.ok) throw new Error(`dealer ${dealer} dealt ${i + 1} a wrong share`);
      return [dealer, opened.shares[0]!];
    });
    return sumShares(
      plan,
      qualified,
      new Map(dealt),
      old === undefined ? 0n : toScalar(old.shares[i]!.secret, "share"),
    );
  });
}

function keysOf({ceremony, dealings}: Run, qualified: readonly number[]) {
  const chunks = new Map(
    qualified.map((dealer) => {
      const {item, chunks} = dealings[dealer - 1]!;
      return [dealer, {header: headerOf(ceremony, item), bytes: chunks[0]!}];
    }),
  );
  return chunkKeys(group, ceremony.plan, qualified, {chunk: 0, chunks});
}

/** f(0) from these shares, by plain Lagrange. */
const secretFrom = (shares: readonly bigint[], ids: readonly number[]): bigint =>
  plainCoefficients(ids).reduce((sum, c, k) => mod(sum + c * shares[ids[k]! - 1]!), 0n);

describe("a dealing", () => {
  const {ceremony, nodes} = testCeremony(4, {validators: 2});
  const fresh = run(ceremony, nodes);
  const at = (dealer: number, bytes = fresh.dealings[dealer - 1]!.chunks[0]!) => ({
    dealer,
    header: headerOf(ceremony, fresh.dealings[dealer - 1]!.item),
    chunk: 0,
    bytes,
  });
  /** The same dealing with other bytes, as a lying dealer would name them. */
  const altered = (dealer: number, change: (bytes: Uint8Array) => void) => {
    const bytes = Uint8Array.from(at(dealer).bytes);
    change(bytes);
    return {...at(dealer), bytes, header: {...at(dealer).header, chunkHashes: [chunkHash(bytes)]}};
  };

  it("is the same whenever it is made from one seed, and another from another", () => {
    expect(run(ceremony, nodes).dealings).to.deep.equal(fresh.dealings);
    expect(fresh.dealings[0]!.chunks[0]).not.to.deep.equal(fresh.dealings[1]!.chunks[0]);
  });

  it("opens the hash its dealer announced, and no other", () => {
    const commitment = (dealer: number) => fresh.announces[dealer - 1]!.body.commitment!;
    expect(opensCommitment(ceremony.plan, 1, at(1).header, commitment(1))).to.equal(true);
    expect(opensCommitment(ceremony.plan, 1, at(1).header, commitment(2))).to.equal(false);
    expect(opensCommitment(ceremony.plan, 2, at(1).header, commitment(1))).to.equal(false);
  });

  it("gives shares that lie on one polynomial with the group key, whichever dealers qualify", () => {
    for (const qualified of [
      [1, 2, 3, 4],
      [1, 3, 4],
    ]) {
      const shares = sharesOf(fresh, qualified);
      const [keys] = keysOf(fresh, qualified);
      checkShareKeys(group, keys!, 3);
      expect(shares.map(publicKeyOf)).to.deep.equal(keys!.sharePublicKeys);
      for (const ids of [
        [1, 2, 3],
        [1, 2, 4],
        [2, 3, 4],
      ]) {
        expect(publicKeyOf(secretFrom(shares, ids))).to.equal(keys!.groupPublicKey);
      }
      expect(publicKeyOf(secretFrom(shares, [1, 2]))).not.to.equal(keys!.groupPublicKey);
    }
  });

  it("gives shares whose holder can prove it to everybody, for this transcript only", () => {
    const [keys] = keysOf(fresh, [1, 2, 3, 4]);
    const share = sharesOf(fresh, [1, 2, 3, 4])[1]!;
    const [transcript, another] = [ceremony.id, fresh.dealings[0]!.item.hash];
    const proof = proveShares(group, transcript, [share, 5n]);
    const sharePublicKeys = [keys!.sharePublicKeys[1]!, publicKeyOf(5n)];
    expect(checkShareProof(group, {transcript, sharePublicKeys, proof})).to.equal(true);
    expect(checkShareProof(group, {transcript: another, sharePublicKeys, proof})).to.equal(false);
    expect(checkShareProof(group, {transcript, sharePublicKeys: [...sharePublicKeys].reverse(), proof})).to.equal(
      false,
    );
    const none = parseSignatureHex(`0xc0${"00".repeat(95)}`);
    expect(checkShareProof(group, {transcript, sharePublicKeys, proof: none})).to.equal(false);
  });

  it("with a share altered or sealed wrongly is refused, and the complaint convicts the dealer", () => {
    // The last recipient's sealed shares are the last bytes.
    const lying = altered(2, (bytes) => {
      bytes[bytes.length - 20]! ^= 1;
    });
    expect(isNamedChunk(lying)).to.equal(true);
    checkChunk(group, ceremony.plan, lying);
    const opened = openChunk(group, ceremony.plan, fresh.seedOf(4), 4, lying);
    if (opened.ok) throw new Error("opened");
    const complaint = {recipient: 4, secret: opened.sealingSecret};
    expect(judgeComplaint(group, ceremony.plan, lying, complaint)).to.equal("dealer");
    expect(openChunk(group, ceremony.plan, fresh.seedOf(3), 3, lying).ok).to.equal(true);
  });

  it("that is right convicts whoever complains of it, with the right secret or another", () => {
    for (const secret of [sealingSecret(fresh.seedOf(3), ceremony.plan, 3, 1), testSeed(77)]) {
      expect(judgeComplaint(group, ceremony.plan, at(1), {recipient: 3, secret})).to.equal("complainer");
    }
  });

  it("is malformed with another length, other commitments, a bad point or another's proof", () => {
    const short = altered(1, () => {});
    const cut = {
      ...short,
      bytes: short.bytes.slice(1),
      header: {...short.header, chunkHashes: [chunkHash(short.bytes.slice(1))]},
    };
    expect(malformationOf(anyFailure(() => checkChunk(group, ceremony.plan, cut)))).to.include("bytes instead of");
    const other = altered(1, (bytes) => bytes.set(at(2).bytes.subarray(0, 48), 0));
    expect(malformationOf(anyFailure(() => checkChunk(group, ceremony.plan, other)))).to.include("committed");
    expect(malformationOf(new Error("x"))).to.equal(null);
  });

  it("named by no header is told from one that its dealer named", () => {
    const bytes = Uint8Array.from(at(1).bytes);
    bytes[0]! ^= 1;
    expect(isNamedChunk({...at(1), bytes})).to.equal(false);
  });

  it("needs every qualified dealer's share and commitments", () => {
    expect(anyFailure(() => sumShares(ceremony.plan, [1, 2, 3], new Map([[1, 5n]]))).code).to.equal(
      "DKG_DEALERS_MISSING",
    );
    const none = anyFailure(() => chunkKeys(group, ceremony.plan, [1, 2, 3], {chunk: 0, chunks: new Map()}));
    expect(none.code).to.equal("DKG_DEALERS_MISSING");
  });
});

describe("a refresh", () => {
  const n = 4;
  const old = testKey(5, {n});
  const nodes = [1, 2, 3, 4].map(testNode);
  const draft = testDraft([old], {n});
  const operators = testDefinition(nodes).operators;
  const previous = {generation: 0, threshold: 3, operators, validators: draft.validators, handoverEpoch: 100n};
  const definition = testDefinition(nodes, {kind: "refresh", previous, depositAmounts: []});
  const refresh = run(ceremonyOf(consented(definition, nodes), verifyNodeSignature), nodes);

  it("changes every share and keeps the key", () => {
    for (const qualified of [
      [1, 2, 3, 4],
      [2, 3, 4],
    ]) {
      const shares = sharesOf(refresh, qualified, old);
      const [keys] = keysOf(refresh, qualified);
      expect(keys!.groupPublicKey).to.equal(draft.validators[0]!.groupPublicKey);
      checkShareKeys(group, keys!, 3);
      expect(shares.map(publicKeyOf)).to.deep.equal(keys!.sharePublicKeys);
      expect(shares.filter((share, i) => share === toScalar(old.shares[i]!.secret, "s"))).to.deep.equal([]);
      expect(secretFrom(shares, [1, 3, 4])).to.equal(old.secret);
      // Old and new shares do not mix.
      const mixed = [toScalar(old.shares[0]!.secret, "s"), ...shares.slice(1)];
      expect(secretFrom(mixed, [1, 3, 4])).not.to.equal(old.secret);
    }
  });
});

describe("a reshare", () => {
  const old = testKey(6, {n: 4});
  const draft = testDraft([old], {n: 4});
  const all = Array.from({length: 9}, (_, i) => testNode(i + 1));
  // Operators 1…7 take over from 6…9: two stay.
  const previous = {
    generation: 3,
    threshold: 3,
    operators: testDefinition(all.slice(5, 9)).operators,
    validators: draft.validators,
    handoverEpoch: parseEpoch("100"),
  };
  const definition = testDefinition(all.slice(0, 7), {kind: "reshare", previous, depositAmounts: []});
  const ceremony = ceremonyOf(consented(definition, all), verifyNodeSignature);
  const share = (dealer: number) => toScalar(old.shares[dealer - 1]!.secret, "share");
  const reshare = run(ceremony, all, share);

  it("gives another committee shares of the same key, from any three old dealers", () => {
    for (const qualified of [
      [1, 2, 3, 4],
      [1, 2, 4],
      [2, 3, 4],
    ]) {
      const shares = sharesOf(reshare, qualified);
      const [keys] = keysOf(reshare, qualified);
      expect(keys!.groupPublicKey).to.equal(draft.validators[0]!.groupPublicKey);
      checkShareKeys(group, keys!, 5);
      expect(shares.map(publicKeyOf)).to.deep.equal(keys!.sharePublicKeys);
      expect(secretFrom(shares, [1, 2, 5, 6, 7])).to.equal(old.secret);
      expect(secretFrom(shares, [1, 2, 5, 6])).not.to.equal(old.secret);
    }
    expect(contributions(ceremony.plan, [1, 2, 3, 4]).map(({dealer}) => dealer)).to.deep.equal([1, 2, 3]);
  });

  it("of another share than the dealer's is malformed", () => {
    const lying = run(ceremony, all, (dealer) => (dealer === 2 ? share(2) + 1n : share(dealer)));
    const {item, chunks} = lying.dealings[1]!;
    const at = {dealer: 2, header: headerOf(ceremony, item), chunk: 0, bytes: chunks[0]!};
    expect(malformationOf(anyFailure(() => checkChunk(group, ceremony.plan, at)))).to.include("another share");
  });
});

describe("the curve as a ceremony's group", () => {
  it("multiplies the base point, signs, and checks sums of signatures of different messages", () => {
    const secrets = [5n, 7n];
    const messages = [Buffer.from("one message, not of 32 bytes"), Buffer.from("another")];
    const keys = secrets.map((secret) => group.base(secret));
    expect(toHex(group.publicKeys.bytes(keys[0]!))).to.equal(loadSecretKey(scalarBytes(5n)).publicKey);
    const signatures = secrets.map((secret, i) => group.signatures.load(group.sign(secret, messages[i]!), "full"));
    const claims = keys.map((key, i) => ({key, message: messages[i]!}));
    const sum = group.signatures.sum(signatures);
    expect(group.verifyAggregate(claims, sum)).to.equal(true);
    expect(group.verifyAggregate(claims, signatures[0]!)).to.equal(false);
    expect(
      group.verifyAggregate(
        [...claims].reverse().map((one, i) => ({...one, key: keys[i]!})),
        sum,
      ),
    ).to.equal(false);
    expect(group.verifyAll(claims.map((one, i) => ({...one, signature: signatures[i]!})))).to.equal(true);
    expect(anyFailure(() => group.base(0n)).code).to.equal("THRESHOLD_SCALAR_RANGE");
    expect(shareOf([3n, 2n, 1n], 2)).to.equal(11n);
  });
});
