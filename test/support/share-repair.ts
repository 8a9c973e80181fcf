import {createPrivateKey, createPublicKey, sign as cryptoSign, type KeyObject} from "node:crypto";
import {blstGroup} from "../../src/adapters/bls/blst.js";
import {systemClock} from "../../src/adapters/clock/system.js";
import {MemoryShares, memoryRepair} from "../../src/adapters/keeper/memory-repair.js";
import {MemoryLogger} from "../../src/adapters/logger/memory.js";
import {type PeerIdText, parsePeerIdText, parseShareIndex} from "../../src/core/bytes.js";
import type {Committee} from "../../src/core/committee/committee.js";
import {formatCommitteeFile, parseCommitteeFile} from "../../src/core/committee/committee-file.js";
import {pluginMessage} from "../../src/core/dkg/node-signature.js";
import {PleiadesError, type ReasonCode} from "../../src/core/errors.js";
import {Secret} from "../../src/keeper/secret.js";
import {help} from "../../src/plugin/share/helping.js";
import {type RepairEvent, Repairer} from "../../src/plugin/share/repairer.js";
import type {ShareRepair} from "../../src/ports/share-repair.js";
import {type TestKey, testDraft, testKey} from "./committees.js";
import {testNetwork} from "./keeper.js";

const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

export interface RepairNode {
  readonly peerId: PeerIdText;
  /** As the plugin `share`. */
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** A node key that is the same in every run. */
export function testNodeKey(seed: number): RepairNode {
  const secret = Buffer.alloc(32, seed);
  const key: KeyObject = createPrivateKey({key: Buffer.concat([PKCS8, secret]), format: "der", type: "pkcs8"});
  const raw = createPublicKey(key).export({format: "der", type: "spki"}).subarray(-32);
  let value = BigInt(`0x${Buffer.concat([Buffer.from("002408011220", "hex"), raw]).toString("hex")}`);
  let text = "";
  for (; value > 0n; value /= 58n) text = BASE58[Number(value % 58n)] + text;
  const sign = (message: Uint8Array) => new Uint8Array(cryptoSign(null, pluginMessage("share", message), key));
  return {peerId: parsePeerIdText(`1${text}`), sign};
}

/** A committee in one process, each operator with its shares in memory. */
export class RepairCommittee {
  readonly nodes: readonly RepairNode[];
  readonly committee: Committee;
  readonly tables: readonly MemoryShares[];
  readonly repairs: ShareRepair[];
  readonly keys: readonly TestKey[];
  readonly away = new Set<number>();
  readonly logger = new MemoryLogger();
  now = systemClock.now();

  constructor({
    n = 7,
    keys = 2,
    lost = 1,
    generation = 0,
  }: {n?: number; keys?: number; lost?: number; generation?: number} = {}) {
    this.keys = Array.from({length: keys}, (_, i) => testKey(i + 1, {n}));
    this.nodes = Array.from({length: n}, (_, i) => testNodeKey(i + 1));
    const draft = testDraft(this.keys, {n});
    const operators = draft.operators.map((one, i) => ({...one, peerId: this.nodes[i]!.peerId}));
    this.committee = parseCommitteeFile(formatCommitteeFile({...draft, generation, operators}, blstGroup), blstGroup);
    this.tables = this.nodes.map((_, i) => new MemoryShares(i + 1 === lost ? [] : this.sharesOf(i + 1)));
    this.repairs = this.tables.map((table) =>
      memoryRepair({table, clock: {now: () => this.now}}, {network: testNetwork(), committees: [this.committee]}),
    );
  }

  sharesOf(id: number) {
    return this.committee.validators.map(({groupPublicKey, committeeHash}, i) => {
      const secret = new Secret(this.keys[i]!.shares[id - 1]!.secret);
      return {groupPublicKey, committeeHash, index: parseShareIndex(id), secret};
    });
  }

  async consentAll(owner = 1, minutes = 60): Promise<void> {
    for (const [i, repair] of this.repairs.entries()) {
      if (i + 1 !== owner) await repair.consent({owner: this.nodes[owner - 1]!.peerId, minutes});
    }
  }

  /** What the owner's side says until its end, and the code that it ended with. */
  async run(owner = 1): Promise<{events: RepairEvent[]; code: ReasonCode | null}> {
    const self = this.nodes[owner - 1]!;
    const place = (peer: PeerIdText): number => this.nodes.findIndex(({peerId}) => peerId === peer);
    const peers = {
      self: self.peerId,
      peers: () =>
        this.nodes.map(({peerId}, i) => ({peerId, connected: !this.away.has(i + 1) && i + 1 !== owner, code: null})),
      request: (peer: PeerIdText, body: Uint8Array) => {
        const at = place(peer);
        return help({repair: this.repairs[at]!, sign: this.nodes[at]!.sign}, self.peerId, body);
      },
    };
    const repair = this.repairs[owner - 1]!;
    const modules = {repair, peers, sign: self.sign, clock: systemClock, logger: this.logger};
    const repairer = new Repairer(modules, {patienceMs: 0});
    const events: RepairEvent[] = [];
    try {
      for (const lost of await repair.lost(self.peerId)) {
        for await (const event of repairer.run(lost, new AbortController().signal)) events.push(event);
      }
      return {events, code: null};
    } catch (error) {
      if (error instanceof PleiadesError) return {events, code: error.code};
      throw error;
    }
  }
}

export const liars = (events: readonly RepairEvent[]) =>
  events.flatMap((event) => (event.kind === "unhelpful" && event.lied ? [event.operatorId] : []));
