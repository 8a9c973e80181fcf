import {dirname} from "node:path";
import {systemClock} from "../../src/adapters/clock/system.js";
import {pinFromBeaconNode} from "../../src/app/config/beacon-node.js";
import {interopSecrets} from "../../src/app/local/interop.js";
import {LocalCommittee, type LocalOperator} from "../../src/app/local/local-committee.js";
import {prepareLocal} from "../../src/app/local/prepare.js";
import {validatorKeys} from "../../src/app/split/validator-keys.js";
import {type OperatorId, type PeerIdText, parseOperatorId} from "../../src/core/bytes.js";
import type {Logger} from "../../src/ports/logger.js";
import {type DelayProxy, startDelayProxy} from "./delay-proxy.js";
import type {Lie} from "./lies.js";
import {VALIDATORS} from "./lodestar.js";
import {type LyingOperator, startLyingOperator} from "./lying-operator.js";
import {histogram, parsePrometheus, type Sample, total} from "./prometheus.js";
import type {DevnetSigner, SignerNow, StartSigner} from "./signer.js";

const METRICS_TIMEOUT_MS = 2_000;

/**
 * The committee of the devnet: `pleiades local` with the eight interop keys, pinned to the chain that the beacon node
 * serves, and a proxy in front of each operator through which the signer reaches it. In front of those that are to lie
 * stands a liar of the same name.
 * @param validatorFrom the folder of the validator client that is to run in the signer's process; null for none
 */
export function committeeOf(
  operators: number,
  {
    logger,
    validatorFrom,
    signers = 1,
    liars = new Set(),
  }: {logger: Logger; validatorFrom: string | null; signers?: number; liars?: ReadonlySet<number>},
): StartSigner {
  return async ({beaconUrl}, dir) => {
    const network = await pinFromBeaconNode(beaconUrl);
    const plan = await prepareLocal({
      dataDir: dir,
      operators,
      signers,
      network,
      keys: {
        label: `interop 0..${VALIDATORS - 1}`,
        load: async () => ({
          keys: validatorKeys(interopSecrets({first: 0, last: VALIDATORS - 1})),
          // A new chain and keys that have signed nothing on it.
          records: "never-signed",
        }),
      },
    });
    const proxies = new Map<OperatorId, DelayProxy>();
    const fronts = new Map<OperatorId, LyingOperator>();
    const closeProxies = () => Promise.all([...proxies.values(), ...fronts.values()].map((between) => between.close()));
    try {
      for (const {id, address, configFile} of plan.operators) {
        if (liars.has(id)) {
          const dirs = {
            operatorDir: dirname(configFile),
            signerDirs: plan.signers.map((one) => dirname(one.configFile)),
          };
          fronts.set(id, await startLyingOperator({logger}, {...dirs, address}));
        }
        proxies.set(id, await startDelayProxy(fronts.get(id)?.port ?? portOf(address)));
      }
      const committee = await LocalCommittee.start(
        plan,
        {logger, clock: systemClock},
        {
          operatorAddresses: new Map([...proxies].map(([id, {port}]) => [id, [`/ip4/127.0.0.1/tcp/${port}`]])),
          ...(validatorFrom === null ? {} : {validator: {beaconNode: beaconUrl, from: validatorFrom}}),
        },
      );
      const peers = new Map(plan.operators.map(({id, peerId}) => [id, peerId]));
      return new CommitteeSigner(committee, {threshold: plan.threshold, peers, proxies, fronts, closeProxies});
    } catch (error) {
      await closeProxies();
      throw error;
    }
  };
}

class CommitteeSigner implements DevnetSigner {
  readonly threshold: number;
  readonly failed: Promise<never>;
  readonly #committee: LocalCommittee;
  readonly #proxies: ReadonlyMap<OperatorId, DelayProxy>;
  readonly #closeProxies: () => Promise<unknown>;
  readonly #peers: ReadonlyMap<OperatorId, PeerIdText>;
  readonly #fronts: ReadonlyMap<OperatorId, LyingOperator>;
  readonly #delays = new Map<OperatorId, number>();
  readonly #lying = new Set<OperatorId>();
  /** The last that each signer's process said of itself. */
  readonly #samples = new Map<number, readonly Sample[]>();

  constructor(
    committee: LocalCommittee,
    parts: {
      threshold: number;
      peers: ReadonlyMap<OperatorId, PeerIdText>;
      proxies: ReadonlyMap<OperatorId, DelayProxy>;
      fronts: ReadonlyMap<OperatorId, LyingOperator>;
      closeProxies: () => Promise<unknown>;
    },
  ) {
    this.#committee = committee;
    this.#peers = parts.peers;
    this.threshold = parts.threshold;
    this.#proxies = parts.proxies;
    this.#fronts = parts.fronts;
    this.#closeProxies = parts.closeProxies;
    this.failed = committee.failed.then((error) => {
      throw error;
    });
    this.failed.catch(() => {});
  }

