import {mkdirSync} from "node:fs";
import {join} from "node:path";
import type {BeaconApi, Finality} from "./beacon-api.js";
import {describeFault, type Fault} from "./faults.js";
import {FORKS, SLOTS_PER_EPOCH, startBeaconNode, startValidatorClient, VALIDATORS} from "./lodestar.js";
import {type DutyReport, MissedDuties} from "./missed-duties.js";
import {freePorts, type Program, ProgramError, Reaper} from "./processes.js";
import type {DevnetSigner, SignerNow, StartSigner} from "./signer.js";

export interface DevnetOptions {
  /** The checkout. */
  readonly root: string;
  /** An empty folder for data and logs. */
  readonly dir: string;
  readonly faults: readonly Fault[];
  readonly slotSeconds: number;
  /** Seconds from now to genesis. */
  readonly genesisDelay: number;
  /** The signer is its own validator client. */
  readonly inProcess: boolean;
  /** Called with everything worth a line. */
  readonly onEvent: (text: string) => void;
  /** Called about once a second and at every new slot. */
  readonly onStatus?: (status: DevnetStatus) => void;
}

export interface DevnetStatus {
  /** By the clock; negative before genesis. */
  readonly slot: number;
  readonly slotSeconds: number;
  readonly headSlot: number;
  readonly finality: Finality;
  readonly duties: DutyReport;
  /** null until the signer has answered once. */
  readonly signer: SignerNow | null;
  readonly url: string;
  readonly threshold: number;
  /** Faults that have begun, oldest first. */
  readonly faults: readonly Fault[];
  /** Signing requests since the warm-up that got no signature: "TYPE CODE" → count. */
  readonly failedRequests: ReadonlyMap<string, number>;
  /** Indices of slashed validators. */
  readonly slashed: readonly number[];
}

const ALL_VALIDATORS = Array.from({length: VALIDATORS}, (_, i) => i);
const POLL_MS = 1_000;
const WARM_UP_SLOTS = SLOTS_PER_EPOCH; // while programs start; the first epoch is not judged
const BLOCK_SETTLED_SLOTS = 2; // a block is looked for when its slot and the next are over

