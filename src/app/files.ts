import {randomBytes} from "node:crypto";
import {open, readFile, rename, rm, stat} from "node:fs/promises";
import {dirname} from "node:path";
import {PleiadesError} from "../core/errors.js";
import {errnoOf} from "./config/load.js";

/** True when there is anything at this path. */
export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** A text file. @throws CLI_FILE */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new PleiadesError({code: "CLI_FILE", file, reason: errnoOf(error)}, {cause: error});
  }
}

/**
 * Writes a new file, durably, and refuses one that is there. @throws CONFIG_EXISTS · CLI_FILE
 */
export async function writeNew(file: string, content: string, mode: number): Promise<void> {
  try {
    // The mode is set before the content is there: a secret is never readable by others, not even for a moment.
    const handle = await open(file, "wx", mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errnoOf(error) === "EEXIST") throw new PleiadesError({code: "CONFIG_EXISTS", file}, {cause: error});
    throw new PleiadesError({code: "CLI_FILE", file, reason: errnoOf(error)}, {cause: error});
  }
}

/** Replaces a file in one step: a reader sees the old content or the new one. @throws CLI_FILE */
export async function replaceFile(file: string, content: string, mode: number): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeNew(temporary, content, mode);
    await rename(temporary, file);
    await syncDirectory(dirname(file));
  } catch (error) {
    await rm(temporary, {force: true});
    if (error instanceof PleiadesError) throw error;
    throw new PleiadesError({code: "CLI_FILE", file, reason: errnoOf(error)}, {cause: error});
  }
}

/** Makes renames inside a folder durable. */
export async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
