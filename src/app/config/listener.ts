import {z} from "zod";
import {parseClientRule} from "../../adapters/tls/client-rule.js";
import type {ClientRule} from "../../ports/server-tls.js";
import {secretPath} from "../credentials.js";
import {key} from "./docs.js";
import {path} from "./values.js";

/** Keys that every HTTP listener has. */

const clientRule = z.unknown().transform((raw, context): ClientRule => {
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

export type TlsSection = z.output<typeof tlsSection>;

export const tls = key(tlsSection.prefault({}), {
  about: "TLS 1.3 of this listener. The files are read again on SIGHUP and POST /reload.",
});

/** The section with absolute paths. @throws CONFIG_CREDENTIAL */
export function resolveTls(section: TlsSection, baseDir: string): TlsSection {
  const at = (file: string | null) => (file === null ? null : secretPath(file, baseDir));
  const {cert, key, keyPasswordFile, clientCa} = section;
  return {...section, cert: at(cert), key: at(key), keyPasswordFile: at(keyPasswordFile), clientCa: at(clientCa)};
}
