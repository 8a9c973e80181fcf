import {type LifeId, type PubkeyHex, parseLifeId, parsePubkeyHex, parseUint64} from "../bytes.js";
import {PleiadesError} from "../errors.js";

/**
 * That one operator's keeper was at this sequence at this time, said by itself. Anybody may carry it; only who holds the
 * share that it was made with can make or check the mac, so nobody can invent one for an operator that is honest.
 */
export interface Sighting {
  /** Whose share made the mac: one group public key of the operator's. */
  readonly key: PubkeyHex;
  readonly life: LifeId;
  /** Durable before this was made. */
  readonly sequence: bigint;
  /** Unix milliseconds of the keeper's clock. */
  readonly issuedAt: number;
  /** HMAC-SHA256 over {@link sightingBody}: 64 lower-case hex digits. */
  readonly mac: string;
}

/** What the mac covers. Fixed widths or separators everywhere: two different sightings never have one body. */
export const sightingBody = ({key, life, sequence, issuedAt}: Omit<Sighting, "mac">): string =>
  `pleiades sighting v1\n${key}\n${life}\n${sequence}\n${issuedAt}`;

/** One line without quotes: `key.life.sequence.issuedAt.mac`. */
export const formatSighting = ({key, life, sequence, issuedAt, mac}: Sighting): string =>
  `${key}.${life}.${sequence}.${issuedAt}.${mac}`;

/** Key 98, life 32, sequence 20, time 16, mac 64, four dots. */
export const MAX_SIGHTING_LENGTH = 234;

const MAC = /^[0-9a-f]{64}$/;

/** Of what formatSighting writes; the mac is checked by who can. @throws CODEC_SIGHTING */
export function parseSighting(raw: unknown): Sighting {
  if (typeof raw !== "string" || raw.length > MAX_SIGHTING_LENGTH) throw malformed("not a short text");
  const [key, life, sequence, issuedAt, mac, ...more] = raw.split(".");
  if (mac === undefined || more.length > 0 || !MAC.test(mac)) throw malformed("parts");
  try {
    const time = parseUint64(issuedAt, "issuedAt");
    if (time > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed("issuedAt");
    const sighting: Sighting = {
      key: parsePubkeyHex(key),
      life: parseLifeId(life),
      sequence: parseUint64(sequence, "sequence"),
      issuedAt: Number(time),
      mac,
    };
    // One spelling each: what is compared and remembered as text must not come in two forms.
    if (formatSighting(sighting) !== raw) throw malformed("spelling");
    return sighting;
  } catch (error) {
    throw error instanceof PleiadesError && error.code === "CODEC_SIGHTING" ? error : malformed("fields");
  }
}

const malformed = (reason: string): PleiadesError => new PleiadesError({code: "CODEC_SIGHTING", reason});
