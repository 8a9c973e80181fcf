import type {Reason} from "./reason.js";

export const tlsReasons = {
  TLS_FILE: {
    fault: "configuration",
    meaning: "A certificate file cannot be read.",
    action: "Put the PEM file where the configuration says, readable by the user this program runs as.",
  },
  TLS_CERT_INVALID: {
    fault: "configuration",
    meaning: "A certificate file does not hold certificates this program can use.",
    action: "Give certificates in PEM, the server's own first, with keys of at least 2048 bits (RSA) or 256 (EC).",
  },
  TLS_CERT_EXPIRED: {
    fault: "configuration",
    meaning: "A certificate is not valid at this time.",
    action: "Renew it, then reload (SIGHUP or POST /reload); if it is new, look at this machine's clock.",
  },
  TLS_KEY_FILE: {
    fault: "configuration",
    meaning: "The private key of the certificate, or its password, cannot be read or is readable by others.",
    action: "Put it where the configuration says, owned by the user this program runs as, with mode 0600.",
  },
  TLS_KEY_INVALID: {
    fault: "configuration",
    meaning: "The private key of the certificate cannot be opened.",
    action: "Give a PEM key, and with keyPasswordFile the right password when it is encrypted.",
  },
  TLS_KEY_MISMATCH: {
    fault: "configuration",
    meaning: "The private key does not belong to the certificate.",
    action: "Give the key the certificate was made with; the server's own certificate must be the first in its file.",
  },
} as const satisfies Record<string, Reason>;
