import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {blstGroup, loadSecretKey} from "../../src/adapters/bls/blst.js";
import {loadOrCreateIdentity} from "../../src/adapters/libp2p/identity.js";
import {LmdbEnvironment} from "../../src/adapters/slashing-store/lmdb-environment.js";
import {freePorts} from "../../src/app/local/ports.js";
import {parseOperatorId, parseShareIndex} from "../../src/core/bytes.js";
import {formatCommitteeFile} from "../../src/core/committee/committee-file.js";
import {networkToJson} from "../../src/core/duty/network.js";
import {scalarBytes} from "../../src/core/threshold/scalar.js";
import {newBundleId, sealShareBundle} from "../../src/keeper/bundle.js";
import {Secret} from "../../src/keeper/secret.js";
import {ShareStore} from "../../src/keeper/share-store.js";
import {storePath} from "../../src/keeper/start.js";
import {type MadeCertificate, TestAuthority, writePem} from "./certificates.js";
import {Cli, killAll, stillRunning} from "./cli.js";
import {type TestKey, testKey} from "./committees.js";
import {CHAIN, testNetwork} from "./keeper.js";

const PASSWORD = "correct horse";
const CHEAP_KDF = {n: 2 ** 10, r: 8, p: 1};
/** The draft's vector: f(x) = 1 + 2x. */
export const VECTOR: TestKey = {
  secret: 1n,
  shares: [3n, 5n, 7n].map((value, i) => ({index: parseShareIndex(i + 1), secret: scalarBytes(value)})),
};
/** Its message, of which the domain is a beacon proposer's, and the signature any two of its shares recover. */
export const VECTOR_MESSAGE = {
  type: "GENERIC",
  signing_data: {object_root: `0x${"00".repeat(32)}`, domain: `0x${"00".repeat(32)}`},
};
export const VECTOR_SIGNATURE =
  "0x938445e5b65cb7fe199ba1c7832dced4d1c01f64725883e9e4d16b936479deb81fab65f19cf7d619801e1c694f9da2431923795a588884f4e0906af5a90fc9d3d78380034afeff58cc0ad8d5b4fef8d0648d07c38a062cf86a578d877af13e85";
export const GENERIC_DOMAIN_TYPE = "0x00004242";

/**
 * Three operators of a 2-of-3 committee as real processes, each serving libp2p and the distributed profile, with two
 * validators: the vector's and another. Nothing is running until `start`.
 */
export class DistributedOperators {
  readonly dir = mkdtempSync(join(tmpdir(), "pleiades-profile-"));
  readonly keys: readonly string[];
  readonly origins: string[] = [];
  readonly peerIds: string[] = [];
  readonly running: (Cli | null)[] = [null, null, null];
  readonly #secrets = [VECTOR, testKey(77, {n: 3, t: 2})];
  authority!: TestAuthority;
  /** May use both keys. */
  coordinator!: MadeCertificate;
  /** May use the second key only. */
  limited!: MadeCertificate;
  /** Of the right authority, and no coordinator. */
  stranger!: MadeCertificate;

  constructor() {
    this.keys = this.#secrets.map(({secret}) => loadSecretKey(scalarBytes(secret)).publicKey);
  }

