import {expect} from "chai";
import {toHex} from "../../../src/core/bytes.js";
import {columnHash, requestMessage} from "../../../src/core/repair/items.js";
import {floorRecord} from "../../../src/core/slashing/decide.js";
import type {ShareRepair} from "../../../src/ports/share-repair.js";
import {rejection} from "../../support/errors.js";
import {liars, RepairCommittee} from "../../support/share-repair.js";

const changed = (bytes: Uint8Array, at = 5): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

/** The repair's calls with some of them replaced. */
const lying = (inner: ShareRepair, lies: Partial<ShareRepair>): ShareRepair => ({
  lost: (self) => inner.lost(self),
  ask: (input) => inner.ask(input),
  check: (session, input) => inner.check(session, input),
  judge: (session, input) => inner.judge(session, input),
  rebuild: (session, sums) => inner.rebuild(session, sums),
  consent: (input) => inner.consent(input),
  announce: (input) => inner.announce(input),
  deal: (session, input) => inner.deal(session, input),
  sum: (session, input) => inner.sum(session, input),
  ...lies,
});

describe("the repair of a committee's shares", function () {
  this.timeout(30_000);
  for (const n of [4, 7, 10, 13]) {
    it(`gives the lost ones back exactly, at the floor: ${n} operators`, async () => {
      const lost = n - 1;
      const all = new RepairCommittee({n, lost});
      await all.consentAll(lost);
      const {events, code} = await all.run(lost);
      expect([code, liars(events)]).to.deep.equal([null, []]);
      const table = all.tables[lost - 1]!;
      for (const {groupPublicKey, committeeHash, index, secret} of all.sharesOf(lost)) {
        const got = table.shares.get(groupPublicKey)!;
        expect([got.index, got.committeeHash]).to.deep.equal([index, committeeHash]);
        expect(toHex(got.secret.reveal())).to.equal(toHex(secret.reveal()));
        expect(table.records.get(groupPublicKey)).to.deep.equal(floorRecord({epoch: 100n, slotsPerEpoch: 32}));
      }
      expect(await all.repairs[lost - 1]!.lost(all.nodes[lost - 1]!.peerId)).to.deep.equal([]);
    });
  }

  it("goes through any number of keys, fifty at a time", async () => {
    const all = new RepairCommittee({n: 4, keys: 101});
    await all.consentAll();
    const {events, code} = await all.run();
    expect(code).to.equal(null);
    const parts = events.flatMap((event) => (event.kind === "rebuilt" ? [event.keys.length] : []));
    expect(parts).to.deep.equal([50, 50, 1]);
    expect(all.tables[0]!.shares.size).to.equal(101);
  });

  /** Each of them at operator 3, and what it is convicted of. */
  const lies: [string, (inner: ShareRepair) => Partial<ShareRepair>][] = [
    [
      "deals what is not its share",
      (inner) => ({
        async deal(session, input) {
          const dealt = await inner.deal(session, input);
          const [first, second, ...rest] = dealt.columns;
          // Two points of the group, in each other's place: well formed, and of the wrong sum only for one key.
          const half = first!.commitments.length / 2;
          const swapped = {
            ...first!,
            commitments: new Uint8Array([
              ...first!.commitments.subarray(half),
              ...first!.commitments.subarray(0, half),
            ]),
          };
          const columns = [swapped, second!, ...rest];
          return {...dealt, columns, head: {...dealt.head, columns: columns.map(columnHash)}};
        },
      }),
    ],
    [
      "deals points that are none",
      (inner) => ({
        async deal(session, input) {
          const dealt = await inner.deal(session, input);
          const columns = dealt.columns.map((one) => ({...one, commitments: one.commitments.map(() => 0xff)}));
          return {...dealt, columns, head: {...dealt.head, columns: columns.map(columnHash)}};
        },
      }),
    ],
    [
      "seals another summand than it committed to",
      (inner) => ({
        async deal(session, input) {
          const dealt = await inner.deal(session, input);
          const columns = dealt.columns.map((one, to) => (to === 4 ? {...one, sealed: changed(one.sealed)} : one));
          return {...dealt, columns, head: {...dealt.head, columns: columns.map(columnHash)}};
        },
      }),
    ],
    [
      "shows other columns than it signed",
      (inner) => ({
        async deal(session, input) {
          const dealt = await inner.deal(session, input);
          return {...dealt, columns: dealt.columns.map((one) => ({...one, sealed: changed(one.sealed)}))};
        },
      }),
    ],
    [
      "gives other sums than it was dealt",
      (inner) => ({
        async sum(session, input) {
          const summed = await inner.sum(session, input);
          return summed.kind === "sums" ? {...summed, sealed: changed(summed.sealed)} : summed;
        },
      }),
    ],
    [
      "accuses another one with a key that is not its own",
      (inner) => ({
        async sum(session, input) {
          await inner.sum(session, input);
          return {kind: "complaint", from: 0, secret: `0x${"12".repeat(32)}` as never};
        },
      }),
    ],
  ];
  for (const [what, lie] of lies) {
    it(`names a helper that ${what}, nobody else, and goes on with another one`, async () => {
      const all = new RepairCommittee({n: 7});
      await all.consentAll();
      all.repairs[2] = lying(all.repairs[2]!, lie(all.repairs[2]!));
      const {events, code} = await all.run();
      expect([code, liars(events)]).to.deep.equal([null, [3]]);
      const end = events.find((event) => event.kind === "rebuilt");
      expect(end).to.deep.include({helpers: [2, 4, 5, 6, 7]});
      expect(all.tables[0]!.shares.size).to.equal(2);
    });
  }

  it("takes nothing and names each when too few honest ones are left", async () => {
    const all = new RepairCommittee({n: 4});
    await all.consentAll();
    all.repairs[2] = lying(all.repairs[2]!, lies[4]![1](all.repairs[2]!));
    const {events, code} = await all.run();
    expect([code, liars(events)]).to.deep.equal(["SHARE_REPAIR_HELPERS", [3]]);
    expect(all.tables[0]!.shares.size).to.equal(0);
  });

  it("asks somebody else when an owner has not consented, and blames nobody for it", async () => {
    const all = new RepairCommittee({n: 7});
    for (const id of [3, 4, 5, 6, 7]) await all.repairs[id - 1]!.consent({owner: all.nodes[0]!.peerId, minutes: 5});
    const {events, code} = await all.run();
    const unhelpful = events.flatMap((event) => (event.kind === "unhelpful" ? [[event.operatorId, event.code]] : []));
    expect([code, liars(events), unhelpful]).to.deep.equal([null, [], [[2, "SHARE_NO_CONSENT"]]]);
    all.away.add(1);
  });

  it("says of each operator why there are too few", async () => {
    const all = new RepairCommittee({n: 4});
    await all.consentAll();
    all.away.add(2);
    expect((await all.run()).code).to.equal("SHARE_REPAIR_HELPERS");
  });

  it("brings the newest generation, also to an operator that still holds its share of an older one", async () => {
    const all = new RepairCommittee({n: 4, generation: 1});
    const older = new RepairCommittee({n: 4, generation: 0, lost: 0});
    const {memoryRepair} = await import("../../../src/adapters/keeper/memory-repair.js");
    const {testNetwork} = await import("../../support/keeper.js");
    const table = older.tables[0]!;
    all.repairs[0] = memoryRepair(
      {table, clock: {now: () => all.now}},
      {network: testNetwork(), committees: [older.committee, all.committee]},
    );
    await all.consentAll();
    expect((await all.run()).code).to.equal(null);
    const {groupPublicKey, committeeHash} = all.committee.validators[0]!;
    expect(table.shares.get(groupPublicKey)!.committeeHash).to.equal(committeeHash);
  });

  it("gives nobody a share of an older generation, though it is still held", async () => {
    const older = new RepairCommittee({n: 4, generation: 0, lost: 0});
    const newer = new RepairCommittee({n: 4, generation: 1, lost: 0});
    const {memoryRepair} = await import("../../../src/adapters/keeper/memory-repair.js");
    const {testNetwork} = await import("../../support/keeper.js");
    const known = [older.committee];
    const helper = memoryRepair(
      {table: older.tables[1]!, clock: {now: () => older.now}},
      {network: testNetwork(), committees: known},
    );
    const owner = older.nodes[0]!;
    const shares = older.committee.validators.map(({committeeHash}) => committeeHash);
    const {session, request} = await older.repairs[0]!.ask({self: owner.peerId, shares, helpers: [2, 3, 4]});
    const asked = {request, signature: owner.sign(requestMessage(session)), from: owner.peerId};
    await helper.consent({owner: owner.peerId, minutes: 5});
    expect((await helper.announce(asked)).place).to.equal(0);
    known.push(newer.committee);
    await rejection("SHARE_OLD_GENERATION", helper.announce(asked));
  });
});
