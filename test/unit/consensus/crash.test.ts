import {expect} from "chai";
import {
  type Agreement,
  type Effect,
  type Memory,
  newState,
  restore,
  step,
} from "../../../src/core/consensus/machine.js";
import {instanceOf, type Message, signedBytes} from "../../../src/core/consensus/messages.js";

const ID = instanceOf("test", new Uint8Array([2]));
const sign = (author: number, bytes: Uint8Array): string => `0x${Buffer.from(`${author}${bytes}`).toString("hex")}`;

/** One participant whose disk outlives it. */
class Participant {
  readonly agreement: Agreement;
  readonly spoken: Message[] = [];
  state = newState();
  memory: Memory | null = null;
  performed = 0;

  constructor(self: number) {
    this.agreement = {
      id: ID,
      n: 4,
      self,
      offset: 0,
      sign: (bytes) => sign(self, bytes),
      verify: (author, bytes, signature) => signature === sign(author, bytes),
    };
  }

  /** The value is another one in each life: nothing may depend on proposing the same again. */
  begin(life: number): readonly Effect[] {
    const {agreement} = this;
    const first = this.memory === null ? null : restore(agreement, this.memory);
    this.state = first?.state ?? newState();
    const effects = [...(first?.effects ?? [])];
    for (const input of [{kind: "start"}, {kind: "propose", value: `${agreement.self} ${life}`}] as const) {
      const done = step(agreement, () => "valid", this.state, input);
      this.state = done.state;
      effects.push(...done.effects);
    }
    return effects;
  }
}

/** Runs to the end; `victim` crashes before its effect number `at`, once. */
function run(victim: number, at: number, silentLeader: boolean): Participant[] {
  const all = [1, 2, 3, 4].map((self) => new Participant(self));
  const queue: {to: Participant; message: Message}[] = [];
  let crashed = false;
  const perform = (one: Participant, effects: readonly Effect[]): void => {
    for (const effect of effects) {
      if (one.agreement.self === victim && !crashed && one.performed === at) {
        crashed = true;
        perform(one, one.begin(2));
        return;
      }
      one.performed++;
      if (effect.kind === "persist") one.memory = JSON.parse(JSON.stringify(effect.memory)) as Memory;
      if (effect.kind === "broadcast") say(one, effect.message);
    }
  };
  const say = (from: Participant, message: Message): void => {
    from.spoken.push(message);
    // The first leader's proposal reaches one participant alone.
    const lost = silentLeader && message.kind === "propose" && message.round === 1;
    for (const to of all) if (to !== from && !(lost && to.agreement.self !== 3)) queue.push({to, message});
  };
  for (const one of all) perform(one, one.begin(1));
  for (let turn = 0; turn < 20; turn++) {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const done = step(next.to.agreement, () => "valid", next.to.state, {kind: "message", message: next.message});
      next.to.state = done.state;
      perform(next.to, done.effects);
    }
    // All is quiet: say it again, then let the time of the round be over.
    for (const one of all) for (const message of one.state.said) if (turn % 2 === 0) say(one, message);
    for (const one of turn % 2 === 0 ? [] : all) {
      const done = step(one.agreement, () => "valid", one.state, {kind: "timeout", round: one.state.round});
      one.state = done.state;
      perform(one, done.effects);
    }
  }
  return all;
}

describe("a participant of an agreement that crashes", () => {
  for (const silentLeader of [false, true]) {
    const how = silentLeader ? "over two rounds" : "in one round";
    it(`before any of its effects says nothing that contradicts what it said, and decides with the others, ${how}`, () => {
      const whole = run(0, 0, silentLeader);
      expect(whole[0]!.state.decision!.round).to.equal(silentLeader ? 2 : 1);
      for (const victim of [1, 2, 3, 4]) {
        const {performed} = whole[victim - 1]!;
        expect(performed).to.be.greaterThan(6);
        for (let at = 0; at < performed; at++) {
          const all = run(victim, at, silentLeader);
          const where = `${victim} before effect ${at}`;
          const values = new Set(all.map(({state}) => state.decision?.value));
          expect([...values], where)
            .to.have.length(1)
            .and.not.include(undefined);
          const words = new Map<string, string>();
          for (const message of all[victim - 1]!.spoken) {
            if (message.kind === "decision") continue;
            const place = `${message.kind} ${message.round}`;
            const said = Buffer.from(signedBytes(ID, message)).toString();
            expect(words.get(place) ?? said, where).to.equal(said);
            words.set(place, said);
          }
        }
      }
    });
  }
});
