import type {RootHex, SignatureHex} from "../bytes.js";
import type {State as AgreementState, Memory} from "../consensus/machine.js";
import type {Evaluation, Guilty, Judgement, VerdictRef} from "./blame.js";
import type {Ceremony} from "./ceremony.js";
import type {DkgGroup} from "./group.js";
import type {AnnounceBody, AnyItem, Item, RetireBody, SignAsNode} from "./items.js";
import type {ValidatorKeys} from "./keys.js";
import type {Outcomes} from "./output.js";
import type {Work} from "./work.js";

/** How long to wait, in milliseconds: each is several times what a message takes through the slowest honest operator. */
export interface Timing {
  /** For announces that are missing, before dealing without them. Only where not all operators are required. */
  readonly announceMs: number;
  /** For dealings, before giving a verdict without them. */
  readonly dealMs: number;
  /** For verdicts, before agreeing without some. */
  readonly settleMs: number;
  /** For results of operators that are not required. */
  readonly resultMs: number;
  /** For the first round of the agreement; each later one has twice as long, up to the maximum. */
  readonly roundMs: number;
  readonly maxRoundMs: number;
}

/** What does not change while a ceremony runs. */
export interface Machine {
  readonly ceremony: Ceremony;
  /** This node's number. */
  readonly self: number;
  readonly group: DkgGroup;
  readonly sign: SignAsNode;
  readonly timing: Timing;
  /** Where its work is done; absent: in the step that needs it. @see stepWith */
  readonly work?: Work;
}

/** What is known of one chunk. `good`: well formed, not yet opened. `wrong`: a share in it is. `refused`: by the vault. */
export type ChunkState =
  | {readonly kind: "good" | "open" | "malformed" | "refused"}
  | {readonly kind: "wrong"; readonly secret: RootHex};

export type TimerName = "announce" | "deal" | "settle" | "result";

/** Why a ceremony ended without a key. */
export interface Failure {
  readonly reason: "aborted" | "deadline" | "guilty";
  readonly step: Step;
  /** Participants who had not done this step. */
  readonly missing: readonly number[];
  readonly guilty: readonly Guilty[];
  /** What those who aborted said. */
  readonly said: readonly string[];
}
export type Step = "announce" | "deal" | "verdict" | "agree" | "result" | "handover" | "done";

/** What a ceremony gives. */
export interface Output extends Outcomes {
  readonly transcript: RootHex;
  /** By recipient. */
  readonly results: readonly Item<"result">[];
  /** Recipients who have not proved their share. */
  readonly missing: readonly number[];
}

export interface DkgState {
  /** By place and hash. */
  readonly items: ReadonlyMap<string, AnyItem>;
  /** Hashes of the items at each place, in order of arrival. */
  readonly places: ReadonlyMap<string, readonly RootHex[]>;
  /** By dealing and number. */
  readonly chunks: ReadonlyMap<string, ChunkState>;
  /** Set and fired. */
  readonly timers: ReadonlyMap<TimerName, "set" | "fired">;
  /** By dealing, chunk and recipient. */
  readonly judgements: ReadonlyMap<string, Judgement>;
  /** Chunks that were asked back from the journal. */
  readonly reading: ReadonlySet<string>;
  /** Chunks that the vault was asked to open. */
  readonly opening: ReadonlySet<string>;
  /** What the vault was asked for since this process began. */
  readonly asked: ReadonlySet<"announce" | "deal">;
  /** Our own dealing while it is made; null before and after. */
  readonly dealing: OwnDealing | null;
  readonly agreement: AgreementState | null;
  /** Whether this node takes part in the agreement; before, it only listens. */
  readonly agreeing: boolean;
  /** What was decided, until all it speaks of is here. */
  readonly decided: Uint8Array | null;
  readonly decision: (Evaluation & {readonly verdicts: readonly VerdictRef[]}) | null;
  /** Of the chunks finished so far, by validator. */
  readonly keys: readonly ValidatorKeys[];
  /** The qualified dealers' bytes of the chunk being finished, by dealer. */
  readonly gathered: ReadonlyMap<number, Uint8Array>;
  readonly outcomes: (Outcomes & {readonly transcript: RootHex}) | null;
  /** By item hash: whether a result holds. */
  readonly results: ReadonlyMap<RootHex, boolean>;
  /** Whether the vault was asked for our proof. */
  readonly proving: boolean;
  /** The qualified dealer whose share for us is wrong, found after the agreement. */
  readonly lost: number | null;
  readonly output: Output | null;
  readonly failure: Failure | null;
  /** Past the deadline with our proof out: it may still end well, and our share is kept until it does. */
  readonly stalled: Failure | null;
  /** Whether the output has been put to use. */
  readonly settled: boolean;
  /** Whether the vault was asked to end our old shares' time. */
  readonly retiring: boolean;
  /** By item hash: whether a retirement holds. */
  readonly retirements: ReadonlyMap<RootHex, boolean>;
  /** With how many retirements the vault was asked to take over. */
  readonly takingOver: number;
  readonly tookOver: boolean;
  /** Our part of the handover is done. */
  readonly handedOver: boolean;
}

