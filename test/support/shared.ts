import {existsSync} from "node:fs";
import {join, resolve} from "node:path";

/** The folder with outside data (vectors, captured requests) beside the checkout, or null when it is absent. */
export function sharedDir(): string | null {
  const dir = process.env.PLEIADES_SHARED ?? resolve(import.meta.dirname, "../../..", "../shared");
  return existsSync(join(dir, "vectors")) ? dir : null;
}
