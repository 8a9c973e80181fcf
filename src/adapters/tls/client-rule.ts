import type {X509Certificate} from "node:crypto";
import type {ClientRule} from "../../ports/server-tls.js";

const FINGERPRINT = /^(?:sha256:)?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})$/i;
/** What a DNS name or a plain common name looks like. No wildcards: a rule names one client. */
const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?$/i;

/** A rule as people write it: a SHA-256 fingerprint with or without colons, or a name; null when it is neither. */
export function parseClientRule(raw: string): ClientRule | null {
  const fingerprint = FINGERPRINT.exec(raw)?.[1];
  if (fingerprint !== undefined) return {kind: "certificate", sha256: plainHex(fingerprint)};
  return NAME.test(raw) ? {kind: "name", name: raw.toLowerCase()} : null;
}

/** SHA-256 of a certificate, 64 lower-case hex digits. */
export const fingerprintOf = ({fingerprint256}: Pick<X509Certificate, "fingerprint256">): string =>
  plainHex(fingerprint256);

const plainHex = (raw: string): string => raw.replaceAll(":", "").toLowerCase();
