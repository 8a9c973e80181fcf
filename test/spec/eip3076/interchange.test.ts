import {readdirSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {MemorySlashingStore} from "../../../src/adapters/slashing-store/memory.js";
import {type PubkeyHex, parseEpoch, parsePubkeyHex, parseRootHex, parseSlot} from "../../../src/core/bytes.js";
import type {SlashingSubject} from "../../../src/core/duty/slashing-subject.js";
import {decideSlashing, EMPTY_RECORD} from "../../../src/core/slashing/decide.js";
import {parseInterchange} from "../../../src/core/slashing/interchange.js";
import {mergeExports, type OperatorExport} from "../../../src/core/slashing/merge.js";
import type {SlashingRecord} from "../../../src/core/slashing/record.js";
import {importInterchange} from "../../../src/keeper/protection.js";
import {SlashingGuard} from "../../../src/keeper/slashing-guard.js";
import {testCommittee, testKey, testPeerId} from "../../support/committees.js";
import {sharedDir} from "../../support/shared.js";

interface Message {
  pubkey: string;
  signing_root?: string;
  should_succeed: boolean;
  should_succeed_complete?: boolean;
}
interface Step {
  should_succeed: boolean;
  contains_slashable_data: boolean;
  interchange: {data: {pubkey: string; signed_blocks: unknown[]; signed_attestations: unknown[]}[]};
  blocks: (Message & {slot: string})[];
  attestations: (Message & {source_epoch: string; target_epoch: string})[];
}
interface Vector {
  name: string;
  genesis_validators_root: string;
  steps: Step[];
}

/** The clock of these vectors is unknown: no epoch is too far ahead. */
const UNBOUNDED = {epoch: 2n ** 64n, slot: 2n ** 64n};
const NO_ROOT = `0x${"00".repeat(32)}`;

/**
 * Strategy: minimal. So a message must be refused where the vector says so, with one exception that EIP-3076 allows: the
 * newest message again, bit for bit, where a complete database would sign it again too.
 */
describe("EIP-3076 interchange vectors, minimal strategy", () => {
  const shared = sharedDir();
  if (shared === null) {
    it("are run", function () {
      this.skip();
    });
    return;
  }
  const folder = join(shared, "vectors/eip3076-interchange-tests/tests/generated");
  for (const file of readdirSync(folder)) {
    const vector = JSON.parse(readFileSync(join(folder, file), "utf8")) as Vector;
    it(vector.name, () => run(vector));
    it(`${vector.name}, dealt out to three operators and merged`, () => dealAndMerge(vector));
  }
});

async function run(vector: Vector): Promise<void> {
  const store = new MemorySlashingStore();
  const guard = new SlashingGuard({store});
  const genesisValidatorsRoot = parseRootHex(vector.genesis_validators_root);
  for (const [i, step] of vector.steps.entries()) {
    const at = `step ${i}`;
    await hold(store, keysOf(step));
    const imported = await Promise.resolve()
      .then(() => importInterchange(store, JSON.stringify(step.interchange), {genesisValidatorsRoot, bound: UNBOUNDED}))
      .then(
        () => true,
        () => false,
      );
    // Minimal imports only raise watermarks, so slashable data may come in; what is signed afterwards is what counts.
    if (step.contains_slashable_data) expect(imported, at).to.be.oneOf([true, step.should_succeed]);
    else expect(imported, at).to.equal(step.should_succeed);
    for (const block of step.blocks) {
      await check(guard, block, {kind: "block", slot: parseSlot(block.slot)}, at);
    }
    for (const vote of step.attestations) {
      const source = parseEpoch(vote.source_epoch);
      const target = parseEpoch(vote.target_epoch);
      await check(guard, vote, {kind: "attestation", source, target}, at);
    }
  }
}

/** Whatever each of three operators has seen of a history, the merged file has its highest marks. */
function dealAndMerge({steps}: Vector): void {
  const committee = testCommittee([testKey(1, {n: 4})], {n: 4});
  for (const {interchange} of steps) {
    const whole = parseInterchange(JSON.stringify(interchange));
    const exports = [1, 2, 3].map((id): OperatorExport => {
      const mine = (_: unknown, i: number): boolean => (i * 7) % 3 === id - 1;
      const data = interchange.data.map(({pubkey, signed_blocks: blocks, signed_attestations: votes}) => ({
        pubkey,
        signed_blocks: blocks.filter(mine),
        signed_attestations: votes.filter(mine),
      }));
      const text = JSON.stringify({...interchange, data});
      return {file: `op${id}.json`, interchange: {...parseInterchange(text), exportedBy: testPeerId(id)}};
    });
    const validators = [...whole.records.keys()].map((key) => ({...committee.validators[0]!, groupPublicKey: key}));
    if (validators.length === 0) continue;
    const {records} = mergeExports(exports, [{...committee, validators}]).interchange;
    expect(heights(records)).to.deep.equal(heights(whole.records));
  }
}

/** The marks without the roots: a root is kept only where every source of it agrees. */
const heights = (records: ReadonlyMap<PubkeyHex, SlashingRecord>): unknown =>
  [...records].map(([key, {block, attestation}]) => [key, block?.slot, attestation?.source, attestation?.target]);

/** A record exists for every key that this operator holds a share of. */
async function hold(store: MemorySlashingStore, keys: readonly PubkeyHex[]): Promise<void> {
  for (const key of keys) {
    await store.transact(key, (record) => ({write: record ?? EMPTY_RECORD, result: null}));
  }
}

const keysOf = (step: Step): PubkeyHex[] =>
  [...step.interchange.data, ...step.blocks, ...step.attestations].map(({pubkey}) => parsePubkeyHex(pubkey));

async function check(guard: SlashingGuard, message: Message, subject: SlashingSubject, at: string): Promise<void> {
  const root = parseRootHex(message.signing_root ?? NO_ROOT);
  const {answer} = await guard.decide(parsePubkeyHex(message.pubkey), subject, root, async () => null);
  const what = `${at}: ${JSON.stringify(message)}`;
  if (message.should_succeed) expect(answer, what).to.be.oneOf(["approve", "repeat"]);
  else expect(answer, what).to.be.oneOf(message.should_succeed_complete === true ? ["deny", "repeat"] : ["deny"]);
}

describe("a record that is missing", () => {
  it("is a deny, not an empty record", () => {
    const slot = parseSlot("1");
    const decision = decideSlashing(undefined, {kind: "block", slot}, parseRootHex(NO_ROOT));
    expect(decision).to.deep.equal({answer: "deny", code: "SLASHING_NO_RECORD"});
  });
});
