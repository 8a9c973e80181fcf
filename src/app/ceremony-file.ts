import {createHash} from "node:crypto";
import {Worker} from "node:worker_threads";
import {blstGroup} from "../adapters/bls/blst.js";
import type {Committee} from "../core/committee/committee.js";
import {parseCommitteeFile} from "../core/committee/committee-file.js";
import {isCeremonyFile} from "../core/dkg/committee.js";
import {type ErrorData, PleiadesError, type ReasonCode} from "../core/errors.js";
import {readText} from "./files.js";

/** What the worker found. */
export type CeremonyVerdict = {readonly committee: string} | {readonly code: ReasonCode; readonly data: ErrorData};

/** Committee files that followed from ceremonies before, by the hash of the ceremony's text. */
export type KnownCeremonies = Map<string, string>;

/**
 * The committee file's text of a text that is one already or the public output of a ceremony, which is then verified
 * completely: nothing in it is believed. @throws as committeeText of core
 */
export async function committeeTextOf(text: string, known: KnownCeremonies = new Map()): Promise<string> {
  if (!isCeremonyFile(text)) return text;
  const hash = createHash("sha256").update(text).digest("hex");
  const before = known.get(hash);
  if (before !== undefined) return before;
  const committee = await verified(text);
  known.set(hash, committee);
  return committee;
}

/** The committee of a file that is either. @throws CLI_FILE and as above */
export const readCommitteeFile = async (file: string): Promise<Committee> =>
  parseCommitteeFile(await committeeTextOf(await readText(file)), blstGroup);

async function verified(text: string): Promise<string> {
  const worker = new Worker(new URL("./ceremony-worker.js", import.meta.url), {workerData: text});
  const found = await new Promise<CeremonyVerdict>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the thread that verifies a ceremony ended with ${code}`)));
  }).finally(() => worker.terminate());
  if ("committee" in found) return found.committee;
  throw new PleiadesError({...found.data, code: found.code});
}
