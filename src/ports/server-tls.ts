import type {SecureContextOptions} from "node:tls";

/** A client certificate that is let in: this very one, or any of the authority's with this name (CN or DNS name). */
export type ClientRule =
  | {readonly kind: "certificate"; readonly sha256: string}
  | {readonly kind: "name"; readonly name: string};

/** What a server needs for TLS; made by adapters/tls, and made again when its files have changed. */
export interface ServerTls {
  /** TLS 1.3 only. Holds a private key: never logged. */
  readonly context: SecureContextOptions;
  /** Which client certificates are let in: null asks for none, an empty list lets in all that the authority signed. */
  readonly clients: readonly ClientRule[] | null;
}
