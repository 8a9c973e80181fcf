import {randomBytes} from "node:crypto";
import {mkdir, open, readdir, readFile, rename, rm, writeFile} from "node:fs/promises";
import {dirname, join} from "node:path";
import {PleiadesError} from "../../core/errors.js";

/** The largest file a ceremony has is its public record: 1,000 validators of 13 operators. */
const MAX_BYTES = 2 ** 25;

/** @throws DKG_FILE_READ */
export async function readTextFile(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
    return bytes.toString("utf8");
  } catch (cause) {
    throw new PleiadesError({code: "DKG_FILE_READ", file, reason: reasonOf(cause)}, {cause});
  }
}

/** Never over a file that is there. @throws DKG_FILE_WRITE */
export async function writeNewFile(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, {flag: "wx", mode: 0o644});
  } catch (cause) {
    throw new PleiadesError({code: "DKG_FILE_WRITE", file, reason: reasonOf(cause)}, {cause});
  }
}

/** Durable, and a reader sees the old content or the new one. @throws DKG_FILE_WRITE */
export async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const handle = await open(temporary, "wx", 0o644);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    const folder = await open(dirname(file), "r");
    await folder.sync().finally(() => folder.close());
  } catch (cause) {
    await rm(temporary, {force: true}).catch(() => undefined);
    throw new PleiadesError({code: "DKG_FILE_WRITE", file, reason: reasonOf(cause)}, {cause});
  }
}

/** @throws DKG_FILE_WRITE */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, {recursive: true, mode: 0o700});
  } catch (cause) {
    throw new PleiadesError({code: "DKG_FILE_WRITE", file: folder, reason: reasonOf(cause)}, {cause});
  }
}

/** Texts of the files with this name in the folders below. @throws DKG_FILE_READ */
export async function readEach(folder: string, name: string): Promise<string[]> {
  const below = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new PleiadesError({code: "DKG_FILE_READ", file: folder, reason: reasonOf(error)}, {cause: error});
  });
  const texts: string[] = [];
  for (const one of below.sort()) {
    const text = await readTextFile(join(folder, one, name)).catch((error: unknown) => {
      // Written before the crash that left the folder, or not at all: the ceremony settles again.
      if (error instanceof PleiadesError && error.data.reason === "ENOENT") return null;
      throw error;
    });
    if (text !== null) texts.push(text);
  }
  return texts;
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
