import type {SecretFile} from "../adapters/secret-file/read.js";
import {type Network, type networkToJson, parseNetwork} from "../core/duty/network.js";
import {type PolicyConfig, parsePolicyConfig} from "../core/duty/policy.js";
import {strictObject} from "../core/duty/strict-object.js";
import {PleiadesError} from "../core/errors.js";

/** What a keeper is started with, once; plain JSON, so that it can cross the process boundary. */
export interface KeeperInit {
  /** Folder of the keeper's store; created when missing. */
  readonly dataDir: string;
  /** Opens bundles and store. A file keeps the password out of the operator process altogether. */
  readonly password: SecretFile | {readonly value: string};
  /** From networkToJson. */
  readonly network: ReturnType<typeof networkToJson>;
  /** From policyToJson. */
  readonly policy: unknown;
  readonly committeeFiles: readonly string[];
  /** Share bundles to add; those added before are skipped. */
  readonly bundleFiles: readonly string[];
  /** Worker threads for signing; 0 signs in the keeper's main thread. */
  readonly signingThreads: number;
  /** Only `pleiades local`: new shares start with empty records, without a bound in time. */
  readonly startEmpty: boolean;
  /** Log each decision, at level debug. */
  readonly logDecisions: boolean;
}

export type ParsedKeeperInit = Omit<KeeperInit, "network" | "policy"> & {
  readonly network: Network;
  readonly policy: PolicyConfig;
};

const KEYS = [
  "dataDir",
  "password",
  "network",
  "policy",
  "committeeFiles",
  "bundleFiles",
  "signingThreads",
  "startEmpty",
  "logDecisions",
] as const;

/** More would only fight over the processors of one machine. */
const MAX_SIGNING_THREADS = 64;

/** @throws KEEPER_BAD_INIT and the codes of parseNetwork and parsePolicyConfig */
export function parseKeeperInit(raw: unknown): ParsedKeeperInit {
  const json = strictObject(raw, KEYS, "init", "KEEPER_BAD_INIT");
  const {dataDir, signingThreads, startEmpty, logDecisions} = json;
  if (typeof dataDir !== "string" || dataDir === "") throw bad("dataDir");
  if (typeof startEmpty !== "boolean") throw bad("startEmpty");
  if (typeof logDecisions !== "boolean") throw bad("logDecisions");
  if (
    typeof signingThreads !== "number" ||
    !Number.isInteger(signingThreads) ||
    signingThreads < 0 ||
    signingThreads > MAX_SIGNING_THREADS
  ) {
    throw bad("signingThreads");
  }
  return {
    dataDir,
    password: parsePassword(json.password),
    network: parseNetwork(json.network),
    policy: parsePolicyConfig(json.policy),
    committeeFiles: paths(json.committeeFiles, "committeeFiles"),
    bundleFiles: paths(json.bundleFiles, "bundleFiles"),
    signingThreads,
    startEmpty,
    logDecisions,
  };
}

function parsePassword(raw: unknown): KeeperInit["password"] {
  const optional = ["file", "credential", "value"] as const;
  const {file, credential = false, value} = strictObject(raw, [], "init.password", "KEEPER_BAD_INIT", optional);
  if (typeof credential !== "boolean") throw bad("password");
  if (typeof file === "string" && value === undefined) return {file, credential};
  if (typeof value === "string" && file === undefined && !credential) return {value};
  throw bad("password");
}

function paths(raw: unknown, field: string): readonly string[] {
  // A copy, so that a hole counts as what it is: undefined.
  const list: unknown[] = Array.isArray(raw) ? Array.from(raw) : [undefined];
  if (!list.every((path) => typeof path === "string")) throw bad(field);
  return list;
}

const bad = (field: string): PleiadesError => new PleiadesError({code: "KEEPER_BAD_INIT", field: `init.${field}`});
