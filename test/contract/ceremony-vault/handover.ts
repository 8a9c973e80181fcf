import {expect} from "chai";
import {blstDkgGroup as group} from "../../../src/adapters/bls/blst.js";
import {parseAddressHex, parseRootHex, type RootHex} from "../../../src/core/bytes.js";
import type {Item} from "../../../src/core/dkg/items.js";
import {decodeItem} from "../../../src/core/dkg/items-codec.js";
import {isRetirement} from "../../../src/core/dkg/retirement.js";
import {codeOf} from "../../../src/core/errors.js";
import {testNode} from "../../support/dkg.js";
import {VaultCeremony} from "../../support/vault-ceremony.js";
import type {VaultUnderTest} from "./contract.js";

const TRANSCRIPT: RootHex = parseRootHex(`0x${"7a".repeat(32)}`);
const OTHER: RootHex = parseRootHex(`0x${"7b".repeat(32)}`);
/** Two epochs ahead of the test network's clock, and a deadline within it. */
const H = 102n;
const soon = (): number => Math.floor(Date.now() / 1000) + 300;
const code = (promise: Promise<unknown>): Promise<string> => promise.then(() => "done", codeOf);

/** Every vault keeps this contract when a key is handed over. @see src/ports/ceremony-vault.ts */
export function handoverContract(name: string, open: () => Promise<VaultUnderTest>): void {
  describe(`a ceremony vault that hands keys over: ${name}`, function () {
    this.timeout(30_000);
    let test: VaultUnderTest;
    let one: VaultCeremony;
    beforeEach(async () => {
      test = await open();
      one = new VaultCeremony({validators: 2});
      await one.finish(test.vault, TRANSCRIPT);
    });
    afterEach(() => test.close());

    const reshare = (first: number[], more: ConstructorParameters<typeof VaultCeremony>[0] = {}) =>
      new VaultCeremony({
        validators: 2,
        kind: "reshare",
        nodes: first.map(testNode),
        old: one.asOld(),
        self: testNode(1),
        previous: one.asPrevious(H),
        depositAmounts: [],
        deadline: soon(),
        nonce: 2,
        ...more,
      });

    it("deals old shares so that the key stays, retires once and takes over, over a crash after every step", async () => {
      const two = reshare([1, 11, 12, 13]);
      const announced = await test.vault.begin(two.text, two.peerId);
      let vault = await test.crash();
      expect(await vault.begin(two.text, two.peerId)).to.deep.equal(announced);
      await two.upToResult(vault);
      vault = await test.crash();
      const asked = {qualified: two.qualified(), transcript: TRANSCRIPT, chunk: 0};
      const result = await vault.result(two.id, asked);
      expect(result.keys).to.deep.equal(two.keys());
      expect(result.keys.map((keys) => keys.groupPublicKey)).to.deep.equal(
        one.keys().map((keys) => keys.groupPublicKey),
      );
      expect(await code(vault.result(two.id, {...asked, transcript: OTHER}))).to.equal("KEEPER_CEREMONY_QUALIFIED");
      expect(await code(vault.takeOver(two.id, []))).to.equal("KEEPER_HANDOVER_NONE");
      vault = await test.crash();
      expect(await vault.activate(two.id, two.committeeFile())).to.deep.equal({keys: 2});
      vault = await test.crash();
      const body = await vault.retire(two.id, TRANSCRIPT);
      vault = await test.crash();
      expect(await vault.retire(two.id, TRANSCRIPT)).to.deep.equal(body);
      expect(await code(vault.retire(two.id, OTHER))).to.equal("KEEPER_HANDOVER_OTHER");
      const own = two.retirement(two.self, body);
      const item = decodeItem(two.ceremony, own) as Item<"retire">;
      expect(isRetirement(group, two.ceremony, TRANSCRIPT, item)).to.equal(true);
      expect(body.epoch).to.equal(H);
      const second = two.retirementOf(2, {transcript: TRANSCRIPT, epoch: H});
      const third = two.retirementOf(3, {transcript: TRANSCRIPT, epoch: H});
      // Twice one operator, another outcome and a far epoch count for nothing.
      const useless = [
        own,
        second,
        second,
        two.retirementOf(4, {transcript: OTHER, epoch: H}),
        two.retirementOf(3, {transcript: TRANSCRIPT, epoch: 5000n}),
      ];
      expect(await code(vault.takeOver(two.id, useless))).to.equal("KEEPER_HANDOVER_RETIREMENTS");
      expect(await code(vault.takeOver(two.id, ["{}"]))).to.equal("DKG_ITEM_MALFORMED");
      expect(await vault.takeOver(two.id, [own, second, third])).to.deep.equal({after: H});
      vault = await test.crash();
      expect(await vault.takeOver(two.id, [])).to.deep.equal({after: H});
      expect(await vault.status()).to.have.deep.members([
        {ceremony: one.id, state: "finished"},
        {ceremony: two.id, state: "finished"},
      ]);
      // For no second committee, whoever asks.
      const rival = reshare([21, 22, 23, 24], {nonce: 3});
      expect(await code(test.vault.begin(rival.text, rival.peerId))).to.not.equal("done");
      expect(await code(vault.begin(rival.text, rival.peerId))).to.equal("KEEPER_HANDOVER_OTHER");
    });

    it("passes over retirements after epochs that nobody can have signed yet", async () => {
      const two = reshare([1, 11, 12, 13]);
      await two.finish(test.vault, TRANSCRIPT);
      const [second, third, far, fourth] = [
        two.retirementOf(2, {transcript: TRANSCRIPT, epoch: H}),
        two.retirementOf(3, {transcript: TRANSCRIPT, epoch: H}),
        two.retirementOf(4, {transcript: TRANSCRIPT, epoch: H + 1n}),
        two.retirementOf(4, {transcript: TRANSCRIPT, epoch: H}),
      ];
      const vault = await test.crash();
      expect(await code(vault.takeOver(two.id, [second!, third!, far!]))).to.equal("KEEPER_HANDOVER_RETIREMENTS");
      expect(await vault.takeOver(two.id, [second!, third!, fourth!])).to.deep.equal({after: H});
    });

    it("retires as an operator that leaves, also after it gave the ceremony up", async () => {
      const two = reshare([11, 12, 13, 14]);
      expect(two.self).to.equal(5);
      await two.upToResult(test.vault);
      expect(await code(test.vault.activate(two.id, two.committeeFile()))).to.equal("KEEPER_CEREMONY_QUALIFIED");
      await test.vault.abort(two.id);
      let vault = await test.crash();
      expect(await code(vault.takeOver(two.id, []))).to.equal("KEEPER_HANDOVER_NONE");
      const body = await vault.retire(two.id, TRANSCRIPT);
      vault = await test.crash();
      expect(await vault.retire(two.id, TRANSCRIPT)).to.deep.equal(body);
      expect(await code(vault.takeOver(two.id, []))).to.equal("KEEPER_CEREMONY_UNKNOWN");
    });

    it("hands one generation over once at a time, and goes on when that came to nothing", async () => {
      const two = reshare([11, 12, 13, 14]);
      const rival = reshare([21, 22, 23, 24], {nonce: 3});
      await test.vault.begin(two.text, two.peerId);
      let vault = await test.crash();
      expect(await code(vault.begin(rival.text, rival.peerId))).to.equal("KEEPER_HANDOVER_UNDER_WAY");
      await vault.abort(two.id);
      vault = await test.crash();
      expect(await code(vault.begin(rival.text, rival.peerId))).to.equal("done");
    });

    it("takes no definition whose epoch or deadline is wrong, whose shares it has not, or with another credential", async () => {
      const begin = (two: VaultCeremony) => code(test.vault.begin(two.text, two.peerId));
      expect(await begin(reshare([11, 12, 13, 14], {previous: one.asPrevious(101n)}))).to.equal("DKG_HANDOVER_EPOCH");
      expect(await begin(reshare([11, 12, 13, 14], {previous: one.asPrevious(99_999n)}))).to.equal(
        "DKG_HANDOVER_EPOCH",
      );
      expect(await begin(reshare([11, 12, 13, 14], {deadline: soon() + 3_600}))).to.equal("DKG_HANDOVER_EPOCH");
      const elsewhere = {...one.asPrevious(H), generation: 7};
      expect(await begin(reshare([11, 12, 13, 14], {previous: elsewhere}))).to.equal("KEEPER_UNKNOWN_KEY");
      const withdrawal = {kind: "address", address: parseAddressHex(`0x${"ee".repeat(20)}`)} as const;
      expect(await begin(reshare([11, 12, 13, 14], {withdrawal}))).to.equal("KEEPER_OTHER_CREDENTIALS");
      expect(await begin(reshare([11, 12, 13, 14]))).to.equal("done");
    });

    it("refreshes without anybody's retirement, once for each generation", async () => {
      const refresh = (nonce: number) =>
        new VaultCeremony({
          validators: 2,
          kind: "refresh",
          previous: one.asPrevious(H),
          depositAmounts: [],
          deadline: soon(),
          nonce,
        });
      const [two, three] = [refresh(2), refresh(3)];
      await two.finish(test.vault, TRANSCRIPT);
      const vault = await test.crash();
      expect(await vault.activate(two.id, two.committeeFile())).to.deep.equal({keys: 2});
      expect(await code(vault.retire(two.id, TRANSCRIPT))).to.equal("KEEPER_CEREMONY_UNKNOWN");
      expect(await code(vault.begin(three.text, three.peerId))).to.equal("KEEPER_HANDOVER_OTHER");
    });
  });
}
