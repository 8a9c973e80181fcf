import {expect} from "chai";
import fc from "fast-check";
import {MemorySlashingStore, type StoreSnapshot} from "../../../src/adapters/slashing-store/memory.js";
import {asEpoch, type LifeId, parseLifeId, parsePubkeyHex, parseRootHex} from "../../../src/core/bytes.js";
import {currentEpoch, parseNetwork} from "../../../src/core/duty/network.js";
import {codeOf} from "../../../src/core/errors.js";
import {EMPTY_RECORD} from "../../../src/core/slashing/decide.js";
import {formatSighting, parseSighting, type Sighting} from "../../../src/core/slashing/sighting.js";
import {KeeperLife, type LifeAlarm} from "../../../src/keeper/keeper-life.js";
import {Secret} from "../../../src/keeper/secret.js";
import {SlashingGuard} from "../../../src/keeper/slashing-guard.js";

const KEY = parsePubkeyHex(`0x${"ab".repeat(48)}`);
const HIGHER_KEY = parsePubkeyHex(`0x${"cd".repeat(48)}`);
const START_MS = 1_700_000_000_000;
const EPOCH_MS = 32 * 12_000;
const NETWORK = parseNetwork({
  name: "test",
  preset: "mainnet",
  forks: null,
  genesisValidatorsRoot: null,
  clock: {genesisTime: START_MS / 1000, secondsPerSlot: 12},
});
const share = (byte: number, groupPublicKey = KEY) => ({
  groupPublicKey,
  secret: new Secret(new Uint8Array(32).fill(byte)),
});
const root = (n: number) => parseRootHex(n.toString(16).padStart(64, "0"));

/** One clock, any number of copies of one operator, and what coordinators remember of it. */
class World {
  now = START_MS + 100 * EPOCH_MS;
  readonly alarms: LifeAlarm[] = [];
  readonly remembered = new Map<LifeId, Sighting>();
  readonly released: {source: bigint; target: bigint; root: number}[] = [];
  #lives = 0;

