import {expect} from "chai";
import type {AnyItem} from "../../../src/core/dkg/items.js";
import {NEW_CEREMONY, step} from "../../../src/core/dkg/machine.js";
import {stepWith} from "../../../src/core/dkg/put-off.js";
import type {DkgInput, DkgState, Machine} from "../../../src/core/dkg/state.js";
import {workHere} from "../../../src/core/dkg/work.js";
import {transparentDkgGroup as group} from "../../simulation/transparent-group.js";
import {testCeremony, testSeed} from "../../support/dkg.js";
import {announceOf, dealingOf} from "../../support/dkg-dealings.js";

const {ceremony, nodes} = testCeremony(4, {cheap: true, depositAmounts: []});
const timing = {announceMs: 1, dealMs: 1, settleMs: 1, resultMs: 1, roundMs: 1, maxRoundMs: 1};
const machine: Machine = {ceremony, self: 1, group, sign: nodes[0]!.sign, timing};
const announces = nodes.map((node, i) => announceOf(group, ceremony, i + 1, {seed: testSeed(i + 1)}, node));
const {item, chunks} = dealingOf(group, ceremony, 2, {seed: testSeed(2)}, {announces, node: nodes[1]!});

const stored = (one: AnyItem): DkgInput => ({kind: "item", item: one, stored: true});
const dealt: readonly DkgInput[] = [
  ...announces.map((one) => stored(one as AnyItem)),
  stored(item as AnyItem),
  {kind: "start", memory: null},
];
const state: DkgState = dealt.reduce((before, input) => step(machine, before, input).state, NEW_CEREMONY);
const chunk: DkgInput = {kind: "chunk", dealing: item.hash, chunk: 0, bytes: chunks[0]!, stored: false};

describe("a step whose work is done elsewhere", () => {
  it("names the work it needs and has changed nothing, however often it is tried", () => {
    for (let i = 0; i < 3; i++) {
      const {undone} = stepWith(machine, state, chunk, []);
      expect(undone?.job).to.equal("check");
    }
    expect(state.chunks.size).to.equal(0);
  });

  it("ends as one that does it itself, once it is given what came of it", () => {
    const {undone} = stepWith(machine, state, chunk, []);
    const done = [workHere(group)(undone!.job, undone!.argument)];
    expect(done).to.deep.equal([null]);
    expect(stepWith(machine, state, chunk, done)).to.deep.equal({undone: null, ...step(machine, state, chunk)});
  });

  it("decides by what it is given: a chunk that is found malformed is opened by nobody", () => {
    const stepped = stepWith(machine, state, chunk, ["a proof of possession fails"]);
    if (stepped.undone !== null) throw new Error("nothing is left to do");
    expect([...stepped.state.chunks.values()]).to.deep.equal([{kind: "malformed"}]);
    expect(stepped.effects.map(({kind}) => kind)).not.to.include("vault");
  });

  it("needs nothing for what is no work", () => {
    const other: DkgInput = {...chunk, bytes: Uint8Array.from(chunks[0]!).fill(1, 0, 1)};
    expect(stepWith(machine, state, other, [])).to.deep.equal({undone: null, ...step(machine, state, other)});
  });

  it("lets an error through that is none of its own", () => {
    const broken: Machine = {...machine, sign: () => raise()};
    const announced: DkgInput = {kind: "announced", body: announces[0]!.body};
    expect(() => stepWith(broken, NEW_CEREMONY, announced, [])).to.throw("no key");
  });
});

function raise(): never {
  throw new Error("no key");
}
