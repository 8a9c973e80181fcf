import type {Agreement, AgreementEffect, AgreementInput} from "../../src/core/dkg/agreement.js";

/* Tendermint (Buchman, Kwon, Milosevic 2018), one value. */
interface Msg {
  v: string | null;
  vr: number;
}
interface S {
  self: number | null;
  n: number;
  started: boolean;
  round: number;
  step: 0 | 1 | 2;
  locked: {v: string; r: number} | null;
  valid: {v: string; r: number} | null;
  own: string | null;
  msgs: Map<string, Msg>;
  timers: Set<number>;
  decided: boolean;
}
const BASE = 400;
export const interim: Agreement = {
  create: (self, n) =>
    ({
      self,
      n,
      started: false,
      round: 0,
      step: 0,
      locked: null,
      valid: null,
      own: null,
      msgs: new Map(),
      timers: new Set(),
      decided: false,
    }) as S,
  step(state, input) {
    const s: S = {...(state as S), msgs: new Map((state as S).msgs), timers: new Set((state as S).timers)};
    const effects: AgreementEffect[] = [];
    run(s, input, effects);
    return {state: s, effects};
  },
};
const hex = (b: Uint8Array) => Buffer.from(b).toString("hex");
const bytes = (h: string) => new Uint8Array(Buffer.from(h, "hex"));
function run(s: S, input: AgreementInput, out: AgreementEffect[]) {
  const q = s.n - Math.floor((s.n - 1) / 3),
    f = Math.floor((s.n - 1) / 3);
  const say = (phase: 0 | 1 | 2, m: Msg) => {
    if (s.self === null) return;
    const seq = s.round * 3 + phase;
    if (s.msgs.has(`${s.self}/${seq}`)) return;
    s.msgs.set(`${s.self}/${seq}`, m);
    out.push({kind: "say", sequence: seq, message: JSON.stringify(m)});
  };
  const timer = (phase: 0 | 1 | 2) => {
    const id = s.round * 3 + phase;
    if (s.timers.has(id)) return;
    s.timers.add(id);
    out.push({kind: "timer", round: id, ms: BASE + 150 * s.round});
  };
  const at = (r: number, p: number) => [...Array(s.n).keys()].flatMap((i) => s.msgs.get(`${i + 1}/${r * 3 + p}`) ?? []);
  const count = (r: number, p: number, v: string | null) => at(r, p).filter((m) => m.v === v).length;
  const leader = (r: number) => (r % s.n) + 1;
  const startRound = (r: number) => {
    s.round = r;
    s.step = 0;
    if (leader(r) === s.self) {
      const v = s.valid?.v ?? s.own;
      if (v !== null) say(0, {v, vr: s.valid?.r ?? -1});
    }
    timer(0);
  };
  if (input.kind === "message") {
    const key = `${input.author}/${input.sequence}`;
    if (!s.msgs.has(key)) {
      try {
        s.msgs.set(key, JSON.parse(input.message) as Msg);
      } catch {
        return;
      }
    }
    if (input.author === s.self) {
      const r = Math.floor(input.sequence / 3),
        p = (input.sequence % 3) as 0 | 1 | 2,
        m = s.msgs.get(key)!;
      if (r > s.round) {
        s.round = r;
        s.step = 0;
      }
      if (r === s.round && p > s.step) s.step = p;
      if (p === 2 && m.v !== null && (s.locked === null || s.locked.r < r)) {
        s.locked = {v: m.v, r};
        s.valid = {v: m.v, r};
      }
      if (p === 2 || p === 1) s.step = Math.max(s.step, p) as 0 | 1 | 2;
    }
  }
  if ((input.kind === "start" || input.kind === "changed") && input.value !== null) s.own = hex(input.value);
  if (input.kind === "start" && !s.started) {
    s.started = true;
    startRound(s.round);
    if (s.step > 0) timer(s.step);
  }
  // decide
  if (!s.decided)
    for (const k of [...s.msgs.keys()]) {
      const seq = Number(k.split("/")[1]);
      if (seq % 3 !== 2) continue;
      const r = (seq - 2) / 3;
      const v = s.msgs.get(k)!.v;
      if (v !== null && count(r, 2, v) >= q) {
        s.decided = true;
        out.push({kind: "decided", value: bytes(v)});
        break;
      }
    }
  if (s.decided || !s.started || s.self === null) return;
  if (input.kind === "timeout") {
    const r = Math.floor(input.round / 3),
      p = input.round % 3;
    if (r === s.round) {
      if (p === 0 && s.step === 0) {
        s.step = 1;
        say(1, {v: null, vr: -1});
      }
      if (p === 1 && s.step === 1) {
        s.step = 2;
        say(2, {v: null, vr: -1});
      }
      if (p === 2) startRound(s.round + 1);
    }
  }
  for (let again = true; again; ) {
    again = false;
    for (const k of s.msgs.keys()) {
      const r = Math.floor(Number(k.split("/")[1]) / 3);
      if (r > s.round) {
        const authors = new Set(
          [...s.msgs.keys()].filter((x) => Math.floor(Number(x.split("/")[1]) / 3) === r).map((x) => x.split("/")[0]),
        );
        if (authors.size > f) {
          startRound(r);
          again = true;
          break;
        }
      }
    }
    if (s.step === 0 && leader(s.round) === s.self && !s.msgs.has(`${s.self}/${s.round * 3}`)) {
      const v = s.valid?.v ?? s.own;
      if (v !== null) say(0, {v, vr: s.valid?.r ?? -1});
    }
    const p = s.msgs.get(`${leader(s.round)}/${s.round * 3}`);
    if (p && p.v !== null && s.step === 0) {
      const okVr =
        p.vr === -1
          ? s.locked === null || s.locked.v === p.v
          : p.vr < s.round &&
            count(p.vr, 1, p.v) >= q &&
            (s.locked === null || s.locked.r <= p.vr || s.locked.v === p.v);
      if (okVr && input.isValid(bytes(p.v))) {
        s.step = 1;
        say(1, {v: p.v, vr: -1});
        again = true;
      }
    }
    if (s.step === 1 && at(s.round, 1).length >= q) timer(1);
    if (p && p.v !== null && s.step >= 1 && count(s.round, 1, p.v) >= q && input.isValid(bytes(p.v))) {
      if (s.step === 1) {
        s.locked = {v: p.v, r: s.round};
        s.step = 2;
        say(2, {v: p.v, vr: -1});
        again = true;
      }
      s.valid = {v: p.v, r: s.round};
    }
    if (s.step === 1 && count(s.round, 1, null) >= q) {
      s.step = 2;
      say(2, {v: null, vr: -1});
      again = true;
    }
    if (at(s.round, 2).length >= q) timer(2);
  }
}
