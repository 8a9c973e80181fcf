import {createInterface} from "node:readline/promises";

/** Whether a person at the terminal types "yes"; null when there is no terminal, so nobody to ask. */
export async function confirmOnTerminal(question: string, signal?: AbortSignal): Promise<boolean | null> {
  if (!process.stdin.isTTY) return null;
  const terminal = createInterface({input: process.stdin, output: process.stderr});
  try {
    const answer = await terminal.question(`${question} Type "yes" to go on: `, signal === undefined ? {} : {signal});
    return answer.trim().toLowerCase() === "yes";
  } catch {
    // Ctrl-C, or the end of the input.
    return false;
  } finally {
    terminal.close();
  }
}
