import {mkdir} from "node:fs/promises";
import {join, resolve} from "node:path";
import {PleiadesError} from "../../core/errors.js";
import {errnoOf} from "../config/load.js";
import {exists, syncDirectory, writeNew} from "../files.js";

/** Names as `share backup` gives them, and `share restore` looks for. */
export const KEYSTORE_FILE = /^share-keystore-.*\.json$/;
export const COMMITTEE_FILE = /^committee-.*\.json$/;
/** @param digest hex, of the text */
export const committeeName = (digest: string): string => `committee-${digest.slice(0, 16)}.json`;

/** @throws CONFIG_EXISTS */
export async function requireNewFiles(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const file = join(resolve(folder), name);
    if (await exists(file)) throw new PleiadesError({code: "CONFIG_EXISTS", file});
  }
}

/** As the keeper gives it: encrypted. */
export interface ShareKeystoreFile {
  readonly name: string;
  readonly text: string;
}

/**
 * Writes keystores into a folder, made if it is not there, each readable by its owner alone. Nothing is overwritten, and
 * nothing is written when one of the files is there already. Returns the paths.
 * @throws CONFIG_EXISTS · CLI_FILE
 */
export async function writeShareKeystores(
  folder: string,
  keystores: readonly ShareKeystoreFile[],
): Promise<readonly string[]> {
  const out = resolve(folder);
  try {
    await mkdir(out, {recursive: true, mode: 0o700});
  } catch (error) {
    throw new PleiadesError({code: "CLI_FILE", file: out, reason: errnoOf(error)}, {cause: error});
  }
  const files = keystores.map(({name}) => join(out, name));
  await requireNewFiles(
    out,
    keystores.map(({name}) => name),
  );
  for (const [i, {text}] of keystores.entries()) await writeNew(files[i]!, text, 0o600);
  await syncDirectory(out);
  return files;
}
