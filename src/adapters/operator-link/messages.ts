/**
 * What travels between coordinator and operator: JSON objects, one per frame. Both sides send a hello first. Requests and
 * replies carry many items; an item names its request by id and is answered on its own, in any order.
 *
 * Written and read by hand: this is the hot path, and the writers take parts that are JSON already.
 */
import {parsePeerIdText, parsePubkeyHex, parseRootHex, parseTraceId, parseUint64} from "../../core/bytes.js";
import {PRIORITY, type Priority, type WireRequest} from "../../core/duty/sign-request.js";
import {isSignType} from "../../core/duty/sign-types.js";
import {codeOf, PleiadesError, type ReasonCode} from "../../core/errors.js";
import {isReasonCode} from "../../core/reasons/index.js";
import {formatSighting, MAX_SIGHTING_LENGTH, parseSighting, type Sighting} from "../../core/slashing/sighting.js";
import type {PartialReply, PartialRequest, Watermark} from "../../ports/operator-link.js";
import {MAX_TOLD, type Told} from "../../ports/sightings.js";
import {
  MAX_FRAME_ITEMS,
  MAX_ITEM_BYTES,
  MAX_ITEM_DEPTH,
  MAX_MESSAGE_LENGTH,
  MAX_SOFTWARE_LENGTH,
  MAX_TOLD_LENGTH,
  WATERMARKS_PER_PART,
} from "./limits.js";

/** libp2p's name of the stream. A change that an older node cannot read gets a new name and a new version. */
export const PROTOCOL_ID = "/pleiades/partial/2.0.0";
export const PROTOCOL_VERSION = 2;

export type Message =
  | ({readonly type: "hello"; readonly protocol: number; readonly software: string} & Remembered)
  | {readonly type: "request"; readonly items: readonly unknown[]}
  /** `own`: the operator's newest sighting of itself, which covers every answer in here. */
  | {readonly type: "reply"; readonly items: readonly unknown[]; readonly own: Sighting | null}
  /** `n` counts the pings of one stream; the pong to it says the same. */
  | {readonly type: "ping"; readonly n: number; readonly told: readonly Told[]}
  | ({
      readonly type: "pong";
      readonly n: number;
      /** The operator's clock in unix milliseconds. */
      readonly now: number;
      /** Why it signs nothing, or null. */
      readonly stopCode: ReasonCode | null;
    } & Remembered);

/** What a node says of itself, and what it remembers of others that the peer should know. */
export interface Remembered {
  readonly own: Sighting | null;
  readonly told: readonly Told[];
}

/** What a request item asks for; `malformed` is answered with a refusal, so that its neighbours are not harmed. */
export type RequestItem =
  | {readonly id: number; readonly op: "sign"; readonly request: PartialRequest}
  | {readonly id: number; readonly op: "watermarks"}
  | {readonly id: number; readonly op: "malformed"; readonly error: PleiadesError};

export type ReplyItem =
  | {readonly id: number; readonly reply: PartialReply}
  | {readonly id: number; readonly watermarks: readonly Watermark[]; readonly more: boolean};

export const helloText = (
  software: string,
  {own, told}: Remembered = {own: null, told: []},
  protocol: number = PROTOCOL_VERSION,
): string =>
  JSON.stringify({
    type: "hello",
    protocol,
    software: software.slice(0, MAX_SOFTWARE_LENGTH),
    own: ownText(own),
    told: toldTexts(told),
  });
export const pingText = (n: number, told: readonly Told[]): string =>
  JSON.stringify({type: "ping", n, told: toldTexts(told)});
export const pongText = ({own, told, ...rest}: Omit<Extract<Message, {type: "pong"}>, "type">): string =>
  JSON.stringify({type: "pong", ...rest, own: ownText(own), told: toldTexts(told)});

const ownText = (own: Sighting | null): string | null => (own === null ? null : formatSighting(own));
const toldTexts = (told: readonly Told[]): string[] =>
  told.map(({peerId, sighting}) => `${peerId} ${formatSighting(sighting)}`);

/** A frame of items, each the JSON of one object without its opening brace and id, as the item writers give it. */
export const requestText = (items: readonly {readonly id: number; readonly text: string}[]): string =>
  `{"type":"request","items":[${itemTexts(items)}]}`;
/** `own` as formatSighting writes it: no character that JSON would have to escape. */
export const replyText = (
  items: readonly {readonly id: number; readonly text: string}[],
  own: string | null,
): string =>
  own === null
    ? `{"type":"reply","items":[${itemTexts(items)}]}`
    : `{"type":"reply","own":"${own}","items":[${itemTexts(items)}]}`;

const itemTexts = (items: readonly {readonly id: number; readonly text: string}[]): string =>
  items.map(({id, text}) => `{"id":${id},${text}`).join(",");
/** Bytes that these add to an item at most: brace, "id", sixteen digits, commas. */
export const ITEM_OVERHEAD_BYTES = 24;
export const ITEMS_OVERHEAD_BYTES = 48 + MAX_SIGHTING_LENGTH;

