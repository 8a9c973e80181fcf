import {randomBytes} from "node:crypto";
import {rmSync} from "node:fs";
import {mkdir, rename, rm} from "node:fs/promises";
import {dirname, join} from "node:path";
import {PleiadesError} from "../../core/errors.js";
import {errnoOf} from "../config/load.js";
import {exists, syncDirectory, writeNew} from "../files.js";

export interface SplitFiles {
  readonly committeeFile: string;
  readonly bundles: readonly {
    readonly id: number;
    readonly bundle: string;
    /** Written beside the bundle; null when the person has it already. */
    readonly password: string | null;
  }[];
}

export interface WrittenSplit {
  readonly committeeFile: string;
  readonly bundles: readonly {readonly id: number; readonly bundle: string; readonly passwordFile: string | null}[];
}

/** @throws SPLIT_OUTPUT_EXISTS */
export async function refuseExisting(out: string): Promise<void> {
  if (await exists(out)) throw new PleiadesError({code: "SPLIT_OUTPUT_EXISTS", out});
}

/**
 * Writes a whole split or nothing: the folder appears under its name when everything in it is durable. Ctrl-C leaves
 * nothing behind. Returns the paths written. @throws SPLIT_OUTPUT_EXISTS · CLI_FILE
 */
export async function writeSplit(out: string, {committeeFile, bundles}: SplitFiles): Promise<WrittenSplit> {
  const temporary = `${out}.${randomBytes(6).toString("hex")}.tmp`;
  const interrupted = (): never => {
    rmSync(temporary, {recursive: true, force: true});
    process.exit(130);
  };
  process.once("SIGINT", interrupted);
  try {
    await mkdir(dirname(out), {recursive: true});
    await mkdir(temporary, {mode: 0o700});
    await writeNew(join(temporary, "committee.json"), committeeFile, 0o644);
    for (const {id, bundle, password} of bundles) {
      await writeNew(join(temporary, `operator-${id}.bundle.json`), bundle, 0o600);
      if (password !== null) await writeNew(join(temporary, `operator-${id}.password`), `${password}\n`, 0o600);
    }
    await syncDirectory(temporary);
    // rename would replace an empty folder that somebody has made meanwhile, and nothing else.
    await refuseExisting(out);
    await rename(temporary, out);
    await syncDirectory(dirname(out));
  } catch (error) {
    await rm(temporary, {recursive: true, force: true});
    if (error instanceof PleiadesError) throw error;
    throw new PleiadesError({code: "CLI_FILE", file: out, reason: errnoOf(error)}, {cause: error});
  } finally {
    process.off("SIGINT", interrupted);
  }
  return {
    committeeFile: join(out, "committee.json"),
    bundles: bundles.map(({id, password}) => ({
      id,
      bundle: join(out, `operator-${id}.bundle.json`),
      passwordFile: password === null ? null : join(out, `operator-${id}.password`),
    })),
  };
}
