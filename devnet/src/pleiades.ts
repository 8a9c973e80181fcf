import {spawn} from "node:child_process";
import {join} from "node:path";
import {ProgramError, type Reaper} from "./processes.js";

/**
 * Runs one `pleiades` command as a person would and resolves with its standard output. Its other output goes to `onLine`.
 * @throws ProgramError with what it printed when it fails
 */
export function pleiades(
  {reaper, onLine}: {reaper: Reaper; onLine: (line: string) => void},
  args: readonly string[],
  {root, cwd = root, signal}: {root: string; cwd?: string; signal: AbortSignal},
): Promise<string> {
  const child = spawn(process.execPath, [join(root, "dist", "src", "main.js"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    signal,
    cwd,
  });
  if (child.pid !== undefined) reaper.watch(child.pid);
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      for (const line of errors.split("\n")) if (line !== "") onLine(line);
      if (code === 0) resolve(output);
      else reject(new ProgramError(`pleiades ${args[0]} ended with code ${code}:\n${errors}${output}`));
    });
  });
}
