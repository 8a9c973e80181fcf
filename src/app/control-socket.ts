import {chmod, lstat, mkdir, rm} from "node:fs/promises";
import {connect} from "node:net";
import {join, relative} from "node:path";
import {PleiadesError} from "../core/errors.js";
import type {Clock} from "../ports/clock.js";
import type {ControlRoute} from "../ports/http-route.js";
import type {Logger} from "../ports/logger.js";
import type {HttpServer} from "../remote-signer/http-server.js";
import {errnoOf} from "./config/load.js";

/** Where the operator with this data folder takes its owner's commands. */
export const controlSocket = (dataDir: string): string => join(dataDir, "control", "socket");

/** sockaddr_un: 108 bytes on Linux, 104 elsewhere, with a zero at the end. A longer path would be cut without a word. */
const MAX_PATH_BYTES = process.platform === "linux" ? 107 : 103;
/** A socket that nobody holds refuses at once. */
const PROBE_MS = 1_000;

/** The path as the system takes it: the shorter of absolute and relative. @throws CONTROL_PATH */
export function shortEnough(path: string, from = process.cwd()): string {
  const [best = path] = [path, relative(from, path)].sort((a, b) => Buffer.byteLength(a) - Buffer.byteLength(b));
  const bytes = Buffer.byteLength(best);
  if (bytes > MAX_PATH_BYTES) throw new PleiadesError({code: "CONTROL_PATH", path, bytes, most: MAX_PATH_BYTES});
  return best;
}

/**
 * The control server of an operator; null when no plugin has control routes, and then there is no socket. Call it once the
 * keeper holds the data folder. A socket that a killed operator left is removed.
 * @throws CONTROL_PATH · CONTROL_SOCKET · CONTROL_IN_USE
 */
export async function serveControl(
  modules: {clock: Clock; logger: Logger; routes: readonly ControlRoute[]},
  {dataDir}: {dataDir: string},
): Promise<HttpServer | null> {
  if (modules.routes.length === 0) return null;
  const socket = controlSocket(dataDir);
  const path = shortEnough(socket);
  try {
    const folder = join(dataDir, "control");
    await mkdir(folder, {recursive: true, mode: 0o700});
    // Before the socket is there: between its making and its own mode the folder is what keeps others out.
    await chmod(folder, 0o700);
    await removeStale(socket, path);
  } catch (error) {
    if (error instanceof PleiadesError) throw error;
    throw new PleiadesError({code: "CONTROL_SOCKET", path: socket, reason: errnoOf(error)}, {cause: error});
  }
  const {createControlServer} = await import("../remote-signer/control-server.js");
  const server = await createControlServer(modules, {path});
  modules.logger.info("control socket open", {path: socket});
  return server;
}

async function removeStale(socket: string, path: string): Promise<void> {
  const stats = await lstat(socket).catch(() => null);
  if (stats === null) return;
  if (!stats.isSocket()) throw new PleiadesError({code: "CONTROL_SOCKET", path: socket, reason: "not a socket"});
  if (await answers(path)) throw new PleiadesError({code: "CONTROL_IN_USE", path: socket});
  await rm(socket, {force: true});
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({path, timeout: PROBE_MS});
    const settle = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    // One that is there and too busy to say so is there.
    socket.once("connect", () => settle(true)).once("timeout", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
