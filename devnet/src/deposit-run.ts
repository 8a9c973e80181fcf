import {mkdirSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {blstGroup} from "../../src/adapters/bls/blst.js";
import {pinFromBeaconNode} from "../../src/app/config/beacon-node.js";
import {parseAddressHex, parseBytes4Hex} from "../../src/core/bytes.js";
import {parseDepositFile} from "../../src/core/mini-pool/deposit-file.js";
import type {Logger} from "../../src/ports/logger.js";
import type {BeaconApi, Genesis, ValidatorNow} from "./beacon-api.js";
import {ChainWatch} from "./chain-watch.js";
import type {CommitteeKey, MakeCommitteeKey} from "./committee-key.js";
import {DEPOSIT_CONTRACT, DepositContract} from "./deposit-contract.js";
import {interopDeposits} from "./deposits.js";
import {ETH1_CHAIN_ID, Eth1Node} from "./eth1.js";
import {type Gate, startGate} from "./gate.js";
import {SLOTS_PER_EPOCH, startBeaconNode, startValidatorClient, VALIDATORS} from "./lodestar.js";
import {pleiades} from "./pleiades.js";
import {freePorts, type Program, ProgramError, Reaper} from "./processes.js";

export interface DepositRunOptions {
  /** The checkout. */
  readonly root: string;
  /** An empty folder for data and logs. */
  readonly dir: string;
  readonly operators: number;
  /** The one that is killed before the validator is active. */
  readonly operatorDown: number;
  readonly slotSeconds: number;
  /** Seconds from the start of the beacon node to genesis: the time to make the key and send its deposit. */
  readonly genesisDelay: number;
  readonly makeKey: MakeCommitteeKey;
  readonly logger: Logger;
  readonly onEvent: (text: string) => void;
}

/** What has happened so far. */
export interface DepositReport {
  /** In order, with the seconds each took. */
  readonly phases: {readonly name: string; readonly seconds: number}[];
  publicKey: string | null;
  /** Of the ceremony that made the key, as `pleiades dkg verify` found it, offline. */
  ceremony: {readonly id: string; readonly transcript: string; readonly missing: readonly number[]} | null;
  depositGas: number | null;
  validator: ValidatorNow | null;
  /** Of the new validator: epochs from its activation to its newest vote on the chain, and those with a vote there. */
  attestations: {due: number; included: number};
  /** Slots of the blocks it proposed. */
  blocks: readonly number[];
  operators: Awaited<ReturnType<CommitteeKey["operators"]>>;
  exitEpoch: number | null;
}

export const emptyReport = (): DepositReport => ({
  phases: [],
  publicKey: null,
  ceremony: null,
  depositGas: null,
  validator: null,
  attestations: {due: 0, included: 0},
  blocks: [],
  operators: [],
  exitEpoch: null,
});

const ETH1_BLOCK_SECONDS = 1;
/**
 * The age at which a block of the eth1 chain may be voted for: SECONDS_PER_ETH1_BLOCK × ETH1_FOLLOW_DISTANCE. The first
 * is kept well above anvil's real block time: a node that finds blocks too slow goes back 64 of them.
 */
const FOLLOW_SECONDS = 10;
/** The beacon node looks at the eth1 chain for the first time now, once a minute from then on. */
const FIRST_LOOK_BEFORE_GENESIS_SECONDS = 6;

const PARAMETERS = [
  ...["--params.DEPOSIT_CONTRACT_ADDRESS", DEPOSIT_CONTRACT],
  ...["--params.DEPOSIT_CHAIN_ID", String(ETH1_CHAIN_ID), "--params.DEPOSIT_NETWORK_ID", String(ETH1_CHAIN_ID)],
  ...["--params.SECONDS_PER_ETH1_BLOCK", String(FOLLOW_SECONDS), "--params.ETH1_FOLLOW_DISTANCE", "1"],
  // Epochs from activation to the first exit; 64 in the minimal preset's own configuration.
  ...["--params.SHARD_COMMITTEE_PERIOD", "1"],
];

const VOTING_PERIOD_SLOTS = 4 * SLOTS_PER_EPOCH; // EPOCHS_PER_ETH1_VOTING_PERIOD of the minimal preset
/** A deposit that misses the first period's vote is in by the end of the second. */
const INCLUSION_BOUND_SLOTS = 2 * VOTING_PERIOD_SLOTS + SLOTS_PER_EPOCH;
/** Three epochs until its place in the queue is final, five more until it is active; and some for missed slots. */
const ACTIVATION_BOUND_SLOTS = 14 * SLOTS_PER_EPOCH;
/** One validator in nine finds no block in as many slots once in 80,000 runs. */
const BLOCK_BOUND_SLOTS = 12 * SLOTS_PER_EPOCH;
const EXIT_BOUND_SLOTS = 2 * SLOTS_PER_EPOCH;
const ATTESTATIONS_WANTED = 2;
const POLL_MS = 1_000;

/**
 * One life of a validator whose key a committee holds, on a chain of its own: made, deposited for, activated, at work
 * with one operator down, exited. Fills the report as it goes; resolves when the exit is on the chain, rejects when it
 * goes wrong. No process is left either way. @throws ProgramError
 */
export async function runDeposit(
  options: DepositRunOptions,
  report: DepositReport,
  signal: AbortSignal,
): Promise<void> {
  mkdirSync(options.dir, {recursive: true});
  const reaper = new Reaper();
  const run = new DepositRun(options, report, reaper, signal);
  try {
    await run.all();
  } finally {
    await run.stop();
    reaper.dismiss();
  }
}

class DepositRun {
  readonly #options: DepositRunOptions;
  readonly #report: DepositReport;
  readonly #reaper: Reaper;
  readonly #signal: AbortSignal;
  readonly #undo: (() => Promise<unknown>)[] = [];
  /** Each rejects when what it watches ends unasked. */
  readonly #failures: Promise<never>[] = [];

  constructor(options: DepositRunOptions, report: DepositReport, reaper: Reaper, signal: AbortSignal) {
    this.#options = options;
    this.#report = report;
    this.#reaper = reaper;
    this.#signal = signal;
  }

  async all(): Promise<void> {
    const {onEvent, operatorDown} = this.#options;
    const {eth1, gate, beacon, genesis} = await this.#phase("chains started", () => this.#startChains());
    const contract = await this.#phase("deposit contract with the genesis validators' deposits", async () => {
      const installed = await DepositContract.install(eth1, this.#options.root);
      await installed.deposit(interopDeposits(VALIDATORS, forkVersion(genesis)), this.#signal);
      return installed;
    });
    const key = await this.#phase("key made by four operators, deposit signed", () => this.#makeKey(eth1, beacon));
    await this.#phase("ceremony verified offline", () => this.#guarded(this.#verify(key)));
    await this.#phase("deposit on the eth1 chain", () => this.#deposit(contract, key, beacon, genesis));
    this.#startValidatorClient(beacon, key);
    const deposited = await this.#phase("deposit voted in, validator on the beacon chain", async () => {
      await this.#openGate(gate, genesis);
      return this.#untilValidator(key, beacon, genesis, INCLUSION_BOUND_SLOTS, (now) => now !== null);
    });
    onEvent(`the chain knows the key as validator ${deposited.index}`);
    const queued = await this.#phase("activation epoch set", () =>
      this.#untilValidator(key, beacon, genesis, ACTIVATION_BOUND_SLOTS, (now) => now?.activationEpoch != null),
    );
    const activation = queued.activationEpoch!;
    const exit = {epoch: activation + 1, validatorIndex: queued.index};
    await this.#phase("operators agree to the exit", () => this.#guarded(key.permitExit(exit)));
    await this.#guarded(key.crash(operatorDown));
    onEvent(`operator ${operatorDown} is killed and stays down; activation is in epoch ${activation}`);
    await this.#phase("validator active", () =>
      this.#untilValidator(key, beacon, genesis, ACTIVATION_BOUND_SLOTS, (now) => now?.status === "active_ongoing"),
    );
    await this.#phase("attestations and a block with an operator down", () =>
      this.#untilAtWork(key, beacon, {index: queued.index, fromSlot: activation * SLOTS_PER_EPOCH}),
    );
    await this.#phase("exit accepted, validator exiting", async () => {
      await this.#untilSlot(genesis, exit.epoch * SLOTS_PER_EPOCH);
      await this.#guarded(this.#exit(key, beacon));
      // The command has seen it exiting; once more, in the words of this run.
      const exiting = await this.#untilValidator(
        key,
        beacon,
        genesis,
        EXIT_BOUND_SLOTS,
        (now) => now?.status === "active_exiting",
      );
      this.#report.exitEpoch = exiting.exitEpoch;
    });
    this.#report.operators = await key.operators();
  }

  /** Ends everything, in the reverse order of its start. */
  async stop(): Promise<void> {
    for (const step of this.#undo.reverse()) await step().catch(() => {});
  }

  async #startChains(): Promise<{eth1: Eth1Node; gate: Gate; beacon: BeaconApi; genesis: Genesis}> {
    const {root, dir, slotSeconds, genesisDelay} = this.#options;
    const modules = {reaper: this.#reaper};
    const [eth1Port, restPort, p2pPort] = (await freePorts(3)) as [number, number, number];
    const eth1 = await Eth1Node.start(modules, {
      root,
      dir,
      port: eth1Port,
      blockSeconds: ETH1_BLOCK_SECONDS,
      signal: this.#signal,
    });
    this.#watch(eth1.program);
    const gate = await startGate(eth1Port);
    this.#undo.push(() => gate.close());
    const {program, api, genesis} = await startBeaconNode(modules, {
      root,
      dir,
      logFile: join(dir, "beacon-node.log"),
      restPort,
      p2pPort,
      genesisTime: Math.ceil(Date.now() / 1000) + genesisDelay,
      slotSeconds,
      more: [
        ...["--startValidators", `0..${VALIDATORS - 1}`, "--beaconNodes", `http://127.0.0.1:${restPort}`],
        ...["--eth1", "--eth1.providerUrls", `http://127.0.0.1:${gate.port}`, "--eth1.depositContractDeployBlock", "0"],
        ...PARAMETERS,
      ],
      signal: this.#signal,
    });
    this.#watch(program, 2_000); // its data is thrown away
    return {eth1, gate, beacon: api, genesis};
  }

  async #makeKey(eth1: Eth1Node, beacon: BeaconApi): Promise<CommitteeKey> {
    const {dir, operators, logger, makeKey, onEvent} = this.#options;
    const withdrawalAddress = parseAddressHex(await eth1.account());
    const key = await this.#guarded(
      makeKey({
        beaconUrl: beacon.url,
        dir: join(dir, "committee"),
        operators,
        withdrawalAddress,
        logger,
        progress: (line) => onEvent(`key ceremony: ${line}`),
      }),
    );
    this.#undo.push(() => key.stop());
    this.#failures.push(key.failed);
    this.#report.publicKey = key.publicKey;
    this.#signal.throwIfAborted();
    return key;
  }

  /** As somebody who has nothing but the public files, in a folder without a configuration. */
  async #verify({ceremonyFile, committeeFile, depositsFile}: CommitteeKey): Promise<void> {
    const {root, dir, onEvent} = this.#options;
    const cwd = join(dir, "elsewhere");
    mkdirSync(cwd);
    const files = ["--file", ceremonyFile, "--committee", committeeFile, "--deposits", depositsFile];
    const printed = await pleiades(
      {reaper: this.#reaper, onLine: (line) => onEvent(`pleiades dkg verify: ${line}`)},
      ["dkg", "verify", ...files, "--json"],
      {root, cwd, signal: this.#signal},
    );
    this.#report.ceremony = JSON.parse(printed) as DepositReport["ceremony"];
  }

  async #deposit(contract: DepositContract, key: CommitteeKey, beacon: BeaconApi, genesis: Genesis): Promise<void> {
    const {name} = await pinFromBeaconNode(beacon.url);
    const network = {name, genesisForkVersion: forkVersion(genesis)};
    const deposits = parseDepositFile(readFileSync(key.depositsFile, "utf8"), {network, bls: blstGroup});
    const [receipt] = await this.#guarded(contract.deposit(deposits, this.#signal));
    this.#report.depositGas = receipt!.gasUsed;
    const count = await contract.count();
    if (count !== VALIDATORS + 1) throw new Error(`the deposit contract counts ${count} deposits`);
  }

  #startValidatorClient(beacon: BeaconApi, key: CommitteeKey): void {
    const {root, dir, slotSeconds, onEvent} = this.#options;
    onEvent(`starting the validator client with the signer at ${key.signerUrl}`);
    const client = startValidatorClient(
      {reaper: this.#reaper},
      {
        root,
        dir,
        name: "validator client",
        beaconUrl: beacon.url,
        signerUrl: key.signerUrl,
        slotSeconds,
        more: PARAMETERS,
      },
    );
    this.#watch(client);
  }

  /**
   * Lets the beacon node see the eth1 chain late enough that one look is enough for the whole first voting period: what
   * is voted for is FOLLOW_SECONDS old at genesis.
   */
  async #openGate(gate: Gate, genesis: Genesis): Promise<void> {
    const {onEvent} = this.#options;
    const openMs = (genesis.genesisTime - FIRST_LOOK_BEFORE_GENESIS_SECONDS) * 1000;
    const spareSeconds = (openMs - Date.now()) / 1000 - (FOLLOW_SECONDS - FIRST_LOOK_BEFORE_GENESIS_SECONDS);
    if (spareSeconds < 0) onEvent("the deposit is late and waits for the second voting period");
    else onEvent(`the deposit is ${Math.round(spareSeconds)} s early for the first voting period`);
    await this.#guarded(this.#sleep(Math.max(0, openMs - Date.now())));
    gate.open();
  }

  /** Waits for the votes of the first epochs and a block, and counts what is due by then. */
  async #untilAtWork(
    key: CommitteeKey,
    beacon: BeaconApi,
    {index, fromSlot}: {index: number; fromSlot: number},
  ): Promise<void> {
    const {slotSeconds, onEvent} = this.#options;
    const everybody = Array.from({length: VALIDATORS + 1}, (_, i) => i);
    const watch = new ChainWatch(beacon.url, everybody, fromSlot);
    const targets = (): Set<number> => new Set(watch.votes(index).map(({target}) => target));
    let seen = "";
    await this.#guarded(
      watch.until(
        `${ATTESTATIONS_WANTED} attestations and a block of validator ${index}`,
        () => {
          this.#signal.throwIfAborted();
          const now = `${targets().size} attestation(s), ${watch.proposals(index).length} block(s)`;
          if (now !== seen) onEvent(`validator ${index}: ${now} on the chain`);
          seen = now;
          return targets().size >= ATTESTATIONS_WANTED && watch.proposals(index).length > 0;
        },
        BLOCK_BOUND_SLOTS * slotSeconds * 1000,
      ),
    );
    // Votes come in the order of their epochs; one that a later has overtaken was missed.
    const included = targets();
    this.#report.attestations = {
      due: Math.max(...included) - fromSlot / SLOTS_PER_EPOCH + 1,
      included: included.size,
    };
    this.#report.blocks = watch.proposals(index);
    this.#report.operators = await key.operators();
  }

  /** By the command that a person would give. */
  async #exit({publicKey, signerUrl}: CommitteeKey, beacon: BeaconApi): Promise<void> {
    const {root, onEvent} = this.#options;
    await pleiades(
      {reaper: this.#reaper, onLine: (line) => onEvent(`pleiades exit: ${line}`)},
      ["exit", "--key", publicKey, "--beacon-node", beacon.url, "--signer", signerUrl, "--yes", "--wait"],
      {root, signal: this.#signal},
    );
  }

  async #untilValidator(
    {publicKey}: CommitteeKey,
    beacon: BeaconApi,
    genesis: Genesis,
    boundSlots: number,
    condition: (now: ValidatorNow | null) => boolean,
  ): Promise<ValidatorNow> {
    const {slotSeconds} = this.#options;
    const end = Math.max(Date.now(), genesis.genesisTime * 1000) + boundSlots * slotSeconds * 1000;
    for (;;) {
      const now = await this.#guarded(beacon.validator(publicKey));
      this.#report.validator = now;
      if (condition(now)) return now!;
      if (Date.now() > end) {
        throw new ProgramError(`Waited ${boundSlots} slots in vain; the validator is ${JSON.stringify(now)}.`);
      }
      await this.#guarded(this.#sleep(POLL_MS));
    }
  }

  async #untilSlot({genesisTime}: Genesis, slot: number): Promise<void> {
    const {slotSeconds} = this.#options;
    await this.#guarded(this.#sleep(Math.max(0, (genesisTime + slot * slotSeconds) * 1000 - Date.now())));
  }

  async #phase<T>(name: string, task: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const result = await task();
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    this.#report.phases.push({name, seconds});
    this.#options.onEvent(`${name} (${seconds} s)`);
    return result;
  }

  /** Rejects as soon as a program ends or the run is aborted. */
  #guarded<T>(task: Promise<T>): Promise<T> {
    this.#signal.throwIfAborted();
    return Promise.race([task, ...this.#failures]);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#signal.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(this.#signal.reason);
      };
      this.#signal.addEventListener("abort", onAbort, {once: true});
    });
  }

  #watch(program: Program, graceMs?: number): void {
    this.#undo.push(() => program.stop(graceMs));
    this.#failures.push(program.failed);
  }
}

const forkVersion = ({genesisForkVersion}: Genesis) => parseBytes4Hex(genesisForkVersion);