/** One run: beacon node, then signer, then a validator client for each signer, then faults and bookkeeping until `stop`. */
export class Devnet {
  readonly #options: DevnetOptions;
  readonly #reaper: Reaper;
  readonly #api: BeaconApi;
  readonly #genesisMs: number;
  readonly #beaconNode: Program;
  readonly #signer: DevnetSigner;
  readonly #validatorClients: readonly Program[];
  readonly #duties = new MissedDuties({
    slotsPerEpoch: SLOTS_PER_EPOCH,
    fromSlot: WARM_UP_SLOTS,
    syncFromSlot: Math.max(WARM_UP_SLOTS, FORKS[0].epoch * SLOTS_PER_EPOCH + 1),
  });
  readonly #begun = new Set<Fault>();
  readonly #ended = new Set<Fault>();
  readonly #convicted = new Set<number>();
  #failedInWarmUp: ReadonlyMap<string, number> = new Map();
  #committeesUpTo = -1;
  #head = 0;
  #finality: Finality = {justified: 0, finalised: 0};
  #slashed: readonly number[] = [];
  #signerNow: SignerNow | null = null;
  #lastTrouble = "";
  #stopping = false;
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> = Promise.resolve();
  #readers: (() => void)[] = [];

  /** Resolves when blocks are being asked for: everything runs. @throws ProgramError */
  static async start(options: DevnetOptions, startSigner: StartSigner, signal: AbortSignal): Promise<Devnet> {
    const {root, dir, onEvent, genesisDelay, slotSeconds, inProcess} = options;
    mkdirSync(dir, {recursive: true});
    const reaper = new Reaper();
    const undo: (() => Promise<void>)[] = [];
    try {
      const [restPort, p2pPort] = (await freePorts(2)) as [number, number];
      const genesisTime = Math.ceil(Date.now() / 1000) + genesisDelay;
      onEvent("starting the beacon node");
      const beacon = await startBeaconNode(
        {reaper},
        {root, dir, logFile: join(dir, "beacon-node.log"), restPort, p2pPort, genesisTime, slotSeconds, signal},
      );
      undo.push(() => beacon.program.stop());
      onEvent(`starting the committee, pinned to genesis ${beacon.genesis.genesisValidatorsRoot.slice(0, 10)}`);
      const chain = {genesis: beacon.genesis, beaconUrl: beacon.api.url};
      const signer = await startSigner(chain, join(dir, "committee"));
      undo.push(() => signer.stop());
      signal.throwIfAborted();
      const clients = inProcess ? [] : startClients({reaper}, options, {beaconUrl: beacon.api.url, signer});
      if (inProcess) onEvent("the validator client runs in the signer's process");
      const lateMs = Date.now() - (beacon.genesis.genesisTime + (WARM_UP_SLOTS - 3) * slotSeconds) * 1000;
      if (lateMs > 0) {
        for (const client of clients) undo.push(() => client.stop());
        throw new ProgramError(
          `This machine took too long to start everything: genesis has passed. Use --genesis-delay ${genesisDelay * 3}.`,
        );
      }
      return new Devnet(options, {reaper, api: beacon.api, beaconNode: beacon.program, signer, clients}, genesisTime);
    } catch (error) {
      for (const step of undo.reverse()) await step();
      reaper.dismiss();
      throw error;
    }
  }

  private constructor(
    options: DevnetOptions,
    parts: {reaper: Reaper; api: BeaconApi; beaconNode: Program; signer: DevnetSigner; clients: readonly Program[]},
    genesisTime: number,
  ) {
    this.#options = options;
    this.#reaper = parts.reaper;
    this.#api = parts.api;
    this.#beaconNode = parts.beaconNode;
    this.#signer = parts.signer;
    this.#validatorClients = parts.clients;
    this.#genesisMs = genesisTime * 1000;
    this.#tick();
  }

  /** Rejects with ProgramError when a program ends that should run. */
  get failed(): Promise<never> {
    const programs = [this.#beaconNode, ...this.#validatorClients, this.#signer];
    return Promise.race(programs.map((program) => program.failed));
  }

  get url(): string {
    return this.#signer.url;
  }

  /** By the clock; negative before genesis. */
  slot(): number {
    return Math.floor((Date.now() - this.#genesisMs) / 1000 / this.#options.slotSeconds);
  }

  status(): DevnetStatus {
    return {
      slot: this.slot(),
      slotSeconds: this.#options.slotSeconds,
      headSlot: this.#head,
      finality: this.#finality,
      duties: this.#duties.report(),
      signer: this.#signerNow,
      url: this.#signer.url,
      threshold: this.#signer.threshold,
      faults: [...this.#begun],
      failedRequests: this.#failedRequests(),
      slashed: this.#slashed,
    };
  }

  /** Resolves with the first status for which `condition` holds. */
  async until(condition: (status: DevnetStatus) => boolean, signal: AbortSignal): Promise<DevnetStatus> {
    for (;;) {
      signal.throwIfAborted();
      const status = this.status();
      if (condition(status)) return status;
      // Polls go on whatever happens, so an aborted signal is seen within a second.
      await Promise.race([new Promise<void>((resolve) => this.#readers.push(resolve)), this.failed]);
    }
  }

  /** Ends everything, the validator client first, and resolves when no process is left. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    clearTimeout(this.#timer);
    await Promise.all(this.#validatorClients.map((client) => client.stop()));
    await this.#signer.stop();
    // Its data is thrown away, and it takes its time to say goodbye to peers it does not have.
    await this.#beaconNode.stop(2_000);
    await this.#polling;
    this.#reaper.dismiss();
  }

  /** Runs once a second and exactly at the start of each slot, where faults begin and end. */
  #tick(): void {
    if (this.#stopping) return;
    this.#applyFaults(this.slot());
    this.#polling = this.#polling.then(() => this.#poll());
    const intoSlot = (((Date.now() - this.#genesisMs) % 1000) + 1000) % 1000;
    this.#timer = setTimeout(() => this.#tick(), POLL_MS - intoSlot);
  }

  #applyFaults(slot: number): void {
    const {faults, onEvent} = this.#options;
    for (const fault of faults) {
      if (slot >= fault.fromSlot && !this.#begun.has(fault)) {
        this.#begun.add(fault);
        onEvent(`slot ${slot}: fault begins: ${describeFault(fault)}`);
        void this.#begin(fault);
      }
      if (slot >= fault.toSlot && !this.#ended.has(fault)) {
        this.#ended.add(fault);
        onEvent(`slot ${slot}: fault ends: ${describeFault(fault)}`);
        void this.#end(fault);
      }
    }
  }

  async #begin(fault: Fault): Promise<void> {
    if (fault.kind === "slow") this.#signer.slow(fault.operatorId, fault.delayMs);
    else if (fault.kind === "signer-crash") {
      await new Promise((resolve) => setTimeout(resolve, (this.#options.slotSeconds * 1000) / 2));
      if (!this.#stopping) await this.#signer.crashSigner(fault.signerId);
    } else if (fault.kind === "lie") this.#signer.lie(fault.operatorId, fault.how);
    else await this.#signer.crash(fault.operatorId);
  }

  async #end(fault: Fault): Promise<void> {
    if (fault.kind === "slow") return this.#signer.slow(fault.operatorId, 0);
    if (fault.kind === "lie") return this.#signer.lie(fault.operatorId, null);
    const who = fault.kind === "signer-crash" ? `signer ${fault.signerId}` : `operator ${fault.operatorId}`;
    try {
      if (fault.kind === "signer-crash") await this.#signer.restartSigner(fault.signerId);
      else await this.#signer.restart(fault.operatorId);
      if (!this.#stopping) this.#options.onEvent(`${who} runs again`);
    } catch (error) {
      if (!this.#stopping) this.#options.onEvent(`${who} did not start again: ${error}`);
    }
  }

  async #poll(): Promise<void> {
    if (this.#stopping) return;
    try {
      // Only when all three have answered: half a picture would be judged as a whole one.
      [this.#head, this.#finality, this.#slashed, this.#signerNow] = await Promise.all([
        this.#api.headSlot(),
        this.#api.finality(),
        this.#api.slashed(),
        this.#signer.now(),
      ]);
      this.#tellConvictions(this.#signerNow);
      if (this.slot() < WARM_UP_SLOTS) this.#failedInWarmUp = this.#signerNow.failed;
      await this.#scanBlocks();
    } catch (error) {
      this.#once(`could not read the state of the run: ${(error as Error).message}`);
    }
    for (const line of this.#duties.takeNews()) this.#options.onEvent(`missed duty: ${line}`);
    this.#options.onStatus?.(this.status());
    for (const wake of this.#readers.splice(0)) wake();
  }

  #tellConvictions({operators}: SignerNow): void {
    for (const {id, convictions} of operators) {
      if (convictions === 0 || this.#convicted.has(id)) continue;
      this.#convicted.add(id);
      this.#options.onEvent(`the signer caught operator ${id} lying and asks it last from now on`);
    }
  }

  /** Says something unless it was the last thing said here: a node that is in trouble repeats itself every second. */
  #once(text: string): void {
    if (!this.#stopping && text !== this.#lastTrouble) this.#options.onEvent(text);
    this.#lastTrouble = text;
  }

  #failedRequests(): ReadonlyMap<string, number> {
    const since = [...(this.#signerNow?.failed ?? [])].map(
      ([what, count]) => [what, count - (this.#failedInWarmUp.get(what) ?? 0)] as const,
    );
    return new Map(since.filter(([what, count]) => count > 0 && !this.#isExpected(what)));
  }

  /** Of two clients' different blocks one is refused; whether the duty was done, the chain tells. */
  #isExpected(what: string): boolean {
    return this.#signer.urls.length > 1 && /^(?:BLOCK_V2|ATTESTATION) COMMITTEE_REFUSED$/.test(what);
  }

  async #scanBlocks(): Promise<void> {
    const settled = this.slot() - BLOCK_SETTLED_SLOTS;
    while (this.#duties.nextSlot <= settled && !this.#stopping) {
      const slot = this.#duties.nextSlot;
      const epoch = Math.floor(slot / SLOTS_PER_EPOCH);
      if (epoch > this.#committeesUpTo) {
        this.#duties.addCommittees(await this.#api.committees(epoch, ALL_VALIDATORS));
        this.#committeesUpTo = epoch;
      }
      this.#duties.addSlot(slot, await this.#api.block(slot));
    }
  }
}

function startClients(
  {reaper}: {reaper: Reaper},
  {root, dir, slotSeconds, onEvent}: DevnetOptions,
  {beaconUrl, signer}: {beaconUrl: string; signer: DevnetSigner},
): readonly Program[] {
  onEvent(`the committee serves ${signer.urls.join(" and ")}; starting the validator client`);
  return signer.urls.map((signerUrl, i) => {
    const name = i === 0 ? "validator client" : `validator client ${i + 1}`;
    // Several clients tell each other's votes as errors: the beacon node knows them already.
    const watch = signer.urls.length > 1 ? {} : {onLine: watchErrors((text) => onEvent(`${name}: ${text}`))};
    return startValidatorClient({reaper, ...watch}, {root, dir, name, beaconUrl, signerUrl, slotSeconds});
  });
}

/**
 * Hands on the error lines of a validator client, without time and colours, and each once however often it is repeated.
 * Warnings stay in its log: every start prints several about re-orgs of duties. So do the beacon node's errors, most of
 * which are about peers and light clients that it does not have here.
 */
function watchErrors(tell: (text: string) => void): (line: string) => void {
  let last = "";
  return (line) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with ESC
    const plain = line.replace(/\u001b\[[0-9;]*m/g, "");
    const text = /^\S+ \S+?\[\S*\s*\]\s+error: (.*)$/.exec(plain)?.[1]?.slice(0, 300);
    if (text === undefined || text === last) return;
    last = text;
    tell(text);
  };
}
