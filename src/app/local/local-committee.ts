import type {OperatorId, PubkeyHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import {withResolvers} from "../lifecycle.js";
import {holdCeremony} from "./ceremony.js";
import {type ServiceOptions, ServiceProcess} from "./child.js";
import {lockDataDir} from "./lock.js";
import {
  type LocalPlan,
  type PlannedOperator,
  type PlannedSigner,
  writeOperatorConfig,
  writeSignerConfig,
} from "./plan.js";
import {groupKeysIn} from "./prepare.js";

export interface LocalCommitteeOptions {
  /** Of the remote signer API. Default 127.0.0.1 and a free port. A second signer takes the port after the first's. */
  readonly host?: string;
  readonly port?: number;
  /** Where the signer reaches an operator instead of its own address: a proxy put between the two. */
  readonly operatorAddresses?: ReadonlyMap<OperatorId, readonly string[]>;
  /** Runs `pleiades validator` instead of `pleiades signer`, with the client of this folder. */
  readonly validator?: {readonly beaconNode: string; readonly from: string};
  /** Added to the environment of a child. */
  readonly env?: (child: "signer" | OperatorId) => NodeJS.ProcessEnv;
  /** `plugins:` of an operator's configuration. */
  readonly operatorPlugins?: (id: OperatorId) => {readonly [name: string]: unknown};
  /** `policy.permits` of every operator, asked for at each of its starts. */
  readonly permits?: () => readonly unknown[];
  /** Called when the operators are up and begin a ceremony, and then with each line of its progress. */
  readonly onCeremony?: (operators: readonly LocalOperator[]) => void;
  readonly onProgress?: (line: string) => void;
}

export interface LocalOperator {
  readonly id: OperatorId;
  /** Of the operator process, the parent of its keeper: killing it takes the whole operator down. null when down. */
  readonly pid: number | null;
  readonly state: "starting" | "up" | "down";
}

export interface LocalSigner {
  readonly url: string;
  /** null when it has ended. */
  readonly pid: number | null;
}

/**
 * A committee of real processes on this machine: n operators, each with its keeper, and one or more signers, run by the same
 * commands and configuration files that a person would use. All are children of the calling process and end with it.
 */
export class LocalCommittee {
  /** Settles when the last signer has ended without being asked to: the error says how. */
  readonly failed: Promise<PleiadesError>;
  readonly #plan: LocalPlan;
  readonly #modules: {readonly logger: Logger; readonly clock: Clock};
  readonly #options: LocalCommitteeOptions;
  readonly #unlock: () => Promise<void>;
  readonly #operators = new Map<OperatorId, ServiceProcess | "starting">();
  readonly #fail: (error: PleiadesError) => void;
  /** By rank. */
  readonly #signers: ServiceProcess[] = [];
  #groupPublicKeys: readonly PubkeyHex[];
  #stopping = false;
  readonly #abort = new AbortController();

  private constructor(
    plan: LocalPlan,
    modules: {logger: Logger; clock: Clock},
    options: LocalCommitteeOptions,
    unlock: () => Promise<void>,
  ) {
    this.#plan = plan;
    this.#modules = modules;
    this.#options = options;
    this.#unlock = unlock;
    this.#groupPublicKeys = plan.groupPublicKeys;
    const {promise, resolve} = withResolvers<PleiadesError>();
    this.failed = promise;
    this.#fail = resolve;
  }

  /**
   * Resolves when every operator and signer is ready. On any failure what was started is stopped again.
   * @throws CLI_LOCAL_IN_USE · CLI_LOCAL_CHILD · DKG_CEREMONY_FAILED
   */
  static async start(
    plan: LocalPlan,
    modules: {logger: Logger; clock: Clock},
    options: LocalCommitteeOptions = {},
  ): Promise<LocalCommittee> {
    const committee = new LocalCommittee(plan, modules, options, await lockDataDir(plan.dataDir));
    try {
      await settleAll(plan.operators.map(({id}) => committee.startOperator(id)));
      await committee.#makeKeys();
      // One after another: the places in the list are the ranks.
      for (const rank of plan.signers.keys()) await committee.startSigner(rank);
      return committee;
    } catch (error) {
      await committee.stop();
      throw error;
    }
  }

  /** Of the first signer's API, as `--externalSigner.url` wants it; of its plugins' routes when it is its own client. */
  get url(): string {
    const [first] = this.signers();
    if (first === undefined) throw new Error("the signer is not up");
    return first.url;
  }

  get groupPublicKeys(): readonly PubkeyHex[] {
    return this.#groupPublicKeys;
  }

  /** By rank. */
  signers(): readonly LocalSigner[] {
    return this.#signers.map(({ready, alive, pid}) => ({url: ready.url ?? "", pid: alive ? pid : null}));
  }

  /** Sends the signal and waits for the end. `rank` counts from 0. */
  async killSigner(rank: number, signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const signer = this.#signers[rank];
    if (signer?.kill(signal) === true) await signer.ended;
  }

  operators(): readonly LocalOperator[] {
    return this.#plan.operators.map(({id}) => {
      const process = this.#operators.get(id);
      if (process === "starting") return {id, pid: null, state: "starting"};
      return process?.alive === true ? {id, pid: process.pid, state: "up"} : {id, pid: null, state: "down"};
    });
  }

  /** Sends the signal (SIGKILL is a crash) and, unless it is one that a process survives, waits for its end. */
  async killOperator(id: OperatorId, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const process = this.#operators.get(id);
    if (process === undefined || process === "starting" || !process.kill(signal)) return;
    if (signal === "SIGKILL" || signal === "SIGTERM") await process.ended;
  }

  /** Starts an operator that is down, with the data it had; does nothing when it is up. @throws CLI_LOCAL_CHILD */
  async startOperator(id: OperatorId): Promise<void> {
    const current = this.#operators.get(id);
    if (current === "starting" || current?.alive === true) return;
    this.#operators.set(id, "starting");
    const planned = this.#planned(id);
    try {
      await writeOperatorConfig(this.#plan, planned, this.#options.operatorPlugins?.(id), this.#options.permits?.());
      const process = await ServiceProcess.start(
        {
          name: `operator ${id}`,
          role: "operator",
          configFile: planned.configFile,
          logFile: planned.logFile,
          env: this.#env(id),
        },
        this.#modules,
      );
      this.#operators.set(id, process);
      void process.ended.then((end) => this.#operatorEnded(id, end));
      // Asked to stop while this one was starting: it was not in the list of those to stop.
      if (this.#stopping) await process.stop();
    } catch (error) {
      this.#operators.delete(id);
      throw error;
    }
  }

  /** Stops signers and operators, in this order, so that no request meets a committee that is half gone. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#abort.abort();
    await Promise.all(this.#signers.map((signer) => signer.stop()));
    await Promise.all([...this.#operators.values()].map((process) => process !== "starting" && process.stop()));
    await this.#unlock();
  }

  /** Starts a signer that is down, at the URL it had; does nothing when it is up. @throws CLI_LOCAL_CHILD */
  async startSigner(rank: number): Promise<void> {
    const former = this.#signers[rank];
    if (former?.alive === true) return;
    const {host = "127.0.0.1", operatorAddresses = new Map(), validator} = this.#options;
    const planned = this.#plan.signers[rank]!;
    const port = former === undefined ? this.#portOf(rank) : Number(new URL(former.ready.url ?? "").port);
    await writeSignerConfig(this.#plan, planned, {host, port, operatorAddresses});
    const role: Pick<ServiceOptions, "role" | "args"> =
      validator === undefined
        ? {role: "signer"}
        : {role: "validator", args: ["--beacon-node", validator.beaconNode, "--validator-from", validator.from]};
    const signer = await ServiceProcess.start({...planned, ...role, env: this.#env("signer")}, this.#modules);
    this.#signers[rank] = signer;
    void signer.ended.then((end) => this.#signerEnded(planned, end));
    if (this.#stopping) await signer.stop();
  }

  /** In the ceremony, unless they are there. */
  async #makeKeys(): Promise<void> {
    const {ceremony, committeeFile} = this.#plan;
    if (ceremony === null || this.#groupPublicKeys.length > 0) return;
    const {onCeremony, onProgress = () => {}} = this.#options;
    onCeremony?.(this.operators());
    const {clock} = this.#modules;
    const {signal} = this.#abort;
    await holdCeremony(this.#plan, ceremony, {clock, env: this.#env("signer"), signal, progress: onProgress});
    this.#groupPublicKeys = await groupKeysIn(committeeFile);
  }

  #portOf(rank: number): number {
    const {port = 0} = this.#options;
    return port === 0 ? 0 : port + rank;
  }

  /** The others go on without it; without any, nothing is left to run. */
  #signerEnded(
    {name, logFile}: PlannedSigner,
    {code, signal}: {code: number | null; signal: NodeJS.Signals | null},
  ): void {
    if (this.#stopping) return;
    if (this.#signers.some(({alive}) => alive)) {
      this.#modules.logger.warn("a signer has ended; the others go on without it", {
        signer: name,
        ended: signal ?? code,
        log: logFile,
      });
      return;
    }
    const reason = `it ended with ${signal ?? code}`;
    this.#fail(new PleiadesError({code: "CLI_LOCAL_CHILD", process: name, reason, log: logFile}));
  }

  /** The committee goes on without it: that is what it is for, and tests kill operators on purpose. */
  #operatorEnded(id: OperatorId, {code, signal}: {code: number | null; signal: NodeJS.Signals | null}): void {
    if (this.#stopping) return;
    const {logFile} = this.#planned(id);
    this.#modules.logger.warn("an operator has ended; the committee goes on without it", {
      operator: id,
      ended: signal ?? code,
      log: logFile,
    });
  }

  #planned(id: OperatorId): PlannedOperator {
    const operator = this.#plan.operators.find((candidate) => candidate.id === id);
    if (operator === undefined) throw new PleiadesError({code: "CODEC_INDEX", field: "operator id"});
    return operator;
  }

  #env(child: "signer" | OperatorId): NodeJS.ProcessEnv {
    return {...process.env, LODESTAR_PRESET: this.#plan.network.preset.name, ...this.#options.env?.(child)};
  }
}

/** Waits for all, then throws the first failure: nothing is left starting in the background. */
async function settleAll(tasks: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(tasks);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
