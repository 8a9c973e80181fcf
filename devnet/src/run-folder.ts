import {execFileSync} from "node:child_process";
import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {join, resolve} from "node:path";
import {UsageError} from "./faults.js";

/** In every folder that a run may empty; holds the process id of the run. */
const MARK = ".pleiades-devnet";

export interface RunFolder {
  readonly path: string;
  /** Removes a folder that nobody named. */
  discard(): void;
}

/**
 * An empty folder for one run. Without a name: one of its own below `.pleiades/devnet`, so that runs do not meet; those of
 * runs that were killed are removed. With a name: that folder, emptied if a run of the devnet made it.
 * @throws UsageError when the named folder has somebody else's files or a run that is not over
 */
export function openRunFolder({root, dataDir}: {root: string; dataDir: string | null}): RunFolder {
  if (dataDir !== null) {
    const path = resolve(dataDir);
    refuseOthers(path, dataDir);
    return {path: fresh(path), discard() {}};
  }
  const all = join(root, ".pleiades", "devnet");
  mkdirSync(all, {recursive: true});
  for (const name of readdirSync(all)) {
    if (name.startsWith("run-") && !isRunning(join(all, name))) rmSync(join(all, name), {recursive: true, force: true});
  }
  const path = fresh(join(all, `run-${process.pid}`));
  return {path, discard: () => rmSync(path, {recursive: true, force: true})};
}

function refuseOthers(path: string, given: string): void {
  if (!existsSync(path)) return;
  if (readdirSync(path).length > 0 && !existsSync(join(path, MARK))) {
    throw new UsageError(`--data-dir ${given}: the folder has files that no devnet made; name an empty or new one`);
  }
  if (isRunning(path)) throw new UsageError(`--data-dir ${given}: another devnet is using it`);
}

function fresh(path: string): string {
  rmSync(path, {recursive: true, force: true});
  mkdirSync(path, {recursive: true});
  writeFileSync(join(path, MARK), `${process.pid}\n`);
  return path;
}

function isRunning(path: string): boolean {
  const mark = join(path, MARK);
  const pid = existsSync(mark) ? Number.parseInt(readFileSync(mark, "utf8"), 10) : 0;
  if (!(pid > 0) || pid === process.pid) return false;
  try {
    // Not by a signal of 0: that also finds processes that have ended and wait to be collected, and reused ids.
    const [state = "", ...command] = execFileSync("ps", ["-o", "stat=,args=", "-p", String(pid)], {encoding: "utf8"})
      .trim()
      .split(/\s+/);
    return !state.startsWith("Z") && command.some((part) => /(?:start|e2e-deposit)\.mjs$/.test(part));
  } catch {
    return false; // ps finds no such process
  }
}
