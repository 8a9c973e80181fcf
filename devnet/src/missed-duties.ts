/**
 * Which duties reached the chain. Read from canonical blocks alone: what a block does not hold did not happen,
 * whatever the validator client or the signer say about it.
 */
export interface BeaconCommittee {
  readonly slot: number;
  readonly index: number;
  readonly validators: readonly number[];
}

export interface BlockContent {
  readonly attestations: readonly {readonly slot: number; readonly index: number; readonly bits: readonly boolean[]}[];
  /** One bit per seat of the sync committee, for the slot before; null before Altair. */
  readonly syncBits: readonly boolean[] | null;
}

export interface Tally {
  /** Duties whose outcome is known. */
  readonly due: number;
  readonly missed: number;
}

export interface DutyReport {
  /** Slots before this one have been looked at. */
  readonly nextSlot: number;
  readonly blocks: Tally;
  readonly attestations: Tally;
  /** Seats of the sync committee in blocks that exist. */
  readonly syncMessages: Tally;
  /** Attestations that are not included yet and still can be. */
  readonly attestationsOpen: number;
}

export class MissedDuties {
  readonly #slotsPerEpoch: number;
  readonly #fromSlot: number;
  readonly #syncFromSlot: number;
  /** "slot/index" → validators that have not been seen in a block. */
  readonly #waiting = new Map<string, {slot: number; left: Set<number>}>();
  readonly #committees = new Map<string, readonly number[]>();
  #news: string[] = [];
  #blocks = {due: 0, missed: 0};
  #attestations = {due: 0, missed: 0};
  #sync = {due: 0, missed: 0};
  #next = 0;

  /**
   * Duties of slots before `fromSlot` do not count, nor sync messages before `syncFromSlot`: with any signer a Lodestar
   * client learns of its seats only in the first slot of Altair, too late for that slot.
   */
  constructor(options: {slotsPerEpoch: number; fromSlot: number; syncFromSlot: number}) {
    this.#slotsPerEpoch = options.slotsPerEpoch;
    this.#fromSlot = options.fromSlot;
    this.#syncFromSlot = options.syncFromSlot;
  }

  /** The slot that `addSlot` wants next. Slot 0 is genesis and has no duty to propose. */
  get nextSlot(): number {
    return this.#next;
  }

  /** All beacon committees of one epoch; before any of the epoch's slots is added. */
  addCommittees(committees: readonly BeaconCommittee[]): void {
    for (const {slot, index, validators} of committees) {
      const key = `${slot}/${index}`;
      this.#committees.set(key, validators);
      if (slot >= this.#fromSlot) this.#waiting.set(key, {slot, left: new Set(validators)});
    }
  }

  /** The next slot's canonical block, or null when it has none. Slots come in order, without gaps. */
  addSlot(slot: number, block: BlockContent | null): void {
    if (slot !== this.#next) throw new Error(`slot ${this.#next} comes next, not ${slot}`);
    this.#next++;
    if (slot >= this.#fromSlot && slot > 0) {
      this.#blocks.due++;
      if (block === null) this.#miss(this.#blocks, 1, `slot ${slot}: no block`);
    }
    for (const {slot: attested, index, bits} of block?.attestations ?? []) {
      const key = `${attested}/${index}`;
      const waiting = this.#waiting.get(key);
      const members = this.#committees.get(key) ?? [];
      for (const [i, validator] of members.entries()) {
        if (bits[i] === true && waiting?.left.delete(validator)) this.#attestations.due++;
      }
      if (waiting?.left.size === 0) this.#waiting.delete(key);
    }
    // The sync aggregate of a block is made in the slot before it.
    if (block?.syncBits != null && slot - 1 >= this.#syncFromSlot) {
      const absent = block.syncBits.filter((bit) => !bit).length;
      this.#sync.due += block.syncBits.length;
      if (absent > 0) this.#miss(this.#sync, absent, `slot ${slot - 1}: ${absent} sync messages`);
    }
    for (const [key, {slot: attested, left}] of this.#waiting) {
      // An attestation can be included up to SLOTS_PER_EPOCH slots later (phase0/beacon-chain.md#attestations).
      if (attested + this.#slotsPerEpoch > slot) continue;
      this.#waiting.delete(key);
      this.#attestations.due += left.size;
      this.#miss(
        this.#attestations,
        left.size,
        `slot ${attested}: no attestation of validator ${[...left].join(", ")}`,
      );
    }
  }

  report(): DutyReport {
    let open = 0;
    for (const {slot, left} of this.#waiting.values()) if (slot < this.#next) open += left.size;
    return {
      nextSlot: this.#next,
      blocks: {...this.#blocks},
      attestations: {...this.#attestations},
      syncMessages: {...this.#sync},
      attestationsOpen: open,
    };
  }

  /** A line for each thing missed since the last call. */
  takeNews(): readonly string[] {
    const news = this.#news;
    this.#news = [];
    return news;
  }

  #miss(tally: {missed: number}, count: number, line: string): void {
    tally.missed += count;
    this.#news.push(line);
  }
}
