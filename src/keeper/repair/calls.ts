import {parsePeerIdText, parseRootHex, type RootHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import {listOf} from "../../core/repair/items.js";
import {MAX_REPAIR_KEYS} from "../../core/repair/request.js";
import type {ShareRepair} from "../../ports/share-repair.js";

/** What an operator asks of the repair, as it crosses the channel. */
export interface RepairCall {
  readonly method: keyof ShareRepair;
  readonly session: RootHex | null;
  readonly input: unknown;
}

/** A request of fifty keys is 4 KB. */
const MAX_TEXT = 2 ** 14;
/** Fifty scalars and a tag. */
const MAX_SEALED = MAX_REPAIR_KEYS * 32 + 16;
const MAX_OPERATORS = 13;
const METHODS: readonly (keyof ShareRepair)[] = [
  "lost",
  "ask",
  "check",
  "judge",
  "rebuild",
  "consent",
  "announce",
  "deal",
  "sum",
];

const bad = (field: string): PleiadesError =>
  new PleiadesError({code: "KEEPER_BAD_MESSAGE", reason: `repair ${field}`});

interface Fields {
  readonly [key: string]: unknown;
}

/** Carries a call from another process out and believes nothing of it. @throws KEEPER_BAD_MESSAGE · CODEC_* and the call's */
export function callRepair(repair: ShareRepair, raw: unknown): Promise<unknown> {
  const call = Object(raw) as Fields;
  const method = METHODS.find((one) => one === call.method);
  const input = Object(call.input) as Fields;
  const session = (): RootHex => parseRootHex(call.session, "session");
  const from = () => parsePeerIdText(input.from, "from");
  switch (method) {
    case "lost":
      return repair.lost(parsePeerIdText(input.self, "self"));
    case "ask": {
      const shares = list(input.shares, MAX_REPAIR_KEYS, "shares").map((hash) => parseRootHex(hash, "shares"));
      const helpers = list(input.helpers, MAX_OPERATORS, "helpers").map((id) => whole(id, "helpers"));
      return repair.ask({self: parsePeerIdText(input.self, "self"), shares, helpers});
    }
    case "check":
      return repair.check(session(), {place: whole(input.place, "place"), dealing: input.dealing});
    case "judge": {
      const {secret, announce} = input;
      const [by, accused] = [whole(input.by, "by"), whole(input.from, "from")];
      return repair.judge(session(), {by, from: accused, secret: text(secret, 66, "secret"), announce});
    }
    case "rebuild": {
      const sums = list(call.input, MAX_OPERATORS, "sums").map((one) => {
        const {ephemeral, sealed} = Object(one) as Fields;
        return {ephemeral: text(ephemeral, 66, "ephemeral"), sealed: bytes(sealed, MAX_SEALED, "sealed")};
      });
      return repair.rebuild(session(), sums);
    }
    case "consent": {
      const {minutes} = input;
      if (typeof minutes !== "number") throw bad("minutes");
      return repair.consent({owner: parsePeerIdText(input.owner, "owner"), minutes});
    }
    case "announce": {
      const signature = bytes(input.signature, 64, "signature");
      return repair.announce({request: text(input.request, MAX_TEXT, "request"), signature, from: from()});
    }
    case "deal":
      return repair.deal(session(), {from: from(), announces: list(input.announces, MAX_OPERATORS, "announces")});
    case "sum": {
      const dealings = list(input.dealings, MAX_OPERATORS, "dealings").map((one) => {
        const {head, column} = Object(one) as Fields;
        return {head, column};
      });
      return repair.sum(session(), {from: from(), dealings});
    }
    default:
      throw bad("method");
  }
}

/** A keeper's repair at the other end of a channel. */
export function repairOver(ask: (call: RepairCall) => Promise<unknown>): ShareRepair {
  const send = <R>(method: keyof ShareRepair, session: RootHex | null, input: unknown): Promise<R> =>
    ask({method, session, input}) as Promise<R>;
  return {
    lost: (self) => send("lost", null, {self}),
    ask: ({self, shares, helpers}) => send("ask", null, {self, shares, helpers}),
    check: (session, {place, dealing}) => send("check", session, {place, dealing}),
    judge: (session, {by, from, secret, announce}) => send("judge", session, {by, from, secret, announce}),
    rebuild: (session, sums) =>
      send(
        "rebuild",
        session,
        sums.map(({ephemeral, sealed}) => ({ephemeral, sealed})),
      ),
    consent: ({owner, minutes}) => send("consent", null, {owner, minutes}),
    announce: ({request, signature, from}) => send("announce", null, {request, signature, from}),
    deal: (session, {from, announces}) => send("deal", session, {from, announces}),
    sum: (session, {from, dealings}) => send("sum", session, {from, dealings}),
  };
}

function text(raw: unknown, max: number, field: string): string {
  if (typeof raw !== "string" || raw.length > max) throw bad(field);
  return raw;
}

function list(raw: unknown, max: number, field: string): readonly unknown[] {
  if (!Array.isArray(raw) || raw.length > max) throw bad(field);
  return listOf(raw, raw.length, field);
}

function whole(raw: unknown, field: string): number {
  if (typeof raw !== "number" || !Number.isInteger(raw) || raw < 0 || raw > MAX_OPERATORS) throw bad(field);
  return raw;
}

/** A copy of exactly these bytes. */
function bytes(raw: unknown, max: number, field: string): Uint8Array {
  if (!(raw instanceof Uint8Array) || raw.length > max) throw bad(field);
  return Uint8Array.from(raw);
}
