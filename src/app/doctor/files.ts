import {stat, statfs} from "node:fs/promises";
import {PleiadesError} from "../../core/errors.js";
import {errnoOf} from "../config/load.js";
import {type Finding, fail, ok, warn} from "./finding.js";

/** Months of records; a store grows by less than a megabyte a year, logs and other programs do not. */
const LOW_BYTES = 2 ** 30;
/** Where a commit may soon fail and the keeper stop. */
const CRITICAL_BYTES = 100 * 2 ** 20;
const OTHERS = 0o077;
const WRITABLE_BY_OTHERS = 0o022;

const modeText = (mode: number): string => `mode ${(mode & 0o777).toString(8).padStart(4, "0")}`;

/** A file that nobody but its owner may read. Only its attributes are looked at. */
export async function secretFile(check: string, file: string): Promise<Finding> {
  const {mode} = await attributes(file);
  if (process.platform !== "win32" && (mode & OTHERS) !== 0) {
    return fail(check, `${file}: ${modeText(mode)}, others may read it`, `chmod 600 ${file}`);
  }
  return ok(check, `${file}: ${modeText(mode)}`);
}

/** A file that others may read but must not change. */
export async function ownFile(check: string, file: string): Promise<Finding> {
  const {mode} = await attributes(file);
  if (process.platform !== "win32" && (mode & WRITABLE_BY_OTHERS) !== 0) {
    return warn(check, `${file}: ${modeText(mode)}, others may change it`, `chmod go-w ${file}`);
  }
  return ok(check, `${file}: ${modeText(mode)}`);
}

/** The folder of durable data: private, and on a disk with room. */
export async function dataFolder(dir: string): Promise<Finding[]> {
  const check = "data folder";
  const found = await stat(dir).catch(() => null);
  if (found === null) return [ok(check, `${dir}: not there yet; the first start makes it`)];
  const access =
    process.platform !== "win32" && (found.mode & WRITABLE_BY_OTHERS) !== 0
      ? fail(check, `${dir}: ${modeText(found.mode)}, others may replace what is in it`, `chmod go-w ${dir}`)
      : ok(check, `${dir}: ${modeText(found.mode)}`);
  return [access, await diskSpace(dir)];
}

async function diskSpace(dir: string): Promise<Finding> {
  const {bavail, bsize} = await statfs(dir);
  const free = bavail * bsize;
  const detail = `${(free / 2 ** 30).toFixed(1)} GiB free`;
  const action = "Make room: when a record cannot be made durable the keeper stops signing.";
  if (free < CRITICAL_BYTES) return fail("disk space", detail, action);
  return free < LOW_BYTES ? warn("disk space", detail, action) : ok("disk space", detail);
}

async function attributes(file: string): Promise<{mode: number}> {
  try {
    const found = await stat(file);
    if (!found.isFile()) throw new PleiadesError({code: "CLI_FILE", file, reason: "not a file"});
    return found;
  } catch (error) {
    if (error instanceof PleiadesError) throw error;
    throw new PleiadesError({code: "CLI_FILE", file, reason: errnoOf(error)}, {cause: error});
  }
}
