import {expect} from "chai";
import {parseEpoch, parseLifeId, parsePubkeyHex, parseRootHex, parseSlot} from "../../../src/core/bytes.js";
import {codeOf} from "../../../src/core/errors.js";
import {EMPTY_RECORD} from "../../../src/core/slashing/decide.js";
import {beginLife, NO_PAST} from "../../../src/core/slashing/past.js";
import type {SlashingRecord} from "../../../src/core/slashing/record.js";
import type {SlashingStore} from "../../../src/ports/slashing-store.js";

export const KEY = parsePubkeyHex(`0x${"ab".repeat(48)}`);
export const OTHER = parsePubkeyHex(`0x${"cd".repeat(48)}`);
const LIFE = parseLifeId("1f".repeat(16));
const CHAIN = parseRootHex(`0x${"11".repeat(32)}`);

export const recordAt = (slot: bigint): SlashingRecord => ({
  block: {slot: parseSlot(slot.toString()), signingRoot: parseRootHex(`0x${"22".repeat(32)}`)},
  attestation: {source: parseEpoch("1"), target: parseEpoch(slot.toString()), signingRoot: null},
  disabled: false,
});

async function codeFrom(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "resolved",
    (error) => codeOf(error),
  );
}

/** What every slashing store must do. `open` gives an empty store. */
export function slashingStoreContract(open: () => Promise<SlashingStore>): void {
  let store: SlashingStore;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  it("shows no record for a key it does not know", async () => {
    const seen = await store.transact(KEY, (record) => ({write: "keep", result: record}));
    expect(seen).to.equal(undefined);
  });

  it("shows the record written last", async () => {
    await store.transact(KEY, () => ({write: recordAt(5n), result: null}));
    await store.transact(KEY, () => ({write: recordAt(9n), result: null}));
    expect(await store.transact(KEY, (record) => ({write: "keep", result: record}))).to.deep.equal(recordAt(9n));
  });

  it("keeps the records of keys apart", async () => {
    await store.transact(KEY, () => ({write: recordAt(5n), result: null}));
    await store.transact(OTHER, () => ({write: EMPTY_RECORD, result: null}));
    expect(await store.readAll()).to.deep.equal(
      new Map([
        [KEY, recordAt(5n)],
        [OTHER, EMPTY_RECORD],
      ]),
    );
  });

  it("runs transactions of one key one after the other, in order", async () => {
    const slots = Array.from({length: 50}, (_, i) => BigInt(i));
    const seen = await Promise.all(
      slots.map((slot) =>
        store.transact(KEY, (record) => ({write: recordAt(slot), result: record?.block?.slot ?? null})),
      ),
    );
    expect(seen).to.deep.equal([null, ...slots.slice(0, -1)]);
  });

  it("writes nothing when a decision throws, and goes on", async () => {
    const failing = store.transact(KEY, () => {
      throw new Error("undecided");
    });
    expect(await codeFrom(failing)).to.equal("INTERNAL");
    expect((await store.readAll()).size).to.equal(0);
    await store.transact(KEY, () => ({write: recordAt(1n), result: null}));
    expect((await store.readAll()).size).to.equal(1);
  });

  it("writes many keys together", async () => {
    await store.transactAll(() => ({
      writes: new Map([
        [KEY, recordAt(1n)],
        [OTHER, recordAt(2n)],
      ]),
      result: null,
    }));
    const seen = await store.transactAll((records) => ({writes: new Map(), result: records}));
    expect(seen).to.deep.equal(
      new Map([
        [KEY, recordAt(1n)],
        [OTHER, recordAt(2n)],
      ]),
    );
  });

  it("writes none of many keys when the decision throws", async () => {
    const failing = store.transactAll(() => {
      throw new Error("undecided");
    });
    expect(await codeFrom(failing)).to.equal("INTERNAL");
    expect((await store.readAll()).size).to.equal(0);
  });

  it("counts every transaction that writes records, and no other", async () => {
    expect(store.sequence()).to.equal(0n);
    await store.transact(KEY, () => ({write: recordAt(1n), result: null}));
    expect(store.sequence()).to.equal(1n);
    await store.transact(KEY, () => ({write: "keep", result: null}));
    await store.readAll();
    await store.transactAll(() => ({writes: new Map(), result: null}));
    expect(store.sequence()).to.equal(1n);
    await store.transactAll(() => ({
      writes: new Map([
        [KEY, recordAt(2n)],
        [OTHER, recordAt(2n)],
      ]),
      result: null,
    }));
    expect(store.sequence()).to.equal(2n);
  });

  it("keeps its past, and raises records in the same commit", async () => {
    await store.transact(KEY, () => ({write: recordAt(1n), result: null}));
    const first = await store.transactPast((past) => ({past: beginLife(past, LIFE), writes: new Map(), result: past}));
    expect(first).to.deep.equal({...NO_PAST, sequence: 1n});
    expect(store.sequence()).to.equal(2n);
    const seen = await store.transactPast((past, records) => ({
      past: {...past, flooredAt: 7},
      writes: new Map([[KEY, recordAt(9n)]]),
      result: {past, records},
    }));
    expect(seen).to.deep.equal({
      past: {...NO_PAST, sequence: 2n, life: LIFE},
      records: new Map([[KEY, recordAt(1n)]]),
    });
    const after = await store.transactPast((past, records) => ({
      past: "keep",
      writes: new Map(),
      result: {past, records},
    }));
    expect(after).to.deep.equal({
      past: {...NO_PAST, sequence: 3n, life: LIFE, flooredAt: 7},
      records: new Map([[KEY, recordAt(9n)]]),
    });
  });

  it("never lowers its sequence", async () => {
    for (let n = 1n; n <= 3n; n++) await store.transact(KEY, () => ({write: recordAt(n), result: null}));
    const lowered = store.transactPast((past) => ({past: {...past, sequence: 2n}, writes: new Map(), result: null}));
    expect(await codeFrom(lowered)).to.equal("INTERNAL");
    expect(store.sequence()).to.equal(3n);
    await store.transact(KEY, () => ({write: recordAt(4n), result: null}));
    expect(store.sequence()).to.equal(4n);
  });

  it("pins one chain for ever", async () => {
    expect(store.genesisValidatorsRoot()).to.equal(null);
    await store.pinGenesisValidatorsRoot(CHAIN);
    await store.pinGenesisValidatorsRoot(CHAIN);
    expect(store.genesisValidatorsRoot()).to.equal(CHAIN);
    const other = parseRootHex(`0x${"33".repeat(32)}`);
    expect(await codeFrom(store.pinGenesisValidatorsRoot(other))).to.equal("SLASHING_WRONG_CHAIN");
    expect(store.genesisValidatorsRoot()).to.equal(CHAIN);
  });

  it("refuses everything once it is closed", async () => {
    await store.close();
    expect(await codeFrom(store.transact(KEY, () => ({write: "keep", result: null})))).to.equal(
      "SLASHING_STORE_FAILED",
    );
  });
}
