import {constants, createPrivateKey, type KeyObject, X509Certificate} from "node:crypto";
import {readFileSync, statSync} from "node:fs";
import {createSecureContext, type SecureContextOptions} from "node:tls";
import {PleiadesError} from "../../core/errors.js";
import type {ClientRule, ServerTls} from "../../ports/server-tls.js";
import {readSecretFile, readSecretLine, type SecretFile} from "../secret-file/read.js";

/** Paths of PEM files. */
export interface ServerTlsFiles {
  /** The server's certificate, then those between it and the root. */
  readonly cert: string;
  readonly key: SecretFile;
  /** First line opens the key when it is encrypted. */
  readonly keyPassword: SecretFile | null;
  /** Authorities (or single certificates) that clients are checked against; null asks clients for none. */
  readonly clientCa: string | null;
  /** Of the clients the authorities vouch for; empty lets in all of them. */
  readonly clients: readonly ClientRule[];
}

/** A chain or a bundle of authorities; the largest public bundle is about 250 kB. */
const MAX_PEM_BYTES = 2 ** 20;

/**
 * Reads and checks everything TLS needs, so that a mistake is found at the start or at a reload and not by the first
 * client. TLS 1.3 only: both ends are chosen by the same people. No session tickets: connections are few and long, and
 * so every one of them shows its certificate.
 * @throws TLS_FILE · TLS_CERT_INVALID · TLS_CERT_EXPIRED · TLS_KEY_FILE · TLS_KEY_INVALID · TLS_KEY_MISMATCH
 */
export function loadServerTls(files: ServerTlsFiles, {now}: {now: number}): ServerTls {
  const cert = readPem(files.cert);
  const [own] = certificatesIn(cert, files.cert);
  checkDates(own, files.cert, now);
  const key = readKey(files);
  if (!own.checkPrivateKey(key)) {
    throw new PleiadesError({code: "TLS_KEY_MISMATCH", cert: files.cert, key: files.key.file});
  }
  const ca = files.clientCa === null ? null : readAuthorities(files.clientCa, now);
  const context: SecureContextOptions = {
    cert,
    key: key.export({type: "pkcs8", format: "pem"}),
    ...(ca === null ? {} : {ca}),
    minVersion: "TLSv1.3",
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
  try {
    createSecureContext(context);
  } catch (error) {
    throw new PleiadesError({code: "TLS_CERT_INVALID", file: files.cert, reason: codeOfTls(error)});
  }
  return redacted({context, clients: ca === null ? null : files.clients});
}

/** When the server's certificate ends, in ms since 1970: for a warning in time. @throws as loadServerTls for the file */
export const certificateEnd = (file: string): number => Date.parse(certificatesIn(readPem(file), file)[0].validTo);

function readPem(file: string): string {
  try {
    const stats = statSync(file);
    if (!stats.isFile()) throw new PleiadesError({code: "TLS_FILE", file, reason: "not a file"});
    if (stats.size > MAX_PEM_BYTES) throw new PleiadesError({code: "TLS_FILE", file, reason: "too large"});
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof PleiadesError) throw error;
    throw new PleiadesError({code: "TLS_FILE", file, reason: codeOfTls(error)}, {cause: error});
  }
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** At least one. */
function certificatesIn(pem: string, file: string): [X509Certificate, ...X509Certificate[]] {
  const [first, ...others] = pem.match(PEM_CERTIFICATE) ?? [];
  if (first === undefined) throw new PleiadesError({code: "TLS_CERT_INVALID", file, reason: "no PEM certificate"});
  try {
    return [new X509Certificate(first), ...others.map((one) => new X509Certificate(one))];
  } catch (error) {
    throw new PleiadesError({code: "TLS_CERT_INVALID", file, reason: codeOfTls(error)});
  }
}

const isCurrent = ({validFrom, validTo}: X509Certificate, now: number): boolean =>
  Date.parse(validFrom) <= now && now < Date.parse(validTo);

function checkDates(certificate: X509Certificate, file: string, now: number): void {
  if (isCurrent(certificate, now)) return;
  const {validFrom, validTo} = certificate;
  throw new PleiadesError({code: "TLS_CERT_EXPIRED", file, validFrom, validTo});
}

/** The bundle; an authority that has expired is of no harm beside one that has not. */
function readAuthorities(file: string, now: number): string {
  const pem = readPem(file);
  const authorities = certificatesIn(pem, file);
  if (!authorities.some((authority) => isCurrent(authority, now))) checkDates(authorities[0], file, now);
  return pem;
}

function readKey({key, keyPassword}: ServerTlsFiles): KeyObject {
  const content = readSecretFile(key);
  if ("reason" in content) throw new PleiadesError({code: "TLS_KEY_FILE", file: key.file, reason: content.reason});
  const password = keyPassword === null ? null : readSecretLine(keyPassword);
  if (password !== null && "reason" in password) {
    throw new PleiadesError({code: "TLS_KEY_FILE", file: keyPassword?.file, reason: password.reason});
  }
  try {
    return createPrivateKey({key: content.text, ...(password === null ? {} : {passphrase: password.text})});
  } catch (error) {
    // The cause is not handed on: OpenSSL's errors are no place to look for parts of a key, nor to trust.
    throw new PleiadesError({code: "TLS_KEY_INVALID", file: key.file, reason: codeOfTls(error)});
  }
}

/** Whoever prints or logs it by mistake sees no key. */
function redacted(tls: ServerTls): ServerTls {
  return Object.defineProperty({...tls}, "context", {value: tls.context, enumerable: false});
}

const codeOfTls = (error: unknown): string => (error as NodeJS.ErrnoException | null)?.code ?? "unreadable";
