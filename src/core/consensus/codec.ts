import {parseRootHex} from "../bytes.js";
import {isJsonObject, strictObject} from "../duty/strict-object.js";
import {PleiadesError} from "../errors.js";
import type {Commit, Decision, Message, Prepare, Prepared, Propose, RoundChange, RoundChangeClaim} from "./messages.js";

/** A year of rounds at the longest timeout in use; more is an attack on counters. */
export const MAX_ROUND = 2 ** 20;
/** 64 bytes and 0x; a simulation's are shorter. */
const MAX_SIGNATURE_CHARACTERS = 130;
const CODE = "CONSENSUS_MALFORMED";

export interface MessageBounds {
  readonly n: number;
  readonly maxValueCharacters: number;
}

const bad = (field: string, reason: string): PleiadesError => new PleiadesError({code: CODE, field, reason});

/** JSON text, deterministic. */
export const formatMessage = (message: Message): string => JSON.stringify(message);

/**
 * Reads what somebody else wrote: form and bounds; signatures and reasons are the machine's to check.
 * @throws CONSENSUS_MALFORMED · CODEC_HEX
 */
export function parseMessage(text: string, bounds: MessageBounds): Message {
  // A proposal holds a value, 2n signatures and their rounds; a round change a value and n. JSON writes some characters as six.
  const most = 6 * bounds.maxValueCharacters + 1024 * (bounds.n + 1);
  if (text.length > most) throw bad("message", `more than ${most} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw bad("message", "not JSON");
  }
  const kind = isJsonObject(json) ? json.kind : undefined;
  switch (kind) {
    case "propose":
      return readPropose(json, bounds);
    case "prepare":
    case "commit":
      return readVote(json, kind, kind, bounds) as Prepare | Commit;
    case "round-change":
      return readRoundChange(json, bounds);
    case "decision":
      return readDecision(json, bounds);
    default:
      throw bad("kind", "unknown");
  }
}

function readPropose(json: unknown, bounds: MessageBounds): Propose {
  const raw = strictObject(
    json,
    ["kind", "author", "round", "value", "claims", "prepares", "signature"],
    "propose",
    CODE,
  );
  return {
    kind: "propose",
    ...signed(raw, bounds),
    value: value(raw.value, bounds),
    claims: list(raw.claims, "claims", bounds).map((one) => readClaim(one, bounds)),
    prepares: readVotes(raw.prepares, "prepare", bounds) as Prepare[],
  };
}

function readRoundChange(json: unknown, bounds: MessageBounds): RoundChange {
  const raw = strictObject(json, ["kind", "author", "round", "prepared", "proof", "signature"], "round-change", CODE);
  const {proof, ...claim} = raw;
  const prepared = readClaim(claim, bounds);
  if ((proof === null) !== (prepared.prepared === null)) throw bad("proof", "not of what is claimed");
  return {...prepared, proof: proof === null ? null : readPrepared(proof, bounds)};
}

function readPrepared(json: unknown, bounds: MessageBounds): Prepared {
  const raw = strictObject(json, ["round", "value", "prepares"], "proof", CODE);
  return {
    round: round(raw.round),
    value: value(raw.value, bounds),
    prepares: readVotes(raw.prepares, "prepare", bounds) as Prepare[],
  };
}

function readClaim(json: unknown, bounds: MessageBounds): RoundChangeClaim {
  const raw = strictObject(json, ["kind", "author", "round", "prepared", "signature"], "claim", CODE);
  if (raw.kind !== "round-change") throw bad("claim.kind", "not a round change");
  const at = raw.prepared === null ? null : strictObject(raw.prepared, ["round", "digest"], "prepared", CODE);
  const prepared = at === null ? null : {round: round(at.round), digest: parseRootHex(at.digest, "prepared.digest")};
  return {kind: "round-change", ...signed(raw, bounds), prepared};
}

function readDecision(json: unknown, bounds: MessageBounds): Decision {
  const raw = strictObject(json, ["kind", "value", "round", "commits"], "decision", CODE);
  return {
    kind: "decision",
    value: value(raw.value, bounds),
    round: round(raw.round),
    commits: readVotes(raw.commits, "commit", bounds) as Commit[],
  };
}

const readVotes = (json: unknown, kind: "prepare" | "commit", bounds: MessageBounds): (Prepare | Commit)[] =>
  list(json, `${kind}s`, bounds).map((one) => readVote(one, kind, `${kind}s`, bounds));

function readVote(json: unknown, kind: "prepare" | "commit", field: string, bounds: MessageBounds): Prepare | Commit {
  const raw = strictObject(json, ["kind", "author", "round", "digest", "signature"], field, CODE);
  if (raw.kind !== kind) throw bad(`${field}.kind`, `not a ${kind}`);
  return {kind, ...signed(raw, bounds), digest: parseRootHex(raw.digest, `${field}.digest`)};
}

function signed(raw: {author: unknown; round: unknown; signature: unknown}, {n}: MessageBounds) {
  const {author, signature} = raw;
  if (!Number.isInteger(author) || (author as number) < 1 || (author as number) > n)
    throw bad("author", `not 1 to ${n}`);
  const known = typeof signature === "string" && signature.length <= MAX_SIGNATURE_CHARACTERS;
  if (!known || !/^0x(?:[0-9a-f]{2})+$/.test(signature)) throw bad("signature", "not hex");
  return {author: author as number, round: round(raw.round), signature};
}

function round(raw: unknown): number {
  if (!Number.isInteger(raw) || (raw as number) < 1 || (raw as number) > MAX_ROUND) throw bad("round", "out of range");
  return raw as number;
}

function value(raw: unknown, {maxValueCharacters}: MessageBounds): string {
  if (typeof raw !== "string") throw bad("value", "not a text");
  if (raw.length > maxValueCharacters) throw bad("value", `more than ${maxValueCharacters} characters`);
  // Half a character has no UTF-8 of its own: two such values would have one digest.
  if (/\p{Surrogate}/u.test(raw)) throw bad("value", "not Unicode");
  return raw;
}

function list(raw: unknown, field: string, {n}: MessageBounds): readonly unknown[] {
  if (!Array.isArray(raw)) throw bad(field, "not a list");
  if (raw.length > n) throw bad(field, `more than ${n} entries`);
  // Not `map` on what may have holes.
  return Array.from(raw as unknown[]);
}
