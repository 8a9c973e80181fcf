import type {RootHex} from "../../core/bytes.js";
import type {Definition} from "../../core/dkg/definition.js";
import type {ParticipantProgress} from "../../core/dkg/progress.js";
import type {Failure} from "../../core/dkg/state.js";
import type {ListedCeremony} from "./ceremonies.js";

/** How a ceremony ended. */
export type CeremonyEnd =
  | {readonly outcome: "finished"; readonly transcript: RootHex; readonly folder: string}
  | {readonly outcome: "failed"; readonly failure: Omit<Failure, "step"> & {readonly step: string}};

/** One ceremony as commands get it from the running operator; JSON. */
export interface CeremonyReport {
  readonly id: RootHex;
  readonly kind: Definition["kind"];
  readonly validators: number;
  /** Operators that hold shares afterwards. */
  readonly operators: number;
  readonly threshold: number;
  /** Last epoch that is signed with the old shares, in decimal; null for new keys. */
  readonly handoverEpoch: string | null;
  /** Unix seconds. */
  readonly deadline: number;
  /** Where this operator is: consent, then the protocol's steps (docs/dkg.md). */
  readonly step: string;
  /** Validators whose keys are computed. */
  readonly keys: number;
  readonly participants: readonly {
    readonly number: number;
    readonly peerId: string;
    readonly connected: boolean;
    readonly consented: boolean;
    /** Null before the ceremony began and after it was over. */
    readonly progress: Omit<ParticipantProgress, "number"> | null;
  }[];
  /** Why this operator's part stands still; null while it goes on. */
  readonly halted: string | null;
  /** Past its deadline, but others may still complete it. */
  readonly stalled: boolean;
  readonly end: CeremonyEnd | null;
}

/** @param folder where a finished ceremony's files are */
export function reportOf(listed: ListedCeremony, folder: string): CeremonyReport {
  const {id, definition, participants, status, halted, ended} = listed;
  const end = ended === null ? null : (JSON.parse(ended) as CeremonyEnd);
  return {
    id,
    kind: definition.kind,
    validators: definition.validators,
    operators: definition.operators.length,
    threshold: definition.threshold,
    handoverEpoch: definition.previous === null ? null : String(definition.previous.handoverEpoch),
    deadline: definition.deadline,
    step: end !== null ? "done" : (status?.progress.step ?? "consent"),
    keys: status?.progress.keys ?? 0,
    participants: participants.map((one) => {
      const progress = status?.progress.participants.find(({number}) => number === one.number);
      if (progress === undefined) return {...one, progress: null};
      const {number: _, ...rest} = progress;
      return {...one, progress: rest};
    }),
    halted,
    stalled: status !== null && status.stalled !== null && end === null,
    end: end?.outcome === "finished" ? {...end, folder} : end,
  };
}

const mark = (done: boolean | null | undefined): string => (done == null ? " " : done ? "+" : ".");

/** A table for people: one line for the ceremony, one for each participant. */
export function reportLines(report: CeremonyReport): string[] {
  const {id, kind, validators, operators, threshold, step, halted, stalled, end} = report;
  const many = `${validators} validator${validators === 1 ? "" : "s"}`;
  const lines = [`${id}  ${kind}, ${many}, ${threshold} of ${operators}, step: ${step}`];
  if (end === null) lines.push(...tableLines(report));
  if (halted !== null) lines.push(`  stands still: ${halted}`);
  if (stalled) lines.push("  past its deadline; others may still complete it, so nothing is thrown away here");
  if (end !== null) lines.push(...endLines(report, end));
  return lines;
}

/** Of a ceremony that only the keeper knows, its id is all there is to show. */
export const lostLines = (id: string): string[] => [
  `${id}  of which this operator's journal knows nothing and its keeper does`,
  "  stands still: DKG_JOURNAL_LOST",
];

/** By operator: whether it is connected, has consented, and has done each step. */
export function tableLines({kind, participants}: CeremonyReport): string[] {
  const rows = participants.map(({number, peerId, connected, consented, progress}) => {
    const dealt = progress?.dealt ? `${progress.chunks.held}/${progress.chunks.of}` : mark(progress?.dealt);
    const cells = [
      String(number).padEnd(8),
      peerId.slice(-8),
      mark(connected).padEnd(4),
      mark(consented).padEnd(7),
      mark(progress?.announced).padEnd(9),
      dealt.padEnd(5),
      mark(progress?.verdict).padEnd(7),
      mark(progress?.result).padEnd(6),
      mark(progress?.retired),
    ];
    return `  ${cells.join("  ")}`.trimEnd();
  });
  const retired = kind === "reshare" ? "  retired" : "";
  return [`  operator  peer      here  consent  announced  dealt  verdict  result${retired}`, ...rows];
}

export function endLines({handoverEpoch}: Pick<CeremonyReport, "handoverEpoch">, end: CeremonyEnd): string[] {
  if (end.outcome === "finished") {
    const handover = `  signers need this committee.json, beside the old one, before epoch ${handoverEpoch} is over`;
    const files = [`  finished, transcript ${end.transcript}`, `  files in ${end.folder}`];
    return handoverEpoch === null ? files : [...files, handover];
  }
  const {reason, step, missing, guilty, said} = end.failure;
  return [
    `  ended without a key: ${reason} at step ${step}`,
    ...(missing.length > 0 ? [`  had not done it: participants ${missing.join(", ")}`] : []),
    ...guilty.map(({participant, offence}) => `  guilty: participant ${participant}, ${offence}`),
    ...said.map((text) => `  said: ${text}`),
  ];
}

/** One line while it goes on. */
export function progressLine({step, participants, validators, keys}: CeremonyReport): string {
  const count = (has: (progress: Omit<ParticipantProgress, "number">) => boolean | null): string => {
    const of = participants.filter(({progress}) => progress !== null && has(progress) !== null);
    return `${of.filter(({progress}) => has(progress!)).length}/${of.length}`;
  };
  const up = `${participants.filter(({connected}) => connected).length}/${participants.length} connected`;
  switch (step) {
    case "consent":
      return `consents ${participants.filter(({consented}) => consented).length}/${participants.length} · ${up}`;
    case "announce":
      return `announces ${count(({announced}) => announced)} · ${up}`;
    case "deal":
    case "verdict": {
      const held = participants.reduce((sum, {progress}) => sum + (progress?.chunks.held ?? 0), 0);
      const of = participants.reduce((sum, {progress}) => sum + (progress?.chunks.of ?? 0), 0);
      return `dealings ${count(({dealt}) => dealt)}, parts ${held}/${of} · verdicts ${count(({verdict}) => verdict)} · ${up}`;
    }
    case "agree":
      return `verdicts ${count(({verdict}) => verdict)}, agreeing · ${up}`;
    case "handover": {
      const needed = `${count(({retired}) => retired)} old operators retired`;
      return `handing over: ${needed} · ${up}`;
    }
    default:
      return `keys ${keys}/${validators} · results ${count(({result}) => result)} · ${up}`;
  }
}
