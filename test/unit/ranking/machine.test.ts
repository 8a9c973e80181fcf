import {expect} from "chai";
import {type DutyState, NEW_DUTY, type RankInput, step} from "../../../src/core/ranking/machine.js";

/** Feeds a duty and says what comes of each input, as short words. */
class Duty {
  state: DutyState = NEW_DUTY;

  feed(input: RankInput): string[] {
    const {state, effects} = step(this.state, input);
    this.state = state;
    return effects.map(({kind, id}) => `${kind} ${id}`);
  }
  asked = (id: number, rank: number, root: string) => this.feed({kind: "asked", ask: {id, rank, root}});
  due = (id: number) => this.feed({kind: "due", id});
  answered = (id: number, signed = true) => this.feed({kind: "answered", id, signed});
  gone = (id: number) => this.feed({kind: "gone", id});
}

describe("the ranking of signers", () => {
  let duty: Duty;
  beforeEach(() => {
    duty = new Duty();
  });

  it("lets the first signer through at once", () => {
    expect(duty.asked(1, 0, "a")).to.deep.equal(["pass 1"]);
  });

  it("holds a later one until its delay has passed", () => {
    expect(duty.asked(1, 1, "b")).to.deep.equal(["hold 1"]);
    expect(duty.due(1)).to.deep.equal(["pass 1"]);
  });

  it("outranks a held request by an earlier one's other message, once that is signed", () => {
    expect(duty.asked(1, 1, "b")).to.deep.equal(["hold 1"]);
    expect(duty.asked(2, 0, "a")).to.deep.equal(["pass 2"]);
    expect(duty.due(1), "its delay passes before the keeper has answered").to.deep.equal([]);
    expect(duty.answered(2)).to.deep.equal(["outrank 1"]);
    expect(duty.asked(3, 1, "b"), "again").to.deep.equal(["outrank 3"]);
  });

  it("lets a held request go with an earlier one's same message", () => {
    expect(duty.asked(1, 2, "a")).to.deep.equal(["hold 1"]);
    expect(duty.asked(2, 1, "a")).to.deep.equal(["hold 2"]);
    expect(duty.asked(3, 0, "a")).to.deep.equal(["pass 3", "pass 2", "pass 1"]);
    expect(duty.answered(3)).to.deep.equal([]);
    expect(duty.asked(4, 1, "a"), "a repeat").to.deep.equal(["pass 4"]);
  });

  it("takes nobody's turn for a message that the keeper refuses", () => {
    expect(duty.asked(1, 0, "malformed")).to.deep.equal(["pass 1"]);
    expect(duty.asked(2, 1, "b")).to.deep.equal(["hold 2"]);
    expect(duty.answered(1, false)).to.deep.equal([]);
    expect(duty.due(2)).to.deep.equal(["pass 2"]);
    duty = new Duty();
    duty.asked(1, 0, "malformed");
    duty.asked(2, 1, "b");
    expect(duty.due(2)).to.deep.equal([]);
    expect(duty.answered(1, false)).to.deep.equal(["pass 2"]);
  });

  it("lets the earlier-ranked of two through that are due together", () => {
    duty.asked(1, 0, "malformed");
    duty.asked(2, 2, "c");
    duty.asked(3, 1, "b");
    expect([...duty.due(2), ...duty.due(3)]).to.deep.equal([]);
    expect(duty.answered(1, false)).to.deep.equal(["pass 3"]);
    expect(duty.answered(3)).to.deep.equal(["outrank 2"]);
  });

  it("leaves an earlier-ranked one that comes too late to the keeper, which has signed something else", () => {
    duty.asked(1, 1, "b");
    duty.due(1);
    duty.answered(1);
    expect(duty.asked(2, 0, "a")).to.deep.equal(["pass 2"]);
    expect(duty.answered(2, false)).to.deep.equal([]);
    expect(duty.asked(3, 1, "b")).to.deep.equal(["pass 3"]);
  });

  it("leaves a signer's own second message to the keeper, which calls it what it is", () => {
    duty.asked(1, 1, "b");
    duty.due(1);
    duty.answered(1);
    expect(duty.asked(2, 1, "c")).to.deep.equal(["pass 2"]);
  });

  it("drops a held request whose signer is gone, and not one that the keeper has", () => {
    duty.asked(1, 1, "b");
    expect(duty.gone(1)).to.deep.equal([]);
    expect(duty.state).to.deep.equal(NEW_DUTY);
    expect(duty.due(1), "a timer that fires late").to.deep.equal([]);
    duty.asked(2, 0, "a");
    duty.gone(2);
    duty.asked(3, 1, "b");
    expect(duty.answered(2)).to.deep.equal(["outrank 3"]);
  });

  it("keeps its promises in whatever order things happen", () => {
    for (let seed = 1; seed <= 2000; seed++) run(seed);
  });
});

