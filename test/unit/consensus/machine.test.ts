import {expect} from "chai";
import {type Agreement, type Effect, newState, restore, type State, step} from "../../../src/core/consensus/machine.js";
import {
  instanceOf,
  type Message,
  type Propose,
  type RoundChange,
  type Vote,
  valueDigest,
} from "../../../src/core/consensus/messages.js";
import {isDecision, justification} from "../../../src/core/consensus/proofs.js";

const ID = instanceOf("test", new Uint8Array([1]));
const sign = (author: number, bytes: Uint8Array): string => `0x${Buffer.from(`${author}${bytes}`).toString("hex")}`;
const agreementOf = (self: number): Agreement => ({
  id: ID,
  n: 4,
  self,
  offset: 0,
  sign: (bytes) => sign(self, bytes),
  verify: (author, bytes, signature) => signature === sign(author, bytes),
});
const saidIn = (effects: readonly Effect[]): Message[] =>
  effects.flatMap((effect) => (effect.kind === "broadcast" ? [effect.message] : []));

/** Four participants whose messages are handed over by hand. */
class Table {
  readonly states: State[] = [1, 2, 3, 4].map(newState);
  readonly said: Message[] = [];
  judge: "valid" | "invalid" | "not yet" = "valid";

  input(self: number, input: Parameters<typeof step>[3]): readonly Effect[] {
    const done = step(agreementOf(self), () => this.judge, this.states[self - 1]!, input);
    this.states[self - 1] = done.state;
    this.said.push(...saidIn(done.effects));
    return done.effects;
  }

  start(value = "a"): void {
    for (const self of [1, 2, 3, 4]) {
      this.input(self, {kind: "start"});
      this.input(self, {kind: "propose", value});
    }
  }

  /** Hands on what was said so far and fits, to these. */
  hand(to: readonly number[], fits: (message: Message) => boolean = () => true): readonly Effect[] {
    const messages = this.said.filter(fits);
    return to.flatMap((self) => messages.flatMap((message) => this.input(self, {kind: "message", message})));
  }
}
const kinds = (...wanted: Message["kind"][]) => {
  return ({kind}: Message): boolean => wanted.includes(kind);
};

