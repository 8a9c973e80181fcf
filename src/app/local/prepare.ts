import {randomBytes} from "node:crypto";
import {mkdir, rename, rm} from "node:fs/promises";
import {join, resolve} from "node:path";
import {isDeepStrictEqual} from "node:util";
import {blstGroup} from "../../adapters/bls/blst.js";
import {systemClock} from "../../adapters/clock/system.js";
import {type AddressHex, type PeerIdText, type PubkeyHex, parseOperatorId} from "../../core/bytes.js";
import type {CommitteeOperator} from "../../core/committee/committee.js";
import {parseCommitteeFile} from "../../core/committee/committee-file.js";
import {type Network, networkToJson} from "../../core/duty/network.js";
import {PleiadesError} from "../../core/errors.js";
import {readText, syncDirectory, writeNew} from "../files.js";
import {newPeerId} from "../node-key.js";
import {chooseThreshold} from "../split/choose-threshold.js";
import type {ValidatorKey} from "../split/decrypt.js";
import {type BundleRecords, splitKeys} from "../split/split-keys.js";
import {noNetwork} from "./no-network.js";
import {type LocalPlan, notesFor, operatorDir, type PlannedOperator, type PlannedSigner, signerDir} from "./plan.js";
import {freePorts} from "./ports.js";
import {type LocalState, PREPARING, readState, treeOf, writeState} from "./state.js";

/** What a person may say; what is left out is what the folder has, or the default. */
export interface LocalOptions {
  readonly dataDir: string;
  readonly operators?: number | undefined;
  readonly threshold?: number | undefined;
  readonly unsafeThreshold?: boolean | undefined;
  /** Default 1. */
  readonly signers?: number | undefined;
  /** Default: mainnet's preset and nothing pinned. */
  readonly network?: Network | undefined;
  readonly keys?: LocalKeys | undefined;
  readonly feeRecipient?: AddressHex | undefined;
}

export interface LocalKeys {
  /** Remembered, to tell a folder prepared from other keys: "interop 0..7", "keystores". */
  readonly label: string;
  /** Called only when the folder is new. The secrets are filled with zeros after the split. */
  load(): Promise<{readonly keys: readonly ValidatorKey[]; readonly records: BundleRecords}>;
}

/**
 * Makes the data folder of a local committee: committee file, and for every operator a node key, a password and a share
 * bundle. A folder that is there is reused, and options that contradict it are refused; only ports may be chosen anew.
 * Nothing is left half made: the tree appears under its name when it is complete.
 * @throws CLI_LOCAL_DIR · CLI_LOCAL_DIFFERS · CLI_THRESHOLD · CLI_USAGE (no keys for a new folder)
 */
export async function prepareLocal(options: LocalOptions): Promise<LocalPlan> {
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, {recursive: true});
  const existing = await readState(dataDir);
  if (existing !== null) refuseDifferences(dataDir, existing, options);
  const state = existing === null ? await create(dataDir, options) : await withFreePorts(dataDir, existing);
  return planOf(dataDir, state, {feeRecipient: options.feeRecipient ?? null, reused: existing !== null});
}

function refuseDifferences(dataDir: string, state: LocalState, options: LocalOptions): void {
  const differ = (option: string, there: unknown, given: unknown): never => {
    throw new PleiadesError({code: "CLI_LOCAL_DIFFERS", dataDir, option, there, given});
  };
  const {operators, threshold, signers, keys, network} = options;
  if (operators !== undefined && operators !== state.n) differ("operators", state.n, operators);
  if (threshold !== undefined && threshold !== state.threshold) differ("threshold", state.threshold, threshold);
  if (signers !== undefined && signers !== state.signers) differ("signers", state.signers, signers);
  if (keys !== undefined && keys.label !== state.keys) differ("keys", state.keys, keys.label);
  if (network !== undefined && !isDeepStrictEqual(networkToJson(network), networkToJson(state.network))) {
    differ("network", JSON.stringify(networkToJson(state.network)), JSON.stringify(networkToJson(network)));
  }
}

async function withFreePorts(dataDir: string, state: LocalState): Promise<LocalState> {
  const ports = await freePorts(state.ports);
  if (isDeepStrictEqual(ports, state.ports)) return state;
  const moved = {...state, ports};
  await writeState(treeOf(dataDir), moved);
  return moved;
}