/** Numbers that look random and are the same for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A duty with a keeper that signs one root and refuses others, as slashing protection does, and one root always. */
function run(seed: number): void {
  const random = randomOf(seed);
  const rootOf = new Map<number, {rank: number; root: string}>();
  const held = new Set<number>();
  const due = new Set<number>();
  const open = new Set<number>();
  let state = NEW_DUTY;
  let signed: {rank: number; root: string} | null = null;
  const about = (id: number) => rootOf.get(id)!;
  const feed = (input: RankInput): void => {
    const signedBefore = signed;
    if (input.kind === "asked") held.add(input.ask.id);
    const result = step(state, input);
    state = result.state;
    for (const effect of result.effects) {
      const {id} = effect;
      const what = `seed ${seed}: ${effect.kind} ${id}`;
      const {rank, root} = about(id);
      expect(held.has(id), what).to.equal(true);
      const earlierOpen = [...open].filter((other) => about(other).rank < rank && about(other).root !== root);
      if (effect.kind === "hold") {
        expect(rank, what).to.be.greaterThan(0);
      } else if (effect.kind === "outrank") {
        // Only for what is signed, by an earlier rank, and another message.
        expect(signedBefore, what).not.to.equal(null);
        expect(signedBefore!.rank, what).to.be.lessThan(rank);
        expect(signedBefore!.root, what).not.to.equal(root);
        held.delete(id);
      } else {
        const same = [...open].some((other) => about(other).root === root);
        const mayGo = rank === 0 || due.has(id) || same || signedBefore !== null;
        expect(mayGo, what).to.equal(true);
        if (signedBefore === null && !same) expect(earlierOpen, what).to.deep.equal([]);
        held.delete(id);
        open.add(id);
      }
    }
  };
  for (let id = 1; id <= 8; id++) rootOf.set(id, {rank: random(4), root: ["a", "b", "bad"][random(3)]!});
  const unasked = [...rootOf.keys()];
  for (let turn = 0; turn < 200 && (unasked.length > 0 || held.size > 0 || open.size > 0); turn++) {
    const waiting = [...held].filter((id) => !due.has(id));
    const choice = random(8);
    if (choice < 3 && unasked.length > 0) {
      const [id] = unasked.splice(random(unasked.length), 1);
      feed({kind: "asked", ask: {id: id!, ...about(id!)}});
    } else if (choice < 5 && waiting.length > 0) {
      const id = waiting[random(waiting.length)]!;
      due.add(id);
      feed({kind: "due", id});
    } else if (choice === 7 && held.size > 0 && random(4) === 0) {
      const id = [...held][random(held.size)]!;
      held.delete(id);
      feed({kind: "gone", id});
    } else if (open.size > 0) {
      const id = [...open][random(open.size)]!;
      const {rank, root} = about(id);
      const signs = root !== "bad" && (signed === null || signed.root === root);
      open.delete(id);
      if (signs) signed ??= {rank, root};
      feed({kind: "answered", id, signed: signs});
    }
  }
  // Nobody waits for ever, and nothing is kept of those that do not wait.
  expect([unasked.length, held.size, open.size], `seed ${seed}`).to.deep.equal([0, 0, 0]);
  expect(state, `seed ${seed}`).to.deep.equal({asks: [], signed});
}
