import {blstDkgGroup as group} from "../../adapters/bls/blst.js";
import type {RootHex} from "../../core/bytes.js";
import {announceKeys, dealRows, type Helper, sumColumns} from "../../core/repair/helper.js";
import type {Announce, Column, Dealing, DealingHead} from "../../core/repair/items.js";
import {judgeComplaint, malformationOf, rebuildShares} from "../../core/repair/owner.js";
import type {Repair} from "../../core/repair/request.js";
import {scalarBytes} from "../../core/threshold/scalar.js";

const scalar = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);

/** What a repair computes: pure functions of what they are given. */
export const REPAIR_JOBS = {
  repairAnnounce: ({repair, helper}: {repair: Repair; helper: Helper}): readonly RootHex[] =>
    announceKeys(helper, repair),

  repairDeal: ({
    repair,
    helper,
    shares,
    announces,
  }: {
    repair: Repair;
    helper: Helper;
    shares: readonly Uint8Array[];
    announces: readonly Announce[];
  }) => dealRows(group, repair, helper, {shares: shares.map(scalar), announces}),

  repairSum: ({
    repair,
    helper,
    dealt,
  }: {
    repair: Repair;
    helper: Helper;
    dealt: readonly {head: DealingHead; column: Column}[];
  }) => sumColumns(group, repair, helper, dealt),

  repairCheck: ({repair, place, dealing}: {repair: Repair; place: number; dealing: Dealing}): string | null =>
    malformationOf(group, repair, place, dealing),

  repairJudge: ({
    repair,
    ...complaint
  }: {
    repair: Repair;
    by: number;
    from: number;
    secret: RootHex;
    announce: Announce;
    dealing: Dealing;
  }): number => judgeComplaint(group, repair, complaint),

  repairRebuild({
    repair,
    ...given
  }: {
    repair: Repair;
    secret: Uint8Array;
    dealings: readonly Dealing[];
    sums: readonly {ephemeral: RootHex; sealed: Uint8Array}[];
  }) {
    const rebuilt = rebuildShares(group, repair, given);
    return rebuilt.kind === "liar" ? rebuilt : {kind: rebuilt.kind, shares: rebuilt.shares.map(scalarBytes)};
  },
} as const;
