// presets: minimal
// docs/moving.md is this test in words: its commands are the ones that are run here.
import {execFile} from "node:child_process";
import {mkdir, mkdtemp, readFile, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {stripVTControlCharacters} from "node:util";
import {expect} from "chai";
import {ChainWatch} from "../../devnet/src/chain-watch.js";
import {chainParameters, ENVIRONMENT, lodestarCli, startBeaconNode} from "../../devnet/src/lodestar.js";
import {freePorts, type Program, Reaper, startProgram} from "../../devnet/src/processes.js";
import {interopSecrets} from "../../src/app/local/interop.js";
import {validatorKeys} from "../../src/app/split/validator-keys.js";
import {Cli, cli, killAll, ROOT, stillRunning} from "../support/cli.js";
import {makeKeystore} from "../support/keystore.js";

const SLOT_SECONDS = 3;
const STAYING = {first: 0, last: 5}; // six of eight are two thirds and more: the chain finalises while two are moved
const MOVING = {first: 6, last: 7};
const MOVERS = [6, 7];
const ALL = [0, 1, 2, 3, 4, 5, 6, 7];
const PHASE_BOUND_MS = 40 * SLOT_SECONDS * 1000; // a block of two in eight validators within forty slots
const MINUTE = 60_000;

/** What an interchange file says of one key. */
interface Row {
  readonly pubkey: string;
  readonly signed_blocks: readonly {readonly slot: string}[];
  readonly signed_attestations: readonly {readonly target_epoch: string}[];
}

describe("a validator moves in, and out again", function () {
  this.timeout(10 * MINUTE);
  let dir: string;
  let beaconUrl: string;
  let watch: ChainWatch;
  let chain: readonly string[];
  let genesisTime: number;
  let url: string;
  const reaper = new Reaper();
  const programs: Program[] = [];
  const ours: Cli[] = [];
  /** Every command a person would type, and what it printed. */
  const transcript: string[] = [];

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-moving-"));
    for (const [name, range] of Object.entries({staying: STAYING, keys: MOVING})) {
      await mkdir(join(dir, name));
      for (const [i, secret] of interopSecrets(range).entries()) {
        await writeFile(join(dir, name, `keystore-${range.first + i}.json`), await makeKeystore(secret, "a staker's"));
      }
    }
    await writeFile(join(dir, "pw.txt"), "a staker's\n", {mode: 0o600});
    const [restPort, p2pPort] = (await freePorts(2)) as [number, number];
    genesisTime = Math.ceil(Date.now() / 1000) + 40;
    const beacon = await startBeaconNode(
      {reaper},
      {
        root: ROOT,
        dir,
        logFile: join(dir, "beacon-node.log"),
        restPort,
        p2pPort,
        genesisTime,
        slotSeconds: SLOT_SECONDS,
        signal: AbortSignal.timeout(2 * MINUTE),
      },
    );
    programs.push(beacon.program);
    beaconUrl = beacon.api.url;
    watch = new ChainWatch(beaconUrl, ALL);
    watch.start();
    chain = ["--network", "dev", ...chainParameters(SLOT_SECONDS)];
    await lodestar("validator", "import", ...importFlags("client-staying", "staying"));
    client("client-staying");
  });

  after(async function () {
    this.timeout(MINUTE);
    watch?.stop();
    for (const program of programs.reverse()) await program.stop(2_000);
    killAll(stillRunning(ours.map(({pid}) => pid)));
    reaper.dismiss();
    console.log(transcript.join("\n").replaceAll(`${dir}/`, ""));
    if (dir !== undefined) await rm(dir, {recursive: true, force: true});
  });

  const importFlags = (name: string, keys: string): string[] => [
    ...["--importKeystores", join(dir, keys), "--importKeystoresPassword", join(dir, "pw.txt")],
    ...["--dataDir", join(dir, name)],
  ];

  /** Runs a command of Lodestar's CLI to its end. */
  async function lodestar(...args: string[]): Promise<string> {
    const all = [...args, ...chain];
    const {code, text} = await new Promise<{code: unknown; text: string}>((resolve) => {
      const options = {cwd: dir, env: {...process.env, ...ENVIRONMENT}, timeout: MINUTE};
      execFile(process.execPath, [lodestarCli(ROOT), ...all], options, (error, stdout, stderr) =>
        resolve({code: error?.code ?? 0, text: stdout + stderr}),
      );
    });
    note(["lodestar", ...args, "--network dev …"], text);
    expect(code, text).to.equal(0);
    return text;
  }

  async function pleiades(...args: string[]): Promise<string> {
    const {code, stdout, stderr} = await cli(args, {cwd: dir});
    note(["pleiades", ...args], stderr + stdout);
    expect(code, stderr).to.equal(0);
    return stdout;
  }

  function note(command: readonly string[], text: string): void {
    const slot = `# epoch ${Math.floor(slotNow() / 8)}, slot ${slotNow()}`;
    const lines = text.split("\n").filter((line) => !/FST_MODULE_DEP|--trace-warnings/.test(line));
    transcript.push(slot, `$ ${command.join(" ")}`, stripVTControlCharacters(lines.join("\n")).trimEnd(), "");
  }

  /** A Lodestar validator client that runs, with keystores of its own or with a signer. */
  function client(name: string, ...more: string[]): Program {
    const args = ["validator", "--dataDir", join(dir, name), "--beaconNodes", beaconUrl, ...more];
    note(["lodestar", ...args, "--network dev …"], "");
    const program = startProgram(
      {reaper},
      {
        name,
        cwd: dir,
        logFile: join(dir, `${name}.log`),
        env: ENVIRONMENT,
        args: [lodestarCli(ROOT), ...args, ...chain, "--logFile", "none"],
      },
    );
    programs.push(program);
    return program;
  }

  const slotNow = (): number => Math.floor((Date.now() / 1000 - genesisTime) / SLOT_SECONDS);

  /** Both validators vote and one of them proposes, in slots that begin after now. */
  async function worksFrom(slot: number, who: string): Promise<void> {
    await watch.until(
      `${who}: both vote and one proposes after slot ${slot}`,
      ({votes, proposals}) =>
        MOVERS.every((one) => votes(one).some((vote) => vote.slot > slot)) &&
        MOVERS.some((one) => proposals(one).some((proposed) => proposed > slot)),
      PHASE_BOUND_MS,
    );
  }

  async function sign(body: object): Promise<{status: number; text: string}> {
    const {publicKey} = validatorKeys(interopSecrets(MOVING))[0]!;
    const response = await fetch(`${url}/api/v1/eth2/sign/${publicKey}`, {
      method: "POST",
      headers: {"content-type": "application/json", accept: "application/json"},
      body: JSON.stringify(body),
    });
    return {status: response.status, text: await response.text()};
  }

  /** A vote that was not cast: the root of its block is nobody's. */
  async function strangeVote(target: number): Promise<object> {
    const genesis = await watch.api.genesis();
    const checkpoint = (epoch: number) => ({epoch: String(epoch), root: `0x${"ee".repeat(32)}`});
    const version = `0x0${Math.min(target, 3)}000001`;
    return {
      type: "ATTESTATION",
      fork_info: {
        fork: {previous_version: version, current_version: version, epoch: String(target)},
        genesis_validators_root: genesis.genesisValidatorsRoot,
      },
      attestation: {
        slot: String(target * 8),
        index: "0",
        beacon_block_root: `0x${"ee".repeat(32)}`,
        source: checkpoint(Math.max(0, target - 1)),
        target: checkpoint(target),
      },
    };
  }

  const highestTarget = (validator: number): number => Math.max(...watch.votes(validator).map(({target}) => target));

  it("attests and proposes with local keystores in a Lodestar client", async () => {
    await lodestar("validator", "import", ...importFlags("client-a", "keys"));
    const running = client("client-a");
    await worksFrom(-1, "the local client");
    await running.stop();
  });

  it("moves into a committee with the client's own export, and goes on", async () => {
    await lodestar(
      ...["validator", "slashing-protection", "export", "--dataDir", join(dir, "client-a")],
      ...["--file", join(dir, "protection.json"), "--beaconNodes", beaconUrl],
    );
    const before = Math.max(...MOVERS.map(highestTarget));
    const node = ["--beacon-node", beaconUrl];
    const ports = await freePorts(4);
    const init = async (name: string, ...flags: string[]): Promise<string> => {
      const out = await pleiades("init", "--dir", name, ...node, ...flags);
      return /peer id: (\S+)/.exec(out)?.[1] ?? "";
    };
    const members: string[] = [];
    for (const [i, port] of ports.entries()) {
      const listen = `/ip4/127.0.0.1/tcp/${port}`;
      members.push(
        "--operator",
        `${i + 1}=${await init(`op${i + 1}`, "--role", "operator", "--listen", listen)}@${listen}`,
      );
    }
    const coordinator = await init("signer", "--role", "signer");
    await pleiades(
      ...["split", "--keystores", "keys", "--passwords", "pw.txt", ...node, ...members, "--coordinator", coordinator],
      ...["--slashing-protection", "protection.json", "--out", "committee"],
    );
    for (const i of [1, 2, 3, 4]) {
      await edit(`op${i}/lodestar.config.yaml`, {
        "committees: []": "committees: [../committee/committee.json]",
        "bundles: []": `bundles: [../committee/operator-${i}.bundle.json]`,
        "passwordFile: null": `passwordFile: ../committee/operator-${i}.password`,
      });
      ours.push(new Cli(["operator", "--config", `op${i}/lodestar.config.yaml`, "--json"], {cwd: dir}));
    }
    await edit("signer/lodestar.config.yaml", {
      "committees: []": "committees: [../committee/committee.json]",
      "port: 9000": "port: 0",
    });
    await Promise.all(ours.map((one) => one.json()));
    const signer = new Cli(["signer", "--config", "signer/lodestar.config.yaml", "--json"], {cwd: dir});
    ours.push(signer);
    ({url} = await signer.json<{url: string}>());
    // What the local client signed, the committee refuses to contradict.
    const old = await sign(await strangeVote(before));
    expect([old.status, old.text]).to.satisfy(
      ([status, text]: [number, string]) => status === 412 && /SLASHING_(DOUBLE_VOTE|LOW_TARGET)/.test(text),
    );
    const from = slotNow();
    const running = client("client-b", "--externalSigner.url", url, "--externalSigner.fetch");
    await worksFrom(from, "the committee");
    await running.stop();
  });

  it("moves out with the merged exports of three operators into a new local client, and goes on", async () => {
    const files: string[] = [];
    for (const i of [1, 2, 4]) {
      files.push(`op${i}.json`);
      await pleiades(
        ...[
          "slashing-protection",
          "export",
          "--config",
          `op${i}/lodestar.config.yaml`,
          "--all",
          "--out",
          `op${i}.json`,
        ],
      );
    }
    const committee = ["--committee", "committee/committee.json"];
    await pleiades("slashing-protection", "export", "--merge", ...files, ...committee, "--out", "moved.json");
    await watch.scan();
    const rows = await mergedRows();
    const publicKeys = validatorKeys(interopSecrets(MOVING)).map(({publicKey}) => publicKey);
    for (const [i, key] of publicKeys.entries()) {
      const mark = rows.find(({pubkey}) => pubkey === key)?.signed_attestations[0]?.target_epoch;
      expect(Number(mark), "nothing on the chain is above the mark").to.be.at.least(highestTarget(MOVERS[i]!));
    }
    // From here on three of four operators refuse, so the committee is over, signer or not.
    const later = await sign(await strangeVote(Math.floor(slotNow() / 8)));
    expect([later.status, later.text]).to.satisfy(
      ([status, text]: [number, string]) => status === 412 && text.includes("SLASHING_DISABLED"),
    );
    for (const one of ours.splice(0).reverse()) {
      one.child.kill("SIGTERM");
      expect((await one.done).code).to.equal(0);
    }
    await lodestar(
      ...["validator", "slashing-protection", "import", "--dataDir", join(dir, "client-c")],
      ...["--file", join(dir, "moved.json"), "--beaconNodes", beaconUrl],
    );
    await lodestar("validator", "import", ...importFlags("client-c", "keys"));
    const from = slotNow();
    const running = client("client-c");
    await worksFrom(from, "the new local client");
    await running.stop();
    await refusesEverythingUpTo(rows);
  });

  it("was not slashed, and the chain holds no two votes for one target and no two blocks in one slot of anybody", async () => {
    await watch.scan();
    expect(await watch.slashed()).to.deep.equal([]);
    expect(watch.slashings).to.equal(0);
    expect(watch.offences()).to.deep.equal([]);
    // One each with the local client, with the committee and with the local client again, at the least.
    for (const one of MOVERS) expect(new Set(watch.votes(one).map(({target}) => target)).size).to.be.at.least(3);
    expect((await watch.api.finality()).finalised).to.be.at.least(2);
  });

  async function edit(file: string, changes: {readonly [from: string]: string}): Promise<void> {
    let text = await readFile(join(dir, file), "utf8");
    for (const [from, to] of Object.entries(changes)) {
      expect(text, `${file} has no ${from}`).to.include(from);
      text = text.replace(from, to);
    }
    await writeFile(join(dir, file), text);
  }

  async function mergedRows(): Promise<readonly Row[]> {
    return (JSON.parse(await readFile(join(dir, "moved.json"), "utf8")) as {data: Row[]}).data;
  }

  /** The new client's own database, asked by the client's own code: no vote up to the merged mark, no block either. */
  async function refusesEverythingUpTo(rows: readonly Row[]): Promise<void> {
    const script = `
      import {LevelDbController} from "@lodestar/db";
      import {SlashingProtection} from "@lodestar/validator";
      import {config} from "@lodestar/config/default";
      const [path, rows] = process.argv.slice(1);
      const controller = new LevelDbController({name: path}, {metrics: null});
      await controller.start();
      const protection = new SlashingProtection({config, controller});
      const root = new Uint8Array(32).fill(0xee);
      const refused = (task) => task.then(() => false, () => true);
      const results = [];
      for (const {pubkey, signed_blocks: blocks, signed_attestations: votes} of JSON.parse(rows)) {
        const key = Buffer.from(pubkey.slice(2), "hex");
        for (let epoch = 0; epoch <= Number(votes[0].target_epoch); epoch++) {
          const vote = {sourceEpoch: Math.max(0, epoch - 1), targetEpoch: epoch, signingRoot: root};
          results.push(await refused(protection.checkAndInsertAttestation(key, vote)));
        }
        for (const {slot} of blocks) {
          const block = {slot: Number(slot), signingRoot: root};
          results.push(await refused(protection.checkAndInsertBlockProposal(key, block)));
        }
      }
      await controller.stop();
      console.log(JSON.stringify(results));
    `;
    const args = ["--input-type=module", "-e", script, join(dir, "client-c", "validator-db"), JSON.stringify(rows)];
    const text = await new Promise<string>((resolve, reject) => {
      const options = {cwd: join(ROOT, "devnet"), env: {...process.env, ...ENVIRONMENT}, timeout: MINUTE};
      execFile(process.execPath, args, options, (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(stderr)),
      );
    });
    const results = JSON.parse(text.split("\n").at(-2) ?? "[]") as boolean[];
    const blocks = rows.flatMap(({signed_blocks: own}) => own).length;
    const votes = rows.map(({signed_attestations: own}) => Number(own[0]?.target_epoch) + 1);
    expect(blocks).to.be.at.least(1);
    expect(results).to.have.length(votes.reduce((sum, count) => sum + count, blocks));
    expect(results).to.not.include(false);
  }
});
