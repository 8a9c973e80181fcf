import {existsSync, mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {blstGroup} from "../../src/adapters/bls/blst.js";
import {systemClock} from "../../src/adapters/clock/system.js";
import {startKeeper} from "../../src/adapters/keeper/process.js";
import {MemoryLogger} from "../../src/adapters/logger/memory.js";
import {LmdbEnvironment} from "../../src/adapters/slashing-store/lmdb-environment.js";
import {parseBytes4Hex, parseEpoch, parseOperatorId, type RootHex} from "../../src/core/bytes.js";
import type {Committee} from "../../src/core/committee/committee.js";
import {formatCommitteeFile, parseCommitteeFile} from "../../src/core/committee/committee-file.js";
import {type Network, networkToJson, parseNetwork} from "../../src/core/duty/network.js";
import {EMPTY_POLICY, policyToJson} from "../../src/core/duty/policy.js";
import type {WireRequest} from "../../src/core/duty/sign-request.js";
import {newBundleId, type ShareBundleContent, sealShareBundle} from "../../src/keeper/bundle.js";
import type {KeeperInit} from "../../src/keeper/init.js";
import {Secret} from "../../src/keeper/secret.js";
import {ShareStore} from "../../src/keeper/share-store.js";
import {storePath} from "../../src/keeper/start.js";
import type {Keeper} from "../../src/ports/keeper.js";
import type {PartialReply, PartialRequest} from "../../src/ports/operator-link.js";
import {type TestKey, testDraft, testKey} from "./committees.js";

export const CHAIN = `0x${"11".repeat(32)}` as const;
export const OTHER_CHAIN = `0x${"99".repeat(32)}` as const;
/** Real bundles and stores take half a second each to seal and open. */
const CHEAP_KDF = {n: 2 ** 10, r: 8, p: 1};
const VERSION = "0x01020304";

/** A chain whose current epoch is given, with one fork. */
export function testNetwork({epoch}: {epoch: number} = {epoch: 100}): Network {
  const secondsPerSlot = 12;
  const genesisTime = Math.floor(Date.now() / 1000) - epoch * 32 * secondsPerSlot - secondsPerSlot;
  return parseNetwork({
    name: "test",
    preset: "mainnet",
    forks: [{name: "phase0", version: VERSION, epoch: "0"}],
    genesisValidatorsRoot: CHAIN,
    clock: {genesisTime, secondsPerSlot},
  });
}

const forkInfo = (version = VERSION, chain: string = CHAIN) => ({
  fork: {previous_version: version, current_version: version, epoch: "0"},
  genesis_validators_root: chain,
});
const root = (byte: number): string => `0x${byte.toString(16).padStart(2, "0").repeat(32)}`;

export function attestation(
  source: number | bigint,
  target: number | bigint,
  {
    byte = 1,
    version = VERSION,
    chain = CHAIN as string,
    slot,
  }: {byte?: number; version?: string; chain?: string; slot?: bigint} = {},
): WireRequest {
  return {
    type: "ATTESTATION",
    fork_info: forkInfo(version, chain),
    attestation: {
      slot: String(slot ?? BigInt(target) * 32n),
      index: "0",
      beacon_block_root: root(byte),
      source: {epoch: String(source), root: root(2)},
      target: {epoch: String(target), root: root(3)},
    },
  };
}

export function block(slot: number | bigint, byte = 1): WireRequest {
  const block_header = {
    slot: String(slot),
    proposer_index: "1",
    parent_root: root(byte),
    state_root: root(4),
    body_root: root(5),
  };
  return {type: "BLOCK_V2", fork_info: forkInfo(), beacon_block: {version: "PHASE0", block_header}};
}

export const randao = (epoch: number): WireRequest => ({
  type: "RANDAO_REVEAL",
  fork_info: forkInfo(),
  randao_reveal: {epoch: String(epoch)},
});

/** The same with every fork up to Deneb from the start. */
export function denebNetwork(): Network {
  const network = testNetwork();
  const names = ["phase0", "altair", "bellatrix", "capella", "deneb"] as const;
  const forks = names.map((name, i) => ({name, version: parseBytes4Hex(`0x0${i + 1}020304`), epoch: parseEpoch("0")}));
  return {...network, forks};
}

/** A folder with a committee file and one operator's bundle, and keepers started on it. */
export class KeeperFixture {
  readonly folder = mkdtempSync(join(tmpdir(), "pleiades-keeper-"));
  readonly logger = new MemoryLogger();
  readonly keys: readonly TestKey[];
  readonly committee: Committee;
  readonly committeeFile = join(this.folder, "committee.json");
  readonly passwordFile = join(this.folder, "password");
  readonly network: Network;
  readonly #open: Keeper[] = [];

  constructor({keys = 1, network = testNetwork()}: {keys?: number; network?: Network} = {}) {
    this.network = network;
    this.keys = Array.from({length: keys}, (_, i) => testKey(i + 1, {n: 4}));
    const text = formatCommitteeFile(testDraft(this.keys, {n: 4}), blstGroup);
    this.committee = parseCommitteeFile(text, blstGroup);
    writeFileSync(this.committeeFile, text);
    writeFileSync(this.passwordFile, "correct horse\n", {mode: 0o600});
  }

  async bundle(
    name: string,
    {
      operator = 1,
      password = "correct horse",
      ...rest
    }: Partial<ShareBundleContent> & {operator?: number; password?: string} = {},
  ): Promise<string> {
    const content: ShareBundleContent = {
      operatorId: parseOperatorId(operator),
      createdAt: Date.now(),
      bundleId: newBundleId(),
      records: "never-signed",
      shares: this.keys.map(({shares}, i) => ({
        groupPublicKey: this.committee.validators[i]!.groupPublicKey,
        secret: new Secret(shares[operator - 1]!.secret),
      })),
      ...rest,
    };
    const file = join(this.folder, name);
    writeFileSync(file, await sealShareBundle(content, password, CHEAP_KDF));
    return file;
  }

  init(overrides: Partial<KeeperInit> = {}): KeeperInit {
    return {
      dataDir: join(this.folder, "data"),
      password: {file: this.passwordFile},
      network: networkToJson(this.network),
      policy: policyToJson(EMPTY_POLICY),
      committeeFiles: [this.committeeFile],
      bundleFiles: [],
      signingThreads: 0,
      startEmpty: false,
      logDecisions: false,
      ...overrides,
    };
  }

  /** A new store, before a keeper would make it with the real cost. */
  async createStore(dataDir: string): Promise<void> {
    if (existsSync(storePath(dataDir))) return;
    const environment = await LmdbEnvironment.open(storePath(dataDir));
    await ShareStore.open({environment}, "correct horse", CHEAP_KDF);
    await environment.close();
  }

  async start(overrides: Partial<KeeperInit> = {}): Promise<Keeper> {
    await this.createStore(overrides.dataDir ?? this.init().dataDir);
    const keeper = await startKeeper(this.init(overrides), {
      logger: this.logger,
      observer: () => {},
      clock: systemClock,
    });
    this.#open.push(keeper);
    return keeper;
  }

  request(request: unknown, key = 0, committeeHash?: RootHex): PartialRequest {
    const validator = this.committee.validators[key]!;
    return {
      key: validator.groupPublicKey,
      committeeHash: committeeHash ?? validator.committeeHash,
      priority: 1,
      request: request as WireRequest,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((keeper) => keeper.close()));
    rmSync(this.folder, {recursive: true, force: true});
  }
}

/** "signed", or the code of the refusal. */
export const outcome = (reply: PartialReply): string => (reply.kind === "signed" ? "signed" : reply.code);
