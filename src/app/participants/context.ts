import type {SecureContextOptions} from "node:tls";
import {isHttps} from "../../adapters/operator-link/https-operator-link.js";
import {loadServerTls} from "../../adapters/tls/server-tls.js";
import type {Committee} from "../../core/committee/committee.js";
import {PleiadesError} from "../../core/errors.js";
import type {ParticipantSection} from "../config/distributed.js";
import {secretFile} from "../credentials.js";

/**
 * What a client of the distributed profile shows and whom it believes, read and checked as a listener's files are; null
 * when nothing is configured. @throws the TLS_ codes of loadServerTls
 */
export function participantContext(
  {cert, key, keyPasswordFile, ca}: ParticipantSection,
  {now}: {now: number},
): SecureContextOptions | null {
  if (cert === null || key === null || ca === null) return null;
  const keyPassword = keyPasswordFile === null ? null : secretFile(keyPasswordFile);
  return loadServerTls({cert, key: secretFile(key), keyPassword, clientCa: ca, clients: []}, {now}).context;
}

/** @throws CONFIG_MISSING_KEY for committees with participants that cannot be asked */
export function requireParticipantTls(committees: readonly Committee[], {cert}: ParticipantSection): void {
  if (cert !== null) return;
  const participant = committees.flatMap(({operators}) => operators).find(({addresses}) => addresses.some(isHttps));
  if (participant === undefined) return;
  throw new PleiadesError({
    code: "CONFIG_MISSING_KEY",
    key: "signer.participants.cert",
    address: participant.addresses.find(isHttps),
  });
}
