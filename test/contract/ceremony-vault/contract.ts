import {expect} from "chai";
import {blstDkgGroup as group} from "../../../src/adapters/bls/blst.js";
import {fromHex, parseRootHex, type RootHex, rootHex} from "../../../src/core/bytes.js";
import {judgeComplaint} from "../../../src/core/dkg/checking.js";
import {hexBytes} from "../../../src/core/dkg/digest.js";
import {headerOf, signItem} from "../../../src/core/dkg/items.js";
import {encodeItem} from "../../../src/core/dkg/items-json.js";
import {sealingPublicKey} from "../../../src/core/dkg/sealing.js";
import {checkShareProof} from "../../../src/core/dkg/share-proof.js";
import {codeOf} from "../../../src/core/errors.js";
import {escrowedSigningRoot} from "../../../src/core/escrow/exit.js";
import {openExit, sealedExitJson} from "../../../src/core/escrow/sealed.js";
import {additionChain, linearCombination} from "../../../src/core/threshold/addition-chain.js";
import {delta} from "../../../src/core/threshold/lagrange.js";
import {depositSigningRoots} from "../../../src/keeper/dkg/deposits.js";
import type {CeremonyVault} from "../../../src/ports/ceremony-vault.js";
import {testNode} from "../../support/dkg.js";
import {VaultCeremony} from "../../support/vault-ceremony.js";

/** A vault, and the same one after its process was killed. */
export interface VaultUnderTest {
  vault: CeremonyVault;
  crash(): Promise<CeremonyVault>;
  close(): Promise<void>;
}

const TRANSCRIPT: RootHex = parseRootHex(`0x${"7a".repeat(32)}`);
const HOLDER_SECRET = new Uint8Array(32).fill(7);
const HOLDER = {publicKey: rootHex(sealingPublicKey(HOLDER_SECRET)), name: "A holder"};
const code = (promise: Promise<unknown>): Promise<string> => promise.then(() => "done", codeOf);

