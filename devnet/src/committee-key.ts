import {randomBytes} from "node:crypto";
import {systemClock} from "../../src/adapters/clock/system.js";
import {pinFromBeaconNode} from "../../src/app/config/beacon-node.js";
import {LocalCommittee} from "../../src/app/local/local-committee.js";
import {prepareLocal} from "../../src/app/local/prepare.js";
import {validatorKeys} from "../../src/app/split/validator-keys.js";
import {type PubkeyHex, parseOperatorId} from "../../src/core/bytes.js";
import {CURVE_ORDER} from "../../src/core/threshold/scalar.js";
import type {Logger} from "../../src/ports/logger.js";
import type {BeaconApi} from "./beacon-api.js";
import {addressCredentials, depositCall, FULL_DEPOSIT} from "./deposits.js";
import {parsePrometheus, total} from "./prometheus.js";

/** A validator key that a committee holds, with the committee and its signer at work. */
export interface CommitteeKey {
  readonly publicKey: PubkeyHex;
  /** Path of the committee file. */
  readonly committeeFile: string;
  /** Deposit data JSON as the launchpad takes it, signed by the committee: one deposit. */
  readonly depositData: string;
  /** Of the remote signer API. */
  readonly signerUrl: string;
  readonly threshold: number;
  /** Rejects when the signer ends without having been asked to. */
  readonly failed: Promise<never>;
  /** Kills an operator at once, as a power cut would. */
  crash(operatorId: number): Promise<void>;
  /** How many of the signer's signatures each operator has taken part in, by its id, and whether it runs. */
  operators(): Promise<readonly {readonly id: number; readonly up: boolean; readonly participations: number}[]>;
  /** Makes every operator that runs agree to this one exit. */
  permitExit(exit: Exit): Promise<void>;
  /** Has the exit signed by the committee and gives it to the beacon node. Rejects when either refuses. */
  exit(exit: Exit): Promise<void>;
  stop(): Promise<void>;
}

export interface Exit {
  readonly epoch: number;
  readonly validatorIndex: number;
}

export interface CommitteeKeyOptions {
  readonly beacon: BeaconApi;
  /** A folder that does not exist yet. */
  readonly dir: string;
  readonly operators: number;
  /** Execution address that the withdrawal credentials name, 0x hex. */
  readonly withdrawalAddress: string;
  readonly logger: Logger;
}

/** Makes a new validator key in a committee, starts the committee, and has it sign a deposit of 32 ETH. */
export type MakeCommitteeKey = (options: CommitteeKeyOptions) => Promise<CommitteeKey>;

/** The key is drawn here, split, and forgotten. */
export const makeCommitteeKey: MakeCommitteeKey = async ({beacon, dir, operators, withdrawalAddress, logger}) => {
  const network = await pinFromBeaconNode(beacon.url);
  const plan = await prepareLocal({
    dataDir: dir,
    operators,
    network,
    keys: {label: "a new key", load: async () => ({keys: validatorKeys([newSecret()]), records: "never-signed"})},
  });
  const publicKey = plan.groupPublicKeys[0]!;
  const deposit = {
    pubkey: bytes(publicKey),
    withdrawalCredentials: addressCredentials(withdrawalAddress),
    amount: FULL_DEPOSIT,
  };
  const permits: unknown[] = [
    {
      type: "DEPOSIT",
      pubkey: publicKey,
      withdrawal_credentials: hex(deposit.withdrawalCredentials),
      amount: String(deposit.amount),
    },
  ];
  const committee = await LocalCommittee.start(plan, {logger, clock: systemClock}, {permits: () => permits});
  try {
    const genesisForkVersion = network.forks![0]!.version;
    const signature = await sign(committee.url, publicKey, {
      type: "DEPOSIT",
      deposit: {
        pubkey: publicKey,
        withdrawal_credentials: hex(deposit.withdrawalCredentials),
        amount: String(deposit.amount),
        genesis_fork_version: genesisForkVersion,
      },
    });
    const {depositDataRoot, depositMessageRoot} = depositCall(deposit, bytes(signature));
    const depositData = [
      {
        pubkey: publicKey.slice(2),
        withdrawal_credentials: hex(deposit.withdrawalCredentials).slice(2),
        amount: Number(deposit.amount),
        signature: signature.slice(2),
        deposit_message_root: hex(depositMessageRoot).slice(2),
        deposit_data_root: hex(depositDataRoot).slice(2),
        fork_version: genesisForkVersion.slice(2),
        network_name: network.name,
        deposit_cli_version: "2.8.0",
      },
    ];
    return new LocalKey(committee, {
      publicKey,
      beacon,
      permits,
      committeeFile: plan.committeeFile,
      threshold: plan.threshold,
      depositData: JSON.stringify(depositData),
    });
  } catch (error) {
    await committee.stop();
    throw error;
  }
};

