/**
 * Lodestar's validator client as it is found on this machine. It is no dependency: its packages are of another time than
 * those the signer uses, and both live in one process because each finds its own.
 */
import {readFile, realpath} from "node:fs/promises";
import {dirname, join, resolve} from "node:path";
import {pathToFileURL} from "node:url";
import {PleiadesError} from "../../core/errors.js";
import type {ClientDb, ClientModules} from "./client-api.js";

/** The version whose interface this command speaks, and that it is proven with on a live chain. */
export const CLIENT_VERSION = "1.5.1";
const NAME = "@lodestar/validator";
/** Its siblings, which a plain install mixes up with newer ones. */
const SIBLINGS = ["api", "config", "db", "params", "state-transition", "types", "utils"];

/**
 * Finds and loads the client below `from`, else beside Pleiades itself. The preset of the process has to be set before.
 * @throws VALIDATOR_CLIENT_MISSING · VALIDATOR_CLIENT_VERSION · NETWORK_PRESET
 */
export async function loadClient(from: string | undefined, preset: string): Promise<ClientModules> {
  const start = from === undefined ? import.meta.dirname : resolve(from);
  const root = await packageRoot(NAME, start);
  if (root === null)
    throw new PleiadesError({code: "VALIDATOR_CLIENT_MISSING", lookedIn: start, install: installLines()});
  for (const name of [NAME, ...["config", "db", "params"].map((sibling) => `@lodestar/${sibling}`)]) {
    await requireVersion(name, root);
  }
  const load = async <T>(name: string): Promise<T> =>
    (await import(pathToFileURL(join((await packageRoot(name, root))!, "lib", "index.js")).href)) as T;
  const {ACTIVE_PRESET} = await load<{ACTIVE_PRESET: string}>("@lodestar/params");
  if (ACTIVE_PRESET !== preset) throw new PleiadesError({code: "NETWORK_PRESET", preset, active: ACTIVE_PRESET});
  return {
    version: CLIENT_VERSION,
    ...(await load<Pick<ClientModules, "Validator" | "SlashingProtection" | "SignerType">>(NAME)),
    ...(await load<Pick<ClientModules, "createIChainForkConfig" | "chainConfigFromJson">>("@lodestar/config")),
    LevelDbController: (await load<{LevelDbController: ClientDb}>("@lodestar/db")).LevelDbController,
  };
}

/** A sibling of another version than the client's would fail in the middle of a duty. */
async function requireVersion(name: string, base: string): Promise<void> {
  const root = await packageRoot(name, base);
  const found = root === null ? "none" : await versionOf(root);
  if (found === CLIENT_VERSION) return;
  throw new PleiadesError({
    code: "VALIDATOR_CLIENT_VERSION",
    package: name,
    found,
    needed: CLIENT_VERSION,
    install: installLines(),
  });
}

/** The nearest folder of a package, looked for as Node does, from a folder upwards; null when there is none. */
async function packageRoot(name: string, base: string): Promise<string | null> {
  for (let dir = base; ; dir = dirname(dir)) {
    const root = join(dir, "node_modules", name);
    const real = await realpath(root).catch(() => null);
    if (real !== null) return real;
    if (dirname(dir) === dir) return null;
  }
}

async function versionOf(root: string): Promise<string> {
  try {
    const {version} = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {version: unknown};
    return String(version);
  } catch {
    return "unreadable";
  }
}

/**
 * What to type. The overrides are nested and stand in a package of their own, because npm heeds them only in the root
 * package; without them a plain install dies without a word over a newer sibling.
 */
export function installLines(): readonly string[] {
  const siblings = Object.fromEntries(SIBLINGS.map((name) => [`@lodestar/${name}`, CLIENT_VERSION]));
  const description = {private: true, dependencies: {[NAME]: CLIENT_VERSION}, overrides: {[NAME]: siblings}};
  return [
    "mkdir lodestar-client",
    `echo '${JSON.stringify(description)}' > lodestar-client/package.json`,
    "npm install --ignore-scripts --prefix lodestar-client",
    "pleiades validator --validator-from lodestar-client …",
  ];
}