/** `requestJson` is the JSON of the WireRequest, made once for all operators. */
export const signItemText = (
  {key, committeeHash, priority, trace}: Omit<PartialRequest, "request">,
  requestJson: string,
): string => {
  const traced = trace === undefined ? "" : `"trace":"${trace}",`;
  return `"op":"sign","key":"${key}","committeeHash":"${committeeHash}","priority":${priority},${traced}"request":${requestJson}}`;
};
export const WATERMARKS_ITEM_TEXT = '"op":"watermarks"}';

export function replyItemText(reply: PartialReply): string {
  if (reply.kind === "refused") {
    const message = JSON.stringify(oneLine(reply.message));
    return `"kind":"refused","code":"${reply.code}","message":${message}}`;
  }
  const {buffer, byteOffset, byteLength} = reply.partial;
  const partial = Buffer.from(buffer, byteOffset, byteLength).toString("hex");
  return `"kind":"signed","committeeHash":"${reply.committeeHash}","partial":"${partial}"}`;
}

/** The parts of a watermark reply, one item each; every part but the last says that more follow. */
export function watermarkItemTexts(watermarks: readonly Watermark[]): string[] {
  const parts: string[] = [];
  for (let start = 0; start === 0 || start < watermarks.length; start += WATERMARKS_PER_PART) {
    const part = watermarks.slice(start, start + WATERMARKS_PER_PART).map(({key, slot, epoch}) => ({
      key,
      slot: slot?.toString() ?? null,
      epoch: epoch?.toString() ?? null,
    }));
    const more = start + WATERMARKS_PER_PART < watermarks.length;
    parts.push(`"kind":"watermarks","keys":${JSON.stringify(part)},"more":${more}}`);
  }
  return parts;
}

/** The message of one frame; unknown members are ignored. @throws LINK_FRAME */
export function parseMessage(text: string): Message {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new PleiadesError({code: "LINK_FRAME", reason: "not JSON"}, {cause: error});
  }
  if (!isObject(raw)) throw broken("not an object");
  const {type} = raw;
  if (type === "ping") return {type, n: parseCount(raw.n), told: parseTold(raw.told)};
  if (type === "pong") {
    const {n, now, stopCode} = raw;
    if (typeof now !== "number" || !Number.isSafeInteger(now) || now < 0) throw broken("time");
    return {type, n: parseCount(n), now, stopCode: parseStopCode(stopCode), ...parseRemembered(raw)};
  }
  if (type === "hello") {
    const {protocol, software} = raw;
    if (typeof protocol !== "number" || !Number.isSafeInteger(protocol)) throw broken("protocol version");
    if (typeof software !== "string" || software.length > MAX_SOFTWARE_LENGTH) throw broken("software version");
    // Of another version only this much is known: that it is another.
    const remembered = protocol === PROTOCOL_VERSION ? parseRemembered(raw) : {own: null, told: []};
    return {type, protocol, software: oneLine(software), ...remembered};
  }
  if (type === "request" || type === "reply") {
    const {items} = raw;
    if (!Array.isArray(items) || items.length === 0 || items.length > MAX_FRAME_ITEMS) throw broken("number of items");
    return type === "request" ? {type, items} : {type, items, own: parseOwn(raw.own)};
  }
  throw broken("unknown message type");
}

const parseRemembered = (raw: {[key: string]: unknown}): Remembered => ({
  own: parseOwn(raw.own),
  told: parseTold(raw.told),
});

function parseOwn(raw: unknown): Sighting | null {
  if (raw === null || raw === undefined) return null;
  return parseWhole(() => parseSighting(raw));
}

function parseTold(raw: unknown): Told[] {
  if (!Array.isArray(raw) || raw.length > MAX_TOLD) throw broken("sightings");
  return raw.map((text: unknown) => {
    if (typeof text !== "string" || text.length > MAX_TOLD_LENGTH) throw broken("sighting");
    const space = text.indexOf(" ");
    return parseWhole(() => ({
      peerId: parsePeerIdText(text.slice(0, space)),
      sighting: parseSighting(text.slice(space + 1)),
    }));
  });
}

/** These travel outside of items: who cannot write them breaks the protocol. */
function parseWhole<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new PleiadesError({code: "LINK_FRAME", reason: codeOf(error)}, {cause: error});
  }
}

function parseCount(raw: unknown): number {
  if (typeof raw !== "number" || !Number.isSafeInteger(raw) || raw < 0) throw broken("number of a ping");
  return raw;
}

function parseStopCode(raw: unknown): ReasonCode | null {
  if (raw === null) return null;
  if (typeof raw !== "string" || raw.length > 64) throw broken("stop code");
  return isReasonCode(raw) ? raw : "LINK_UNKNOWN_REASON";
}

