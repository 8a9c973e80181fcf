import {readFileSync, statSync} from "node:fs";
import {PleiadesError} from "../core/errors.js";
import type {KeeperInit} from "./init.js";

/**
 * The password itself. A file may end with one newline; a file that others may read is refused.
 * @throws KEEPER_PASSWORD
 */
export function readPassword(password: KeeperInit["password"]): string {
  if ("value" in password) return nonEmpty(password.value, "prompt");
  const {file} = password;
  let text: string;
  try {
    const {mode} = statSync(file);
    if ((mode & 0o077) !== 0) {
      throw new PleiadesError({
        code: "KEEPER_PASSWORD",
        file,
        reason: `mode is ${(mode & 0o777).toString(8)}, not 600`,
      });
    }
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof PleiadesError) throw error;
    const reason = (error as NodeJS.ErrnoException).code ?? "unreadable";
    throw new PleiadesError({code: "KEEPER_PASSWORD", file, reason}, {cause: error});
  }
  return nonEmpty(text.replace(/\r?\n$/, ""), file);
}

function nonEmpty(text: string, file: string): string {
  if (text === "") throw new PleiadesError({code: "KEEPER_PASSWORD", file, reason: "empty"});
  return text;
}
