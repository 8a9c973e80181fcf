import {readSecretLine} from "../../adapters/secret-file/read.js";
import {PleiadesError} from "../../core/errors.js";
import {secretFile, secretPath} from "../credentials.js";

/**
 * The first line of a password file; `credential:name` is one the service manager hands over.
 * @throws CLI_PASSWORD_FILE · CONFIG_CREDENTIAL
 */
export function readPasswordFile(raw: string): string {
  const file = secretPath(raw, ".");
  const content = readSecretLine(secretFile(file));
  if ("reason" in content) throw new PleiadesError({code: "CLI_PASSWORD_FILE", file, reason: content.reason});
  return content.text;
}

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
