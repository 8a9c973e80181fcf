import {expect} from "chai";
import fc from "fast-check";
import {parseEpoch, parseRootHex, parseSlot, type RootHex} from "../../../src/core/bytes.js";
import type {Committee} from "../../../src/core/committee/committee.js";
import {thresholdOf} from "../../../src/core/committee/quorum.js";
import type {SlashingSubject} from "../../../src/core/duty/slashing-subject.js";
import {codeOf} from "../../../src/core/errors.js";
import {decideSlashing, EMPTY_RECORD} from "../../../src/core/slashing/decide.js";
import {formatInterchange, parseInterchange} from "../../../src/core/slashing/interchange.js";
import {mergeExports, type OperatorExport} from "../../../src/core/slashing/merge.js";
import type {SlashingRecord} from "../../../src/core/slashing/record.js";
import {testCommittee, testKey, testPeerId} from "../../support/committees.js";

const CHAIN = parseRootHex(`0x${"11".repeat(32)}`);
const COMMITTEES = new Map([4, 7].map((n) => [n, testCommittee([testKey(1, {n})], {n})]));
const committeeOf = (n: number): Committee => COMMITTEES.get(n)!;
const KEY = committeeOf(4).validators[0]!.groupPublicKey;

const record = (slot: number, source: number, target: number, root: RootHex | null = null): SlashingRecord => ({
  block: {slot: parseSlot(String(slot)), signingRoot: root},
  attestation: {source: parseEpoch(String(source)), target: parseEpoch(String(target)), signingRoot: root},
  disabled: true,
});

/** The export of operator `id` (1…n), through the file format and back. */
function exportOf(id: number, one: SlashingRecord, {key = KEY, chain = CHAIN} = {}): OperatorExport {
  const text = formatInterchange({
    genesisValidatorsRoot: chain,
    records: new Map([[key, one]]),
    exportedBy: testPeerId(id),
  });
  return {file: `op${id}.json`, interchange: parseInterchange(text)};
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return codeOf(error);
  }
  return "merged";
}

