import {z} from "zod";
import {parseClientRule} from "../../adapters/tls/client-rule.js";
import type {ClientRule} from "../../ports/server-tls.js";
import {secretPath} from "../credentials.js";
import {key} from "./docs.js";
import {path} from "./values.js";

/** Keys that every HTTP listener has. */

export const clientRule = z.unknown().transform((raw, context): ClientRule => {
  const rule = typeof raw === "string" ? parseClientRule(raw) : null;
  if (rule !== null) return rule;
  context.addIssue({code: "custom", message: "expected a SHA-256 fingerprint (64 hex digits) or a certificate's name"});
  return z.NEVER;
});

const tlsSection = z
  .strictObject({
    cert: key(path.nullable().default(null), {
      about: "The server's certificate in PEM, followed by those between it and the root. null speaks plain HTTP.",
      unit: "path or null",
    }),
    key: key(path.nullable().default(null), {
      about: "Private key of the certificate in PEM, mode 0600.",
      unit: "path, credential:name or null",
    }),
    keyPasswordFile: key(path.nullable().default(null), {
      about: "File whose first line opens an encrypted key, mode 0600.",
      unit: "path, credential:name or null",
    }),
    clientCa: key(path.nullable().default(null), {
      about:
        "Certificates in PEM that vouch for clients; with it every client must show a certificate. null asks for none.",
      unit: "path or null",
    }),
    clients: key(z.array(clientRule).default([]), {
      about:
        "Of the clients that clientCa vouches for, those that are let in, by SHA-256 fingerprint or by name (common name or DNS name). Empty lets in all of them.",
      unit: "list of fingerprints and names",
    }),
  })
  .refine(({cert, key}) => cert === null || key !== null, {path: ["key"], message: "expected the key of tls.cert"})
  .refine(({cert, key}) => key === null || cert !== null, {
    path: ["cert"],
    message: "expected the certificate of tls.key",
  })
  .refine(({cert, clientCa}) => clientCa === null || cert !== null, {
    path: ["clientCa"],
    message: "clients can show certificates only to a listener with tls.cert",
  })
  .refine(({clientCa, clients}) => clients.length === 0 || clientCa !== null, {
    path: ["clients"],
    message: "names of clients mean nothing without tls.clientCa",
  });

const limit = (about: string, defaults: {perSecond: number; burst: number} | null) =>
  key(
    z
      .strictObject({perSecond: z.number().min(0.01).max(1_000_000), burst: z.int().min(1).max(1_000_000)})
      .nullable()
      .default(defaults),
    {about, unit: "{perSecond, burst} or null for no limit"},
  );

const rateLimitsSection = z.strictObject({
  sign: limit(
    "Signing requests, one key each. A client that is refused here loses a duty, and for a selection proof the whole epoch: if you set it, leave room for several requests per key at once.",
    null,
  ),
  batch: limit(
    "Signing requests for many keys at once; counted apart, so that they leave single requests theirs.",
    null,
  ),
  other: limit("Everything else: public keys, health, watermarks, reload, plugins' routes.", {
    perSecond: 50,
    burst: 200,
  }),
  connections: limit("New connections from one address of another machine.", {perSecond: 200, burst: 1024}),
});

export type TlsSection = z.output<typeof tlsSection>;

const tls = key(tlsSection.prefault({}), {
  about: "TLS 1.3 of this listener. The files are read again on SIGHUP and POST /reload.",
});

const tokenFile = key(path.nullable().default(null), {
  about:
    "File with one access token per line, mode 0600; every request but GET /upcheck must carry one (Bearer, or as the password in the client's URL). Read again on SIGHUP and POST /reload. null asks for none.",
  unit: "path, credential:name or null",
});
const allowedHosts = key(
  z
    .array(z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/, {message: "expected a host name"}))
    .default([]),
  {
    about:
      "Names this listener answers to in the Host header, besides localhost, its own host and IP addresses: a web page whose name was pointed here gets nothing.",
    unit: "list of host names",
  },
);
const maxConnections = key(z.int().min(1).max(65_535).default(2048), {
  about: "Open connections in all; when they are used up, the client address with the most gives way to one with few.",
  unit: "connections",
});
const maxConnectionsPerClient = key(z.int().min(1).max(65_535).default(1024), {
  about: "Open connections of one client address (of IPv6, one /64 network). Lodestar opens one per request under way.",
  unit: "connections",
});
const rateLimits = key(rateLimitsSection.prefault({}), {
  about:
    "How often one client may ask: up to `burst` at once, `perSecond` on average. A client is a certificate where there is one, else an address.",
});

/** What every HTTP listener has beside host and port. */
export const listenerKeys = {tls, tokenFile, allowedHosts, maxConnections, maxConnectionsPerClient, rateLimits};
export type ListenerSection = {readonly [K in keyof typeof listenerKeys]: z.output<(typeof listenerKeys)[K]>};

/** The section with absolute paths. @throws CONFIG_CREDENTIAL */
export function resolveListener<S extends ListenerSection>(section: S, baseDir: string): S {
  return {
    ...section,
    tls: resolveTls(section.tls, baseDir),
    tokenFile: section.tokenFile === null ? null : secretPath(section.tokenFile, baseDir),
  };
}

function resolveTls(section: TlsSection, baseDir: string): TlsSection {
  const at = (file: string | null) => (file === null ? null : secretPath(file, baseDir));
  const {cert, key, keyPasswordFile, clientCa} = section;
  return {...section, cert: at(cert), key: at(key), keyPasswordFile: at(keyPasswordFile), clientCa: at(clientCa)};
}