export interface OwnDealing {
  readonly announces: readonly Item<"announce">[];
  readonly ephemerals: readonly RootHex[];
  readonly publicHashes: readonly RootHex[];
  readonly chunkHashes: readonly RootHex[];
}

export type VaultCall =
  | {readonly call: "announce"}
  /** The vault pins the announces of the first call and deals on those ever after. */
  | {readonly call: "deal"; readonly announces: readonly Item<"announce">[]; readonly chunk: number}
  | {readonly call: "open"; readonly dealing: Item<"deal">; readonly chunk: number; readonly bytes: Uint8Array}
  | {readonly call: "prove"; readonly outcomes: Outcomes; readonly transcript: RootHex}
  /** Reshare: ends our old shares' time for good. */
  | {readonly call: "retire"; readonly transcript: RootHex}
  /** Reshare: with enough retirements our new shares' time begins. */
  | {readonly call: "take over"; readonly retirements: readonly Item<"retire">[]};

export type DkgInput =
  /** A new ceremony, or after all of the journal was put in again; with what was last persisted of the agreement. */
  | {readonly kind: "start"; readonly memory: Memory | null}
  /** From a peer, or from the journal (`stored`). Decoded, so its signature is right. */
  | {readonly kind: "item"; readonly item: AnyItem; readonly stored: boolean}
  | {
      readonly kind: "chunk";
      readonly dealing: RootHex;
      readonly chunk: number;
      readonly bytes: Uint8Array;
      readonly stored: boolean;
    }
  | {readonly kind: "timer"; readonly name: TimerName}
  | {readonly kind: "round timer"; readonly round: number}
  | {readonly kind: "announced"; readonly body: AnnounceBody}
  | {
      readonly kind: "dealt";
      readonly chunk: number;
      readonly bytes: Uint8Array;
      readonly publicHash: RootHex;
      /** Those the vault has pinned. */
      readonly announces: readonly Item<"announce">[];
      readonly ephemerals: readonly RootHex[];
    }
  | {
      readonly kind: "opened";
      readonly dealing: RootHex;
      readonly chunk: number;
      /** Null when right. */
      readonly secret: RootHex | null;
    }
  /** The vault opens one dealing of each dealer only, and this is another. */
  | {readonly kind: "not opened"; readonly dealing: RootHex; readonly chunk: number}
  | {readonly kind: "proved"; readonly proof: SignatureHex; readonly deposits: readonly SignatureHex[]}
  /** What `finished` asked for is done. */
  | {readonly kind: "settled"}
  | {readonly kind: "retired"; readonly body: RetireBody}
  | {readonly kind: "took over"}
  /** This operator wants out. */
  | {readonly kind: "abort"; readonly reason: string}
  | {readonly kind: "deadline"}
  /** Long after the deadline: nobody will complete it any more. */
  | {readonly kind: "give up"};

/** In order: what follows a `persist` may only happen once that is durable. */
export type DkgEffect =
  | {readonly kind: "persist"; readonly item: AnyItem}
  /** In place of the one before. */
  | {readonly kind: "persist agreement"; readonly memory: Memory}
  /** Of no use any more: the journal may drop it. */
  | {readonly kind: "forget"; readonly item: AnyItem}
  /** By its hash, of which the header that names it tells everybody. */
  | {readonly kind: "persist chunk"; readonly hash: RootHex; readonly bytes: Uint8Array}
  /** To all peers; those it does not reach pull it. */
  | {readonly kind: "publish"; readonly item: AnyItem}
  /** From the journal, or from peers when it is not there. It comes back as `chunk`. */
  | {readonly kind: "read chunk"; readonly dealing: RootHex; readonly chunk: number; readonly hash: RootHex}
  | {readonly kind: "vault"; readonly call: VaultCall}
  | {readonly kind: "timer"; readonly name: TimerName; readonly ms: number}
  | {readonly kind: "round timer"; readonly round: number; readonly ms: number}
  | {readonly kind: "finished"; readonly output: Output}
  /** Reshare, after `finished`: our part is done. */
  | {readonly kind: "handed over"}
  | {readonly kind: "failed"; readonly failure: Failure}
  /** It goes on, but this is who is missing. Others may already have all proofs, so nothing may be thrown away. */
  | {readonly kind: "stalled"; readonly failure: Failure};

export const NEW_CEREMONY: DkgState = {
  items: new Map(),
  places: new Map(),
  chunks: new Map(),
  timers: new Map(),
  judgements: new Map(),
  reading: new Set(),
  opening: new Set(),
  asked: new Set(),
  dealing: null,
  agreement: null,
  agreeing: false,
  decided: null,
  decision: null,
  keys: [],
  gathered: new Map(),
  outcomes: null,
  results: new Map(),
  proving: false,
  lost: null,
  output: null,
  failure: null,
  stalled: null,
  settled: false,
  retiring: false,
  retirements: new Map(),
  takingOver: 0,
  tookOver: false,
  handedOver: false,
};