interface Parts {
  readonly publicKey: PubkeyHex;
  readonly beacon: BeaconApi;
  /** Of every operator at its next start. */
  readonly permits: unknown[];
  readonly committeeFile: string;
  readonly threshold: number;
  readonly depositData: string;
}

class LocalKey implements CommitteeKey {
  readonly publicKey: PubkeyHex;
  readonly committeeFile: string;
  readonly depositData: string;
  readonly threshold: number;
  readonly failed: Promise<never>;
  readonly #committee: LocalCommittee;
  readonly #parts: Parts;

  constructor(committee: LocalCommittee, parts: Parts) {
    this.#committee = committee;
    this.#parts = parts;
    this.publicKey = parts.publicKey;
    this.committeeFile = parts.committeeFile;
    this.depositData = parts.depositData;
    this.threshold = parts.threshold;
    this.failed = committee.failed.then((error) => {
      throw error;
    });
    this.failed.catch(() => {});
  }

  get signerUrl(): string {
    return this.#committee.url;
  }

  crash(operatorId: number): Promise<void> {
    return this.#committee.killOperator(parseOperatorId(operatorId), "SIGKILL");
  }

  async operators() {
    const response = await fetch(`${this.signerUrl}/plugin/metrics`, {signal: AbortSignal.timeout(TIMEOUT_MS)});
    const samples = parsePrometheus(await response.text());
    return this.#committee.operators().map(({id, state}) => ({
      id,
      up: state === "up",
      participations: total(samples, "pleiades_operator_participations_total", {operator: String(id)}),
    }));
  }

  /** An operator reads what it agrees to when it starts. */
  async permitExit({epoch, validatorIndex}: Exit): Promise<void> {
    this.#parts.permits.push({
      type: "VOLUNTARY_EXIT",
      pubkey: this.publicKey,
      epoch: String(epoch),
      validator_index: String(validatorIndex),
    });
    for (const {id, state} of this.#committee.operators()) {
      if (state !== "up") continue;
      await this.#committee.killOperator(id, "SIGTERM");
      await this.#committee.startOperator(id);
    }
  }

  async exit(exit: Exit): Promise<void> {
    const {beacon} = this.#parts;
    const [fork, {genesisValidatorsRoot}] = await Promise.all([beacon.fork(), beacon.genesis()]);
    const signature = await sign(this.signerUrl, this.publicKey, {
      type: "VOLUNTARY_EXIT",
      fork_info: {fork, genesis_validators_root: genesisValidatorsRoot},
      voluntary_exit: {epoch: String(exit.epoch), validator_index: String(exit.validatorIndex)},
    });
    await beacon.publishExit({...exit, signature});
  }

  stop(): Promise<void> {
    return this.#committee.stop();
  }
}

const TIMEOUT_MS = 10_000;

/** The committee's signature, 0x hex, by the remote signing API. Rejects with the signer's code. */
async function sign(
  signerUrl: string,
  publicKey: PubkeyHex,
  request: {readonly type: string; readonly [field: string]: unknown},
): Promise<string> {
  const response = await fetch(`${signerUrl}/api/v1/eth2/sign/${publicKey}`, {
    method: "POST",
    headers: {"content-type": "application/json", accept: "application/json"},
    body: JSON.stringify(request),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${request.type} was not signed: ${response.status} ${text.slice(0, 300)}`);
  return (JSON.parse(text) as {signature: string}).signature;
}

/** 32 bytes big-endian, uniform in 1…r−1 but for a bias of 2^-128. */
function newSecret(): Uint8Array {
  const scalar = (BigInt(`0x${randomBytes(48).toString("hex")}`) % (CURVE_ORDER - 1n)) + 1n;
  return new Uint8Array(Buffer.from(scalar.toString(16).padStart(64, "0"), "hex"));
}

const hex = (value: Uint8Array): string => `0x${Buffer.from(value).toString("hex")}`;
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.slice(2), "hex"));
