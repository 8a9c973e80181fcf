import {readSecretFile} from "../adapters/secret-file/read.js";
import {PleiadesError} from "../core/errors.js";
import type {KeeperInit} from "./init.js";

/**
 * The password itself. A file may end with one newline; a file that others may read is refused.
 * @throws KEEPER_PASSWORD
 */
export function readPassword(password: KeeperInit["password"]): string {
  if ("value" in password) return nonEmpty(password.value, "prompt");
  const content = readSecretFile(password);
  if ("reason" in content) {
    throw new PleiadesError({code: "KEEPER_PASSWORD", file: password.file, reason: content.reason});
  }
  return nonEmpty(content.text.replace(/\r?\n$/, ""), password.file);
}

function nonEmpty(text: string, file: string): string {
  if (text === "") throw new PleiadesError({code: "KEEPER_PASSWORD", file, reason: "empty"});
  return text;
}
