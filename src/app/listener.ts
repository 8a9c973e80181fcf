import {readSecretFile} from "../adapters/secret-file/read.js";
import {loadServerTls} from "../adapters/tls/server-tls.js";
import {PleiadesError} from "../core/errors.js";
import type {ServerTls} from "../ports/server-tls.js";
import {AccessTokens, isToken} from "../remote-signer/access-token.js";
import {exposureWarning} from "../remote-signer/exposure.js";
import type {HttpServer, ServerOptions} from "../remote-signer/http-server.js";
import type {ListenerSection, TlsSection} from "./config/listener.js";
import {secretFile} from "./credentials.js";

/** Enough to replace one and to give a few clients their own. */
const MAX_TOKENS = 16;

type Section = ListenerSection & {readonly host: string; readonly port: number};

/** Options of the HTTP server for a listener's section, its files read. @throws CONFIG_TOKEN_FILE and as of loadServerTls */
export function listenerOptions(section: Section, {now}: {now: number}): ServerOptions {
  const {host, port, allowedHosts, maxConnections, maxConnectionsPerClient, rateLimits} = section;
  return {
    host,
    port,
    allowedHosts,
    maxConnections,
    maxConnectionsPerClient,
    rateLimits,
    tls: listenerTls(section.tls, {now}),
    tokens: listenerTokens(section.tokenFile),
  };
}

/** Reads the files again for a running listener. What cannot be read stays as it was; the errors are returned. */
export function renewListener(
  server: Pick<HttpServer, "renewTls" | "renewTokens">,
  section: ListenerSection,
  {now}: {now: number},
): readonly string[] {
  const errors: string[] = [];
  const attempt = (task: () => void): void => {
    try {
      task();
    } catch (error) {
      if (!(error instanceof PleiadesError)) throw error;
      errors.push(`${error.code}: ${error.message}`);
    }
  };
  attempt(() => {
    const tls = listenerTls(section.tls, {now});
    if (tls !== null) server.renewTls(tls);
  });
  attempt(() => {
    const tokens = listenerTokens(section.tokenFile);
    if (tokens !== null) server.renewTokens(tokens);
  });
  return errors;
}

/** What is wrong with how the listener can be reached, for `config check`; null when nothing is. */
export const listenerWarning = ({host, tls, tokenFile}: Section): string | null =>
  exposureWarning({
    host,
    tls: tls.cert !== null,
    clientCertificates: tls.clientCa !== null,
    token: tokenFile !== null,
  });

/** What a `tls` section asks for, read from its files; null when it asks for none. Errors as of loadServerTls. */
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

/** The tokens of a file, one per line, empty lines and lines with # left out. @throws CONFIG_TOKEN_FILE */
export function listenerTokens(file: string | null): AccessTokens | null {
  if (file === null) return null;
  const refused = (reason: string) => new PleiadesError({code: "CONFIG_TOKEN_FILE", file, reason});
  const content = readSecretFile(secretFile(file));
  if ("reason" in content) throw refused(content.reason);
  const lines = content.text.split(/\r?\n/);
  const tokens = lines.flatMap((line, i) => (line === "" || line.startsWith("#") ? [] : [{line, number: i + 1}]));
  if (tokens.length === 0) throw refused("empty");
  if (tokens.length > MAX_TOKENS) throw refused(`more than ${MAX_TOKENS} tokens`);
  // The line's number and nothing of the line: a token that is almost right is still a secret.
  for (const {line, number} of tokens) if (!isToken(line)) throw refused(`line ${number} is no token`);
  return new AccessTokens(tokens.map(({line}) => line));
}
