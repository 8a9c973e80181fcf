import {readFile, writeFile} from "node:fs/promises";
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

const reasonOf = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
