import {expect} from "chai";
import {formatMemory, parseMemory} from "../../../src/core/dkg/agreement.js";
import {type AnyItem, type Item, signItem} from "../../../src/core/dkg/items.js";
import {NEW_CEREMONY, step} from "../../../src/core/dkg/machine.js";
import {progressOf} from "../../../src/core/dkg/progress.js";
import type {DkgEffect, DkgInput, DkgState, Machine} from "../../../src/core/dkg/state.js";
import {transparentDkgGroup as group} from "../../simulation/transparent-group.js";
import {testCeremony, testSeed} from "../../support/dkg.js";
import {announceOf, dealingOf} from "../../support/dkg-dealings.js";

const made = testCeremony(4, {cheap: true, depositAmounts: []});
const {ceremony, nodes} = made;
const timing = {announceMs: 1, dealMs: 1, settleMs: 1, resultMs: 1, roundMs: 1, maxRoundMs: 1};
const machine: Machine = {ceremony, self: 1, group, sign: nodes[0]!.sign, timing};
const announces = nodes.map((node, i) => announceOf(group, ceremony, i + 1, {seed: testSeed(i + 1)}, node));

/** Feeds inputs and gathers what is wanted. */
function feed(state: DkgState, inputs: readonly DkgInput[]): {state: DkgState; effects: DkgEffect[]} {
  const effects: DkgEffect[] = [];
  for (const input of inputs) {
    const done = step(machine, state, input);
    state = done.state;
    effects.push(...done.effects);
  }
  return {state, effects};
}
const heard = (item: Item, stored = false): DkgInput => ({kind: "item", item: item as AnyItem, stored});
const begin: DkgInput = {kind: "start", memory: null};
const kinds = (effects: readonly DkgEffect[]): string[] => effects.map(({kind}) => kind);

describe("the machine of a ceremony", () => {
  it("journals what it says before it says it, and says it once", () => {
    const started = feed(NEW_CEREMONY, [begin, begin]);
    expect(kinds(started.effects)).to.deep.equal(["vault"]);
    const announced: DkgInput = {kind: "announced", body: announces[0]!.body};
    const {effects} = feed(started.state, [announced, announced]);
    expect(kinds(effects)).to.deep.equal(["persist", "publish"]);
  });

  it("goes on from its journal as if nothing had happened", () => {
    const all = announces.map((item) => heard(item, true));
    const {state, effects} = feed(NEW_CEREMONY, [...all, begin]);
    expect(effects.map((effect) => (effect.kind === "vault" ? effect.call.call : effect.kind))).to.deep.equal(["deal"]);
    expect(progressOf(machine, state).step).to.equal("announce");
  });

  it("deals only on as many announces as are required", () => {
    const some = announces.slice(0, 3).map((item) => heard(item));
    const {effects} = feed(NEW_CEREMONY, [
      heard(announces[0]!, true),
      begin,
      ...some.slice(1),
      {kind: "timer", name: "announce"},
    ]);
    expect(kinds(effects)).not.to.include("vault");
  });

  it("keeps two items of one place and no more, but a dealing that a verdict names", () => {
    const others = [7, 8, 9].map((seed) =>
      dealingOf(group, ceremony, 2, {seed: testSeed(seed)}, {announces, node: nodes[1]!}),
    );
    const all = others.map(({item}) => heard(item));
    const {state} = feed(NEW_CEREMONY, [begin, ...all]);
    expect(state.places.get("deal/2/0")).to.deep.equal(others.slice(0, 2).map(({item}) => item.hash));
    const {hash, signature} = others[2]!.item;
    const entries = [{dealer: 2, dealing: hash, signature, outcome: {kind: "ok"} as const}];
    const body = {entries, equivocations: []};
    const verdict = signItem(ceremony, {author: 3, kind: "verdict", sequence: 0, body}, nodes[2]!.sign);
    const more = feed(state, [heard(verdict), all[2]!]);
    expect(more.state.places.get("deal/2/0")).to.have.length(3);
  });

  it("does not change the state it is given", () => {
    const {state} = feed(NEW_CEREMONY, [begin, ...announces.map((item) => heard(item))]);
    const sizes = () => [state.items.size, state.places.size, state.timers.size, state.asked.size, state.chunks.size];
    const before = sizes();
    feed(state, [{kind: "announced", body: announces[0]!.body}, {kind: "deadline"}]);
    expect(sizes()).to.deep.equal(before);
  });

  it("ends at the deadline with the step and those who had not done it", () => {
    const {state, effects} = feed(NEW_CEREMONY, [
      heard(announces[0]!, true),
      heard(announces[2]!),
      begin,
      {kind: "deadline"},
    ]);
    expect(state.failure).to.deep.include({reason: "deadline", step: "announce", missing: [2, 4]});
    expect(kinds(effects)).to.include("failed");
    expect(step(machine, state, heard(announces[1]!)).effects).to.deep.equal([]);
  });

  it("ends when an operator that is required leaves, with what it said", () => {
    const leaving = signItem(
      ceremony,
      {author: 3, kind: "abort", sequence: 0, body: {reason: "wrong network"}},
      nodes[2]!.sign,
    );
    const {state} = feed(NEW_CEREMONY, [begin, heard(leaving)]);
    expect(state.failure).to.deep.include({reason: "aborted", said: ["3: wrong network"]});
    const own = feed(NEW_CEREMONY, [begin, {kind: "abort", reason: "no"}]);
    expect(kinds(own.effects)).to.deep.equal(["vault", "persist", "publish", "failed"]);
  });

  it("takes no chunk that no dealer named", () => {
    const {item, chunks} = dealingOf(group, ceremony, 2, {seed: testSeed(2)}, {announces, node: nodes[1]!});
    const {state} = feed(NEW_CEREMONY, [heard(announces[0]!, true), heard(item), begin]);
    const chunk = {kind: "chunk", dealing: item.hash, chunk: 0, stored: false} as const;
    const bent = Uint8Array.from(chunks[0]!).fill(1, 0, 1);
    expect(kinds(step(machine, state, {...chunk, bytes: bent}).effects)).to.deep.equal([]);
    expect(kinds(step(machine, state, {...chunk, chunk: 5, bytes: chunks[0]!}).effects)).to.deep.equal([]);
    expect(kinds(step(machine, state, {...chunk, bytes: chunks[0]!}).effects)).to.deep.equal([
      "persist chunk",
      "vault",
    ]);
  });

  it("reads back what it remembers of the agreement", () => {
    const memory = {round: 3, said: [], prepared: null, decision: null};
    expect(parseMemory(machine, formatMemory(memory))).to.deep.equal(memory);
  });
});
