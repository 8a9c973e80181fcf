import {randomBytes} from "node:crypto";
import {readFile, rm, writeFile} from "node:fs/promises";
import {connect, createServer} from "node:net";
import {join} from "node:path";
import {PleiadesError} from "../../core/errors.js";
import {errnoOf} from "../config/load.js";
import {LOCK} from "./state.js";

const ANSWER_BOUND_MS = 1000;

/**
 * Takes the data folder for this process; the returned function gives it back. A loopback socket that answers with the
 * token in the lock file shows that the holder lives: a process id would be taken by another program after a crash.
 * @throws CLI_LOCAL_IN_USE
 */
export async function lockDataDir(dataDir: string): Promise<() => Promise<void>> {
  const file = join(dataDir, LOCK);
  const token = randomBytes(16).toString("hex");
  const server = createServer((socket) => socket.on("error", () => socket.destroy()).end(token));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  // The lock alone must not keep the process alive.
  server.unref();
  const address = server.address();
  const content = JSON.stringify({
    pid: process.pid,
    port: typeof address === "object" && address !== null ? address.port : 0,
    token,
  });
  try {
    await write(file, content, dataDir);
  } catch (error) {
    server.close();
    throw error;
  }
  return async () => {
    await rm(file, {force: true});
    server.close();
  };
}

async function write(file: string, content: string, dataDir: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await writeFile(file, content, {flag: "wx", mode: 0o600});
    } catch (error) {
      if (errnoOf(error) !== "EEXIST" || attempt > 0) {
        throw new PleiadesError({code: "CLI_FILE", file, reason: errnoOf(error)}, {cause: error});
      }
      const holder = await liveHolder(file);
      if (holder !== null) throw new PleiadesError({code: "CLI_LOCAL_IN_USE", dataDir, pid: holder});
      await rm(file, {force: true});
    }
  }
}

/** The process id in the lock file if its process answers, else null. */
async function liveHolder(file: string): Promise<number | null> {
  let held: {pid: number; port: number; token: string};
  try {
    held = JSON.parse(await readFile(file, "utf8"));
  } catch {
    return null;
  }
  const answer = await new Promise<string>((resolve) => {
    let text = "";
    const socket = connect({port: held.port, host: "127.0.0.1"});
    const finish = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.setEncoding("utf8").setTimeout(ANSWER_BOUND_MS, finish);
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", finish).on("end", finish);
  });
  // An empty token, which nobody writes, must not be matched by silence.
  return answer !== "" && answer === held.token ? held.pid : null;
}