describe("mergeExports", () => {
  const four = committeeOf(4);
  const three = [exportOf(1, record(5, 3, 7)), exportOf(2, record(9, 2, 6)), exportOf(4, record(9, 3, 7))];

  it("takes the highest of each watermark, and says whose file was behind in what", () => {
    const {interchange, behind} = mergeExports(three, [four]);
    expect(interchange.records.get(KEY)).to.deep.equal({...record(9, 3, 7), disabled: false});
    expect(behind).to.deep.equal([
      {file: "op1.json", key: KEY, block: true, attestation: false},
      {file: "op2.json", key: KEY, block: false, attestation: true},
    ]);
  });

  it("writes a file without our own addition, which any client reads", () => {
    const {interchange} = mergeExports(three, [four]);
    expect(JSON.parse(formatInterchange(interchange)).metadata).to.deep.equal({
      interchange_format_version: "5",
      genesis_validators_root: CHAIN,
    });
  });

  it("refuses fewer than t operators, and names those that are missing", () => {
    expect(refusal(() => mergeExports([], [four]))).to.equal("SLASHING_MERGE_TOO_FEW");
    try {
      mergeExports(three.slice(1), [four]);
      expect.fail("it merged");
    } catch (error) {
      expect(error).to.deep.include({code: "SLASHING_MERGE_TOO_FEW"});
      expect((error as {data: object}).data).to.deep.include({needed: 3, exports: 2, missingOperators: [1, 3]});
    }
  });

  it("refuses one operator's file twice, whatever it is called", () => {
    const twice = [...three.slice(0, 2), {...exportOf(2, record(9, 3, 7)), file: "copy.json"}];
    expect(refusal(() => mergeExports(twice, [four]))).to.equal("SLASHING_MERGE_TWICE");
  });

  it("refuses a file that does not say whose it is, or is of somebody who is no operator of the key", () => {
    const text = formatInterchange({genesisValidatorsRoot: CHAIN, records: new Map([[KEY, record(1, 1, 1)]])});
    const anonymous = {file: "other.json", interchange: parseInterchange(text)};
    expect(refusal(() => mergeExports([...three, anonymous], [four]))).to.equal("SLASHING_MERGE_ANONYMOUS");
    const stranger = exportOf(50, record(1, 1, 1));
    expect(refusal(() => mergeExports([...three, stranger], [four]))).to.equal("SLASHING_MERGE_STRANGER");
    expect(refusal(() => mergeExports(three, []))).to.equal("SLASHING_MERGE_STRANGER");
  });

  it("refuses files of two chains, and of another chain than the committee's", () => {
    const other = parseRootHex(`0x${"22".repeat(32)}`);
    const mixed = [...three.slice(0, 2), exportOf(4, record(9, 3, 7), {chain: other})];
    expect(refusal(() => mergeExports(mixed, [four]))).to.equal("SLASHING_WRONG_CHAIN");
    const pinned = {...four, genesisValidatorsRoot: other};
    expect(refusal(() => mergeExports(three, [pinned]))).to.equal("SLASHING_WRONG_CHAIN");
  });

  it("asks for t operators of each committee of a key", () => {
    const later = {
      ...four,
      generation: 1,
      operators: four.operators.map((one) => ({...one, peerId: testPeerId(one.id + 20)})),
    };
    expect(refusal(() => mergeExports(three, [four, later]))).to.equal("SLASHING_MERGE_TOO_FEW");
    const both = [...three, ...[21, 22, 23].map((id) => exportOf(id, record(1, 1, 1)))];
    expect(refusal(() => mergeExports(both, [four, later]))).to.equal("merged");
  });

  // With exactly t exports, f of them by operators that recorded nothing of what they signed.
  it("forbids, in any client that imports it, every message the committee completed and every conflict with one", () => {
    const subject: fc.Arbitrary<SlashingSubject> = fc.oneof(
      fc.nat(12).map((slot): SlashingSubject => ({kind: "block", slot: parseSlot(String(slot))})),
      fc.tuple(fc.nat(8), fc.nat(8)).map(
        ([a, b]): SlashingSubject => ({
          kind: "attestation",
          source: parseEpoch(String(Math.min(a, b))),
          target: parseEpoch(String(Math.max(a, b))),
        }),
      ),
    );
    const request = (n: number) =>
      fc.record({subject, byte: fc.integer({min: 1, max: 3}), asked: fc.subarray(ids(n), {minLength: thresholdOf(n)})});
    const life = fc.constantFrom(4, 7).chain((n) =>
      fc.record({
        n: fc.constant(n),
        liars: fc.subarray(ids(n), {maxLength: n - thresholdOf(n)}),
        requests: fc.array(request(n), {maxLength: 30}),
        exporters: fc.subarray(ids(n), {minLength: thresholdOf(n), maxLength: thresholdOf(n)}),
      }),
    );
    let completedInAll = 0;
    fc.assert(
      fc.property(life, ({n, liars, requests, exporters}) => {
        const records = new Map<number, SlashingRecord>(ids(n).map((id) => [id, EMPTY_RECORD]));
        const completed = requests.filter(({subject: what, byte, asked}) => {
          const signers = asked.filter((id) => {
            if (liars.includes(id)) return true;
            const decision = decideSlashing(records.get(id), what, root(byte));
            if (decision.answer === "deny") return false;
            records.set(id, decision.record);
            return true;
          });
          return signers.length >= thresholdOf(n);
        });
        const key = committeeOf(n).validators[0]!.groupPublicKey;
        const files = exporters.map((id) => exportOf(id, {...records.get(id)!, disabled: true}, {key}));
        const merged = mergeExports(files, [committeeOf(n)]).interchange;
        const imported = parseInterchange(formatInterchange(merged)).records.get(key);
        for (const {subject: what, byte} of completed) {
          completedInAll++;
          expect(decideSlashing(imported, what, root(byte)).answer).to.not.equal("approve");
          expect(decideSlashing(imported, what, root(byte + 10)).answer).to.equal("deny");
          if (what.kind === "attestation" && what.target > what.source + 1n) {
            // Inside the completed vote, and around it.
            const inner = {
              ...what,
              source: parseEpoch(String(what.source + 1n)),
              target: parseEpoch(String(what.target - 1n)),
            };
            expect(decideSlashing(imported, inner, root(9)).answer).to.equal("deny");
          }
          if (what.kind === "attestation" && what.source > 0n) {
            const outer = {
              ...what,
              source: parseEpoch(String(what.source - 1n)),
              target: parseEpoch(String(what.target + 1n)),
            };
            expect(decideSlashing(imported, outer, root(9)).answer).to.equal("deny");
          }
        }
      }),
      {numRuns: 400},
    );
    expect(completedInAll).to.be.above(500);
  });
});

const ids = (n: number): number[] => Array.from({length: n}, (_, i) => i + 1);
const root = (byte: number): RootHex => parseRootHex(`0x${byte.toString(16).padStart(2, "0").repeat(32)}`);

describe("files of Lodestar 1.5.1", () => {
  const file = (metadata: object, data: readonly object[]): string =>
    JSON.stringify({metadata: {genesis_validators_root: CHAIN, ...metadata}, data});
  const entry = {pubkey: KEY, signed_blocks: [{slot: "4"}], signed_attestations: []};
  const named = (name: string) => ({
    pubkey: `0x${Buffer.from(name).toString("hex")}`,
    signed_blocks: [] as object[],
    signed_attestations: [],
  });
  const VERSION_4 = {interchange_format: "complete", interchange_format_version: "4"};

  it("are read: version 4 in its complete form, with two database rows among the keys", () => {
    const {records} = parseInterchange(
      file(VERSION_4, [entry, named("GENESIS_TIME"), named("GENESIS_VALIDATORS_ROOT")]),
    );
    expect([...records.keys()]).to.deep.equal([KEY]);
    expect(records.get(KEY)?.block?.slot).to.equal(4n);
  });

  it("are refused in version 4's minimal form, whose data is another, and in version 4 of no form", () => {
    const minimal = {...VERSION_4, interchange_format: "minimal"};
    expect(refusal(() => parseInterchange(file(minimal, [entry])))).to.equal("SLASHING_INTERCHANGE");
    const bare = {interchange_format_version: "4"};
    expect(refusal(() => parseInterchange(file(bare, [entry])))).to.equal("SLASHING_INTERCHANGE");
  });

  it("are refused when something that is no public key has signed", () => {
    const odd = {...named("GENESIS_TIME"), signed_blocks: [{slot: "4"}]};
    expect(refusal(() => parseInterchange(file(VERSION_4, [odd])))).to.equal("CODEC_HEX");
  });
});
