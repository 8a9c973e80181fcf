import type {SecureContextOptions} from "node:tls";
import {loadServerTls} from "../../adapters/tls/server-tls.js";
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
