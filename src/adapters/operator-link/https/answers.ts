import type {SignatureHex} from "../../../core/bytes.js";
import {type PubkeyHex, parsePubkeyHex, parseRootHex, parseSignatureHex, parseUint64} from "../../../core/bytes.js";
import {codeOf, PleiadesError, type ReasonCode} from "../../../core/errors.js";
import {isReasonCode} from "../../../core/reasons/index.js";
import type {PartialReply} from "../../../ports/operator-link.js";
import {oneLine} from "../messages.js";
import type {ProfileResponse} from "./client.js";

/** A participant's view of one account, as it says it. */
export interface AccountView {
  readonly participantId: bigint;
  readonly publicKey: PubkeyHex;
  readonly compositePublicKey: PubkeyHex;
  readonly threshold: bigint;
  /** Ascending by id. */
  readonly participants: readonly {readonly id: bigint; readonly endpoint: string}[];
}

/** Thirteen are the most a committee here has; a larger account is read, so that it can be said to be too large. */
const MAX_PARTICIPANTS = 256;
const MAX_ENDPOINT_CHARACTERS = 300;

/**
 * The draft's rules for one view: ids unique and not zero, endpoints unique, 1 ≤ threshold ≤ n, the responder in the map.
 * @throws LINK_BAD_REPLY
 */
export function parseAccount(raw: unknown): AccountView {
  try {
    const {participant_id, public_key, composite_public_key, signing_threshold, participants} = object(raw);
    if (!Array.isArray(participants) || participants.length === 0 || participants.length > MAX_PARTICIPANTS) {
      throw bad("participants");
    }
    const map = participants.map((one: unknown) => {
      const {id, endpoint} = object(one);
      if (typeof endpoint !== "string" || endpoint.length > MAX_ENDPOINT_CHARACTERS) throw bad("endpoint");
      return {id: positive(id, "participants.id"), endpoint: originOf(endpoint)};
    });
    if (new Set(map.map(({id}) => id)).size !== map.length) throw bad("an id stands there twice");
    if (new Set(map.map(({endpoint}) => endpoint)).size !== map.length) throw bad("an endpoint stands there twice");
    const participantId = positive(participant_id, "participant_id");
    if (!map.some(({id}) => id === participantId)) throw bad("the responder is no participant");
    const threshold = positive(signing_threshold, "signing_threshold");
    if (threshold > BigInt(map.length)) throw bad("threshold");
    return {
      participantId,
      publicKey: parsePubkeyHex(public_key, "public_key"),
      compositePublicKey: parsePubkeyHex(composite_public_key, "composite_public_key"),
      threshold,
      participants: map.sort((a, b) => (a.id < b.id ? -1 : 1)),
    };
  } catch (error) {
    if (codeOf(error) === "LINK_BAD_REPLY" || !(error instanceof PleiadesError)) throw error;
    throw bad(error.message);
  }
}

/** What is expected of a partial signature's answer. */
export interface Expected {
  readonly participantId: number;
  /** Null when the request claims none. */
  readonly signingRoot: string | null;
}

/** The plain signature of an answer (single or one of a batch). @throws LINK_BAD_REPLY */
export function parsePartialAnswer(raw: unknown, {participantId, signingRoot}: Expected): SignatureHex {
  const {participant_id, signing_root, signature} = object(raw);
  if (participant_id !== String(participantId)) throw bad("another participant id");
  try {
    if (signingRoot !== null && parseRootHex(signing_root) !== signingRoot) throw bad("another signing root");
    return parseSignatureHex(signature);
  } catch (error) {
    throw codeOf(error) === "LINK_BAD_REPLY" ? error : bad("not a root or not a signature");
  }
}

/** The refusal in an answer that is no success: by our own code where it has one, else by its status. */
export function refusalOf({status, body}: ProfileResponse): PartialReply {
  const {code, message} = isObject(body) ? body : {code: undefined, message: undefined};
  return refusal(status, code, message);
}

/** The same for one entry of a batch: `{code: status, message}`, where ours begins the message with its code. */
export function itemRefusal(raw: unknown): PartialReply {
  const {code: status, message} = object(raw);
  if (typeof status !== "number" || typeof message !== "string") throw bad("error");
  return refusal(status, /^([A-Z][A-Z0-9_]*): /.exec(message)?.[1], message);
}

function refusal(status: number, code: unknown, message: unknown): PartialReply {
  const words = typeof message === "string" ? message : "";
  if (isReasonCode(code)) return {kind: "refused", code, message: oneLine(words)};
  // 412 is the one status that speaks of the message itself.
  const own: ReasonCode = status === 412 ? "SLASHING_PARTICIPANT_REFUSED" : "LINK_UNKNOWN_REASON";
  return {kind: "refused", code: own, message: oneLine(`HTTP ${status} ${words}`)};
}

function originOf(endpoint: string): string {
  if (!endpoint.startsWith("https://") || !URL.canParse(endpoint)) throw bad("endpoint");
  const url = new URL(endpoint);
  if (url.href !== `${url.origin}/`) throw bad("endpoint");
  return url.origin;
}

function positive(raw: unknown, field: string): bigint {
  const value = parseUint64(raw, field);
  if (value === 0n) throw bad(`${field} is zero`);
  return value;
}

const isObject = (raw: unknown): raw is {readonly [key: string]: unknown} =>
  typeof raw === "object" && raw !== null && !Array.isArray(raw);
function object(raw: unknown): {readonly [key: string]: unknown} {
  if (!isObject(raw)) throw bad("not an object");
  return raw;
}
const bad = (reason: string): PleiadesError => new PleiadesError({code: "LINK_BAD_REPLY", reason});
