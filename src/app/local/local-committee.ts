import type {OperatorId, PubkeyHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import {withResolvers} from "../lifecycle.js";
import {ServiceProcess} from "./child.js";
import {lockDataDir} from "./lock.js";
import {type LocalPlan, type PlannedOperator, writeOperatorConfig, writeSignerConfig} from "./plan.js";

export interface LocalCommitteeOptions {
  /** Of the remote signer API. Default 127.0.0.1 and a free port. */
  readonly host?: string;
  readonly port?: number;
  /** Where the signer reaches an operator instead of its own address: a proxy put between the two. */
  readonly operatorAddresses?: ReadonlyMap<OperatorId, readonly string[]>;
  /** Added to the environment of a child. */
  readonly env?: (child: "signer" | OperatorId) => NodeJS.ProcessEnv;
  /** `plugins:` of an operator's configuration. */
  readonly operatorPlugins?: (id: OperatorId) => {readonly [name: string]: unknown};
}

export interface LocalOperator {
  readonly id: OperatorId;
  /** Of the operator process, the parent of its keeper: killing it takes the whole operator down. null when down. */
  readonly pid: number | null;
  readonly state: "starting" | "up" | "down";
}

/**
 * A committee of real processes on this machine: n operators, each with its keeper, and a signer, run by the same
 * commands and configuration files that a person would use. All are children of the calling process and end with it.
 */
export class LocalCommittee {
  readonly groupPublicKeys: readonly PubkeyHex[];
  /** Settles when the signer has ended without being asked to: the error says how. */
  readonly failed: Promise<PleiadesError>;
  readonly #plan: LocalPlan;
  readonly #modules: {readonly logger: Logger; readonly clock: Clock};
  readonly #options: LocalCommitteeOptions;
  readonly #unlock: () => Promise<void>;
  readonly #operators = new Map<OperatorId, ServiceProcess | "starting">();
  readonly #fail: (error: PleiadesError) => void;
  #signer: ServiceProcess | null = null;
  #stopping = false;

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
    this.groupPublicKeys = plan.groupPublicKeys;
    const {promise, resolve} = withResolvers<PleiadesError>();
    this.failed = promise;
    this.#fail = resolve;
  }

  /**
   * Resolves when every operator and the signer are ready. On any failure what was started is stopped again.
   * @throws CLI_LOCAL_IN_USE · CLI_LOCAL_CHILD
   */
  static async start(
    plan: LocalPlan,
    modules: {logger: Logger; clock: Clock},
    options: LocalCommitteeOptions = {},
  ): Promise<LocalCommittee> {
    const committee = new LocalCommittee(plan, modules, options, await lockDataDir(plan.dataDir));
    try {
      await settleAll(plan.operators.map(({id}) => committee.startOperator(id)));
      await committee.#startSigner();
      return committee;
    } catch (error) {
      await committee.stop();
      throw error;
    }
  }

  /** Of the remote signer API, as `--externalSigner.url` wants it. */
  get url(): string {
    const url = this.#signer?.ready.url;
    if (url === undefined || url === null) throw new Error("the signer is not up");
    return url;
  }

  get signerPid(): number | null {
    return this.#signer?.alive === true ? this.#signer.pid : null;
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
      await writeOperatorConfig(this.#plan, planned, this.#options.operatorPlugins?.(id));
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

  /** Stops signer and operators, in this order, so that no request meets a committee that is half gone. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#signer?.stop();
    await Promise.all([...this.#operators.values()].map((process) => process !== "starting" && process.stop()));
    await this.#unlock();
  }

  async #startSigner(): Promise<void> {
    const {host = "127.0.0.1", port = 0, operatorAddresses = new Map()} = this.#options;
    await writeSignerConfig(this.#plan, {host, port, operatorAddresses});
    const signer = await ServiceProcess.start(
      {name: "the signer", role: "signer", ...this.#plan.signer, env: this.#env("signer")},
      this.#modules,
    );
    this.#signer = signer;
    void signer.ended.then(({code, signal}) => {
      if (this.#stopping) return;
      this.#fail(
        new PleiadesError({
          code: "CLI_LOCAL_CHILD",
          process: "the signer",
          reason: `it ended with ${signal ?? code}`,
          log: this.#plan.signer.logFile,
        }),
      );
    });
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
