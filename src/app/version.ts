import {readFileSync} from "node:fs";

/** The package's version; this file is three folders below its root once built (dist/src/app). */
export function packageVersion(): string {
  const raw: unknown = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
  return (raw as {version: string}).version;
}

/** What this software calls itself to its peers. */
export const softwareName = (): string => `pleiades/${packageVersion()}`;
