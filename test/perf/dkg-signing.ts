/** What a validator client of another key notices of ceremonies: the same signature again and again, while one goes on. */
import {readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {systemClock} from "../../src/adapters/clock/system.js";
import {namedNetwork} from "../../src/app/networks.js";
import {currentEpoch, forkVersionAt} from "../../src/core/duty/network.js";
import {Cli, cli} from "../support/cli.js";

/** Seldom enough to take little from what is measured. */
const EVERY_MS = 200;
const YES_NO = [() => true, () => false] as const;
const INIT = ["init", "--role", "signer", "--network", "hoodi", "--json"];

export class SigningBeside {
  readonly peerId: string;
  readonly #config: string;
  #signer: Cli | null = null;
  #ask: () => Promise<void> = async () => undefined;

  private constructor(peerId: string, config: string) {
    this.peerId = peerId;
    this.#config = config;
  }

  static async create(dir: string): Promise<SigningBeside> {
    const {code, stdout, stderr} = await cli([...INIT, "--dir", join(dir, "signer")]);
    if (code !== 0) throw new Error(stderr);
    const {peerId, config} = JSON.parse(stdout) as {peerId: string; config: string};
    return new SigningBeside(peerId, config);
  }

  /** @param committee a committee file that names this signer */
  async start(committee: string): Promise<void> {
    const text = readFileSync(this.#config, "utf8")
      .replace(/^committees: .*$/m, `committees: ${JSON.stringify([committee])}`)
      .replace(/^ {2}port: \d+$/m, "  port: 0");
    writeFileSync(this.#config, text);
    this.#signer = new Cli(["signer", "--config", this.#config, "--json"]);
    const {url} = await this.#signer.json<{url: string}>();
    const {validators} = JSON.parse(readFileSync(committee, "utf8")) as {validators: {group_public_key: string}[]};
    const network = await namedNetwork("hoodi");
    const epoch = currentEpoch(network, systemClock.now())!;
    const version = forkVersionAt(network.forks!, epoch);
    const body = JSON.stringify({
      type: "RANDAO_REVEAL",
      randao_reveal: {epoch: String(epoch)},
      fork_info: {
        fork: {previous_version: version, current_version: version, epoch: String(epoch)},
        genesis_validators_root: network.genesisValidatorsRoot,
      },
    });
    this.#ask = async () => {
      const response = await fetch(`${url}/api/v1/eth2/sign/${validators[0]!.group_public_key}`, {
        method: "POST",
        headers: {"content-type": "application/json", accept: "application/json"},
        body,
      });
      const answer = await response.text();
      if (response.status !== 200) throw new Error(`a signature was refused: ${response.status} ${answer}`);
    };
    // It may be ready before it is connected to enough operators.
    for (let left = 100; !(await this.#ask().then(...YES_NO)); left--) {
      if (left === 0) throw new Error("the signer does not sign");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // The first ones compile.
    for (let i = 0; i < 20; i++) await this.#ask();
  }

  /** Latencies in milliseconds until `work` is done, of signatures that are asked for one at a time. */
  async during<T>(work: () => Promise<T>): Promise<{result: T; latencies: number[]}> {
    const latencies: number[] = [];
    let working = true;
    const sampling = (async () => {
      while (working) {
        const began = performance.now();
        await this.#ask();
        const took = performance.now() - began;
        if (working) latencies.push(took);
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, EVERY_MS - took)));
      }
    })();
    const result = await work().finally(() => {
      working = false;
    });
    await sampling;
    return {result, latencies};
  }

  /** The signer itself is ended with its committee: it is a child like the operators. */
  close(): void {
    this.#signer?.child.kill("SIGKILL");
  }
}
