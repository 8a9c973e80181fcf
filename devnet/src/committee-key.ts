import {systemClock} from "../../src/adapters/clock/system.js";
import {pinFromBeaconNode} from "../../src/app/config/beacon-node.js";
import {LocalCommittee} from "../../src/app/local/local-committee.js";
import {ceremonyKeys, prepareLocal} from "../../src/app/local/prepare.js";
import {type AddressHex, type PubkeyHex, parseOperatorId} from "../../src/core/bytes.js";
import type {Logger} from "../../src/ports/logger.js";
import {parsePrometheus, total} from "./prometheus.js";

/** A validator key that a committee holds, with the committee and its signer at work. */
export interface CommitteeKey {
  readonly publicKey: PubkeyHex;
  /** Path of the committee file. */
  readonly committeeFile: string;
  /** Path of everything public of the ceremony. */
  readonly ceremonyFile: string;
  /** Path of the deposit data as the launchpad takes it, signed by the committee: one deposit. */
  readonly depositsFile: string;
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
  readonly progress: (line: string) => void;
}

/** Makes a new validator key and its deposit of 32 ETH in a committee, and starts its signer. */
export type MakeCommitteeKey = (options: CommitteeKeyOptions) => Promise<CommitteeKey>;

/**
 * The operators make it in a ceremony, by the commands that people would give; nobody ever holds it. Deposit data and
 * committee file are as the ceremony wrote them.
 */
export const makeCommitteeKey: MakeCommitteeKey = async (options) => {
  const {beaconUrl, dir, operators, withdrawalAddress, logger, progress} = options;
  const terms = {validators: 1, withdrawalAddress, feeRecipient: withdrawalAddress};
  const network = await pinFromBeaconNode(beaconUrl);
  const plan = await prepareLocal({dataDir: dir, operators, network, keys: ceremonyKeys(terms)});
  const permits: unknown[] = [];
  const committee = await LocalCommittee.start(
    plan,
    {logger, clock: systemClock},
    {permits: () => permits, onProgress: progress},
  );
  const {committeeFile} = plan;
  const {ceremonyFile, depositsFile} = plan.ceremony!;
  const publicKey = committee.groupPublicKeys[0]!;
  return new LocalKey(committee, {publicKey, permits, committeeFile, ceremonyFile, depositsFile});
};

interface Parts {
  readonly publicKey: PubkeyHex;
  /** Of every operator at its next start. */
  readonly permits: unknown[];
  readonly committeeFile: string;
  readonly ceremonyFile: string;
  readonly depositsFile: string;
}

class LocalKey implements CommitteeKey {
  readonly publicKey: PubkeyHex;
  readonly committeeFile: string;
  readonly ceremonyFile: string;
  readonly depositsFile: string;
  readonly failed: Promise<never>;
  readonly #committee: LocalCommittee;
  readonly #parts: Parts;

  constructor(committee: LocalCommittee, parts: Parts) {
    this.#committee = committee;
    this.#parts = parts;
    this.publicKey = parts.publicKey;
    this.committeeFile = parts.committeeFile;
    this.ceremonyFile = parts.ceremonyFile;
    this.depositsFile = parts.depositsFile;
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
