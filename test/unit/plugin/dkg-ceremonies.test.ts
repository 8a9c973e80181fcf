import {expect} from "chai";
import {MemoryCeremonyJournal, MemoryJournalDisk} from "../../../src/adapters/ceremony-journal/memory.js";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {MemoryPeerNetwork} from "../../../src/adapters/peer-messages/memory.js";
import type {RootHex} from "../../../src/core/bytes.js";
import {type DefinitionSignatures, parseDefinition} from "../../../src/core/dkg/definition.js";
import {PleiadesError} from "../../../src/core/errors.js";
import type {DkgCeremonies} from "../../../src/plugin/dkg/ceremonies.js";
import type {Settle} from "../../../src/plugin/dkg/ending.js";
import {encodeMessage} from "../../../src/plugin/dkg/wire.js";
import type {CeremonyJournal, JournalChange} from "../../../src/ports/ceremony-journal.js";
import {transparentDkgGroup} from "../../simulation/transparent-group.js";
import {cheapNode, verifyCheaply} from "../../support/dkg.js";
import {definitionText, startCeremonies, TestVaults} from "../../support/dkg-operators.js";
import {failure} from "../../support/errors.js";
import {codeFrom} from "../../support/link.js";
import {waitFor} from "../../support/wait.js";

/** A journal whose process ends at its k-th write, before or after that is durable. */
class FatalJournal extends MemoryCeremonyJournal {
  #left: number;
  readonly #die: () => void;

  constructor(disk: MemoryJournalDisk, {writes, die}: {writes: number; die: () => void}) {
    super(disk);
    this.#left = writes;
    this.#die = die;
  }

