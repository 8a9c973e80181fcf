import {BeaconApi, bitlist} from "./beacon-api.js";
import {SLOTS_PER_EPOCH} from "./lodestar.js";

const READ_MS = 1_000;

interface Vote {
  readonly slot: number;
  readonly target: number;
  /** Everything that is signed, as text: two texts for one target are a double vote. */
  readonly data: string;
}

interface Block {
  readonly slot: string;
  readonly proposer_index: string;
  readonly body: {
    readonly attestations: readonly {
      readonly aggregation_bits: string;
      readonly data: {readonly slot: string; readonly index: string; readonly target: {readonly epoch: string}};
    }[];
    readonly proposer_slashings: readonly unknown[];
    readonly attester_slashings: readonly unknown[];
  };
}

/**
 * Reads a devnet's canonical blocks one after the other and remembers who voted for what and who proposed. It reads all
 * the time: Lodestar 1.5.1 tells the committees of an epoch only until the one after the next.
 */
export class ChainWatch {
  readonly #api: BeaconApi;
  readonly #validators: readonly number[];
  readonly #votes = new Map<number, Vote[]>();
  readonly #proposals = new Map<number, number[]>();
  readonly #committees = new Map<number, ReadonlyMap<string, readonly number[]>>();
  #next: number;
  #reading: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  /** Slashings that a block contained. */
  slashings = 0;

  constructor(url: string, validators: readonly number[], fromSlot = 0) {
    this.#api = new BeaconApi(url);
    this.#validators = validators;
    this.#next = fromSlot;
  }

  get api(): BeaconApi {
    return this.#api;
  }

  start(): void {
    this.#timer = setInterval(() => void this.scan().catch(() => {}), READ_MS); // the next reader is told
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  votes = (validator: number): readonly Vote[] => this.#votes.get(validator) ?? [];
  proposals = (validator: number): readonly number[] => this.#proposals.get(validator) ?? [];

  /** Resolves when the condition holds over what the chain contains. */
  async until(what: string, condition: (watch: this) => boolean, boundMs: number): Promise<void> {
    const end = performance.now() + boundMs;
    for (;;) {
      await this.scan();
      if (condition(this)) return;
      if (performance.now() > end) throw new Error(`waited ${boundMs / 1000} s in vain: ${what} (slot ${this.#next})`);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  /** Reads up to the slot before the head, which may still be replaced. */
  scan(): Promise<void> {
    this.#reading = this.#reading.catch(() => {}).then(() => this.#scan());
    return this.#reading;
  }

  async #scan(): Promise<void> {
    const head = await this.#api.headSlot();
    for (; this.#next < head; this.#next++) {
      const block = await this.#block(this.#next);
      if (block === null) continue;
      const {proposer_index: proposer, body} = block;
      push(this.#proposals, Number(proposer), this.#next);
      this.slashings += body.proposer_slashings.length + body.attester_slashings.length;
      for (const {aggregation_bits: bits, data} of body.attestations) {
        const slot = Number(data.slot);
        const members = (await this.#committeesOf(slot)).get(`${slot}/${Number(data.index)}`) ?? [];
        for (const [i, voted] of bitlist(bits).entries()) {
          const validator = members[i];
          if (!voted || validator === undefined) continue;
          push(this.#votes, validator, {slot, target: Number(data.target.epoch), data: JSON.stringify(data)});
        }
      }
    }
  }

  /** Validators with two different votes for one target, or that proposed twice in a slot; as text. */
  offences(): string[] {
    const found: string[] = [];
    for (const validator of this.#validators) {
      const byTarget = new Map<number, string>();
      for (const {target, data} of this.votes(validator)) {
        const other = byTarget.get(target);
        if (other !== undefined && other !== data) found.push(`validator ${validator}: two votes for target ${target}`);
        byTarget.set(target, data);
      }
      const slots = this.proposals(validator);
      if (new Set(slots).size !== slots.length) found.push(`validator ${validator}: two blocks in one slot`);
    }
    return found;
  }

  /** Which of the validators the beacon node holds to be slashed. */
  async slashed(): Promise<number[]> {
    const {data} = (await this.#get("/eth/v1/beacon/states/head/validators")) as {
      data: {index: string; validator: {slashed: boolean}}[];
    };
    return data.filter(({validator}) => validator.slashed).map(({index}) => Number(index));
  }

  async #committeesOf(slot: number): Promise<ReadonlyMap<string, readonly number[]>> {
    const epoch = Math.floor(slot / SLOTS_PER_EPOCH);
    let known = this.#committees.get(epoch);
    if (known === undefined) {
      const committees = await this.#api.committees(epoch, this.#validators);
      known = new Map(committees.map((one) => [`${one.slot}/${one.index}`, one.validators]));
      this.#committees.set(epoch, known);
    }
    return known;
  }

  async #block(slot: number): Promise<Block | null> {
    const answer = (await this.#get(`/eth/v2/beacon/blocks/${slot}`)) as {data: {message: Block}} | null;
    const block = answer?.data.message ?? null;
    // Lodestar 1.5.1 answers with the last block before an empty slot.
    return block === null || Number(block.slot) !== slot ? null : block;
  }

  async #get(path: string): Promise<unknown> {
    const response = await fetch(this.#api.url + path, {signal: AbortSignal.timeout(5_000)});
    if (response.status === 404) {
      await response.arrayBuffer();
      return null;
    }
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}

function push<V>(lists: Map<number, V[]>, key: number, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
