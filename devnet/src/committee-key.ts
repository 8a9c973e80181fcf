import {randomBytes} from "node:crypto";
import {blstGroup} from "../../src/adapters/bls/blst.js";
import {systemClock} from "../../src/adapters/clock/system.js";
import {pinFromBeaconNode} from "../../src/app/config/beacon-node.js";
import {LocalCommittee} from "../../src/app/local/local-committee.js";
import {prepareLocal} from "../../src/app/local/prepare.js";
import {validatorKeys} from "../../src/app/split/validator-keys.js";
import {
  type AddressHex,
  type PubkeyHex,
  parseOperatorId,
  parseSignatureHex,
  type SignatureHex,
} from "../../src/core/bytes.js";
import {toWire} from "../../src/core/duty/request-codec.js";
import {addressCredentials, depositRequest} from "../../src/core/mini-pool/deposit-data.js";
import {formatDepositFile} from "../../src/core/mini-pool/deposit-file.js";
import {CURVE_ORDER} from "../../src/core/threshold/scalar.js";
import type {Logger} from "../../src/ports/logger.js";
import {FULL_DEPOSIT} from "./deposits.js";
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
  /** Rejects when the signer ends without having been asked to. */
  readonly failed: Promise<never>;
  /** Kills an operator at once, as a power cut would. */
  crash(operatorId: number): Promise<void>;
  /** How many of the signer's signatures each operator has taken part in, by its id, and whether it runs. */
  operators(): Promise<readonly {readonly id: number; readonly up: boolean; readonly participations: number}[]>;
  /** Makes every operator that runs agree to this one exit. */
  permitExit(exit: Exit): Promise<void>;
  stop(): Promise<void>;
}

export interface Exit {
  readonly epoch: number;
  readonly validatorIndex: number;
}

export interface CommitteeKeyOptions {
  /** Of the beacon node, whose chain the operators are pinned to. */
  readonly beaconUrl: string;
  /** A folder that does not exist yet. */
  readonly dir: string;
  readonly operators: number;
  /** Execution address that the withdrawal credentials name. */
  readonly withdrawalAddress: AddressHex;
  readonly logger: Logger;
}

/** Makes a new validator key in a committee, starts the committee, and has it sign a deposit of 32 ETH. */
export type MakeCommitteeKey = (options: CommitteeKeyOptions) => Promise<CommitteeKey>;

/** The key is drawn here, split, and forgotten. */
export const makeCommitteeKey: MakeCommitteeKey = async ({beaconUrl, dir, operators, withdrawalAddress, logger}) => {
  const network = await pinFromBeaconNode(beaconUrl);
  const plan = await prepareLocal({
    dataDir: dir,
    operators,
    network,
    keys: {label: "a new key", load: async () => ({keys: validatorKeys([newSecret()]), records: "never-signed"})},
  });
  const publicKey = plan.groupPublicKeys[0]!;
  const message = {
    pubkey: publicKey,
    withdrawalCredentials: addressCredentials(withdrawalAddress),
    amount: FULL_DEPOSIT,
  };
  const permits: unknown[] = [
    {
      type: "DEPOSIT",
      pubkey: publicKey,
      withdrawal_credentials: message.withdrawalCredentials,
      amount: String(message.amount),
    },
  ];
  const committee = await LocalCommittee.start(plan, {logger, clock: systemClock}, {permits: () => permits});
  try {
    const genesisForkVersion = network.forks![0]!.version;
    const request = toWire(depositRequest(message, genesisForkVersion), network.preset);
    const deposit = {...message, signature: await sign(committee.url, publicKey, request)};
    return new LocalKey(committee, {
      publicKey,
      permits,
      committeeFile: plan.committeeFile,
      depositData: formatDepositFile([deposit], {network: {name: network.name, genesisForkVersion}, bls: blstGroup}),
    });
  } catch (error) {
    await committee.stop();
    throw error;
  }
};

interface Parts {
  readonly publicKey: PubkeyHex;
  /** Of every operator at its next start. */
  readonly permits: unknown[];
  readonly committeeFile: string;
  readonly depositData: string;
}

class LocalKey implements CommitteeKey {
  readonly publicKey: PubkeyHex;
  readonly committeeFile: string;
  readonly depositData: string;
  readonly failed: Promise<never>;
  readonly #committee: LocalCommittee;
  readonly #parts: Parts;

  constructor(committee: LocalCommittee, parts: Parts) {
    this.#committee = committee;
    this.#parts = parts;
    this.publicKey = parts.publicKey;
    this.committeeFile = parts.committeeFile;
    this.depositData = parts.depositData;
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

  stop(): Promise<void> {
    return this.#committee.stop();
  }
}

const TIMEOUT_MS = 10_000;

/** The committee's signature by the remote signing API. Rejects with the signer's code. */
async function sign(signerUrl: string, publicKey: PubkeyHex, request: unknown): Promise<SignatureHex> {
  const response = await fetch(`${signerUrl}/api/v1/eth2/sign/${publicKey}`, {
    method: "POST",
    headers: {"content-type": "application/json", accept: "application/json"},
    body: JSON.stringify(request),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`the deposit was not signed: ${response.status} ${text.slice(0, 300)}`);
  return parseSignatureHex((JSON.parse(text) as {signature: unknown}).signature);
}

/** 32 bytes big-endian, uniform in 1…r−1 but for a bias of 2^-128. */
function newSecret(): Uint8Array {
  const scalar = (BigInt(`0x${randomBytes(48).toString("hex")}`) % (CURVE_ORDER - 1n)) + 1n;
  return new Uint8Array(Buffer.from(scalar.toString(16).padStart(64, "0"), "hex"));
}