async function create(dataDir: string, options: LocalOptions): Promise<LocalState> {
  const {keys: source, network = noNetwork("mainnet"), signers = 1} = options;
  if (source === undefined) {
    throw new PleiadesError({code: "CLI_USAGE", reason: "a new data folder needs --interop or --keystores"});
  }
  const {n, t} = chooseThreshold({n: options.operators ?? 4, t: options.threshold, unsafe: options.unsafeThreshold});
  const tree = join(dataDir, PREPARING);
  await rm(tree, {recursive: true, force: true});
  const signerDirs = Array.from({length: signers}, (_, rank) => signerDir(tree, rank));
  for (const dir of signerDirs) await mkdir(dir, {recursive: true});
  const ports = await freePorts(new Array<number>(n).fill(0));
  const operators: CommitteeOperator[] = [];
  for (const [i, port] of ports.entries()) {
    const id = parseOperatorId(i + 1);
    const dir = operatorDir(tree, id);
    await mkdir(dir, {recursive: true});
    const peerId = await newPeerId(join(dir, "node.key"));
    operators.push({id, peerId, addresses: [loopback(port)]});
  }
  const coordinators: PeerIdText[] = [];
  for (const dir of signerDirs) coordinators.push(await newPeerId(join(dir, "node.key")));
  const {keys, records} = await source.load();
  const groupPublicKeys: readonly PubkeyHex[] = keys.map((key) => key.publicKey);
  const passwords = operators.map(() => randomBytes(24).toString("base64url"));
  const {committeeFile, bundles} = await splitKeys({
    keys,
    members: {operators, coordinators},
    threshold: t,
    unsafeThreshold: options.unsafeThreshold ?? false,
    genesisValidatorsRoot: network.genesisValidatorsRoot,
    records,
    createdAt: systemClock.now(),
    passwords,
  });
  await writeNew(join(tree, "committee.json"), committeeFile, 0o644);
  for (const [i, {id}] of operators.entries()) {
    const dir = operatorDir(tree, id);
    await writeNew(join(dir, `operator-${id}.bundle.json`), bundles[i] ?? "", 0o600);
    await writeNew(join(dir, `operator-${id}.password`), `${passwords[i]}\n`, 0o600);
  }
  const state: LocalState = {
    n,
    threshold: t,
    network,
    keys: source.label,
    groupPublicKeys,
    // Everybody's test keys start empty however old the folder is; a person's own keys only when no clock can tell.
    startEmpty: records === "never-signed" && (isInterop(source.label) || network.clock === null),
    ports,
    signers,
  };
  await writeState(tree, state);
  await rename(tree, treeOf(dataDir));
  await syncDirectory(dataDir);
  return state;
}

const loopback = (port: number): string => `/ip4/127.0.0.1/tcp/${port}`;

async function planOf(
  dataDir: string,
  state: LocalState,
  {feeRecipient, reused}: {feeRecipient: AddressHex | null; reused: boolean},
): Promise<LocalPlan> {
  const tree = treeOf(dataDir);
  const committeeFile = join(tree, "committee.json");
  const {operators} = parseCommitteeFile(await readText(committeeFile), blstGroup);
  return {
    dataDir,
    n: state.n,
    threshold: state.threshold,
    network: state.network,
    groupPublicKeys: state.groupPublicKeys,
    operators: operators.map(({id, peerId}): PlannedOperator => {
      const dir = operatorDir(tree, id);
      return {
        id,
        peerId,
        address: loopback(state.ports[id - 1] ?? 0),
        configFile: join(dir, "lodestar.config.yaml"),
        logFile: join(dir, "operator.log"),
      };
    }),
    signers: Array.from({length: state.signers}, (_, rank): PlannedSigner => {
      const dir = signerDir(tree, rank);
      return {
        name: state.signers === 1 ? "the signer" : `signer ${rank + 1}`,
        configFile: join(dir, "lodestar.config.yaml"),
        logFile: join(dir, "signer.log"),
      };
    }),
    committeeFile,
    feeRecipient,
    startEmpty: state.startEmpty,
    reused,
    notes: notesFor(state.network, {feeRecipient, interop: isInterop(state.keys)}),
  };
}

const isInterop = (label: string): boolean => label.startsWith("interop ");