  get url(): string {
    return this.#committee.url;
  }

  get urls(): readonly string[] {
    return this.#committee.signers().map(({url}) => url);
  }

  async now(): Promise<SignerNow> {
    for (const {url, pid} of this.#committee.signers()) {
      if (pid !== null) this.#samples.set(pid, await metricsOf(url));
    }
    return signerNow(this.#samplesNow(), {
      operators: this.#committee.operators(),
      peers: this.#peers,
      delays: this.#delays,
      lying: this.#lying,
    });
  }

  crash(operatorId: number): Promise<void> {
    return this.#committee.killOperator(parseOperatorId(operatorId), "SIGKILL");
  }

  restart(operatorId: number): Promise<void> {
    return this.#committee.startOperator(parseOperatorId(operatorId));
  }

  slow(operatorId: number, delayMs: number): void {
    const id = parseOperatorId(operatorId);
    this.#delays.set(id, delayMs);
    this.#proxies.get(id)?.setDelay(delayMs);
  }

  lie(operatorId: number, how: Lie | "all" | null): void {
    const id = parseOperatorId(operatorId);
    this.#fronts.get(id)?.lie(how);
    if (how === null) this.#lying.delete(id);
    else this.#lying.add(id);
  }

  async crashSigner(signerId: number): Promise<void> {
    await this.#committee.killSigner(signerId - 1);
  }

  restartSigner(signerId: number): Promise<void> {
    return this.#committee.startSigner(signerId - 1);
  }

  /** Of all signers that ever ran, for counters only grow; but who is connected only the living know. */
  #samplesNow(): Sample[] {
    const alive = new Set(this.#committee.signers().map(({pid}) => pid));
    return [...this.#samples].flatMap(([pid, samples]) =>
      alive.has(pid) ? samples : samples.filter(({name}) => name !== CONNECTED),
    );
  }

  async stop(): Promise<void> {
    await this.#committee.stop();
    await this.#closeProxies();
  }
}

async function metricsOf(url: string): Promise<readonly Sample[]> {
  const response = await fetch(`${url}/plugin/metrics`, {signal: AbortSignal.timeout(METRICS_TIMEOUT_MS)});
  const text = await response.text();
  if (!response.ok) throw new Error(`the signer's metrics: ${response.status} ${text.slice(0, 200)}`);
  return parsePrometheus(text);
}

const CONNECTED = "pleiades_peer_connected";
const REQUESTS = "pleiades_request_duration_seconds";

/** What the signer's metrics and the state of the processes say together. */
export function signerNow(
  samples: readonly Sample[],
  processes: {
    operators: readonly LocalOperator[];
    peers: ReadonlyMap<OperatorId, PeerIdText>;
    delays: ReadonlyMap<OperatorId, number>;
    lying: ReadonlySet<OperatorId>;
  },
): SignerNow {
  const failed = new Map<string, number>();
  const count = (key: string, value: number): void => {
    if (value > 0) failed.set(key, (failed.get(key) ?? 0) + value);
  };
  for (const {name, labels, value} of samples) {
    if (name === "pleiades_missed_duties_total" || name === "pleiades_request_refusals_total") {
      count(`${labels.type} ${labels.code}`, value);
    }
    if (name === `${REQUESTS}_count` && labels.outcome === "invalid") count(`${labels.type} invalid`, value);
  }
  return {
    signed: total(samples, `${REQUESTS}_count`, {outcome: "ok"}),
    failed,
    durations: histogram(samples, REQUESTS, {outcome: "ok"}),
    operators: processes.operators.map(({id, pid, state}) => {
      const operator = String(id);
      const connected = total(samples, CONNECTED, {peer: processes.peers.get(id) ?? ""}) > 0;
      const answers = samples.filter(
        (one) => one.name === "pleiades_operator_answers_total" && one.labels.operator === operator,
      );
      return {
        id,
        pid,
        state: state === "up" && !connected ? "connecting" : state,
        delayMs: processes.delays.get(id) ?? 0,
        lying: processes.lying.has(id),
        convictions: total(samples, "pleiades_operator_convictions_total", {operator}),
        participations: total(samples, "pleiades_operator_participations_total", {operator}),
        failures: sums(
          answers.filter((one) => one.labels.outcome !== "signed").map((one) => [one.labels.outcome!, one.value]),
        ),
        answers: histogram(samples, "pleiades_operator_answer_duration_seconds", {operator, outcome: "signed"}),
      };
    }),
  };
}

/** Several signers may count the same. */
function sums(counts: readonly (readonly [string, number])[]): Map<string, number> {
  const all = new Map<string, number>();
  for (const [what, count] of counts) all.set(what, (all.get(what) ?? 0) + count);
  return all;
}

function portOf(address: string): number {
  const match = /\/tcp\/(\d+)/.exec(address);
  if (match === null) throw new Error(`not a tcp address: ${address}`);
  return Number(match[1]);
}
