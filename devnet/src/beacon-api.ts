import type {BeaconCommittee, BlockContent} from "./missed-duties.js";

export interface Genesis {
  /** Unix seconds. */
  readonly genesisTime: number;
  readonly genesisValidatorsRoot: string;
  readonly genesisForkVersion: string;
}
export interface ValidatorNow {
  readonly index: number;
  /** As the Beacon API names it: pending_initialized, pending_queued, active_ongoing, active_exiting, ... */
  readonly status: string;
  /** null while the chain has not set it. */
  readonly activationEpoch: number | null;
  readonly exitEpoch: number | null;
  readonly withdrawalCredentials: string;
}
export interface Finality {
  readonly justified: number;
  readonly finalised: number;
}

const TIMEOUT_MS = 5_000; // a beacon node on the same machine answers in milliseconds

/** The few routes of the standard Beacon API that the devnet reads. Rejects when the node cannot be reached. */
export class BeaconApi {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async genesis(): Promise<Genesis> {
    const {data} = (await this.#get("/eth/v1/beacon/genesis")) as {data: Record<string, string>};
    return {
      genesisTime: Number(data.genesis_time),
      genesisValidatorsRoot: String(data.genesis_validators_root),
      genesisForkVersion: String(data.genesis_fork_version),
    };
  }

  async headSlot(): Promise<number> {
    const {data} = (await this.#get("/eth/v1/beacon/headers/head")) as {
      data: {header: {message: {slot: string}}};
    };
    return Number(data.header.message.slot);
  }

  async finality(): Promise<Finality> {
    const {data} = (await this.#get("/eth/v1/beacon/states/head/finality_checkpoints")) as {
      data: {current_justified: {epoch: string}; finalized: {epoch: string}};
    };
    return {justified: Number(data.current_justified.epoch), finalised: Number(data.finalized.epoch)};
  }

  /** What the head state knows of a key; null when it is nobody's. */
  async validator(publicKey: string): Promise<ValidatorNow | null> {
    // By the list: asked for the one, Lodestar logs an error while there is none.
    const {data} = (await this.#get(`/eth/v1/beacon/states/head/validators?id=${publicKey}`)) as {
      data: {index: string; status: string; validator: Record<string, string>}[];
    };
    const found = data.find((one) => one.validator.pubkey === publicKey);
    if (found === undefined) return null;
    const {index, status, validator} = found;
    return {
      index: Number(index),
      status,
      activationEpoch: epochOrNever(validator.activation_epoch),
      exitEpoch: epochOrNever(validator.exit_epoch),
      withdrawalCredentials: String(validator.withdrawal_credentials),
    };
  }

  /** Indices of the validators that the head state knows as slashed. */
  async slashed(): Promise<number[]> {
    const {data} = (await this.#get("/eth/v1/beacon/states/head/validators")) as {
      data: {index: string; validator: {slashed: boolean}}[];
    };
    return data.filter(({validator}) => validator.slashed).map(({index}) => Number(index));
  }

  /**
   * All beacon committees of an epoch that these validators sit in, read from their duties: Lodestar 1.5.1's route
   * `states/head/committees` mixes up slot and index.
   */
  async committees(epoch: number, validators: readonly number[]): Promise<readonly BeaconCommittee[]> {
    const answer = await this.#send(`/eth/v1/validator/duties/attester/${epoch}`, validators.map(String));
    const {data} = (await answer.json()) as {
      data: {validator_index: string; committee_index: string; validator_committee_index: string; slot: string}[];
    };
    const committees = new Map<string, {slot: number; index: number; validators: number[]}>();
    for (const duty of data) {
      const [slot, index] = [Number(duty.slot), Number(duty.committee_index)];
      const committee = committees.get(`${slot}/${index}`) ?? {slot, index, validators: []};
      committee.validators[Number(duty.validator_committee_index)] = Number(duty.validator_index);
      committees.set(`${slot}/${index}`, committee);
    }
    return [...committees.values()];
  }

  /** The canonical block of a slot, null when it is empty. */
  async block(slot: number): Promise<BlockContent | null> {
    const answer = (await this.#get(`/eth/v2/beacon/blocks/${slot}`, {absent: true})) as {
      data: {
        message: {
          slot: string;
          body: {
            attestations: {aggregation_bits: string; data: {slot: string; index: string}}[];
            sync_aggregate?: {sync_committee_bits: string};
          };
        };
      };
    } | null;
    // Some versions answer with the last block before an empty slot.
    if (answer === null || Number(answer.data.message.slot) !== slot) return null;
    const {attestations, sync_aggregate: sync} = answer.data.message.body;
    return {
      attestations: attestations.map(({aggregation_bits, data}) => ({
        slot: Number(data.slot),
        index: Number(data.index),
        bits: bitlist(aggregation_bits),
      })),
      syncBits: sync === undefined ? null : bits(sync.sync_committee_bits),
    };
  }

  /** The parsed body; null for a 404 when that is one of the answers (`absent`). */
  async #get(path: string, {absent = false} = {}): Promise<unknown> {
    const response = await this.#fetch(path, {}, absent);
    if (response.ok) return response.json();
    await response.arrayBuffer();
    return null;
  }

  #send(path: string, body: unknown): Promise<Response> {
    const headers = {"content-type": "application/json"};
    return this.#fetch(path, {method: "POST", headers, body: JSON.stringify(body)});
  }

  async #fetch(path: string, init: RequestInit, absent = false): Promise<Response> {
    const response = await fetch(this.url + path, {...init, signal: AbortSignal.timeout(TIMEOUT_MS)});
    if (response.ok || (absent && response.status === 404)) return response;
    throw new Error(`${path}: ${response.status} ${(await response.text()).slice(0, 200)}`);
  }
}

const FAR_FUTURE_EPOCH = "18446744073709551615";
const epochOrNever = (text: string | undefined): number | null => (text === FAR_FUTURE_EPOCH ? null : Number(text));

/** SSZ Bitvector: bit i is bit i mod 8 of byte i div 8. */
export function bits(hex: string): boolean[] {
  return [...Buffer.from(hex.replace(/^0x/, ""), "hex")].flatMap((byte) =>
    Array.from({length: 8}, (_, i) => ((byte >> i) & 1) === 1),
  );
}

/** SSZ Bitlist: the highest set bit only marks the length. */
export function bitlist(hex: string): boolean[] {
  const all = bits(hex);
  return all.slice(0, Math.max(0, all.lastIndexOf(true)));
}
