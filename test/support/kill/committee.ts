import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {generateIdentity, type Identity} from "../../../src/adapters/libp2p/identity.js";
import {LmdbEnvironment} from "../../../src/adapters/slashing-store/lmdb-environment.js";
import {ServiceProcess} from "../../../src/app/local/child.js";
import {interopSecrets} from "../../../src/app/local/interop.js";
import {type LocalPlan, writeOperatorConfig, writeSignerConfig} from "../../../src/app/local/plan.js";
import {freePorts} from "../../../src/app/local/ports.js";
import {prepareLocal} from "../../../src/app/local/prepare.js";
import {validatorKeys} from "../../../src/app/split/validator-keys.js";
import type {OperatorId} from "../../../src/core/bytes.js";
import type {Committee} from "../../../src/core/committee/committee.js";
import {formatCommitteeFile, parseCommitteeFile} from "../../../src/core/committee/committee-file.js";
import {ShareStore} from "../../../src/keeper/share-store.js";
import {storePath} from "../../../src/keeper/start.js";
import {family} from "../cli.js";
import {LONG_NETWORK} from "./duties.js";

/** A restart that spends half a second on a password would leave little time for load between kills. */
const CHEAP_KDF = {n: 2 ** 10, r: 8, p: 1};

/**
 * Four operators with their keepers, and a signer, as real processes with real configuration, each to be killed and
 * started again. The committee file allows a second coordinator: the harness.
 */
export class KillableCommittee {
  readonly plan: LocalPlan;
  readonly committee: Committee;
  /** Of the second coordinator. */
  readonly identity: Identity;
  readonly #operators = new Map<OperatorId, ServiceProcess>();
  #signer: ServiceProcess | null = null;

  private constructor(plan: LocalPlan, committee: Committee, identity: Identity) {
    this.plan = plan;
    this.committee = committee;
    this.identity = identity;
  }

  /** @param first whether the second coordinator ranks before the signer, whose requests are then the ones held back */
  static async prepare({keys, first = true}: {keys: number; first?: boolean}): Promise<KillableCommittee> {
    const dataDir = mkdtempSync(join(tmpdir(), "pleiades-kill-"));
    const range = {first: 0, last: keys - 1};
    const plan = await prepareLocal({
      dataDir,
      network: LONG_NETWORK,
      keys: {
        label: `interop 0..${range.last}`,
        load: async () => ({keys: validatorKeys(interopSecrets(range)), records: "never-signed"}),
      },
    });
    const identity = await generateIdentity();
    const alone = parseCommitteeFile(readFileSync(plan.committeeFile, "utf8"), blstGroup);
    const {peerId} = identity;
    const coordinators = first ? [peerId, ...alone.coordinators] : [...alone.coordinators, peerId];
    const text = formatCommitteeFile({...alone, coordinators}, blstGroup);
    writeFileSync(plan.committeeFile, text);
    const [port = 0] = await freePorts([0]);
    await writeSignerConfig(plan, plan.signers[0]!, {host: "127.0.0.1", port, operatorAddresses: new Map()});
    for (const operator of plan.operators) {
      await writeOperatorConfig(plan, operator);
      await createStore(dirname(operator.configFile), operator.id);
    }
    return new KillableCommittee(plan, parseCommitteeFile(text, blstGroup), identity);
  }

  get ids(): readonly OperatorId[] {
    return this.plan.operators.map(({id}) => id);
  }
  get signerUrl(): string | null {
    return this.#signer?.alive === true ? this.#signer.ready.url : null;
  }
  operator(id: OperatorId): ServiceProcess | null {
    const process = this.#operators.get(id);
    return process?.alive === true ? process : null;
  }
  get signer(): ServiceProcess | null {
    return this.#signer?.alive === true ? this.#signer : null;
  }

  /** Process id of an operator's keeper. */
  keeperPid(id: OperatorId): number {
    const [, keeper] = family(this.operator(id)?.pid ?? 0);
    if (keeper === undefined) throw new Error(`operator ${id} has no keeper`);
    return keeper;
  }

  async startOperator(id: OperatorId): Promise<void> {
    const {configFile, logFile} = this.plan.operators.find((one) => one.id === id)!;
    const options = {name: `operator ${id}`, role: "operator", configFile, logFile, env: process.env} as const;
    this.#operators.set(id, await ServiceProcess.start(options, {clock: systemClock}));
  }

  async startSigner(): Promise<void> {
    const options = {...this.plan.signers[0]!, role: "signer", env: process.env} as const;
    this.#signer = await ServiceProcess.start(options, {clock: systemClock});
  }

  async start(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.startOperator(id)));
    await this.startSigner();
  }

  async stop(): Promise<void> {
    await this.#signer?.stop();
    await Promise.all([...this.#operators.values()].map((operator) => operator.stop()));
  }

  /** Where an operator keeps its records. */
  dataDir(id: OperatorId): string {
    return join(dirname(this.plan.operators.find((one) => one.id === id)!.configFile), "data");
  }

  remove(): void {
    rmSync(this.plan.dataDir, {recursive: true, force: true});
  }
}

async function createStore(operatorDir: string, id: OperatorId): Promise<void> {
  const dataDir = join(operatorDir, "data");
  mkdirSync(dataDir, {mode: 0o700});
  const password = readFileSync(join(operatorDir, `operator-${id}.password`), "utf8").trim();
  const environment = await LmdbEnvironment.open(storePath(dataDir));
  await ShareStore.open({environment}, password, CHEAP_KDF);
  await environment.close();
}
