import {expect} from "chai";
import {parseEpoch, parsePubkeyHex, parseRootHex, parseSlot} from "../../../src/core/bytes.js";
import {codeOf} from "../../../src/core/errors.js";
import {EMPTY_RECORD} from "../../../src/core/slashing/decide.js";
import type {SlashingRecord} from "../../../src/core/slashing/record.js";
import type {SlashingStore} from "../../../src/ports/slashing-store.js";

export const KEY = parsePubkeyHex(`0x${"ab".repeat(48)}`);
export const OTHER = parsePubkeyHex(`0x${"cd".repeat(48)}`);
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
