import {loadServerTls} from "../adapters/tls/server-tls.js";
import {codeOf} from "../core/errors.js";
import type {ServerTls} from "../ports/server-tls.js";
import type {TlsSection} from "./config/listener.js";
import {secretFile} from "./credentials.js";

/** What a listener's `tls` section asks for, read from its files; null when it asks for none. Errors as of loadServerTls. */
export function listenerTls({cert, key, ...section}: TlsSection, {now}: {now: number}): ServerTls | null {
  if (cert === null || key === null) return null;
  const {keyPasswordFile, clientCa, clients} = section;
  return loadServerTls(
    {
      cert,
      key: secretFile(key),
      keyPassword: keyPasswordFile === null ? null : secretFile(keyPasswordFile),
      clientCa,
      clients,
    },
    {now},
  );
}

/** Reads the files again for a running listener. With an error what was in force stays in force; the error is returned. */
export function renewTls(
  server: {renewTls(tls: ServerTls): void},
  section: TlsSection,
  {now}: {now: number},
): readonly string[] {
  try {
    const tls = listenerTls(section, {now});
    if (tls !== null) server.renewTls(tls);
    return [];
  } catch (error) {
    return [`${codeOf(error)}: ${error instanceof Error ? error.message : String(error)}`];
  }
}
