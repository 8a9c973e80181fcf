import {codeOf, PleiadesError, type ReasonCode} from "../core/errors.js";
import {isReasonCode, REASONS} from "../core/reasons/index.js";
import {MAX_MESSAGE_CHARS} from "./bounds.js";

/**
 * Reason code → HTTP status: the only such table. Each area has one status, codes that differ are named.
 * Divergence from Web3Signer: none in the codes it has (400, 404, 412, 500); 413, 415, 503 and 504 are added so that a
 * client's log tells apart what to do.
 */
const AREA_STATUS: Readonly<Record<string, number>> = {
  INTERNAL: 500,
  CODEC: 400,
  POLICY: 412,
  SLASHING: 412,
  KEEPER: 503,
  THRESHOLD: 503,
  COMMITTEE: 503,
  LINK: 503,
  OPERATOR: 503,
  HTTP: 400,
  DISTRIBUTED: 403,
  PEER: 503,
  // These belong to start-up and commands; reaching a client would be a bug.
  CONFIG: 500,
  NETWORK: 500,
  CLI: 500,
  SPLIT: 500,
  DEPOSIT: 500,
  EXIT: 500,
  CHANGE: 500,
  ESCROW: 500,
  SHARE: 500,
  PLUGIN: 500,
  CONTROL: 500,
  TLS: 500,
  SIGNER: 500,
  VALIDATOR: 500,
  DKG: 500,
  CONSENSUS: 500,
};

const CODE_STATUS: Readonly<Record<string, number>> = {
  // As Web3Signer: a root that differs from the recomputed one is an error of the client's software, not of the format.
  CODEC_ROOT_MISMATCH: 500,
  // Not a refusal of this message but a mistake of this node.
  POLICY_CONFIG: 500,
  // Not a refusal of this message but a disk that cannot be trusted.
  SLASHING_STORE_FAILED: 503,
  SLASHING_STORE_VERSION: 503,
  SLASHING_STORE_CORRUPT: 503,
  SLASHING_STORE_OPEN: 503,
  // What this operator's record forbids, as a slashing refusal.
  KEEPER_OTHER_CREDENTIALS: 412,
  KEEPER_OTHER_WITHDRAWAL_ADDRESS: 412,
  KEEPER_CREDENTIALS_FORGOTTEN: 412,
  // A plugin's refusal stands beside the policy's.
  PLUGIN_VETO: 412,
  // As a slashing refusal: this message will never be signed, and nobody should try it elsewhere.
  OPERATOR_OUTRANKED: 412,
  COMMITTEE_UNKNOWN_KEY: 404,
  COMMITTEE_REFUSED: 412,
  COMMITTEE_UNAVAILABLE: 503,
  COMMITTEE_TIMEOUT: 504,
  HTTP_TOKEN: 401,
  HTTP_CLIENT_NOT_ALLOWED: 403,
  HTTP_ORIGIN_NOT_ALLOWED: 403,
  // The draft profile's own codes: unlike Web3Signer it has 400 for a root that differs.
  DISTRIBUTED_ROOT_MISMATCH: 400,
  DISTRIBUTED_UNKNOWN_KEY: 404,
  DISTRIBUTED_ENDPOINTS: 500,
  HTTP_NOT_FOUND: 404,
  HTTP_METHOD_NOT_ALLOWED: 405,
  HTTP_REQUEST_TIMEOUT: 408,
  HTTP_RELOAD_RUNNING: 409,
  HTTP_BODY_TOO_LARGE: 413,
  HTTP_URL_TOO_LONG: 414,
  HTTP_UNSUPPORTED_MEDIA_TYPE: 415,
  HTTP_HOST_NOT_ALLOWED: 421,
  HTTP_RATE_LIMITED: 429,
  HTTP_HEADERS_TOO_LARGE: 431,
  // Nobody reads it; 499 is what proxies log for it.
  HTTP_CLIENT_GONE: 499,
  HTTP_PLUGIN_ROUTE_FAILED: 500,
  HTTP_ADDRESS_IN_USE: 500,
  HTTP_LISTEN_FAILED: 500,
  HTTP_ROUTE_INVALID: 500,
  HTTP_OVERLOADED: 503,
  HTTP_SHUTTING_DOWN: 503,
  HTTP_DEADLINE: 504,
};

/** The part of a code before the first underscore. */
export const areaOf = (code: ReasonCode): string => code.split("_", 1)[0]!;

/** The HTTP status of a code; a code of an area without a row (a test forbids it) is 500. */
export const statusOf = (code: ReasonCode): number => CODE_STATUS[code] ?? AREA_STATUS[areaOf(code)] ?? 500;

/** For the test that the table names only codes and areas that exist. */
export const STATUS_TABLE = {areas: AREA_STATUS, codes: CODE_STATUS};

/** One operator's reason in an error's body. */
export interface OperatorReason {
  readonly operatorId: number;
  readonly code: string;
  readonly message: string;
}

/** An error's body. Lodestar logs the body as text, so the code comes first and all of it stays short. */
export interface ErrorBody {
  readonly code: ReasonCode;
  readonly message: string;
  readonly operators?: readonly OperatorReason[];
}

/**
 * What a client is told of an error: its code, one sentence, and a reason per operator where there are some. Of an
 * unknown error it is told nothing but INTERNAL; that goes to the log.
 */
export function toErrorReply(error: unknown): {status: number; body: ErrorBody} {
  const code = codeOf(error);
  const message = shorten(error instanceof PleiadesError ? error.message : REASONS.INTERNAL.meaning);
  const operators = error instanceof PleiadesError ? operatorReasons(error.data.operators) : null;
  return {status: statusOf(code), body: operators === null ? {code, message} : {code, message, operators}};
}

function operatorReasons(raw: unknown): OperatorReason[] | null {
  if (!Array.isArray(raw) || raw.length === 0) return null;
  return raw.map(({operatorId, code, message}) => ({
    operatorId: Number(operatorId),
    code: isReasonCode(code) ? code : "INTERNAL",
    message: shorten(String(message)),
  }));
}

const shorten = (text: string): string =>
  text.length <= MAX_MESSAGE_CHARS ? text : `${text.slice(0, MAX_MESSAGE_CHARS - 1)}…`;