  override async write(id: RootHex, changes: readonly JournalChange[]): Promise<void> {
    this.#left--;
    if (this.#left === 0) this.#die();
    if (this.#left <= 0) await new Promise(() => undefined);
    await super.write(id, changes);
  }
}

describe("ceremonies of several operators", function () {
  this.timeout(60_000);
  const nodes = [1, 2, 3, 4].map(cheapNode);
  let network: MemoryPeerNetwork;
  let operators: Operator[];

  class Operator {
    readonly disk = new MemoryJournalDisk();
    readonly vaults: TestVaults;
    readonly #n: number;
    ceremonies!: DkgCeremonies;
    settling: "works" | "fails" = "works";
    /** Transcripts of what was put to use. */
    readonly settled: (string | null)[] = [];
    logger = new MemoryLogger();
    #running: {readonly peers: {close(): Promise<void>}; readonly journal: CeremonyJournal} | null = null;

    constructor(n: number) {
      this.#n = n;
      this.vaults = new TestVaults(transparentDkgGroup, nodes[n]!);
    }

    /** Consents that would be known after a kill. */
    written(id: RootHex): DefinitionSignatures {
      const found = new MemoryCeremonyJournal(this.disk).ceremonies().find((one) => one.id === id);
      return parseDefinition(found!.definition, verifyCheaply).signatures;
    }

    start(journal: CeremonyJournal = new MemoryCeremonyJournal(this.disk)): void {
      const [node, vaults, group] = [nodes[this.#n]!, this.vaults, transparentDkgGroup];
      const peers = network.join(node.peerId, {clock: systemClock, logger: new MemoryLogger()});
      this.#running = {peers, journal};
      const settle: Settle = async (_, {output}) => {
        if (this.settling === "fails") throw new Error("no keeper");
        this.settled.push(output?.transcript ?? null);
      };
      const modules = {peers, journal, node, vaults, group, settle};
      ({ceremonies: this.ceremonies, logger: this.logger} = startCeremonies(modules, {verify: verifyCheaply}));
    }

    /** As a kill: nothing is waited for, and nothing more is written. */
    kill(): void {
      void this.#running?.peers.close();
      void this.#running?.journal.close();
      if (this.#running !== null) void this.ceremonies.close();
      this.#running = null;
    }
  }

  beforeEach(() => {
    network = new MemoryPeerNetwork();
    operators = nodes.map((_, n) => new Operator(n));
  });
  afterEach(() => {
    for (const operator of operators) operator.kill();
  });

  const outputOf = ({ceremonies}: Operator, id: RootHex) => ceremonies.status(id).status?.output ?? null;
  /** In this life or an earlier one. */
  const transcriptOf = (operator: Operator, id: RootHex): string | null => {
    const {ended} = operator.ceremonies.status(id);
    return ended === null ? null : ((JSON.parse(ended) as {transcript?: string}).transcript ?? null);
  };
  const finished = async (id: RootHex, of = operators) => {
    await waitFor("all finished", () => of.every((operator) => transcriptOf(operator, id) !== null), 30_000);
    return [...new Set(of.map((operator) => transcriptOf(operator, id)))];
  };
  const joinAll = async (text: string): Promise<RootHex> => {
    const ids = await Promise.all(operators.map(({ceremonies}) => ceremonies.join(text)));
    expect(new Set(ids).size).to.equal(1);
    return ids[0]!;
  };

  it("make one key each, several at once, with all chunks of a long one", async () => {
    for (const operator of operators) operator.start();
    const ids = await Promise.all([
      joinAll(definitionText(nodes, {nonce: 1})),
      joinAll(definitionText(nodes, {nonce: 2, validators: 51})),
      joinAll(definitionText(nodes, {nonce: 3})),
    ]);
    for (const id of ids) expect(await finished(id)).to.have.length(1);
    const [first] = operators;
    expect(outputOf(first!, ids[1]!)?.keys).to.have.length(51);
    expect(first!.ceremonies.list().map(({id}) => id)).to.have.members(ids);
    expect(first!.ceremonies.status(ids[0]!).participants.every(({connected}) => connected)).to.equal(true);
    expect(outputOf(first!, ids[0]!)?.guilty).to.deep.equal([]);
  });

  it("go on and end alike when an operator is killed at any of its writes", async () => {
    for (let writes = 1; ; writes++) {
      network = new MemoryPeerNetwork();
      operators = nodes.map((_, n) => new Operator(n));
      const [victim, ...others] = operators as [Operator, ...Operator[]];
      for (const operator of others) operator.start();
      let died = false;
      victim.start(
        new FatalJournal(victim.disk, {
          writes,
          die: () => {
            died = true;
            victim.kill();
          },
        }),
      );
      const id = await joinAll(definitionText(nodes, {nonce: writes}));
      await waitFor("killed or finished", () => died || transcriptOf(victim, id) !== null, 30_000);
      if (died) victim.start();
      expect(await finished(id), `killed at write ${writes}`).to.have.length(1);
      for (const operator of operators) operator.kill();
      if (!died) {
        expect(writes).to.be.greaterThan(10);
        return;
      }
    }
  });

  it("go on when all are killed at once, again and again", async () => {
    for (const operator of operators) operator.start();
    const id = await joinAll(definitionText(nodes, {validators: 51}));
    for (let turn = 0; turn < 5; turn++) {
      for (let turns = 0; turns < 3 + 5 * turn; turns++) await new Promise(setImmediate);
      for (const operator of operators) operator.kill();
      for (const operator of operators) operator.start();
    }
    expect(await finished(id)).to.have.length(1);
  });

  it("serve one that comes late, also after the others were started again", async () => {
    const [late, ...others] = operators as [Operator, ...Operator[]];
    for (const operator of others) operator.start();
    const text = definitionText(nodes, {require: 3});
    const [id] = await Promise.all(others.map(({ceremonies}) => ceremonies.join(text)));
    await finished(id!, others);
    for (const operator of others) {
      operator.kill();
      operator.start();
    }
    expect(others.every(({ceremonies}) => ceremonies.status(id!).ended?.includes("finished"))).to.equal(true);
    late.start();
    await late.ceremonies.join(text);
    await waitFor("it has heard of it", () => late.ceremonies.status(id!).status?.progress.step !== "announce");
  });

  it("begin once all have consented, whoever is away meanwhile, and end at the deadline naming who never did", async () => {
    for (const operator of operators) operator.start();
    const unsigned = definitionText(nodes, {signers: []});
    const soon = definitionText(nodes, {signers: [], nonce: 2, deadline: Math.ceil(systemClock.now() / 1000) + 2});
    const late = await operators[0]!.ceremonies.join(soon);
    const id = await operators[0]!.ceremonies.join(unsigned);
    const consented = (operator: Operator) =>
      operator.ceremonies
        .status(id)
        .participants.filter((one) => one.consented)
        .map(({number}) => number);
    expect(consented(operators[0]!)).to.deep.equal([1]);
    await operators[1]!.ceremonies.join(unsigned);
    await waitFor("both know of both", () => [0, 1].every((n) => consented(operators[n]!).length === 2));
    // A consent of another is shown before it is durable: it would come again after the kill.
    await waitFor("it is written down", () => operators[0]!.written(id).size === 2);
    for (const n of [0, 1]) operators[n]!.kill();
    operators[0]!.start();
    expect(consented(operators[0]!)).to.deep.equal([1, 2]);
    await Promise.all([2, 3].map((n) => operators[n]!.ceremonies.join(unsigned)));
    await waitFor("three consents", () => [0, 2, 3].every((n) => consented(operators[n]!).length >= 3));
    expect(operators[0]!.ceremonies.status(id).status === null || consented(operators[0]!).length === 4).to.equal(true);
    operators[1]!.start();
    expect(await finished(id)).to.have.length(1);
    await waitFor("the other is given up", () => operators[0]!.ceremonies.status(late).ended !== null);
    const {failure: why} = JSON.parse(operators[0]!.ceremonies.status(late).ended!) as {failure: object};
    expect(why).to.deep.include({reason: "deadline", step: "consent", missing: [2, 3, 4]});
    expect(
      await codeFrom(operators[0]!.ceremonies.join(soon).then(() => operators[0]!.ceremonies.abort(late, "x"))),
    ).to.equal("DKG_CEREMONY_OVER");
  });

  it("stand still with a code where a consent cannot be written down, until the next start", async () => {
    class FullJournal extends MemoryCeremonyJournal {
      override async redefine(): Promise<void> {
        throw new PleiadesError({code: "DKG_JOURNAL_FAILED"});
      }
      override async end(): Promise<void> {
        throw new PleiadesError({code: "DKG_JOURNAL_FAILED"});
      }
    }
    const [first, ...others] = operators as [Operator, ...Operator[]];
    first.start(new FullJournal(first.disk));
    const dropped = await first.ceremonies.join(definitionText(nodes, {signers: [], nonce: 2}));
    expect(await codeFrom(first.ceremonies.abort(dropped, "not needed"))).to.equal("DKG_JOURNAL_FAILED");
    expect(first.ceremonies.status(dropped)).to.include({halted: "DKG_JOURNAL_FAILED", ended: null});
    for (const operator of others) operator.start();
    const id = await joinAll(definitionText(nodes, {signers: []}));
    await waitFor("it stands still", () => first.ceremonies.status(id).halted === "DKG_JOURNAL_FAILED");
    expect(first.ceremonies.status(id).status).to.equal(null);
    first.kill();
    first.start();
    expect(first.ceremonies.status(id).halted).to.equal(null);
    expect(await finished(id)).to.have.length(1);
  });

  it("end for everybody with a reason when one aborts, and say so after a new start", async () => {
    for (const operator of operators) operator.start();
    operators[3]!.vaults.away = true;
    const id = await joinAll(definitionText(nodes));
    await operators[1]!.ceremonies.abort(id, "changed my mind");
    const failureOf = ({ceremonies}: Operator) => ceremonies.status(id).status?.failure;
    await waitFor("all failed", () => operators.slice(0, 3).every((operator) => failureOf(operator) != null));
    expect(failureOf(operators[0]!)).to.include({reason: "aborted"});
    expect(failureOf(operators[0]!)?.said).to.deep.equal(["2: changed my mind"]);
    expect(await codeFrom(operators[1]!.ceremonies.abort(id, "again"))).to.equal("DKG_CEREMONY_OVER");
    operators[1]!.kill();
    operators[1]!.start();
    expect(operators[1]!.ceremonies.status(id).ended).to.contain("changed my mind");
  });

  it("take no reason for an abort that the others would not read", async () => {
    for (const operator of operators) operator.start();
    operators[3]!.vaults.away = true;
    const id = await joinAll(definitionText(nodes));
    const waiting = await operators[0]!.ceremonies.join(definitionText(nodes, {nonce: 2, signers: []}));
    for (const reason of ["geändert", "two\nlines", "x".repeat(201)]) {
      for (const one of [id, waiting]) {
        expect(await codeFrom(operators[0]!.ceremonies.abort(one, reason))).to.equal("DKG_ABORT_REASON");
      }
    }
    // Nothing of it was said, and nothing is in the way of the next start.
    operators[0]!.kill();
    operators[0]!.start();
    expect(operators[0]!.ceremonies.status(waiting).ended).to.equal(null);
    operators[3]!.vaults.away = false;
    expect(await finished(id)).to.have.length(1);
  });

  it("are over only once their keys are in use, which is tried again also after a kill", async () => {
    for (const operator of operators) operator.start();
    const [first] = operators;
    first!.settling = "fails";
    const id = await joinAll(definitionText(nodes));
    await finished(id, operators.slice(1));
    await waitFor("tried in vain", () => first!.ceremonies.status(id).status?.halted === "INTERNAL");
    expect(first!.ceremonies.status(id)).to.include({ended: null});
    expect(outputOf(first!, id)).to.equal(null);
    first!.kill();
    first!.settling = "works";
    first!.start();
    expect(await finished(id)).to.have.length(1);
    expect(first!.settled.at(-1)).to.equal(transcriptOf(first!, id));
  });

  it("wait for a vault that is away, and say so", async () => {
    for (const operator of operators) operator.start();
    operators[2]!.vaults.away = true;
    const id = await joinAll(definitionText(nodes));
    await waitFor("told", () => operators[2]!.ceremonies.status(id).status?.halted === "INTERNAL");
    operators[2]!.vaults.away = false;
    expect(await finished(id)).to.have.length(1);
    expect(operators[2]!.ceremonies.status(id).status?.halted).to.equal(null);
  });

  it("stand still where the disk is full, with a code, and go on after a new start with space", async () => {
    for (const operator of operators) operator.start();
    const id = await joinAll(definitionText(nodes));
    operators[0]!.disk.full = true;
    await waitFor("halted", () => operators[0]!.ceremonies.status(id).status?.halted === "DKG_JOURNAL_FAILED");
    operators[0]!.disk.full = false;
    operators[0]!.kill();
    operators[0]!.start();
    expect(await finished(id)).to.have.length(1);
  });

  it("do not start from a journal that is damaged", async () => {
    for (const operator of operators) operator.start();
    const id = await joinAll(definitionText(nodes));
    await finished(id);
    const [victim] = operators;
    victim!.kill();
    const kept = victim!.disk.kept.get(id)!;
    kept.end = null;
    const [[key, text]] = [...kept.items] as [[string, string]];
    kept.items.set(key, text.slice(0, -10));
    failure("DKG_JOURNAL_CORRUPT", () => victim!.start());
  });

  it("are not hurt by a participant who sends nonsense, and tell nothing to who is none", async () => {
    for (const operator of operators.slice(0, 3)) operator.start();
    const peer = (n: number) => network.join(nodes[n]!.peerId, {clock: systemClock, logger: new MemoryLogger()});
    const [liar, text] = [peer(3), definitionText(nodes, {require: 3})];
    const [id] = await Promise.all(operators.slice(0, 3).map(({ceremonies}) => ceremonies.join(text)));
    liar.setPeers(nodes.slice(0, 3).map(({peerId}) => ({peerId, addresses: []})));
    const to = nodes[0]!.peerId;
    const nonsense = [
      new Uint8Array(),
      new Uint8Array([9, 9]),
      encodeMessage({kind: "item", ceremony: id!, text: "{}"}),
      encodeMessage({kind: "item", ceremony: id!, text: '{"ceremony":"0x00"}'}),
      encodeMessage({kind: "item", ceremony: `0x${"00".repeat(32)}` as RootHex, text: "{}"}),
    ];
    for (const body of nonsense) {
      await liar.send(to, body);
      await codeFrom(liar.request(to, body));
    }
    expect(await codeFrom(liar.request(to, nonsense[1]!))).to.equal("DKG_MESSAGE");
    expect(await finished(id!, operators.slice(0, 3))).to.have.length(1);
    const other = await operators[0]!.ceremonies.join(definitionText(nodes, {nonce: 5}));
    expect(other).not.to.equal(id);
    liar.setPeers([]);
    await liar.close();
  });

  it("refuse to join what is over or somebody else's, and know nothing of what they never joined", async () => {
    operators[0]!.start();
    const {ceremonies} = operators[0]!;
    const deadlines = {DKG_DEADLINE_PASSED: 1_700_000_000, DKG_DEADLINE_FAR: 4_000_000_000};
    for (const [code, deadline] of Object.entries(deadlines)) {
      expect(await codeFrom(ceremonies.join(definitionText(nodes, {deadline})))).to.equal(code);
    }
    const strangers = [5, 6, 7, 8].map(cheapNode);
    expect(await codeFrom(ceremonies.join(definitionText(strangers)))).to.equal("DKG_NOT_PARTICIPANT");
    expect(await codeFrom(ceremonies.join("{}"))).to.match(/^DKG_DEFINITION_/);
    failure("DKG_CEREMONY_UNKNOWN", () => ceremonies.status(`0x${"00".repeat(32)}` as RootHex));
    expect(ceremonies.list()).to.deep.equal([]);
  });

  it("can be watched from the first step to the last", async () => {
    for (const operator of operators) operator.start();
    const id = await joinAll(definitionText(nodes));
    const steps = new Set<string>();
    for await (const {status} of operators[0]!.ceremonies.watch(id, new AbortController().signal)) {
      steps.add(status?.progress.step ?? "");
    }
    expect([...steps].at(-1)).to.equal("done");
    expect(steps.size).to.be.greaterThan(2);
  });
});