  async start(disk: MemorySlashingStore, {shares = [share(7)], network = NETWORK} = {}) {
    const life = await KeeperLife.begin(
      {
        store: disk,
        clock: {now: () => this.now},
        newLife: () => parseLifeId((++this.#lives).toString(16).padStart(32, "0")),
        onAlarm: (alarm) => this.alarms.push(alarm),
      },
      {network, shares},
    );
    return {disk, life, guard: new SlashingGuard({store: disk})};
  }

  /** The latest of each life, of the four newest lives. */
  remember(sighting: Sighting): void {
    this.remembered.set(sighting.life, sighting);
    if (this.remembered.size <= 4) return;
    const [oldest] = [...this.remembered.values()].sort((a, b) => a.issuedAt - b.issuedAt);
    this.remembered.delete(oldest!.life);
  }

  /** What is remembered comes first, then the request: "signed" or why not. */
  async attest(node: Awaited<ReturnType<World["start"]>>, {source, target, byte}: Vote): Promise<string> {
    await node.life.judge([...this.remembered.values()]);
    if (node.life.stopped !== null) return node.life.stopped.code;
    const newest = currentEpoch(NETWORK, this.now)! + 1n;
    if (target > newest) return "POLICY_EPOCH_AHEAD";
    const subject = {kind: "attestation", source: asEpoch(source), target: asEpoch(target)} as const;
    const decision = await node.guard.decide(KEY, subject, root(byte), async () => null);
    if (decision.answer === "deny") return decision.code;
    this.released.push({source, target, root: byte});
    this.remember(node.life.sighting()!);
    return "signed";
  }
}
interface Vote {
  readonly source: bigint;
  readonly target: bigint;
  readonly byte: number;
}

async function newDisk(): Promise<MemorySlashingStore> {
  const disk = new MemorySlashingStore();
  await disk.transact(KEY, () => ({write: EMPTY_RECORD, result: null}));
  return disk;
}

const conflict = (a: Vote["source"][], b: Vote["source"][]): boolean => a[0]! < b[0]! && b[1]! < a[1]!;
function slashable(votes: World["released"]): unknown {
  for (const a of votes) {
    for (const b of votes) {
      if (a.target === b.target && a.root !== b.root) return [a, b];
      if (conflict([a.source, a.target], [b.source, b.target])) return [a, b];
    }
  }
  return null;
}

describe("a life of a keeper", () => {
  it("sends a rolled back store to the floor, says so once, and signs again above it", async () => {
    const world = new World();
    const disk = await newDisk();
    const backup = disk.snapshot();
    const before = await world.start(disk);
    expect(await world.attest(before, {source: 99n, target: 100n, byte: 1})).to.equal("signed");
    disk.restore(backup);
    world.now += 60_000;
    const after = await world.start(disk);
    expect(await world.attest(after, {source: 99n, target: 100n, byte: 2})).to.equal("SLASHING_LOW_TARGET");
    expect(world.alarms.map(({code, floorEpoch}) => [code, floorEpoch])).to.deep.equal([["KEEPER_ROLLED_BACK", "101"]]);
    expect(after.life.flooredAt).to.equal(world.now);
    world.now += 2 * EPOCH_MS;
    expect(await world.attest(after, {source: 101n, target: 102n, byte: 2})).to.equal("signed");
    const restarted = await world.start(disk);
    expect(await world.attest(restarted, {source: 101n, target: 103n, byte: 3})).to.equal("signed");
    expect(world.alarms.length, "a floor covers what was seen before it").to.equal(1);
  });

  it("sends an emptied store with the share added again to the floor", async () => {
    const world = new World();
    await world.attest(await world.start(await newDisk()), {source: 99n, target: 100n, byte: 1});
    world.now += 60_000;
    const again = await world.start(await newDisk());
    expect(await world.attest(again, {source: 99n, target: 100n, byte: 2})).to.equal("SLASHING_LOW_TARGET");
  });

  it("stops two copies that are alive at once, and keeps both safe after a restart", async () => {
    const world = new World();
    const disk = await newDisk();
    const one = await world.start(disk);
    const other = await world.start(new MemorySlashingStore(disk.snapshot()));
    world.now += 60_000;
    await other.life.judge([one.life.sighting()!]);
    expect(codeOf(other.life.stopped)).to.equal("INTERNAL");
    await world.attest(one, {source: 99n, target: 100n, byte: 1});
    expect(await world.attest(other, {source: 99n, target: 100n, byte: 2})).to.equal("KEEPER_SECOND_COPY");
    // The one that stopped goes on to say that it is there.
    await one.life.judge([other.life.sighting()!]);
    expect(codeOf(one.life.stopped)).to.equal("KEEPER_SECOND_COPY");
    const sequences = [one.disk.sequence(), other.disk.sequence()];
    await one.life.judge([other.life.sighting()!]);
    await other.life.judge([one.life.sighting()!]);
    expect([one.disk.sequence(), other.disk.sequence()], "two stopped copies leave each other alone").to.deep.equal(
      sequences,
    );
    world.now += 60_000;
    const restarted = await world.start(other.disk);
    expect(await world.attest(restarted, {source: 99n, target: 100n, byte: 2})).to.equal("SLASHING_LOW_TARGET");
    expect(await world.attest(restarted, {source: 99n, target: 101n, byte: 2})).to.equal("SLASHING_DOUBLE_VOTE");
  });

  it("stops for a copy that speaks every few seconds, not only after a long silence", async () => {
    const world = new World();
    const disk = await newDisk();
    const one = await world.start(disk);
    const other = await world.start(new MemorySlashingStore(disk.snapshot()));
    await world.attest(one, {source: 99n, target: 100n, byte: 1});
    for (let beat = 0; beat < 4 && other.life.stopped === null; beat++) {
      world.now += 5_000;
      await other.life.judge([one.life.sighting()!]);
    }
    expect(codeOf(other.life.stopped)).to.equal("KEEPER_SECOND_COPY");
    // Two floors: within the tolerance, and when it stopped.
    expect(world.alarms.map(({code}) => code)).to.deep.equal([
      "KEEPER_ROLLED_BACK",
      "KEEPER_ROLLED_BACK",
      "KEEPER_SECOND_COPY",
    ]);
  });

  it("takes a machine that was restored together with its memory to the floor once", async () => {
    const world = new World();
    const disk = await newDisk();
    const node = await world.start(disk);
    world.now += 3_600_000;
    const image = disk.snapshot();
    await world.attest(node, {source: 99n, target: 100n, byte: 1});
    const lost = [...world.remembered.values()];
    disk.restore(image);
    world.now += 60_000;
    for (let i = 0; i < 3; i++) await node.life.judge(lost);
    expect(world.alarms.map(({code}) => code)).to.deep.equal(["KEEPER_ROLLED_BACK"]);
    expect(node.life.stopped).to.equal(null);
  });

  it("changes nothing for what is forged, foreign or made with another share", async () => {
    const world = new World();
    const node = await world.start(await newDisk());
    const honest = node.life.sighting()!;
    const stranger = (await world.start(await newDisk(), {shares: [share(8)]})).life.sighting()!;
    const elsewhere = (await world.start(await newDisk(), {shares: [share(7, HIGHER_KEY)]})).life.sighting()!;
    const late = world.now + 3_600_000;
    const forged: Sighting[] = [
      {...honest, sequence: honest.sequence + 100n},
      {...honest, issuedAt: late},
      {...honest, life: parseLifeId("ee".repeat(16))},
      {...honest, mac: "00".repeat(32)},
      {...stranger, sequence: 900n, issuedAt: late},
      stranger,
      elsewhere,
      {...elsewhere, key: KEY},
    ];
    await node.life.judge(forged);
    expect(node.life.stopped).to.equal(null);
    expect(world.alarms).to.deep.equal([]);
    expect(node.disk.sequence()).to.equal(honest.sequence);
  });

  it("is known by its lowest key, whatever order its shares come in", async () => {
    const world = new World();
    const shares = [share(8, HIGHER_KEY), share(7)];
    const node = await world.start(await newDisk(), {shares});
    expect(node.life.sighting()?.key).to.equal(KEY);
    expect((await world.start(await newDisk(), {shares: []})).life.sighting()).to.equal(null);
  });

  it("stops where it forgot and has no clock to find the floor with", async () => {
    const world = new World();
    const network = {...NETWORK, clock: null};
    const seen = (await world.start(await newDisk(), {network})).life.sighting()!;
    const node = await world.start(await newDisk(), {network});
    await node.life.judge([seen]);
    expect(codeOf(node.life.stopped)).to.equal("KEEPER_ROLLED_BACK");
    expect((await node.disk.readAll()).get(KEY)).to.deep.equal(EMPTY_RECORD);
  });

  it("never lets two conflicting votes out, whatever is copied, restored and run at once", async function () {
    this.timeout(60_000);
    const vote = fc.record({back: fc.bigInt(0n, 3n), span: fc.bigInt(0n, 3n), byte: fc.integer({min: 1, max: 3})});
    const step = fc.oneof(
      {weight: 5, arbitrary: fc.record({do: fc.constant("attest" as const), node: fc.nat(1), vote})},
      {weight: 2, arbitrary: fc.record({do: fc.constant("wait" as const), ms: fc.nat(2 * EPOCH_MS)})},
      {weight: 1, arbitrary: fc.record({do: fc.constant("wait" as const), ms: fc.nat(20_000)})},
      {weight: 1, arbitrary: fc.record({do: fc.constant("snapshot" as const), node: fc.nat(1)})},
      {weight: 2, arbitrary: fc.record({do: fc.constant("restore" as const), node: fc.nat(1), copy: fc.nat(9)})},
      {weight: 1, arbitrary: fc.record({do: fc.constant("restart" as const), node: fc.nat(1)})},
      {weight: 1, arbitrary: fc.record({do: fc.constant("empty" as const), node: fc.nat(1)})},
    );
    let signed = 0;
    let floors = 0;
    let stops = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, {minLength: 5, maxLength: 40}), async (steps) => {
        const world = new World();
        const disk = await newDisk();
        const copies: StoreSnapshot[] = [disk.snapshot()];
        const nodes = [await world.start(disk), await world.start(new MemorySlashingStore(disk.snapshot()))];
        for (const one of steps) {
          if (one.do === "wait") {
            world.now += one.ms;
            continue;
          }
          const node = nodes[one.node]!;
          if (one.do === "attest") {
            const {back, span, byte} = one.vote;
            const target = currentEpoch(NETWORK, world.now)! + 1n - back;
            const outcome = await world.attest(node, {source: target - span, target, byte});
            if (outcome === "signed") signed++;
          } else if (one.do === "snapshot") {
            copies.push(node.disk.snapshot());
          } else {
            const copy = copies[one.do === "restore" ? one.copy % copies.length : 0]!;
            const next =
              one.do === "restart" ? node.disk : one.do === "empty" ? await newDisk() : new MemorySlashingStore(copy);
            nodes[one.node] = await world.start(next);
          }
        }
        floors += world.alarms.filter(({code}) => code === "KEEPER_ROLLED_BACK").length;
        stops += world.alarms.filter(({code}) => code === "KEEPER_SECOND_COPY").length;
        expect(slashable(world.released)).to.equal(null);
      }),
      {numRuns: 400},
    );
    // Otherwise it would have proven nothing.
    expect(Math.min(signed, floors, stops), `${signed} signed, ${floors} floors, ${stops} stops`).to.be.greaterThan(20);
  });
});

describe("a sighting as text", () => {
  const sighting: Sighting = {
    key: KEY,
    life: parseLifeId("1f".repeat(16)),
    sequence: 2n ** 64n - 1n,
    issuedAt: Number.MAX_SAFE_INTEGER,
    mac: "ab".repeat(32),
  };
  const text = formatSighting(sighting);

  it("is read as it was written", () => {
    expect(parseSighting(text)).to.deep.equal(sighting);
    expect(text.length).to.equal(234);
  });

  it("has one spelling", () => {
    const others = [
      text.toUpperCase(),
      text.slice(2),
      `${text}.`,
      `${text} `,
      text.replace(".1", ".01"),
      text.replace(/\.90\d+\./, ".0x10."),
      text.replace(/\.90\d+\./, ".9007199254740992."),
      text.replace(/\.18\d+\./, ".18446744073709551616."),
      text.replace(/\.18\d+\./, ".-1."),
      "",
      "....",
      null,
      7,
      [text],
    ];
    for (const raw of others) {
      const code = ((): string => {
        try {
          parseSighting(raw);
          return "parsed";
        } catch (error) {
          return codeOf(error);
        }
      })();
      expect(code, String(raw)).to.equal("CODEC_SIGHTING");
    }
  });
});
