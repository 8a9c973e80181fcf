import {readdirSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {loadSecretKey} from "../../src/adapters/bls/blst.js";
import {interopSecrets} from "../../src/app/local/interop.js";
import {fromHex, parseRootHex, toHex} from "../../src/core/bytes.js";
import {sharedDir} from "./shared.js";

/** One request of a Lodestar 1.5.1 client, as it went over the wire. */
export interface Captured {
  readonly file: string;
  readonly url: string;
  readonly headers: {readonly [name: string]: string};
  readonly body: {readonly type: string; readonly signingRoot: string};
}

/** Of the chain on which they were captured. */
export const CAPTURED_ROOT = "0x270d43e74ce340de4bca2b1936beca0f4f5408d9e78aec4850920baf659d5b69";
export const CAPTURED_FEE_RECIPIENT = "0x1111111111111111111111111111111111111111";

/** Its specification as a consensus client writes it. */
export const CAPTURED_SPEC = `PRESET_BASE: minimal
CONFIG_NAME: captured
SECONDS_PER_SLOT: 2
GENESIS_FORK_VERSION: 0x00000001
ALTAIR_FORK_VERSION: 0x01000001
ALTAIR_FORK_EPOCH: 0
BELLATRIX_FORK_VERSION: 0x02000001
BELLATRIX_FORK_EPOCH: 1
CAPELLA_FORK_VERSION: 0x03000001
CAPELLA_FORK_EPOCH: 2
DENEB_FORK_VERSION: 0x04000001
DENEB_FORK_EPOCH: 18446744073709551615
`;

/** All captured requests, or null when they are not there. */
export function captured(): readonly Captured[] | null {
  const shared = sharedDir();
  if (shared === null) return null;
  const dir = join(shared, "samples", "lodestar-1.5.1");
  return readdirSync(dir)
    .filter((name) => name.endsWith(".json"))
    .map((file) => ({file, ...(JSON.parse(readFileSync(join(dir, file), "utf8")) as Omit<Captured, "file">)}));
}

/** What one machine with the whole key would have answered. */
export function signatureOfLocalKey({url, body}: Captured): string {
  const keys = interopSecrets({first: 0, last: 7}).map(loadSecretKey);
  const key = keys.find(({publicKey}) => url.endsWith(publicKey));
  if (key === undefined) throw new Error(`${url} names no interop key`);
  return toHex(key.sign(fromHex(parseRootHex(body.signingRoot))));
}

/** Status and body of the answer. */
export async function ask(base: string, {url, headers, body}: Captured): Promise<{status: number; text: string}> {
  const response = await fetch(base + url, {
    method: "POST",
    headers: {"content-type": headers["content-type"] ?? "application/json", accept: "*/*"},
    body: JSON.stringify(body),
  });
  return {status: response.status, text: await response.text()};
}
