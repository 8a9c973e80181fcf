import {mkdir} from "node:fs/promises";
import {join, resolve} from "node:path";
import {PleiadesError} from "../core/errors.js";
import {errnoOf} from "./config/load.js";
import {exists, syncDirectory, writeNew} from "./files.js";

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
  for (const file of files) if (await exists(file)) throw new PleiadesError({code: "CONFIG_EXISTS", file});
  for (const [i, {text}] of keystores.entries()) await writeNew(files[i]!, text, 0o600);
  await syncDirectory(out);
  return files;
}
