import {createServer, type IncomingMessage, type Server, type ServerResponse} from "node:http";
import type {AddressInfo} from "node:net";
import {forkVersionAt, type Network} from "../../src/core/duty/network.js";

const ZERO = `0x${"00".repeat(32)}`;
const FAR_FUTURE = (2n ** 64n - 1n).toString();

export interface FakeValidator {
  readonly pubkey: string;
  readonly index: string;
  status: string;
  activationEpoch: string;
  exitEpoch: string;
  credentials: string;
}

/** The few calls of the beacon API that Pleiades makes, over real HTTP, for a chain of one's own choice. */
export class FakeBeaconNode {
  readonly validators: FakeValidator[] = [];
  readonly published: unknown[] = [];
  readonly changes: unknown[] = [];
  syncing = false;
  /** When set, published exits get this answer instead of being taken. */
  refuse: {status: number; body: string} | null = null;
  /** Looks at a validator that an exit stays in the pool before it is shown. */
  looksUntilIncluded = 0;
  /** Replaces the answer to any path that begins so. */
  readonly instead = new Map<string, {status: number; body: string}>();
  readonly #server: Server;
  readonly #network: Network;
  readonly #shardCommitteePeriod: number;

  constructor(network: Network, {shardCommitteePeriod = 4} = {}) {
    this.#network = network;
    this.#shardCommitteePeriod = shardCommitteePeriod;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  add(pubkey: string, more: Partial<FakeValidator> = {}): FakeValidator {
    const index = String(this.validators.length + 100);
    const validator = {
      pubkey,
      index,
      status: "active_ongoing",
      activationEpoch: "0",
      exitEpoch: FAR_FUTURE,
      credentials: ZERO,
      ...more,
    };
    this.validators.push(validator);
    return validator;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body: Buffer[] = [];
    for await (const part of request) body.push(part as Buffer);
    const url = request.url ?? "";
    const other = [...this.instead].find(([prefix]) => url.startsWith(prefix))?.[1];
    const {status, body: text} = other ?? this.#answer(url, Buffer.concat(body).toString());
    response.writeHead(status, {"content-type": "application/json"}).end(text);
  }

  #answer(url: string, body: string): {status: number; body: string} {
    const data = (value: unknown) => ({status: 200, body: JSON.stringify({data: value})});
    if (url === "/eth/v1/config/spec") return data(this.#spec());
    if (url === "/eth/v1/beacon/genesis") {
      const {genesisValidatorsRoot, forks, clock} = this.#network;
      return data({
        genesis_time: String(clock?.genesisTime),
        genesis_validators_root: genesisValidatorsRoot,
        genesis_fork_version: forkVersionAt(forks!, 0n),
      });
    }
    if (url === "/eth/v1/node/syncing") return data({is_syncing: this.syncing, sync_distance: "7", head_slot: "1"});
    if (url === "/eth/v1/beacon/pool/voluntary_exits") return this.#publish(JSON.parse(body));
    if (url === "/eth/v1/beacon/pool/bls_to_execution_changes") return this.#publishChanges(JSON.parse(body));
    const key = /^\/eth\/v1\/beacon\/states\/head\/validators\/(.*)$/.exec(url)?.[1];
    const found = this.validators.find(({pubkey}) => pubkey === key);
    return found === undefined
      ? {status: 404, body: JSON.stringify({code: 404, message: "Validator not found"})}
      : data(this.#validator(found));
  }

  #publish(exit: {message: {epoch: string; validator_index: string}}): {status: number; body: string} {
    if (this.refuse !== null) return this.refuse;
    this.published.push(exit);
    return {status: 200, body: ""};
  }

  #publishChanges(changes: readonly {message: {validator_index: string; to_execution_address: string}}[]): {
    status: number;
    body: string;
  } {
    if (this.refuse !== null) return this.refuse;
    this.changes.push(...changes);
    for (const {message} of changes) {
      const found = this.validators.find(({index}) => index === message.validator_index);
      if (found !== undefined) found.credentials = `0x01${"00".repeat(11)}${message.to_execution_address.slice(2)}`;
    }
    return {status: 200, body: ""};
  }

  #validator(validator: FakeValidator): unknown {
    const {pubkey, index, activationEpoch} = validator;
    if (this.published.length > 0 && validator.status === "active_ongoing" && this.looksUntilIncluded-- <= 0) {
      validator.status = "active_exiting";
      validator.exitEpoch = "30";
    }
    const {status, exitEpoch} = validator;
    const withdrawable = exitEpoch === FAR_FUTURE ? exitEpoch : String(BigInt(exitEpoch) + 256n);
    const epochs = {activation_epoch: activationEpoch, exit_epoch: exitEpoch, withdrawable_epoch: withdrawable};
    return {
      index,
      balance: "32000000000",
      status,
      validator: {pubkey, slashed: false, withdrawal_credentials: validator.credentials, ...epochs},
    };
  }

  #spec(): {[key: string]: string} {
    const {name, preset, forks, clock} = this.#network;
    return {
      CONFIG_NAME: name,
      PRESET_BASE: preset.name,
      SECONDS_PER_SLOT: String(clock?.secondsPerSlot),
      SHARD_COMMITTEE_PERIOD: String(this.#shardCommitteePeriod),
      GENESIS_FORK_VERSION: forks![0]!.version,
      ...Object.fromEntries(
        forks!.slice(1).flatMap((fork) => [
          [`${fork.name.toUpperCase()}_FORK_VERSION`, fork.version],
          [`${fork.name.toUpperCase()}_FORK_EPOCH`, String(fork.epoch)],
        ]),
      ),
    };
  }
}
