import {expect} from "chai";
import {fromHex} from "../../../src/core/bytes.js";
import {codeOf} from "../../../src/core/errors.js";
import {
  announceJson,
  announceMessage,
  dealingJson,
  dealingMessage,
  requestMessage,
} from "../../../src/core/repair/items.js";
import type {ShareRepair} from "../../../src/ports/share-repair.js";
import {RepairCommittee} from "../../support/share-repair.js";

/** A repair that holds operator 2's shares of the committee, or nothing and is operator 1. */
export interface RepairUnderTest {
  readonly repair: ShareRepair;
  /** How many shares it signs with. */
  held(): Promise<number>;
  /** The same after its process was killed. */
  crash(): Promise<RepairUnderTest>;
  close(): Promise<void>;
}

const code = (promise: Promise<unknown>): Promise<string> => promise.then(() => "done", codeOf);

/** Every repair keeps this contract. @see src/ports/share-repair.ts */
export function shareRepairContract(
  name: string,
  open: (all: RepairCommittee, operator: 1 | 2) => Promise<RepairUnderTest>,
): void {
  describe(`the repair of shares: ${name}`, function () {
    this.timeout(60_000);
    let all: RepairCommittee;
    let test: RepairUnderTest;
    beforeEach(async () => {
      all = new RepairCommittee({n: 4});
    });
    afterEach(() => test.close());

    /** Operator 1 asks; operators 3 and 4 are others' repairs in memory, operator 2 is under test. */
    async function asked(owner: ShareRepair = all.repairs[0]!) {
      const self = all.nodes[0]!;
      const shares = all.committee.validators.map(({committeeHash}) => committeeHash);
      const {session, request} = await owner.ask({self: self.peerId, shares, helpers: [2, 3, 4]});
      return {session, request, signature: self.sign(requestMessage(session)), from: self.peerId};
    }
    type Asked = Awaited<ReturnType<typeof asked>>;

    async function announces(of: readonly ShareRepair[], given: Asked): Promise<object[]> {
      const found: object[] = [];
      for (const [i, repair] of of.entries()) {
        const {session, place, keys} = await repair.announce(given);
        expect([session, place]).to.deep.equal([given.session, i]);
        const signature = all.nodes[i + 1]!.sign(announceMessage(session, place, keys));
        found.push(announceJson({keys, signature}));
      }
      return found;
    }

    async function dealings(of: readonly ShareRepair[], {session, from}: Asked, shown: readonly object[]) {
      const found: {head: unknown; columns: readonly unknown[]}[] = [];
      for (const [i, repair] of of.entries()) {
        const {place, head, columns} = await repair.deal(session, {from, announces: shown});
        const signature = all.nodes[i + 1]!.sign(dealingMessage(session, place, head));
        found.push(dealingJson({head: {...head, signature}, columns}) as never);
      }
      return found;
    }
    const columnsFor = (place: number, dealt: readonly {head: unknown; columns: readonly unknown[]}[]) =>
      dealt.map(({head, columns}) => ({head, column: columns[place]}));

    it("takes a rebuilt share, durable, and signs with it at once", async () => {
      test = await open(all, 1);
      const helpers = all.repairs.slice(1);
      await all.consentAll();
      const owner = all.nodes[0]!.peerId;
      const [lost] = await test.repair.lost(owner);
      expect([lost!.shares.length, lost!.index, lost!.threshold, await test.held()]).to.deep.equal([2, 1, 3, 0]);
      const given = await asked(test.repair);
      const {session, from} = given;
      const dealt = await dealings(helpers, given, await announces(helpers, given));
      for (const [place, dealing] of dealt.entries()) {
        expect(await test.repair.check(session, {place, dealing})).to.equal(null);
      }
      expect(await test.repair.check(session, {place: 0, dealing: dealt[1]})).to.match(/not signed/);
      expect(await test.repair.check(session, {place: 0, dealing: {}})).to.match(/malformed/);
      const sums = await Promise.all(
        helpers.map((one, place) => one.sum(session, {from, dealings: columnsFor(place, dealt)})),
      );
      const swapped = [sums[1], sums[0], sums[2]] as never[];
      expect(await test.repair.rebuild(session, swapped)).to.deep.equal({kind: "liar", place: 0});
      const end = await test.repair.rebuild(session, sums as never[]);
      expect(end).to.deep.include({kind: "rebuilt"});
      expect([await test.held(), await test.repair.lost(owner)]).to.deep.equal([2, []]);
      expect(await code(test.repair.rebuild(session, sums as never[]))).to.equal("SHARE_REPAIR_UNKNOWN");
      test = await test.crash();
      expect([await test.held(), await test.repair.lost(owner)]).to.deep.equal([2, []]);
    });

    it("helps only with its owner's consent, and only the peer that its own committee file names", async () => {
      test = await open(all, 2);
      const given = await asked();
      const {repair} = test;
      expect(await code(repair.announce(given))).to.equal("SHARE_NO_CONSENT");
      const stranger = all.nodes[2]!;
      expect(await code(repair.announce({...given, from: stranger.peerId}))).to.equal("SHARE_WRONG_OPERATOR");
      const {owner, keys} = await repair.consent({owner: given.from, minutes: 10});
      expect([owner.peerId, keys.length]).to.deep.equal([given.from, 2]);
      // Somebody else's words, and another operator in the owner's place.
      const forged = {...given, signature: stranger.sign(requestMessage(given.session))};
      expect(await code(repair.announce(forged))).to.equal("SHARE_REPAIR_MESSAGE");
      await repair.consent({owner: stranger.peerId, minutes: 10});
      const theirs = given.request.replace(given.from, stranger.peerId);
      const {sessionOf, parseRequest} = await import("../../../src/core/repair/request.js");
      const signature = stranger.sign(requestMessage(sessionOf(parseRequest(theirs))));
      const wrong = {request: theirs, signature, from: stranger.peerId};
      expect(await code(repair.announce(wrong))).to.equal("SHARE_WRONG_OPERATOR");
      expect(await code(repair.announce({...given, request: "{}"}))).to.equal("SHARE_REPAIR_MESSAGE");
      expect(await code(repair.announce(given))).to.equal("done");
      await repair.consent({owner: given.from, minutes: 0});
      expect(await code(repair.deal(given.session, {from: given.from, announces: []}))).to.equal("SHARE_NO_CONSENT");
      expect(await code(repair.consent({owner: given.from, minutes: 100_000}))).to.equal("SHARE_REPAIR_MESSAGE");
      expect(await code(repair.consent({owner: given.from.replace(/.$/, "9") as never, minutes: 1}))).to.match(
        /^(SHARE_COMMITTEE|CODEC_PEER_ID)$/,
      );
    });

    it("uses nothing that its author did not sign, deals once, sums once, and forgets with its process", async () => {
      test = await open(all, 2);
      const {repair} = test;
      const helpers = [repair, all.repairs[2]!, all.repairs[3]!];
      await all.consentAll();
      const given = await asked();
      const {session, from} = given;
      await repair.consent({owner: from, minutes: 10});
      const shown = await announces(helpers, given);
      expect(await code(repair.deal(session, {from, announces: [shown[0], shown[0], shown[2]]}))).to.equal(
        "SHARE_REPAIR_MESSAGE",
      );
      expect(await code(repair.deal(session, {from: all.nodes[2]!.peerId, announces: shown}))).to.equal(
        "SHARE_WRONG_OPERATOR",
      );
      const dealt = await dealings(helpers, given, shown);
      expect(JSON.stringify(await dealings([repair], given, shown))).to.equal(JSON.stringify([dealt[0]]));
      // Leaving one helper's term out would show the owner another one's.
      const [own, second] = columnsFor(0, dealt);
      const without = [own!, second!, second!];
      expect(await code(repair.sum(session, {from, dealings: without}))).to.equal("SHARE_REPAIR_MESSAGE");
      const other = columnsFor(1, dealt);
      expect(await code(repair.sum(session, {from, dealings: other}))).to.equal("SHARE_REPAIR_MESSAGE");
      const columns = columnsFor(0, dealt);
      expect(await repair.sum(session, {from, dealings: columns})).to.deep.include({kind: "sums"});
      expect(await code(repair.sum(session, {from, dealings: columns}))).to.equal("SHARE_REPAIR_UNKNOWN");
      const next = await asked();
      await repair.announce(next);
      test = await test.crash();
      expect(await code(test.repair.deal(next.session, {from, announces: shown}))).to.equal("SHARE_REPAIR_UNKNOWN");
      expect(await code(test.repair.announce(next))).to.equal("SHARE_NO_CONSENT");
    });

    it("has one session for each lost share: a newer request ends the one before", async () => {
      test = await open(all, 2);
      const [first, second] = [await asked(), await asked()];
      await test.repair.consent({owner: first.from, minutes: 10});
      await test.repair.announce(first);
      await test.repair.announce(second);
      const {from, session} = first;
      expect(await code(test.repair.deal(session, {from, announces: []}))).to.equal("SHARE_REPAIR_UNKNOWN");
    });

    it("returns no share and no summand", async () => {
      test = await open(all, 2);
      const helpers = [test.repair, all.repairs[2]!, all.repairs[3]!];
      await all.consentAll();
      const given = await asked();
      const {session, from} = given;
      const consented = await test.repair.consent({owner: from, minutes: 10});
      const shown = await announces(helpers, given);
      const dealt = await dealings(helpers, given, shown);
      const summed = await test.repair.sum(session, {from, dealings: columnsFor(0, dealt)});
      const seen = JSON.stringify([
        consented,
        shown,
        dealt,
        summed.kind === "sums" ? Buffer.from(summed.sealed).toString("hex") : summed,
      ]);
      for (const share of all.sharesOf(2)) {
        expect(seen).to.not.contain(Buffer.from(share.secret.reveal()).toString("hex"));
        expect(fromHex(share.committeeHash)).to.have.length(32);
      }
    });
  });
}
