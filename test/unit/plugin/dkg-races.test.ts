import {expect} from "chai";
import {MemoryCeremonyJournal, MemoryJournalDisk} from "../../../src/adapters/ceremony-journal/memory.js";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {MemoryPeerNetwork} from "../../../src/adapters/peer-messages/memory.js";
import type {RootHex} from "../../../src/core/bytes.js";
import type {DkgCeremonies} from "../../../src/plugin/dkg/ceremonies.js";
import type {Clock} from "../../../src/ports/clock.js";
import {transparentDkgGroup} from "../../simulation/transparent-group.js";
import {cheapNode, verifyCheaply} from "../../support/dkg.js";
import {definitionText, startCeremonies, TestVaults} from "../../support/dkg-operators.js";
import {codeFrom} from "../../support/link.js";
import {waitFor} from "../../support/wait.js";

/** Writes that begin, and end when they are let. */
class HeldJournal extends MemoryCeremonyJournal {
  readonly held: (() => void)[] = [];

  override async redefine(id: RootHex, definition: string): Promise<void> {
    await new Promise<void>((resolve) => this.held.push(resolve));
    await super.redefine(id, definition);
  }
  override async end(id: RootHex, report: string): Promise<void> {
    await new Promise<void>((resolve) => this.held.push(resolve));
    await super.end(id, report);
  }
}

type Modules = Partial<Parameters<typeof startCeremonies>[0]>;