/** Every vault keeps this contract. @see src/ports/ceremony-vault.ts */
export function ceremonyVaultContract(name: string, open: () => Promise<VaultUnderTest>): void {
  describe(`a ceremony vault: ${name}`, function () {
    this.timeout(30_000);
    let test: VaultUnderTest;
    beforeEach(async () => {
      test = await open();
    });
    afterEach(() => test.close());

    it("makes shares whose keys, proof and deposits everybody can check, over a crash after every step", async () => {
      const one = new VaultCeremony({validators: 2});
      const announced = await test.vault.begin(one.text, one.peerId);
      let vault = await test.crash();
      expect(await vault.begin(one.text, one.peerId)).to.deep.equal(announced);
      one.announce(announced);
      await one.deal(vault);
      const [first] = one.dealings;
      vault = await test.crash();
      await one.deal(vault);
      expect(one.dealings[0]!.item).to.deep.equal(first!.item);
      expect(one.dealings[0]!.chunks.map(String)).to.deep.equal(first!.chunks.map(String));
      for (const dealer of [1, 2, 3, 4]) expect(await one.open(vault, dealer)).to.deep.equal(["ok"]);
      vault = await test.crash();
      expect(await one.open(vault, 3)).to.deep.equal(["ok"]);
      const asked = {qualified: one.qualified(), transcript: TRANSCRIPT, chunk: 0};
      const result = await vault.result(one.id, asked);
      vault = await test.crash();
      expect(await vault.result(one.id, asked)).to.deep.equal(result);
      expect(result.keys).to.deep.equal(one.keys());
      const sharePublicKeys = result.keys.map((keys) => keys.sharePublicKeys[0]!);
      expect(checkShareProof(group, {transcript: TRANSCRIPT, sharePublicKeys, proof: result.proof})).to.equal(true);
      for (const [i, {groupPublicKey}] of result.keys.entries()) {
        const [root] = depositSigningRoots(one.signed.definition, groupPublicKey);
        const partial = group.signatures.load(fromHex(result.deposits[i]!), "full");
        const lifted = linearCombination(group.signatures, additionChain([delta({n: 4, t: 3})]), [partial]);
        const key = group.publicKeys.load(fromHex(sharePublicKeys[i]!), "full");
        expect(group.verify(root!, key, lifted)).to.equal(true);
      }
      expect(await vault.activate(one.id, one.committeeFile())).to.deep.equal({keys: 2});
      vault = await test.crash();
      expect(await vault.activate(one.id, one.committeeFile())).to.deep.equal({keys: 2});
      expect(await vault.status()).to.deep.equal([{ceremony: one.id, state: "finished"}]);
      expect(await code(vault.deal(one.id, {announces: one.texts(), chunk: 0}))).to.equal("KEEPER_CEREMONY_UNKNOWN");
    });

    it("seals a key's exit for the holder its definition named, and for nobody else, over a crash", async () => {
      const one = new VaultCeremony({escrow: HOLDER});
      await one.upToResult(test.vault);
      const key = one.keys()[0]!.groupPublicKey;
      const seal = (vault: CeremonyVault, of = key) => vault.sealExit(of, 77n);
      expect(await code(seal(test.vault))).to.equal("KEEPER_NO_ESCROW");
      await test.vault.result(one.id, {qualified: one.qualified(), transcript: TRANSCRIPT, chunk: 0});
      // Consented to, and there is no share to sign with yet.
      expect(await code(seal(test.vault))).to.equal("KEEPER_UNKNOWN_KEY");
      await test.vault.activate(one.id, one.committeeFile());
      const vault = await test.crash();
      const sealed = await seal(vault);
      const {committeeHash, sharePublicKeys} = one.committee().validators[0]!;
      const {genesisValidatorsRoot: chain} = one.signed.definition.network;
      expect(sealed).to.deep.include({groupPublicKey: key, committeeHash, shareIndex: 1, holder: HOLDER.publicKey});
      expect(sealed.exit).to.deep.equal({validatorIndex: 77n, epoch: 0n, forkVersion: "0x04020304"});
      const opened = openExit(sealed, {secret: HOLDER_SECRET, chain})!;
      const shareKey = group.publicKeys.load(fromHex(sharePublicKeys[0]!), "full");
      const root = escrowedSigningRoot(sealed.exit, chain);
      expect(group.verify(root, shareKey, group.signatures.load(opened, "full"))).to.equal(true);
      const plain = Buffer.from(opened).toString("hex");
      expect(JSON.stringify(sealedExitJson(sealed)))
        .not.to.include(plain)
        .and.not.include(plain.slice(0, 64));
      // Never the same bytes: each part has a key of its own.
      expect((await seal(vault)).ephemeral).not.to.equal(sealed.ephemeral);
      expect(Buffer.from(opened).equals(openExit(await seal(vault), {secret: HOLDER_SECRET, chain})!)).to.equal(true);
    });

    it("takes part in nothing that would give a key a second escrow holder, and forgets none", async () => {
      const one = new VaultCeremony({escrow: HOLDER});
      await one.upToResult(test.vault);
      await test.vault.result(one.id, {qualified: one.qualified(), transcript: TRANSCRIPT, chunk: 0});
      await test.vault.activate(one.id, one.committeeFile());
      // Two epochs ahead of the test network's clock.
      const deadline = Math.floor(Date.now() / 1000) + 300;
      const refresh = {kind: "refresh", previous: one.asPrevious(102n), depositAmounts: [], deadline} as const;
      const other = {...HOLDER, publicKey: parseRootHex(`0x${"09".repeat(32)}`)};
      const begin = (vault: CeremonyVault, {text, peerId}: VaultCeremony) => code(vault.begin(text, peerId));
      const vault = await test.crash();
      expect(await begin(vault, new VaultCeremony({...refresh, nonce: 2, escrow: other}))).to.equal(
        "KEEPER_OTHER_ESCROW",
      );
      // A name is for people.
      expect(await begin(vault, new VaultCeremony({...refresh, nonce: 3, escrow: {...HOLDER, name: "B"}}))).to.equal(
        "done",
      );
      const two = new VaultCeremony({...refresh, nonce: 4});
      await two.upToResult(vault);
      await vault.result(two.id, {qualified: two.qualified(), transcript: TRANSCRIPT, chunk: 0});
      await vault.activate(two.id, two.committeeFile());
      const sealed = await vault.sealExit(one.keys()[0]!.groupPublicKey, 1n);
      expect([sealed.holder, sealed.committeeHash]).to.deep.equal([
        HOLDER.publicKey,
        // Until the handover it is the old share's.
        one.committee().validators[0]!.committeeHash,
      ]);
    });

    it("seals no exit of a key whose definition named no holder", async () => {
      const one = new VaultCeremony();
      await one.upToResult(test.vault);
      await test.vault.result(one.id, {qualified: one.qualified(), transcript: TRANSCRIPT, chunk: 0});
      await test.vault.activate(one.id, one.committeeFile());
      const {groupPublicKey} = one.keys()[0]!;
      expect(await code(test.vault.sealExit(groupPublicKey, 1n))).to.equal("KEEPER_NO_ESCROW");
    });

    it("deals on the announces of the first call for ever", async () => {
      const one = new VaultCeremony({require: 3});
      one.announce(await test.vault.begin(one.text, one.peerId));
      const some = one.texts().slice(0, 3);
      const dealt = await test.vault.deal(one.id, {announces: some, chunk: 0});
      const again = await (await test.crash()).deal(one.id, {announces: one.texts(), chunk: 0});
      expect(again).to.deep.equal(dealt);
      expect(again.announces).to.deep.equal(some);
    });

    it("deals on no announces that are too few, out of order, forged, or not its own", async () => {
      const one = new VaultCeremony();
      one.announce(await test.vault.begin(one.text, one.peerId));
      const deal = (announces: readonly string[]) => code(test.vault.deal(one.id, {announces, chunk: 0}));
      const texts = one.texts();
      expect(await deal(texts.slice(0, 3))).to.equal("KEEPER_CEREMONY_ANNOUNCES");
      expect(await deal(texts.toReversed())).to.equal("KEEPER_CEREMONY_ANNOUNCES");
      const body = one.announces[1]!.body;
      const at = {author: 1, kind: "announce", sequence: 0, body} as const;
      const swapped = encodeItem(signItem(one.ceremony, at, one.nodes[0]!.sign));
      expect(await deal([swapped, ...texts.slice(1)])).to.equal("KEEPER_CEREMONY_ANNOUNCES");
      const forged = encodeItem(signItem(one.ceremony, at, one.nodes[1]!.sign));
      expect(await deal([forged, ...texts.slice(1)])).to.equal("DKG_ITEM_SIGNATURE");
      expect(await deal(["{}"])).to.equal("DKG_ITEM_MALFORMED");
      // None of it was kept.
      expect(await deal(texts)).to.equal("done");
    });

    it("complains of a wrong share with the one secret that shows it, and opens no second dealing of that dealer", async () => {
      const one = new VaultCeremony();
      one.announce(await test.vault.begin(one.text, one.peerId));
      await one.deal(test.vault);
      const good = one.dealings[1]!;
      // The dealer signs what it broke, or nobody would know that it was the dealer.
      const bytes = good.chunks[0]!.slice();
      const {publicBytes} = {publicBytes: bytes.length - 4 * 48};
      bytes[publicBytes] = bytes[publicBytes]! ^ 1;
      const {createHash} = await import("node:crypto");
      const hash = parseRootHex(`0x${createHash("sha256").update(bytes).digest("hex")}`);
      const body = {...good.item.body, chunkHashes: [hash]};
      const item = signItem(one.ceremony, {author: 2, kind: "deal", sequence: 0, body}, one.nodes[1]!.sign);
      const asked = {dealing: encodeItem(item), chunk: 0, bytes};
      const complaint = await test.vault.open(one.id, asked);
      if (complaint.kind !== "complaint") throw new Error(`not a complaint but ${complaint.kind}`);
      const at = {dealer: 2, header: headerOf(one.ceremony, item), chunk: 0, bytes};
      const secret = hexBytes(complaint.secret);
      expect(judgeComplaint(group, one.ceremony.plan, at, {recipient: 1, secret})).to.equal("dealer");
      const vault = await test.crash();
      expect(await vault.open(one.id, asked)).to.deep.equal(complaint);
      expect(await code(one.open(vault, 2))).to.equal("KEEPER_CEREMONY_DEALING");
      expect(
        await code(vault.result(one.id, {qualified: one.qualified([1, 2, 3]), transcript: TRANSCRIPT, chunk: 0})),
      ).to.equal("KEEPER_CEREMONY_QUALIFIED");
    });

    it("opens only bytes that the dealer's header names, and says what everybody can see is malformed", async () => {
      const one = new VaultCeremony();
      one.announce(await test.vault.begin(one.text, one.peerId));
      await one.deal(test.vault);
      const dealing = encodeItem(one.dealings[1]!.item);
      const bytes = one.dealings[2]!.chunks[0]!;
      expect(await code(test.vault.open(one.id, {dealing, chunk: 0, bytes}))).to.equal("KEEPER_CEREMONY_CHUNK");
      expect(await code(test.vault.open(one.id, {dealing, chunk: 1, bytes}))).to.equal("KEEPER_CEREMONY_CHUNK");
      const {createHash} = await import("node:crypto");
      const short = new Uint8Array(7);
      const hash = parseRootHex(`0x${createHash("sha256").update(short).digest("hex")}`);
      const body = {...one.dealings[3]!.item.body, chunkHashes: [hash]};
      const item = signItem(one.ceremony, {author: 4, kind: "deal", sequence: 0, body}, one.nodes[3]!.sign);
      const opened = await test.vault.open(one.id, {dealing: encodeItem(item), chunk: 0, bytes: short});
      expect(opened.kind).to.equal("malformed");
    });

    it("makes one result: other dealings than those agreed on first are refused", async () => {
      const one = new VaultCeremony({require: 3});
      await one.upToResult(test.vault);
      const ask = (vault: CeremonyVault, dealers: number[]) =>
        vault.result(one.id, {qualified: one.qualified(dealers), transcript: TRANSCRIPT, chunk: 0});
      expect(await code(ask(test.vault, [1, 2]))).to.equal("KEEPER_CEREMONY_QUALIFIED");
      expect(await code(ask(test.vault, [3, 2, 1]))).to.equal("KEEPER_CEREMONY_QUALIFIED");
      expect((await ask(test.vault, [1, 2, 4])).keys).to.deep.equal(one.keys([1, 2, 4]));
      const vault = await test.crash();
      expect(await code(ask(vault, [1, 2, 3, 4]))).to.equal("KEEPER_CEREMONY_QUALIFIED");
      expect(await code(vault.activate(one.id, one.committeeFile(one.keys())))).to.equal("KEEPER_CEREMONY_COMMITTEE");
      expect(await code(vault.activate(one.id, one.committeeFile(one.keys([1, 2, 4]))))).to.equal("done");
    });

    it("takes a nonce once: neither a changed definition nor an ended one is begun again", async () => {
      const one = new VaultCeremony();
      const changed = new VaultCeremony({validators: 2});
      await test.vault.begin(one.text, one.peerId);
      expect(await code(test.vault.begin(changed.text, one.peerId))).to.equal("KEEPER_CEREMONY_NONCE");
      expect(await code(test.vault.begin(one.text, one.nodes[1]!.peerId))).to.equal("KEEPER_CEREMONY_PEER");
      await test.vault.abort(one.id);
      const vault = await test.crash();
      await vault.abort(one.id);
      expect(await code(vault.begin(one.text, one.peerId))).to.equal("KEEPER_CEREMONY_OVER");
      expect(await code(vault.begin(changed.text, one.peerId))).to.equal("KEEPER_CEREMONY_NONCE");
      expect(await vault.status()).to.deep.equal([{ceremony: one.id, state: "aborted"}]);
      expect(await code(vault.activate(one.id, "{}"))).to.equal("KEEPER_CEREMONY_UNKNOWN");
    });

    it("takes part in no definition that is another's, unsigned, edited or of another chain", async () => {
      const one = new VaultCeremony();
      expect(await code(test.vault.begin(one.text, testNode(77).peerId))).to.equal("KEEPER_CEREMONY_PEER");
      const unsigned = JSON.stringify({...JSON.parse(one.text), signatures: []});
      expect(await code(test.vault.begin(unsigned, one.peerId))).to.equal("DKG_DEFINITION_UNSIGNED");
      const edited = one.text.replace('"deadline": 1800000000', '"deadline": 1800000001');
      expect(await code(test.vault.begin(edited, one.peerId))).to.equal("DKG_DEFINITION_SIGNATURE");
      const {network} = one.signed.definition;
      const elsewhere = new VaultCeremony({
        nonce: 2,
        network: {...network, genesisValidatorsRoot: parseRootHex(`0x${"99".repeat(32)}`)},
      });
      expect(await code(test.vault.begin(elsewhere.text, one.peerId))).to.equal("KEEPER_NETWORK_MISMATCH");
      expect(await test.vault.status()).to.deep.equal([]);
    });

    it("computes a ceremony of several chunks one at a time, in any order, and several ceremonies side by side", async () => {
      const many = [1, 2].map((nonce) => new VaultCeremony({validators: 51, nonce}));
      await Promise.all(many.map((one) => one.upToResult(test.vault)));
      for (const one of many) {
        const results = new Map<number, Awaited<ReturnType<CeremonyVault["result"]>>>();
        for (const chunk of [1, 0]) {
          const asked = {qualified: one.qualified(), transcript: TRANSCRIPT, chunk};
          results.set(chunk, await test.vault.result(one.id, asked));
        }
        const keys = [0, 1].flatMap((chunk) => results.get(chunk)!.keys);
        expect(keys).to.deep.equal(one.keys());
        const proofs = [0, 1].map((chunk) => group.signatures.load(fromHex(results.get(chunk)!.proof), "full"));
        const sum = group.signatures.bytes(group.signatures.sum(proofs));
        const proof = `0x${Buffer.from(sum).toString("hex")}` as Parameters<typeof checkShareProof>[1]["proof"];
        const sharePublicKeys = keys.map((one) => one.sharePublicKeys[0]!);
        expect(checkShareProof(group, {transcript: TRANSCRIPT, sharePublicKeys, proof})).to.equal(true);
        expect(await test.vault.activate(one.id, one.committeeFile())).to.deep.equal({keys: 51});
      }
    });
  });
}
