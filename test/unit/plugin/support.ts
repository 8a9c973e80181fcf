import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join, resolve} from "node:path";
import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {parsePubkeyHex, parseRootHex} from "../../../src/core/bytes.js";
import type {SignRequest} from "../../../src/core/duty/sign-request.js";
import {PleiadesError, type ReasonCode} from "../../../src/core/errors.js";
import type {Contributions, Plugin, PublicConfig, VetoContext} from "../../../src/plugin/contract.js";
import {createPluginContainer, loadPlugins, type PluginEntry, type PluginHost} from "../../../src/plugin/host.js";

/** The checkout, from dist/test/unit/plugin. */
export const ROOT = resolve(import.meta.dirname, "../../../..");
export const FIXTURES = join(ROOT, "test/fixtures/plugins");

export const NODE: PublicConfig = {role: "operator", network: "test", preset: "mainnet"};

export interface Bench {
  readonly clock: ManualClock;
  readonly logger: MemoryLogger;
  load(
    entries: readonly PluginEntry[],
    more?: {builtins?: readonly Plugin[]; baseDir?: string; reservedCommands?: readonly string[]},
  ): Promise<PluginHost>;
  /** Loads plugins given as objects, each configured under its own name. */
  host(...plugins: Plugin[]): Promise<PluginHost>;
}

export function bench(): Bench {
  const clock = new ManualClock(1_700_000_000_000);
  const logger = new MemoryLogger();
  const load: Bench["load"] = (entries, {builtins = [], baseDir = FIXTURES, ...rest} = {}) => {
    const container = createPluginContainer({logger, clock, node: NODE});
    return loadPlugins(entries, {container, logger, baseDir, builtins, ...rest});
  };
  return {
    clock,
    logger,
    load,
    host: (...plugins) =>
      load(
        plugins.map(({name}) => ({name})),
        {builtins: plugins},
      ),
  };
}

/** A schema that takes anything. */
export const ANY = {safeParse: (data: unknown) => ({success: true, data}) as const};

/** A plugin in memory. */
export function plugin(name: string, contributions: Contributions = {}, rest: Partial<Plugin> = {}): Plugin {
  return {name, apiVersion: 1, configSchema: ANY, register: () => contributions, ...rest};
}

/** What the action rejects with; fails when it does not, or when the code is another. */
export async function rejection(code: ReasonCode, action: () => unknown): Promise<PleiadesError> {
  try {
    await action();
  } catch (error) {
    expect(error).to.be.instanceOf(PleiadesError);
    expect((error as PleiadesError).code).to.equal(code);
    return error as PleiadesError;
  }
  throw new Error(`expected ${code}, but nothing was thrown`);
}

/** Turns of the event loop, so that settled promises are seen by whoever awaits them. */
export async function turns(count = 10): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((done) => setImmediate(done));
}

export async function inTempDir<T>(run: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "pleiades-plugin-"));
  try {
    return await run(dir);
  } finally {
    rmSync(dir, {recursive: true, force: true});
  }
}

/** Writes a module into `dir` and gives its relative path. */
export function writeModule(dir: string, file: string, source: string): string {
  writeFileSync(join(dir, file), source);
  return `./${file}`;
}

export const KEY = parsePubkeyHex(`0x${"ab".repeat(48)}`);

export function attestationContext(): VetoContext {
  const root = new Uint8Array(32).fill(7);
  const request: SignRequest = {
    type: "ATTESTATION",
    message: {
      slot: 64n,
      index: 0n,
      beaconBlockRoot: root,
      source: {epoch: 1n, root},
      target: {epoch: 2n, root},
    },
    forkInfo: null,
    version: null,
  };
  return {key: KEY, type: "ATTESTATION", request};
}

export const ROOT_HEX = parseRootHex(`0x${"07".repeat(32)}`);
