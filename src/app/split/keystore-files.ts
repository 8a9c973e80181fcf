import {readdir, readFile, stat} from "node:fs/promises";
import {basename, join} from "node:path";
import {PleiadesError} from "../../core/errors.js";
import {readPasswordFile} from "../cli/password.js";
import {errnoOf} from "../config/load.js";
import {secretPath} from "../credentials.js";
import {exists} from "../files.js";

export interface KeystoreFile {
  readonly file: string;
  /** Keystore JSON as it stands in the file. */
  readonly text: string;
}

/** No keystore is anywhere near; a larger file is something else. */
const MAX_KEYSTORE_BYTES = 65_536;

/**
 * The keystores of files and folders, in order of path. In a folder every *.json that is a keystore counts; what the
 * deposit tool puts beside them (deposit_data-*.json) does not. @throws SPLIT_NO_KEYSTORES · CLI_FILE
 */
export async function findKeystores(paths: readonly string[]): Promise<KeystoreFile[]> {
  const found: KeystoreFile[] = [];
  for (const path of paths) {
    const info = await read(path, () => stat(path));
    if (!info.isDirectory()) {
      found.push({file: path, text: await readKeystore(path)});
      continue;
    }
    const names = (await read(path, () => readdir(path))).filter((name) => /\.json$/i.test(name)).sort();
    for (const name of names) {
      if (/^deposit_data.*\.json$/i.test(name)) continue;
      const file = join(path, name);
      found.push({file, text: await readKeystore(file)});
    }
  }
  if (found.length === 0) throw new PleiadesError({code: "SPLIT_NO_KEYSTORES", looked: paths.join(", ")});
  return found;
}

async function readKeystore(file: string): Promise<string> {
  const {size} = await read(file, () => stat(file));
  if (size > MAX_KEYSTORE_BYTES) throw new PleiadesError({code: "SPLIT_KEYSTORE_INVALID", file, reason: "too large"});
  return read(file, () => readFile(file, "utf8"));
}

async function read<T>(file: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw new PleiadesError({code: "CLI_FILE", file, reason: errnoOf(error)}, {cause: error});
  }
}

/** The password of a keystore by its file. */
export type PasswordOf = (keystoreFile: string) => Promise<string>;

/**
 * `path` is one file with the password of all keystores, or a folder with <name>.txt for <name>.json, the layout of
 * Web3Signer. Errors of the returned function: @throws SPLIT_PASSWORD_MISSING · CLI_PASSWORD_FILE
 */
export async function passwordsFrom(raw: string): Promise<PasswordOf> {
  const path = secretPath(raw, ".");
  let isDirectory: boolean;
  try {
    isDirectory = (await stat(path)).isDirectory();
  } catch (error) {
    throw new PleiadesError({code: "CLI_PASSWORD_FILE", file: path, reason: errnoOf(error)}, {cause: error});
  }
  if (!isDirectory) {
    const password = readPasswordFile(path);
    return async () => password;
  }
  return async (keystoreFile) => {
    const file = join(path, `${basename(keystoreFile).replace(/\.json$/i, "")}.txt`);
    if (!(await exists(file))) {
      throw new PleiadesError({code: "SPLIT_PASSWORD_MISSING", keystore: keystoreFile, expected: file});
    }
    return readPasswordFile(file);
  };
}