/** @throws LINK_FRAME when not even the id can be read: then nobody can be answered */
export function parseRequestItem(raw: unknown): RequestItem {
  const id = parseItemId(raw);
  try {
    const item = raw as {[key: string]: unknown};
    if (item.op === "watermarks") return {id, op: "watermarks"};
    if (item.op !== "sign") throw badItem("unknown operation");
    const key = parsePubkeyHex(item.key, "key");
    const committeeHash = parseRootHex(item.committeeHash, "committeeHash");
    const trace = parseTraceId(item.trace);
    return {
      id,
      op: "sign",
      request: {
        key,
        committeeHash,
        priority: parsePriority(item.priority),
        request: parseWire(item.request),
        ...(trace === null ? {} : {trace}),
      },
    };
  } catch (error) {
    if (!(error instanceof PleiadesError)) throw error;
    return {id, op: "malformed", error};
  }
}

/** A malformed answer becomes a refusal of its own request. @throws LINK_FRAME when its id cannot be read */
export function parseReplyItem(raw: unknown): ReplyItem {
  const id = parseItemId(raw);
  const item = raw as {[key: string]: unknown};
  try {
    if (item.kind === "signed") {
      const committeeHash = parseRootHex(item.committeeHash, "committeeHash");
      return {id, reply: {kind: "signed", committeeHash, partial: parsePartial(item.partial)}};
    }
    if (item.kind === "refused") return {id, reply: parseRefusal(item)};
    if (item.kind === "watermarks") return {id, ...parseWatermarks(item)};
    throw badReply("unknown kind");
  } catch (error) {
    const message = error instanceof PleiadesError ? error.message : String(error);
    return {id, reply: {kind: "refused", code: "LINK_BAD_REPLY", message: `${codeOf(error)}: ${message}`}};
  }
}

function parseItemId(raw: unknown): number {
  if (!isObject(raw)) throw broken("item is not an object");
  const {id} = raw;
  if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 1) throw broken("item id");
  return id;
}

function parsePriority(raw: unknown): Priority {
  const known = Object.values(PRIORITY).find((priority) => priority === raw);
  if (known === undefined) throw badItem("priority");
  return known;
}

/** Bounded JSON with a known type; what it says is parsed by whoever decides about it, in the end the keeper. */
function parseWire(raw: unknown): WireRequest {
  if (!isObject(raw)) throw badItem("request");
  if (!isWireRequest(raw)) throw badItem("request type");
  if (jsonSize(raw, 1) > MAX_ITEM_BYTES) throw new PleiadesError({code: "LINK_TOO_LARGE"});
  return raw;
}

/** About the length of the value as JSON, or some number above the bound. @throws LINK_BAD_ITEM: nested too deep */
function jsonSize(value: unknown, depth: number): number {
  if (typeof value === "string") return value.length + 3;
  if (typeof value !== "object" || value === null) return 8;
  if (depth > MAX_ITEM_DEPTH) throw badItem("nested too deep");
  let size = 2;
  for (const key in value) {
    size += key.length + 4 + jsonSize((value as {[key: string]: unknown})[key], depth + 1);
    if (size > MAX_ITEM_BYTES) break;
  }
  return size;
}

const PARTIAL = /^[0-9a-f]{384}$/;

function parsePartial(raw: unknown): Uint8Array {
  if (typeof raw !== "string" || raw.length !== 384 || !PARTIAL.test(raw)) throw badReply("partial signature");
  return Buffer.from(raw, "hex");
}

function parseRefusal(item: {[key: string]: unknown}): PartialReply {
  const {code, message} = item;
  if (typeof code !== "string" || code.length > 64) throw badReply("code");
  if (typeof message !== "string" || message.length > MAX_MESSAGE_LENGTH) throw badReply("message");
  if (isReasonCode(code)) return {kind: "refused", code, message: oneLine(message)};
  return {kind: "refused", code: "LINK_UNKNOWN_REASON", message: oneLine(`${code}: ${message}`)};
}

function parseWatermarks(item: {[key: string]: unknown}): {watermarks: Watermark[]; more: boolean} {
  const {keys, more} = item;
  if (!Array.isArray(keys) || keys.length > WATERMARKS_PER_PART) throw badReply("watermarks");
  const watermarks = keys.map((raw: unknown): Watermark => {
    if (!isObject(raw)) throw badReply("watermark");
    return {
      key: parsePubkeyHex(raw.key, "key"),
      slot: raw.slot === null ? null : parseUint64(raw.slot, "slot"),
      epoch: raw.epoch === null ? null : parseUint64(raw.epoch, "epoch"),
    };
  });
  return {watermarks, more: more === true};
}

/** Control characters would let a peer forge lines of our log. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.slice(0, MAX_MESSAGE_LENGTH).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, " ");
}

const isObject = (raw: unknown): raw is {[key: string]: unknown} =>
  typeof raw === "object" && raw !== null && !Array.isArray(raw);
const isWireRequest = (raw: {[key: string]: unknown}): raw is WireRequest => isSignType(raw.type);
const broken = (reason: string) => new PleiadesError({code: "LINK_FRAME", reason});
const badItem = (reason: string) => new PleiadesError({code: "LINK_BAD_ITEM", reason});
const badReply = (reason: string) => new PleiadesError({code: "LINK_BAD_REPLY", reason});
