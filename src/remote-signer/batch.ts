import {type PubkeyHex, parsePubkeyHex} from "../core/bytes.js";
import {BATCH_TYPES, type SignType} from "../core/duty/sign-request.js";
import {PleiadesError} from "../core/errors.js";

/** One key of a batch: as the client wrote it, so that it finds its own spelling in the answer, and as we spell it. */
export interface BatchKey {
  readonly identifier: string;
  readonly key: PubkeyHex;
}

export interface Batch {
  readonly keys: readonly BatchKey[];
  /** The body of the equivalent single request. */
  readonly signingRequest: unknown;
}

/**
 * Reads `{identifiers, signing_request}` of `POST /api/v1/eth2/sign`; keys keep their order.
 * @throws HTTP_BATCH_INVALID · HTTP_BATCH_DUPLICATE_KEY · CODEC_HEX
 */
export function readBatch(body: unknown, {maxKeys}: {maxKeys: number}): Batch {
  if (!isObject(body)) throw invalid("body", "not an object");
  const {identifiers, signing_request: signingRequest} = body;
  if (!Array.isArray(identifiers)) throw invalid("identifiers", "not an array");
  if (identifiers.length === 0) throw invalid("identifiers", "empty");
  if (identifiers.length > maxKeys) throw invalid("identifiers", `more than ${maxKeys}`);
  if (!isObject(signingRequest)) throw invalid("signing_request", "not an object");

  const seen = new Set<PubkeyHex>();
  const keys = identifiers.map((identifier, i): BatchKey => {
    const key = parsePubkeyHex(identifier, `identifiers[${i}]`);
    if (seen.has(key)) throw new PleiadesError({code: "HTTP_BATCH_DUPLICATE_KEY", field: `identifiers[${i}]`, key});
    seen.add(key);
    return {identifier, key};
  });
  return {keys, signingRequest};
}

/** @throws HTTP_BATCH_TYPE */
export function assertBatchType(type: SignType): void {
  if (!BATCH_TYPES.has(type)) throw new PleiadesError({code: "HTTP_BATCH_TYPE", type});
}

const isObject = (raw: unknown): raw is Record<string, unknown> =>
  typeof raw === "object" && raw !== null && !Array.isArray(raw);

const invalid = (field: string, reason: string) => new PleiadesError({code: "HTTP_BATCH_INVALID", field, reason});
