import type {OperatorId, PeerIdText, PubkeyHex} from "../core/bytes.js";
import type {SignType} from "../core/duty/sign-request.js";
import type {ReasonCode} from "../core/errors.js";
import type {CommitteeHealth} from "./signing-service.js";

/** What happened, for metrics, the devnet's view and plugins. Observers must not throw and must return at once. */
export type PleiadesEvent =
  /** The signer finished one request of a client. */
  | {
      readonly kind: "request-finished";
      readonly type: SignType;
      readonly key: PubkeyHex;
      /** "ok", or why not. */
      readonly outcome: "ok" | ReasonCode;
      readonly durationMs: number;
      /** Operators whose partials made the signature; empty for a replay or a failure. */
      readonly signers: readonly OperatorId[];
      readonly replayed: boolean;
    }
  /** One operator answered one request, or missed its deadline. */
  | {
      readonly kind: "operator-answered";
      readonly operatorId: OperatorId;
      readonly peerId: PeerIdText;
      readonly outcome: "signed" | ReasonCode;
      readonly durationMs: number;
    }
  | {readonly kind: "operator-connected" | "operator-disconnected"; readonly peerId: PeerIdText}
  /** A partial failed against its share public key: the operator lied. */
  | {
      readonly kind: "operator-convicted";
      readonly operatorId: OperatorId;
      readonly peerId: PeerIdText;
      readonly key: PubkeyHex;
    }
  /** An operator refused a request before its keeper saw it: wrong peer, unknown key, other committee file, veto. */
  | {
      readonly kind: "operator-refused";
      readonly peerId: PeerIdText;
      readonly key: PubkeyHex;
      readonly outcome: ReasonCode;
    }
  /** As "operator-refused", of a coordinator that speaks the distributed profile and is known by its certificate. */
  | {
      readonly kind: "profile-refused";
      /** Its name in this operator's configuration. */
      readonly coordinator: string;
      readonly key: PubkeyHex;
      readonly outcome: ReasonCode;
    }
  /** An operator's keeper decided one request. */
  | {
      readonly kind: "keeper-decided";
      readonly type: SignType | "unknown";
      readonly outcome: "signed" | ReasonCode;
      readonly durationMs: number;
    }
  /** How full the disk below an operator's store is. */
  | {readonly kind: "disk-sampled"; readonly freeBytes: number; readonly totalBytes: number}
  /** A keeper found out that its records are old, or that another copy of it runs. */
  | {readonly kind: "keeper-alarm"; readonly code: ReasonCode}
  /** One durable commit of the record store. */
  | {readonly kind: "store-committed"; readonly records: number; readonly durationMs: number}
  /** Every few seconds in a signer: its committees, and the requests that are in progress or wait for a place. */
  | {
      readonly kind: "signer-sampled";
      readonly committees: readonly CommitteeHealth[];
      readonly running: number;
      readonly waiting: number;
    }
  /** Every few seconds in an operator. `signing` is false after a failed commit or when the keeper is gone. */
  | {readonly kind: "keeper-sampled"; readonly signing: boolean; readonly waiting: number; readonly keys: number};

export type Observer = (event: PleiadesEvent) => void;
