import type {RootHex} from "../bytes.js";
import type {Ceremony} from "./ceremony.js";
import {type ChunkAt, checkChunk, judgeComplaint, malformationOf} from "./checking.js";
import {type DepositTerms, depositChecker} from "./deposits.js";
import type {DkgGroup} from "./group.js";
import type {Item} from "./items.js";
import {chunkKeys, type QualifiedChunk, type ValidatorKeys} from "./keys.js";
import {isResultOf} from "./output.js";
import type {Plan} from "./plan.js";
import {isRetirement} from "./retirement.js";

/**
 * What takes a machine more than a few milliseconds: pure functions of public data, so that they can run anywhere. Arguments
 * and results are plain data.
 */
export const DKG_WORK = {
  /** Why a chunk is malformed; null when it is not. @see checkChunk */
  check(group: DkgGroup, {plan, at}: {plan: Plan; at: ChunkAt}): string | null {
    try {
      checkChunk(group, plan, at);
      return null;
    } catch (error) {
      const reason = malformationOf(error);
      if (reason === null) throw error;
      return reason;
    }
  },

  judge(
    group: DkgGroup,
    {plan, at, complaint}: {plan: Plan; at: ChunkAt; complaint: {recipient: number; secret: Uint8Array}},
  ): "dealer" | "complainer" {
    return judgeComplaint(group, plan, at, complaint);
  },

  keys(
    group: DkgGroup,
    {
      plan,
      qualified,
      ...of
    }: {plan: Plan; qualified: readonly number[]; chunk: number; chunks: ReadonlyMap<number, QualifiedChunk>},
  ): ValidatorKeys[] {
    return chunkKeys(group, plan, qualified, of);
  },

  result(
    group: DkgGroup,
    {
      keys,
      transcript,
      terms,
      result,
    }: {keys: readonly ValidatorKeys[]; transcript: RootHex; terms: DepositTerms; result: Item<"result">},
  ): boolean {
    return isResultOf(group, {keys}, transcript, {result, checkDeposits: depositChecker(group, terms)});
  },

  retirement(
    group: DkgGroup,
    {
      ceremony,
      transcript,
      item,
    }: {
      ceremony: Pick<Ceremony, "id" | "participants" | "definition">;
      transcript: RootHex;
      item: Item<"retire">;
    },
  ): boolean {
    return isRetirement(group, ceremony, transcript, item);
  },
} as const;

export type DkgWork = typeof DKG_WORK;
export type WorkArgument<J extends keyof DkgWork> = Parameters<DkgWork[J]>[1];
export type WorkResult<J extends keyof DkgWork> = ReturnType<DkgWork[J]>;
/** Does a piece of it. */
export type Work = <J extends keyof DkgWork>(job: J, argument: WorkArgument<J>) => WorkResult<J>;
export type WorkCall = {
  [J in keyof DkgWork]: {readonly job: J; readonly argument: WorkArgument<J>};
}[keyof DkgWork];

/** Where it is asked for. */
export const workHere =
  (group: DkgGroup): Work =>
  (job, argument) =>
    (DKG_WORK[job] as (group: DkgGroup, argument: unknown) => never)(group, argument);