  async setUp(): Promise<void> {
    this.authority = new TestAuthority();
    this.coordinator = this.authority.issue({name: "c1", names: ["coordinator.example"], usage: ["client"]});
    this.limited = this.authority.issue({name: "limited.example", usage: ["client"]});
    this.stranger = this.authority.issue({name: "stranger.example", usage: ["client"]});
    const ports = await freePorts([0, 0, 0, 0, 0, 0]);
    this.origins.push(...ports.slice(3).map((port) => `https://127.0.0.1:${port}`));
    const identities = await Promise.all(
      ["op1", "op2", "op3", "signer"].map((name) => {
        mkdirSync(join(this.dir, name));
        return loadOrCreateIdentity(join(this.dir, name, "node.key"));
      }),
    );
    this.peerIds.push(...identities.map(({peerId}) => peerId));
    const operators = identities.slice(0, 3).map(({peerId}, i) => ({
      id: parseOperatorId(i + 1),
      peerId,
      addresses: [`/ip4/127.0.0.1/tcp/${ports[i]}`],
    }));
    const validators = this.#secrets.map(({secret, shares}) => ({
      groupPublicKey: loadSecretKey(scalarBytes(secret)).publicKey,
      sharePublicKeys: shares.map((share) => loadSecretKey(share.secret).publicKey),
    }));
    const draft = {
      generation: 0,
      genesisValidatorsRoot: null,
      threshold: 2,
      operators,
      coordinators: [identities[3]!.peerId],
      validators,
    };
    const text = formatCommitteeFile(draft, blstGroup, {unsafeThreshold: true});
    writeFileSync(join(this.dir, "committee.json"), text);
    writeFileSync(join(this.dir, "password"), PASSWORD, {mode: 0o600});
    for (const [i, {id}] of operators.entries()) {
      const folder = join(this.dir, `op${id}`);
      const server = this.authority.issue({name: `op${id}`, names: ["127.0.0.1"], usage: ["server"]});
      writePem(folder, {"tls.crt": server.cert, "tls.key": server.key, "ca.crt": this.authority.cert});
      const shares = validators.map(({groupPublicKey}, k) => ({
        groupPublicKey,
        secret: new Secret(this.#secrets[k]!.shares[i]!.secret),
      }));
      const bundle = {operatorId: id, createdAt: Date.now(), bundleId: newBundleId(), records: "never-signed", shares};
      writeFileSync(join(folder, "bundle.json"), await sealShareBundle(bundle as never, PASSWORD, CHEAP_KDF));
      const environment = await LmdbEnvironment.open(storePath(join(folder, "data")));
      await ShareStore.open({environment}, PASSWORD, CHEAP_KDF);
      await environment.close();
      const participants = Object.fromEntries(operators.map(({peerId}, at) => [peerId, this.origins[at]]));
      const config = {
        ...this.#common(),
        operator: {
          listen: operators[i]!.addresses,
          bundles: ["./bundle.json"],
          passwordFile: "../password",
          policy: {genericDomainTypes: [GENERIC_DOMAIN_TYPE]},
          distributed: {
            enabled: true,
            port: ports[3 + i],
            tls: {cert: "./tls.crt", key: "./tls.key", clientCa: "./ca.crt"},
            coordinators: [
              {name: "first", client: "coordinator.example", keys: "all", rank: 0},
              {name: "limited", client: "limited.example", keys: [this.keys[1]]},
            ],
            participants,
          },
        },
      };
      writeFileSync(join(folder, "lodestar.config.yaml"), JSON.stringify(config));
    }
  }

  /** The configuration of the coordinator, with a certificate for participants; returns the file. */
  signer(more: object = {}): string {
    const folder = join(this.dir, "signer");
    const {cert, key} = this.coordinator;
    writePem(folder, {"client.crt": cert, "client.key": key, "ca.crt": this.authority.cert});
    const participants = {cert: "./client.crt", key: "./client.key", ca: "./ca.crt"};
    const file = join(folder, "lodestar.config.yaml");
    writeFileSync(file, JSON.stringify({...this.#common(), signer: {port: 0, participants, ...more}}));
    return file;
  }

  #common() {
    const {forks, clock} = networkToJson(testNetwork()) as {
      forks: unknown;
      clock: {genesisTime: number; secondsPerSlot: number};
    };
    const network = {name: "test", preset: "mainnet", ...clock, genesisValidatorsRoot: CHAIN, forks};
    return {network, committees: ["../committee.json"], logging: {level: "warn"}};
  }

  async start(id: number): Promise<void> {
    const config = join(this.dir, `op${id}`, "lodestar.config.yaml");
    const operator = new Cli(["operator", "--config", config, "--json"]);
    this.running[id - 1] = operator;
    const {distributedUrl} = await operator.json<{distributedUrl: string}>();
    if (distributedUrl !== this.origins[id - 1]) throw new Error(`operator ${id} listens at ${distributedUrl}`);
  }

  /** Ends an operator and everything below it at once, as a crash would. */
  async kill(id: number): Promise<void> {
    const operator = this.running[id - 1];
    operator?.child.kill("SIGKILL");
    await operator?.done;
  }

  async close(others: readonly Cli[] = []): Promise<void> {
    const all = [...this.running.filter((one) => one !== null), ...others];
    for (const one of all) one.child.kill("SIGTERM");
    const bound = new Promise((resolve) => setTimeout(resolve, 10_000).unref());
    await Promise.race([Promise.all(all.map(({done}) => done)), bound]);
    killAll(stillRunning(all.map(({pid}) => pid)));
    rmSync(this.dir, {recursive: true, force: true});
  }
}
