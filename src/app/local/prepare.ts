import {randomBytes} from "node:crypto";
import {existsSync} from "node:fs";
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
import {parseMembers} from "../../plugin/dkg/members-file.js";
import {readText, replaceFile, syncDirectory, writeNew} from "../files.js";
import {newPeerId} from "../node-key.js";
import {chooseThreshold} from "../split/choose-threshold.js";
import type {ValidatorKey} from "../split/decrypt.js";
import {type BundleRecords, splitKeys} from "../split/split-keys.js";
import {noNetwork} from "./no-network.js";
import {type LocalPlan, notesFor, operatorDir, type PlannedOperator, type PlannedSigner, signerDir} from "./plan.js";
import {freePorts} from "./ports.js";
import {type CeremonyTerms, type LocalState, PREPARING, readState, treeOf, writeState} from "./state.js";

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
  readonly keys?: LocalKeys | CeremonyKeys | undefined;
  readonly feeRecipient?: AddressHex | undefined;
}

export interface LocalKeys {
  /** Remembered, to tell a folder prepared from other keys: "interop 0..7", "keystores". */
  readonly label: string;
  /** Called only when the folder is new. The secrets are filled with zeros after the split. */
  load(): Promise<{readonly keys: readonly ValidatorKey[]; readonly records: BundleRecords}>;
}

/** Keys that the operators make themselves, once they run. */
export interface CeremonyKeys {
  readonly label: string;
  readonly ceremony: CeremonyTerms;
}

export const ceremonyKeys = (terms: CeremonyTerms): CeremonyKeys => ({
  label: `made by a ceremony: ${JSON.stringify(terms)}`,
  ceremony: terms,
});

type Loaded = Awaited<ReturnType<LocalKeys["load"]>>;

/**
 * Makes the data folder of a local committee: committee file, and for every operator a node key, a password and a share
 * bundle; or, for keys of a ceremony, all that it needs. A folder that is there is reused, and options that contradict it are refused; only ports may be chosen anew.
 * Nothing is left half made: the tree appears under its name when it is complete.
 * @throws CLI_LOCAL_DIR · CLI_LOCAL_DIFFERS · CLI_THRESHOLD · CLI_USAGE (no keys for a new folder)
 */
export async function prepareLocal(options: LocalOptions): Promise<LocalPlan> {
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, {recursive: true});
  const existing = await readState(dataDir);
  if (existing !== null) refuseDifferences(dataDir, existing, options);
  const state = existing === null ? await create(dataDir, options) : await withFreePorts(dataDir, existing);
  // What the operators consented to holds without being said again.
  const feeRecipient = options.feeRecipient ?? state.ceremony?.feeRecipient ?? null;
  return planOf(dataDir, state, {feeRecipient, reused: existing !== null});
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
  const tree = treeOf(dataDir);
  if (state.ceremony !== null) await moveOperators(tree, ports);
  await writeState(tree, moved);
  return moved;
}

async function create(dataDir: string, options: LocalOptions): Promise<LocalState> {
  const {keys: source, network = noNetwork("mainnet"), signers = 1} = options;
  if (source === undefined) {
    throw new PleiadesError({code: "CLI_USAGE", reason: "a new data folder needs --interop, --keystores or --dkg"});
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
  const made = "ceremony" in source;
  if (made) await writeNew(filesIn(tree).operatorsFile, membersText({operators, coordinators}), 0o644);
  const passwords = operators.map(() => randomBytes(24).toString("base64url"));
  for (const [i, {id}] of operators.entries()) {
    await writeNew(join(operatorDir(tree, id), `operator-${id}.password`), `${passwords[i]}\n`, 0o600);
  }
  const {keys, records}: Loaded = made ? {keys: [], records: "never-signed"} : await source.load();
  const groupPublicKeys: readonly PubkeyHex[] = keys.map((key) => key.publicKey);
  if (!made) {
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
    await writeNew(filesIn(tree).committeeFile, committeeFile, 0o644);
    for (const [i, {id}] of operators.entries()) {
      await writeNew(join(operatorDir(tree, id), `operator-${id}.bundle.json`), bundles[i] ?? "", 0o600);
    }
  }
  const state: LocalState = {
    n,
    threshold: t,
    network,
    keys: source.label,
    groupPublicKeys,
    // Everybody's test keys start empty however old the folder is; a person's own keys only when no clock can tell.
    startEmpty: !made && records === "never-signed" && (isInterop(source.label) || network.clock === null),
    ports,
    signers,
    ceremony: made ? source.ceremony : null,
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
  const {committeeFile, ...files} = filesIn(tree);
  const operators = state.ceremony === null ? await splitMembers(committeeFile) : await membersOf(files.operatorsFile);
  return {
    dataDir,
    n: state.n,
    threshold: state.threshold,
    network: state.network,
    groupPublicKeys: state.ceremony === null ? state.groupPublicKeys : await groupKeysIn(committeeFile),
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
    ceremony: state.ceremony === null ? null : {...state.ceremony, ...files},
    feeRecipient,
    startEmpty: state.startEmpty,
    reused,
    notes: notesFor(state.network, {feeRecipient, interop: isInterop(state.keys)}),
  };
}

const filesIn = (tree: string) => ({
  committeeFile: join(tree, "committee.json"),
  operatorsFile: join(tree, "operators.json"),
  definitionFile: join(tree, "definition.json"),
  ceremonyFile: join(tree, "ceremony.json"),
  depositsFile: join(tree, "deposit-data.json"),
});

type Members = {readonly operators: readonly CommitteeOperator[]; readonly coordinators: readonly PeerIdText[]};

/** The operators file of `pleiades dkg create`. */
const membersText = ({operators, coordinators}: Members): string =>
  `${JSON.stringify({operators, coordinators}, null, 2)}\n`;

const splitMembers = async (committeeFile: string): Promise<Members["operators"]> =>
  parseCommitteeFile(await readText(committeeFile), blstGroup).operators;

const membersOf = async (file: string): Promise<Members["operators"]> => parseMembers(await readText(file)).operators;

/** Keys of the committee file; none while there is none. */
export async function groupKeysIn(committeeFile: string): Promise<readonly PubkeyHex[]> {
  if (!existsSync(committeeFile)) return [];
  const {validators} = parseCommitteeFile(await readText(committeeFile), blstGroup);
  return validators.map(({groupPublicKey}) => groupPublicKey);
}

/** A ceremony that is under way is told of addresses that are no more, so another is begun. */
async function moveOperators(tree: string, ports: readonly number[]): Promise<void> {
  const {operatorsFile, definitionFile, committeeFile} = filesIn(tree);
  const {operators, coordinators} = parseMembers(await readText(operatorsFile));
  const moved = operators.map((one, i) => ({...one, addresses: [loopback(ports[i] ?? 0)]}));
  await replaceFile(operatorsFile, membersText({operators: moved, coordinators}), 0o644);
  if (!existsSync(committeeFile)) await rm(definitionFile, {force: true});
}

const isInterop = (label: string): boolean => label.startsWith("interop ");
