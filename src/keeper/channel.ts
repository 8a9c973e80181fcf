/**
 * What crosses the boundary between operator process and keeper, as plain data. The keeper parses everything that comes
 * in as hostile; the operator reads what comes out as data of an equal.
 */

import type {SignType} from "../core/duty/sign-request.js";
import {PleiadesError, type ReasonCode} from "../core/errors.js";
import type {Sighting} from "../core/slashing/sighting.js";
import type {KeeperFiles, KeeperKey} from "../ports/keeper.js";
import type {LogLevel} from "../ports/logger.js";
import type {PartialReply, Watermark} from "../ports/operator-link.js";
import type {LifeAlarm} from "./keeper-life.js";

/** An operator sends more in several messages, so that one does not take 10 ms to read; a larger batch is not ours. */
export const MAX_ITEMS_PER_MESSAGE = 512;

/** An operator hands over what one message of a peer held; a larger batch is not ours. */
export const MAX_SIGHTINGS_PER_MESSAGE = 256;

/** A committee file and a bundle for each of many more committees than one operator serves. */
const MAX_PATHS = 4096;
/** PATH_MAX of Linux. */
const MAX_PATH_CHARACTERS = 4096;

export type CallMethod = "keys" | "watermarks" | "status";

export type ToKeeper =
  | {readonly kind: "init"; readonly init: unknown}
  | {readonly kind: "sign"; readonly items: readonly {readonly id: number; readonly item: unknown}[]}
  | {readonly kind: "call"; readonly id: number; readonly method: CallMethod}
  /** From formatSighting. */
  | {readonly kind: "judge"; readonly id: number; readonly sightings: readonly string[]}
  | {readonly kind: "reload"; readonly id: number; readonly files: KeeperFiles}
  /** Parsed when it is answered, so that what is wrong with it goes back to who asked. */
  | {readonly kind: "vault"; readonly id: number; readonly call: unknown}
  | {readonly kind: "repair"; readonly id: number; readonly call: unknown}
  | {readonly kind: "close"};

export interface ReplyItem {
  readonly id: number;
  readonly reply: PartialReply;
  readonly type: SignType | "unknown";
  readonly durationMs: number;
}

/** One durable commit. */
export interface CommitReport {
  readonly records: number;
  readonly durationMs: number;
}

export interface KeeperVitals {
  readonly signing: boolean;
  readonly code: ReasonCode | null;
  readonly keys: number;
  readonly queued: number;
  readonly sequence: bigint;
  readonly flooredAt: number | null;
}

export interface CallResults {
  readonly keys: readonly KeeperKey[];
  readonly watermarks: readonly Watermark[];
  readonly status: KeeperVitals;
}

/** An error as plain data. */
export interface ErrorMessage {
  readonly code: ReasonCode;
  readonly data: {readonly [key: string]: unknown};
}

export type FromKeeper =
  | {readonly kind: "ready"; readonly keys: number; readonly sighting: Sighting | null}
  | {readonly kind: "failed"; readonly error: ErrorMessage}
  /** The sighting covers every record behind these replies. */
  | {
      readonly kind: "replies";
      readonly replies: readonly ReplyItem[];
      readonly commits: readonly CommitReport[];
      readonly sighting: Sighting | null;
    }
  /** A sign of life between replies; `code` says why nothing is signed any more, null while it is. */
  | {readonly kind: "alive"; readonly sighting: Sighting | null; readonly code: ReasonCode | null}
  | {readonly kind: "alarm"; readonly alarm: LifeAlarm}
  | {readonly kind: "result"; readonly id: number; readonly value?: unknown; readonly error?: ErrorMessage}
  | {
      readonly kind: "log";
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: {readonly [key: string]: unknown};
    };

const bad = (reason: string): PleiadesError => new PleiadesError({code: "KEEPER_BAD_MESSAGE", reason});
const isId = (raw: unknown): raw is number => typeof raw === "number" && Number.isSafeInteger(raw) && raw >= 0;

/** @throws KEEPER_BAD_MESSAGE */
export function parseToKeeper(raw: unknown): ToKeeper {
  if (typeof raw !== "object" || raw === null) throw bad("not an object");
  const message = raw as {readonly [key: string]: unknown};
  switch (message.kind) {
    case "init":
      return {kind: "init", init: message.init};
    case "close":
      return {kind: "close"};
    case "call": {
      const {id, method} = message;
      if (!isId(id)) throw bad("id");
      if (method !== "keys" && method !== "watermarks" && method !== "status") throw bad("method");
      return {kind: "call", id, method};
    }
    case "judge": {
      const {id, sightings} = message;
      if (!isId(id)) throw bad("id");
      if (!Array.isArray(sightings) || sightings.length > MAX_SIGHTINGS_PER_MESSAGE) throw bad("sightings");
      if (!sightings.every((text) => typeof text === "string")) throw bad("sighting");
      return {kind: "judge", id, sightings};
    }
    case "vault":
    case "repair": {
      const {id, call} = message;
      if (!isId(id)) throw bad("id");
      return {kind: message.kind, id, call};
    }
    case "reload": {
      const {id, files} = message;
      if (!isId(id)) throw bad("id");
      const {committeeFiles, bundleFiles} = Object(files) as {readonly [key: string]: unknown};
      return {kind: "reload", id, files: {committeeFiles: paths(committeeFiles), bundleFiles: paths(bundleFiles)}};
    }
    case "sign": {
      const {items} = message;
      if (!Array.isArray(items) || items.length > MAX_ITEMS_PER_MESSAGE) throw bad("items");
      return {
        kind: "sign",
        // Not `map`, which passes over the holes that a list from another process may have.
        items: Array.from(items, (entry: unknown) => {
          const {id, item} = Object(entry) as {readonly [key: string]: unknown};
          if (!isId(id)) throw bad("item id");
          return {id, item};
        }),
      };
    }
    default:
      throw bad("unknown kind");
  }
}

function paths(raw: unknown): readonly string[] {
  if (!Array.isArray(raw) || raw.length > MAX_PATHS) throw bad("paths");
  const list: unknown[] = Array.from(raw);
  if (!list.every((path) => typeof path === "string" && path.length <= MAX_PATH_CHARACTERS)) throw bad("path");
  return list as readonly string[];
}

/** For the way across: only plain values, so that no exotic object stops the message. */
export function toErrorMessage(error: unknown): ErrorMessage {
  if (!(error instanceof PleiadesError)) return {code: "INTERNAL", data: {reason: String(error).slice(0, 200)}};
  const plain = Object.entries(error.data).filter(([, value]) =>
    ["string", "number", "boolean"].includes(typeof value),
  );
  return {code: error.code, data: Object.fromEntries(plain)};
}

export const fromErrorMessage = ({code, data}: ErrorMessage): PleiadesError => new PleiadesError({...data, code});
