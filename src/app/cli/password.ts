import {readFile} from "node:fs/promises";
import {PleiadesError} from "../../core/errors.js";
import {errnoOf} from "../config/load.js";

/** The first line of a password file. @throws CLI_PASSWORD_FILE */
export async function readPasswordFile(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new PleiadesError({code: "CLI_PASSWORD_FILE", file, reason: errnoOf(error)}, {cause: error});
  }
  const password = firstLine(text);
  if (password === "") throw new PleiadesError({code: "CLI_PASSWORD_FILE", file, reason: "empty"});
  return password;
}

/** Editors end a file with a newline that is not part of the password; spaces are. */
export const firstLine = (text: string): string => text.split(/\r?\n/, 1)[0] ?? "";

/**
 * Asks on the terminal without showing what is typed. @throws CLI_PASSWORD_NEEDED when there is no terminal.
 * Ctrl-C while asking ends the program with 130.
 */
export async function promptPassword(question: string): Promise<string> {
  const {stdin, stderr} = process;
  if (!stdin.isTTY) throw new PleiadesError({code: "CLI_PASSWORD_NEEDED", question});
  stderr.write(`${question}: `);
  stdin.setRawMode(true);
  stdin.resume();
  stdin.setEncoding("utf8");
  return new Promise((resolve) => {
    let typed = "";
    const finish = (): void => {
      stdin.off("data", onData);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write("\n");
    };
    const onData = (chunk: string): void => {
      for (const char of chunk) {
        if (char === "\u0003") {
          finish();
          process.exit(130);
        } else if (char === "\r" || char === "\n" || char === "\u0004") {
          finish();
          resolve(typed);
          return;
        } else if (char === "\u007f" || char === "\b") {
          typed = [...typed].slice(0, -1).join("");
        } else if (char >= " ") {
          typed += char;
        }
      }
    };
    stdin.on("data", onData);
  });
}