describe("what may happen at once in ceremonies", function () {
  this.timeout(30_000);
  const nodes = [1, 2, 3, 4].map(cheapNode);
  let network: MemoryPeerNetwork;
  let stops: (() => Promise<void>)[];
  beforeEach(() => {
    network = new MemoryPeerNetwork();
    stops = [];
  });
  afterEach(async () => {
    for (const stop of stops) await stop();
  });

  function start(n: number, modules: Modules = {}) {
    const node = cheapNode(n + 1);
    const group = transparentDkgGroup;
    const {journal = new MemoryCeremonyJournal(), vaults = new TestVaults(group, node)} = modules;
    const peers = network.join(node.peerId, {clock: systemClock, logger: new MemoryLogger()});
    const {ceremonies} = startCeremonies({...modules, peers, journal, vaults, node, group}, {verify: verifyCheaply});
    const stop = async () => {
      await ceremonies.close();
      await peers.close();
      await journal.close();
    };
    stops.push(stop);
    return {ceremonies, stop};
  }
  const startAll = (): DkgCeremonies[] => nodes.map((_, n) => start(n).ceremonies);
  const endOf = (ceremonies: DkgCeremonies, id: RootHex) =>
    JSON.parse(ceremonies.status(id).ended ?? "null") as {outcome: string; failure?: {reason: string}} | null;
  const haltOf = (ceremonies: DkgCeremonies, id: RootHex) => ceremonies.status(id).status?.halted;

  it("the abort of one whose last consent is just being written ends it, and nothing begins", async () => {
    const journal = new HeldJournal();
    let asked = 0;
    const vaultOf = () => async () => {
      asked++;
      throw new Error("nothing is to be asked");
    };
    const {ceremonies} = start(0, {journal, vaultOf});
    const text = definitionText(nodes, {signers: []});
    const id = await ceremonies.join(text);
    await start(1).ceremonies.join(definitionText(nodes, {signers: nodes.slice(1)}));
    await waitFor("the last consents are being written", () => journal.held.length > 0);
    const aborted = ceremonies.abort(id, "no");
    expect(await codeFrom(ceremonies.abort(id, "twice"))).to.equal("DKG_CEREMONY_OVER");
    const [ending, ...consents] = journal.held.splice(0).reverse();
    for (const release of consents) release();
    await waitFor(
      "the consents are written",
      () => journal.ceremonies()[0]!.definition.match(/"signature"/g)?.length === 4,
    );
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
    ending!();
    await aborted;
    expect(endOf(ceremonies, id)).to.deep.include({outcome: "failed"});
    expect(ceremonies.status(id).status).to.equal(null);
    expect(asked).to.equal(0);
  });

  it("two definitions joined at the same time both get their peers", async () => {
    const others = [1, 5, 6, 7].map(cheapNode);
    for (const n of [1, 2, 3, 4, 5, 6]) {
      const peers = network.join(cheapNode(n + 1).peerId, {clock: systemClock, logger: new MemoryLogger()});
      peers.setPeers([{peerId: nodes[0]!.peerId, addresses: []}]);
      stops.push(() => peers.close());
    }
    const {ceremonies} = start(0);
    const texts = [nodes, others].map((of, nonce) => definitionText(of, {signers: [], nonce}));
    const ids = await Promise.all(texts.map((text) => ceremonies.join(text)));
    for (const id of ids) {
      await waitFor("connected to all", () => ceremonies.status(id).participants.every(({connected}) => connected));
    }
  });

  it("the vault is told to forget only when it answers nothing any more", async () => {
    const order: string[] = [];
    let answer = (): void => undefined;
    const vaultOf = () => async () => {
      order.push("asked");
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      order.push("answered");
      throw new Error("away");
    };
    const {ceremonies} = start(0, {vaultOf, settle: async () => void order.push("forgotten")});
    const id = await ceremonies.join(definitionText(nodes));
    await waitFor("asked", () => order.length === 1);
    await ceremonies.abort(id, "no");
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
    expect(order).to.deep.equal(["asked"]);
    answer();
    await waitFor("over", () => ceremonies.status(id).ended !== null);
    expect(order).to.deep.equal(["asked", "answered", "forgotten"]);
  });

  it("an operator that has proved its share cannot abort any more", async () => {
    const settle = async (): Promise<void> => {
      throw new Error("no keeper");
    };
    const {ceremonies} = start(0, {settle});
    const others = [1, 2, 3].map((n) => start(n).ceremonies);
    const text = definitionText(nodes);
    const [id] = await Promise.all([ceremonies, ...others].map((one) => one.join(text)));
    await waitFor("others are done", () => others.every((one) => endOf(one, id!) !== null));
    expect(await codeFrom(ceremonies.abort(id!, "too late"))).to.equal("DKG_ABORT_LATE");
  });

  it("an abort where the disk is full is refused, not promised", async () => {
    const disk = new MemoryJournalDisk();
    const {ceremonies} = start(0, {journal: new MemoryCeremonyJournal(disk)});
    const id = await ceremonies.join(definitionText(nodes));
    disk.full = true;
    for (const n of [1, 2, 3]) await start(n).ceremonies.join(definitionText(nodes));
    await waitFor("halted", () => haltOf(ceremonies, id) === "DKG_JOURNAL_FAILED");
    expect(await codeFrom(ceremonies.abort(id, "x"))).to.equal("DKG_JOURNAL_FAILED");
    expect(endOf(ceremonies, id)).to.equal(null);
  });

  it("who lost its journal and not its keeper takes part no more, and can only forget", async () => {
    const vaults = new TestVaults(transparentDkgGroup, nodes[0]!);
    const first = start(0, {vaults});
    const text = definitionText(nodes);
    const id = await first.ceremonies.join(text);
    await waitFor(
      "it has spoken",
      () => first.ceremonies.status(id).status?.progress.step === "deal" || vaults.state(id) === "open",
    );
    expect(await first.ceremonies.lost()).to.deep.equal([]);
    await first.stop();
    const {ceremonies} = start(0, {vaults});
    expect(await codeFrom(ceremonies.join(text))).to.equal("DKG_JOURNAL_LOST");
    expect(ceremonies.list()).to.deep.equal([]);
    expect(await ceremonies.lost()).to.deep.equal([id]);
    await ceremonies.abort(id, "lost");
    expect(await ceremonies.lost()).to.deep.equal([]);
    expect(await codeFrom(ceremonies.join(text))).to.equal("DKG_CEREMONY_OVER");
    expect(await codeFrom(ceremonies.abort(id, "again"))).to.equal("DKG_CEREMONY_UNKNOWN");
  });

  it("a vault that hangs keeps nobody from being told so", async () => {
    class HangingVaults extends TestVaults {
      override status(): Promise<never> {
        return new Promise(() => undefined);
      }
    }
    const {ceremonies} = start(0, {vaults: new HangingVaults(transparentDkgGroup, cheapNode(1))});
    expect(await codeFrom(ceremonies.lost())).to.equal("KEEPER_NOT_SIGNING");
  });

  it("who lost everything learns of it from what it said before, is silent, and can end it", async () => {
    const others = [1, 2].map((n) => start(n).ceremonies);
    const text = definitionText(nodes);
    const before = start(0);
    const [id] = await Promise.all([before.ceremonies, ...others].map((one) => one.join(text)));
    const heard = (one: DkgCeremonies) => one.status(id!).status?.progress.participants[0]?.announced === true;
    await waitFor("others have heard it", () => others.every(heard));
    await before.stop();
    const {ceremonies} = start(0, {vaults: new TestVaults(transparentDkgGroup, nodes[0]!, 1)});
    await ceremonies.join(text);
    await waitFor("it knows", () => haltOf(ceremonies, id!) === "DKG_JOURNAL_LOST");
    await start(3).ceremonies.join(text);
    await ceremonies.abort(id!, "my disk is gone");
    expect(endOf(ceremonies, id!)?.failure).to.include({reason: "aborted"});
    for (const one of others) expect(endOf(one, id!)?.outcome).not.to.equal("finished");
  });

  it("a clock a day ahead refuses to join, ends what had begun for itself alone, and a clock behind only waits", async () => {
    const DAY_MS = 24 * 3_600_000;
    const shifted = (ms: number): Clock => ({...systemClock, now: () => systemClock.now() + ms});
    const text = definitionText(nodes, {require: 3});
    expect(await codeFrom(start(0, {clock: shifted(DAY_MS)}).ceremonies.join(text))).to.equal("DKG_DEADLINE_PASSED");
    const disk = new MemoryJournalDisk();
    const before = start(1, {journal: new MemoryCeremonyJournal(disk)});
    const id = await before.ceremonies.join(text);
    await before.stop();
    const ahead = start(1, {journal: new MemoryCeremonyJournal(disk), clock: shifted(DAY_MS)}).ceremonies;
    await waitFor("over for itself", () => endOf(ahead, id) !== null);
    expect(endOf(ahead, id)?.failure).to.include({reason: "deadline"});
    await stops.shift()!();
    const others = [start(0, {clock: shifted(-DAY_MS)}), start(2), start(3)].map(({ceremonies}) => ceremonies);
    await Promise.all(others.map((one) => one.join(text)));
    await waitFor("a key without it", () => others.every((one) => endOf(one, id)?.outcome === "finished"), 20_000);
  });

  it("what was said in one that ended long ago is dropped at a start, its end is still known", async () => {
    const disks = nodes.map(() => new MemoryJournalDisk());
    const running = disks.map((disk, n) => start(n, {journal: new MemoryCeremonyJournal(disk)}));
    // Made once: its deadline is of this second.
    const text = definitionText(nodes);
    const [id] = await Promise.all(running.map(({ceremonies}) => ceremonies.join(text)));
    await waitFor("the end", () => running.every(({ceremonies}) => endOf(ceremonies, id!) !== null));
    await running[0]!.stop();
    const later: Clock = {...systemClock, now: () => systemClock.now() + 9 * 24 * 3_600_000};
    const journal = new MemoryCeremonyJournal(disks[0]!);
    expect(journal.items(id!)).not.to.have.length(0);
    const {ceremonies} = start(0, {journal, clock: later});
    await waitFor("dropped", () => journal.items(id!).length === 0);
    expect(endOf(ceremonies, id!)?.outcome).to.equal("finished");
  });

  it("whoever watches is told when the operator stops", async () => {
    const [first] = startAll();
    const id = await first!.join(definitionText(nodes, {signers: []}));
    const watching = (async () => {
      let seen = 0;
      for await (const _ of first!.watch(id, new AbortController().signal)) if (++seen === 1) void first!.close();
      return seen;
    })();
    expect(await watching).to.be.at.least(1);
  });
});
