import {closeSync, constants, fstatSync, openSync, readFileSync} from "node:fs";

/** Keys, tokens and passwords are short; anything larger is the wrong file. */
const MAX_SECRET_BYTES = 64 * 1024;

export interface SecretFile {
  readonly file: string;
  /**
   * It is a credential the service manager put into a folder of its own: there the group bits may be set, for an access
   * list that names the service's user alone shows up in them.
   * @see systemd.exec(5), "CREDENTIALS"
   */
  readonly credential?: boolean;
}

/** The content, or in a few words why it may not be used; the caller has the code for it. */
export type SecretContent = {readonly text: string} | {readonly reason: string};

/**
 * Reads a file that holds a secret; one that others than its owner may read is refused. The open file is asked for its
 * mode, not the path, so that it cannot be another one by then.
 */
export function readSecretFile({file, credential = false}: SecretFile): SecretContent {
  let descriptor: number;
  try {
    // O_NONBLOCK: a pipe in place of the file must not stop the start.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return {reason: errnoOf(error)};
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return {reason: "not a file"};
    const forbidden = credential ? 0o037 : 0o077;
    if (process.platform !== "win32" && (stats.mode & forbidden) !== 0) {
      return {reason: `mode is ${(stats.mode & 0o777).toString(8)}, not 600`};
    }
    if (stats.size > MAX_SECRET_BYTES) return {reason: `larger than ${MAX_SECRET_BYTES} bytes`};
    return {text: readFileSync(descriptor, "utf8")};
  } catch (error) {
    return {reason: errnoOf(error)};
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The first line, or why there is none. Editors end a file with a newline that is not part of the secret; spaces are.
 */
export function readSecretLine(secret: SecretFile): SecretContent {
  const content = readSecretFile(secret);
  if ("reason" in content) return content;
  const line = content.text.split(/\r?\n/, 1)[0] ?? "";
  return line === "" ? {reason: "empty"} : {text: line};
}

const errnoOf = (error: unknown): string => (error as NodeJS.ErrnoException | null)?.code ?? "unreadable";