describe("agreement", () => {
  it("decides the first leader's value in one round, with a certificate anybody can check", () => {
    const table = new Table();
    table.start();
    table.hand([2, 3, 4], kinds("propose"));
    table.hand([1, 2, 3, 4], kinds("prepare"));
    table.hand([1, 2, 3, 4], kinds("commit"));
    for (const {decision} of table.states) {
      expect(decision!.value).to.equal("a");
      expect(isDecision(agreementOf(1), decision!)).to.equal(true);
      expect(isDecision(agreementOf(1), {...decision!, value: "b"})).to.equal(false);
      expect(isDecision(agreementOf(1), {...decision!, commits: decision!.commits.slice(1)})).to.equal(false);
      const twice = [decision!.commits[0]!, ...decision!.commits.slice(0, 2)];
      expect(isDecision(agreementOf(1), {...decision!, commits: twice})).to.equal(false);
    }
  });

  it("takes a decision over from whoever has one, and nothing that only looks like one", () => {
    const table = new Table();
    table.start();
    table.hand([2, 3], kinds("propose"));
    table.hand([1, 2, 3], kinds("prepare"));
    table.hand([1, 2, 3], kinds("commit"));
    const {decision} = table.states[0]!;
    table.input(4, {kind: "message", message: {...decision!, round: 2}});
    expect(table.states[3]!.decision).to.equal(null);
    const effects = table.input(4, {kind: "message", message: decision!});
    expect(effects.map(({kind}) => kind)).to.deep.equal(["persist", "broadcast", "decided"]);
  });

  it("remembers before it speaks", () => {
    const table = new Table();
    table.start();
    for (const effects of [table.hand([2], kinds("propose")), table.input(3, {kind: "timeout", round: 1})]) {
      const [first, ...rest] = effects;
      expect(rest.some(({kind}) => kind === "broadcast")).to.equal(true);
      const memory = first!.kind === "persist" ? first!.memory : null;
      expect(memory!.said).to.deep.equal(saidIn(effects));
    }
  });

  it("carries a value that a quorum prepared into the next round, whatever its leader would rather propose", () => {
    const table = new Table();
    table.start();
    table.hand([2, 3], kinds("propose"));
    // Prepared by 1, 2 and 3: one of them may have decided.
    table.hand([1, 2, 3], kinds("prepare"));
    for (const self of [2, 3, 4]) {
      table.input(self, {kind: "propose", value: "b"});
      table.input(self, {kind: "timeout", round: 1});
    }
    const asked = table.said.filter((message): message is RoundChange => message.kind === "round-change");
    expect(asked.map(({author, prepared}) => [author, prepared?.round ?? null])).to.deep.equal([
      [2, 1],
      [3, 1],
      [4, null],
    ]);
    // Even when nobody finds it valid any more.
    table.judge = "invalid";
    table.hand([2], kinds("round-change"));
    const proposal = table.said.find(
      (message): message is Propose => message.kind === "propose" && message.round === 2,
    );
    expect(proposal).to.include({author: 2, value: "a"});
    expect(justification(agreementOf(1), proposal!)).to.equal("bound");
    table.hand([3, 4], (message) => message === proposal);
    expect(table.states[3]!.said.map(({kind}) => kind)).to.include("prepare");
  });

  it("finds a proposal unjustified that leaves out what was prepared, or without a quorum that asked", () => {
    const table = new Table();
    table.start();
    table.hand([2, 3], kinds("propose"));
    table.hand([1, 2, 3], kinds("prepare"));
    for (const self of [2, 3, 4]) table.input(self, {kind: "timeout", round: 1});
    table.hand([2], kinds("round-change"));
    const good = table.said.find((message): message is Propose => message.kind === "propose" && message.round === 2)!;
    const again = (change: Partial<Propose>): Propose => {
      const vote = {...good, ...change};
      const bytes = Buffer.from(`pleiades agreement vote v1\n${ID}\npropose\n2\n2\n${valueDigest(ID, vote.value)}`);
      return {...vote, signature: sign(2, new Uint8Array(bytes))};
    };
    expect(justification(agreementOf(1), again({}))).to.equal("bound");
    for (const change of [
      {value: "b"},
      {value: "b", prepares: []},
      {prepares: []},
      {prepares: good.prepares.slice(1)},
      {claims: good.claims.slice(1)},
      {claims: []},
      {claims: [good.claims[0]!, good.claims[0]!, good.claims[1]!]},
      {claims: good.claims.map((claim) => ({...claim, prepared: null}))},
      {claims: good.claims.map((claim) => ({...claim, round: 3}))},
    ]) {
      expect(justification(agreementOf(1), again(change)), JSON.stringify(change)).to.equal("unjustified");
    }
  });

  it("prepares nothing that is invalid, and what is not yet valid once it is", () => {
    const table = new Table();
    table.start();
    table.judge = "not yet";
    table.hand([2], kinds("propose"));
    expect(table.states[1]!.said).to.deep.equal([]);
    table.judge = "valid";
    table.input(2, {kind: "recheck"});
    expect(table.states[1]!.said.map(({kind}) => kind)).to.deep.equal(["prepare"]);
  });

  it("says after a restart what it said before, and nothing against it", () => {
    const table = new Table();
    table.start();
    const [persist] = table.hand([2], kinds("propose"));
    const memory = persist!.kind === "persist" ? persist!.memory : null;
    const {state, effects} = restore(agreementOf(2), memory!);
    expect(saidIn(effects)).to.deep.equal(memory!.said);
    expect(effects.at(-1)).to.deep.equal({kind: "timer", round: 1});
    const other = {...table.said.find(kinds("propose"))!, value: "b"} as Propose;
    const bytes = Buffer.from(`pleiades agreement vote v1\n${ID}\npropose\n1\n1\n${valueDigest(ID, "b")}`);
    const message = {...other, signature: sign(1, new Uint8Array(bytes))};
    expect(step(agreementOf(2), () => "valid", state, {kind: "message", message}).effects).to.deep.equal([]);
  });

  it("shows both votes of somebody who votes twice", () => {
    const table = new Table();
    table.start();
    const votes = ["a", "b"].map((value): Vote => {
      const digest = valueDigest(ID, value);
      const bytes = Buffer.from(`pleiades agreement vote v1\n${ID}\ncommit\n4\n1\n${digest}`);
      return {kind: "commit", author: 4, round: 1, digest, signature: sign(4, new Uint8Array(bytes))};
    });
    table.input(1, {kind: "message", message: votes[0]!});
    expect(table.input(1, {kind: "message", message: votes[1]!})).to.deep.equal([{kind: "equivocation", votes}]);
    const forged = {...votes[1]!, signature: "0x00"};
    expect(table.input(1, {kind: "message", message: forged})).to.deep.equal([]);
  });

  it("shows each who votes twice once, also when the second vote is not justified", () => {
    const table = new Table();
    table.start();
    table.hand([2], kinds("propose"));
    const first = table.said.find(kinds("propose")) as Propose;
    const again = (value: string): Message => {
      const bytes = Buffer.from(`pleiades agreement vote v1\n${ID}\npropose\n1\n1\n${valueDigest(ID, value)}`);
      return {...first, value, claims: [], prepares: first.prepares, signature: sign(1, new Uint8Array(bytes))};
    };
    const claim = {kind: "round-change", author: 1, round: 1, prepared: null, signature: "0x00"} as const;
    const second = {...(again("b") as Propose), claims: [claim]};
    expect(justification(agreementOf(2), second)).to.equal("unjustified");
    expect(table.input(2, {kind: "message", message: second})).to.deep.equal([
      {kind: "equivocation", votes: [first, second]},
    ]);
    expect(table.input(2, {kind: "message", message: again("c")})).to.deep.equal([]);
  });

  it("tells its decision once for each later round that somebody asks for, however old words are repeated", () => {
    const table = new Table();
    table.start();
    table.hand([2, 3], kinds("propose"));
    table.hand([1, 2, 3], kinds("prepare"));
    table.hand([1], kinds("commit"));
    const {decision} = table.states[0]!;
    for (let round = 1; round <= 9; round++) table.input(4, {kind: "timeout", round});
    const asked = table.said.filter((message) => message.kind === "round-change" && message.author === 4);
    const told = [...asked, ...asked, asked[0]!].flatMap((message) => table.input(1, {kind: "message", message}));
    expect(told).to.deep.equal(asked.map(() => ({kind: "broadcast", message: decision})));
  });

  it("decides on a quorum of commits before it has started", () => {
    const table = new Table();
    table.start();
    table.hand([2, 3], kinds("propose"));
    table.hand([1, 2, 3], kinds("prepare"));
    table.states[3] = newState();
    expect(table.hand([4], kinds("propose", "prepare"))).to.deep.equal([]);
    const effects = table.hand([4], kinds("commit"));
    expect(effects.map(({kind}) => kind)).to.deep.equal(["persist", "broadcast", "decided"]);
  });

  it("follows f+1 others to a later round, and not f", () => {
    const table = new Table();
    table.start();
    for (let round = 1; round <= 6; round++) table.input(4, {kind: "timeout", round});
    table.hand([1], kinds("round-change"));
    expect(table.states[0]!.round).to.equal(1);
    for (let round = 1; round <= 4; round++) table.input(3, {kind: "timeout", round});
    table.hand([1], kinds("round-change"));
    expect(table.states[0]!.round).to.equal(5);
  });

  it("waits in a later round for a quorum to come so far before it counts the time, however long that takes", () => {
    const table = new Table();
    table.start();
    expect(table.input(4, {kind: "timeout", round: 1}).map(({kind}) => kind)).to.deep.equal(["persist", "broadcast"]);
    table.input(3, {kind: "timeout", round: 1});
    expect(table.hand([4], kinds("round-change"))).to.deep.equal([]);
    table.input(2, {kind: "timeout", round: 1});
    // Ahead is so far, too.
    table.input(2, {kind: "timeout", round: 2});
    const last = table.said.filter(({kind}) => kind === "round-change").at(-1);
    expect(table.hand([4], (message) => message === last)).to.deep.equal([{kind: "timer", round: 2}]);
    expect(table.hand([4], kinds("round-change"))).to.deep.equal([]);
    // And after a restart once it has heard that again.
    const {round, said, prepared, decision} = table.states[3]!;
    const restored = restore(agreementOf(4), {round, said, prepared, decision});
    expect(restored.effects.map(({kind}) => kind)).to.deep.equal(["persist", "broadcast"]);
    table.states[3] = restored.state;
    expect(table.hand([4], kinds("round-change")).filter(({kind}) => kind === "timer")).to.have.length(1);
  });

  it("keeps a bounded number of votes of each author", () => {
    const table = new Table();
    table.start();
    for (let round = 1; round <= 500; round++) table.input(4, {kind: "timeout", round});
    table.hand([1], kinds("round-change"));
    expect(table.states[0]!.votes.size).to.be.lessThan(12);
  });
});
