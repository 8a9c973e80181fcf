import {statfs} from "node:fs/promises";
import type {ReasonCode} from "../core/errors.js";
import {REASONS} from "../core/reasons/index.js";
import type {Clock} from "../ports/clock.js";
import type {LogFields, Logger} from "../ports/logger.js";
import type {Observer} from "../ports/observer.js";

const INTERVAL_MS = 30_000;
const MIB = 2 ** 20;
/** The store itself never grows beyond 1 GiB; other writers of the disk (logs, a beacon node) do. */
const LOW_BYTES = 1024 * MIB;
/** Of a disk so small that 1 GiB is much of it. */
const LOW_SHARE = 0.05;
const SMALL_DISK_BYTES = 20 * LOW_BYTES;
/** Minutes from a failed commit, after which nothing is signed until somebody restarts the operator. */
const CRITICAL_BYTES = 100 * MIB;

export interface DiskSpace {
  /** What this user may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}
export type DiskCode = Extract<ReasonCode, "SLASHING_DISK_LOW" | "SLASHING_DISK_CRITICAL">;

/** Null while there is enough. */
export function judgeDisk({freeBytes, totalBytes}: DiskSpace): DiskCode | null {
  if (freeBytes < CRITICAL_BYTES) return "SLASHING_DISK_CRITICAL";
  const low = totalBytes < SMALL_DISK_BYTES ? totalBytes * LOW_SHARE : LOW_BYTES;
  return freeBytes < low ? "SLASHING_DISK_LOW" : null;
}

export async function diskSpace(folder: string): Promise<DiskSpace> {
  const {bavail, blocks, bsize} = await statfs(folder);
  return {freeBytes: bavail * bsize, totalBytes: blocks * bsize};
}

interface DiskWatchModules {
  readonly clock: Pick<Clock, "after">;
  readonly logger: Logger;
  readonly observer: Observer;
  /** Default: what the system says. */
  readonly space?: (folder: string) => Promise<DiskSpace>;
}

/** Looks at the disk below a folder now and then; says once per change that it fills up. Returns its end. */
export function watchDisk(modules: DiskWatchModules, {folder}: {folder: string}): () => Promise<void> {
  const {clock, logger, observer, space = diskSpace} = modules;
  let last: DiskCode | null = null;
  let ended = false;
  let cancel = (): void => {};
  const look = async (): Promise<void> => {
    try {
      const found = await space(folder);
      const code = judgeDisk(found);
      if (ended) return;
      observer({kind: "disk-sampled", ...found});
      if (code !== last) tell(logger, code, {folder, ...found});
      last = code;
    } catch (error) {
      logger.debug("cannot see how full the disk is", {folder, reason: String(error)});
    }
    if (!ended) cancel = clock.after(INTERVAL_MS, () => void look());
  };
  void look();
  return async () => {
    ended = true;
    cancel();
  };
}

function tell(logger: Logger, code: DiskCode | null, fields: LogFields): void {
  if (code === null) {
    logger.info("there is enough free space again", fields);
    return;
  }
  const {meaning, action} = REASONS[code];
  logger[code === "SLASHING_DISK_LOW" ? "warn" : "error"](meaning, {code, ...fields, action});
}
