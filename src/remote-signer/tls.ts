import type {X509Certificate} from "node:crypto";
import type {Server as HttpServer} from "node:http";
import type {ServerOptions} from "node:https";
import type {Socket} from "node:net";
import {Server, type TLSSocket} from "node:tls";
import type {ServerTls} from "../ports/server-tls.js";

/** Options of an https server. A client without a good certificate gets no further than the handshake. */
export const httpsOptions = (
  {context, clients}: ServerTls,
  {handshakeTimeoutMs}: {handshakeTimeoutMs: number},
): ServerOptions => ({
  ...context,
  requestCert: clients !== null,
  rejectUnauthorized: true,
  handshakeTimeout: handshakeTimeoutMs,
});

/** New connections use the new certificates; those that are open go on as they are. */
export function renewCertificates(server: HttpServer, {context}: ServerTls): void {
  if (server instanceof Server) server.setSecureContext(context);
}

/** Whether the client on this connection is one of those that are let in; asked for every request, so that a reload counts. */
export function isAllowedClient(socket: Socket, clients: ServerTls["clients"]): boolean {
  if (clients === null || clients.length === 0) return true;
  const certificate = clientCertificate(socket);
  if (certificate === null) return false;
  const sha256 = certificate.fingerprint256.replaceAll(":", "").toLowerCase();
  return clients.some((rule) =>
    rule.kind === "certificate" ? rule.sha256 === sha256 : hasName(certificate, rule.name),
  );
}

/** OpenSSL compares, without wildcards: no name is taken out of a text that the client wrote. */
const hasName = (certificate: X509Certificate, name: string): boolean =>
  certificate.checkHost(name, {subject: "always", wildcards: false}) !== undefined;

const certificates = new WeakMap<Socket, X509Certificate>();

/** The certificate a client showed and the handshake verified; null on a connection without one. */
export function clientCertificate(socket: Socket): X509Certificate | null {
  const known = certificates.get(socket);
  if (known !== undefined) return known;
  const {authorized, getPeerX509Certificate} = socket as Partial<TLSSocket>;
  if (authorized !== true) return null;
  const certificate = getPeerX509Certificate?.call(socket as TLSSocket) ?? null;
  if (certificate !== null) certificates.set(socket, certificate);
  return certificate;
}
