import {chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {interopSecrets} from "../../../src/app/local/interop.js";
import {freePorts} from "../../../src/app/local/ports.js";
import {
  ask,
  CAPTURED_FEE_RECIPIENT,
  CAPTURED_ROOT,
  CAPTURED_SPEC,
  type Captured,
  captured,
  signatureOfLocalKey,
} from "../../support/captured.js";
import {Cli, cli, healthyOperators, killAll, ROOT, stillRunning, until} from "../../support/cli.js";
import {makeKeystore} from "../../support/keystore.js";

const IDS = [1, 2, 3, 4];
/** 8 slots of 2 s: the captured requests are of epochs 0 to 2. */
const EPOCH_SECONDS = 16;

interface InitResult {
  readonly peerId: string;
  readonly config: string;
}

/** The same vote one epoch later, so that it is new to everybody. */
function laterVote(body: Captured["body"]): Captured["body"] {
  const {signingRoot: _, ...rest} = structuredClone(body) as Captured["body"] & {
    attestation: {slot: string; target: {epoch: string}};
    fork_info: {fork: object};
  };
  rest.attestation.slot = "10";
  rest.attestation.target.epoch = "1";
  rest.fork_info.fork = {previous_version: "0x01000001", current_version: "0x02000001", epoch: "1"};
  return rest as unknown as Captured["body"];
}

describe("a committee set up by hand", function () {
  this.timeout(180_000);
  let dir: string;
  let requests: readonly Captured[];
  let signer: InitResult;
  let operators: InitResult[];
  let chain: string[];
  let url: string;
  const running: Cli[] = [];

  before(async function () {
    const found = captured();
    if (found === null) return this.skip();
    requests = found;
    dir = await mkdtemp(join(tmpdir(), "pleiades-hand-"));
    await mkdir(join(dir, "keys"));
    for (const [i, secret] of interopSecrets({first: 0, last: 7}).entries()) {
      await writeFile(join(dir, "keys", `keystore-${i}.json`), await makeKeystore(secret, "staker's password"));
    }
    await writeFile(join(dir, "staker.txt"), "staker's password\n", {mode: 0o600});
    await writeFile(join(dir, "spec.yaml"), CAPTURED_SPEC);
    const genesis = Math.floor(Date.now() / 1000) - 2 * EPOCH_SECONDS - 2;
    chain = [
      "--spec",
      join(dir, "spec.yaml"),
      "--genesis-time",
      String(genesis),
      "--genesis-validators-root",
      CAPTURED_ROOT,
    ];
  });
  after(async () => {
    killAll(stillRunning(running.map(({pid}) => pid)));
    if (dir !== undefined) await rm(dir, {recursive: true, force: true});
  });

  async function init(name: string, ...flags: string[]): Promise<InitResult> {
    const result = await cli(["init", "--dir", join(dir, name), "--json", ...chain, ...flags]);
    expect(result.code, result.stderr).to.equal(0);
    return JSON.parse(result.stdout) as InitResult;
  }

  async function edit(file: string, changes: {readonly [from: string]: string}): Promise<void> {
    let text = await readFile(file, "utf8");
    for (const [from, to] of Object.entries(changes)) {
      expect(text, `${file} has no ${from}`).to.include(from);
      text = text.replace(from, to);
    }
    await writeFile(file, text);
  }

  it("begins with init: a good configuration and a node key nobody else can read", async () => {
    const ports = await freePorts([0, 0, 0, 0]);
    signer = await init("signer", "--role", "signer");
    operators = [];
    for (const [i, port] of ports.entries()) {
      operators.push(await init(`op${i + 1}`, "--role", "operator", "--listen", `/ip4/127.0.0.1/tcp/${port}`));
    }
    for (const {config, peerId} of [signer, ...operators]) {
      const {code, stdout} = await cli(["config", "check", "--config", config, "--json"]);
      expect(code).to.equal(0);
      expect(JSON.parse(stdout)).to.include({ok: true, peerId, network: "captured"});
      expect((await stat(join(config, "../node.key"))).mode & 0o777).to.equal(0o600);
    }
    const again = await cli(["init", "--dir", join(dir, "op1"), ...chain]);
    expect(again.code).to.equal(1);
    expect(again.stderr).to.match(/^CONFIG_EXISTS: /);
  });

  it("splits the keystores into a committee file and sealed bundles, and writes no key", async () => {
    const members = await Promise.all(
      operators.map(async ({peerId, config}, i) => {
        const listen = /\/ip4\/127\.0\.0\.1\/tcp\/\d+/.exec(await readFile(config, "utf8"))?.[0];
        return ["--operator", `${i + 1}=${peerId}@${listen}`];
      }),
    );
    await writeFile(join(dir, "op1/password.txt"), "first operator's password", {mode: 0o600});
    const flags = ["--keystores", join(dir, "keys"), "--passwords", join(dir, "staker.txt"), "--never-signed"];
    const result = await cli([
      ...["split", ...flags, ...members.flat(), "--coordinator", signer.peerId, ...chain],
      ...["--operator-password", `1=${join(dir, "op1/password.txt")}`, "--out", join(dir, "out"), "--json"],
    ]);
    expect(result.code, result.stderr).to.equal(0);
    expect(result.stderr)
      .to.match(/opened 8 of 8/)
      .and.match(/1 may be absent, and safety survives 1 liar/);
    const {bundles} = JSON.parse(result.stdout);
    expect(bundles.map((bundle: {passwordFile: string | null}) => bundle.passwordFile !== null)).to.deep.equal([
      false,
      true,
      true,
      true,
    ]);
    const written = [result.stdout, result.stderr, await readFile(join(dir, "out/committee.json"), "utf8")];
    for (const id of IDS) written.push(await readFile(join(dir, `out/operator-${id}.bundle.json`), "utf8"));
    for (const secret of interopSecrets({first: 0, last: 7})) {
      expect(written.join("\n")).to.not.include(Buffer.from(secret).toString("hex"));
    }
  });

  it("signs everything the client asks for, byte for byte as one key would, once every machine is configured", async () => {
    const exit = requests.find(({body}) => body.type === "VOLUNTARY_EXIT") as Captured & {
      body: {voluntary_exit: {epoch: string; validator_index: string}};
    };
    const {epoch, validator_index: index} = exit.body.voluntary_exit;
    const permit = `{type: VOLUNTARY_EXIT, pubkey: ${exit.url.split("/").at(-1)}, epoch: "${epoch}", validator_index: "${index}"}`;
    for (const [i, {config}] of operators.entries()) {
      const password = i === 0 ? "./password.txt" : `../out/operator-${i + 1}.password`;
      await edit(config, {
        "committees: []": "committees: [../out/committee.json]",
        "bundles: []": `bundles: [../out/operator-${i + 1}.bundle.json]`,
        "passwordFile: null": `passwordFile: ${password}`,
        "permits: []": `permits: [${permit}]`,
        "feeRecipient: null": `feeRecipient: "${CAPTURED_FEE_RECIPIENT}"`,
        "enabled: false": "enabled: true",
        "port: 9200": "port: 0",
        "  dkg: {}": "  dkg: {}\n  metrics: {}",
        "level: info": "level: debug",
      });
    }
    await edit(signer.config, {
      "committees: []": "committees: [../out/committee.json]",
      "port: 9000": "port: 0",
      "level: info": "level: debug",
    });
    for (const {config} of [signer, ...operators]) {
      const {code, stdout, stderr} = await cli(["config", "check", "--config", config]);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.include("8 keys: 3 of 4 operators sign");
    }
    for (const {config} of operators) running.push(new Cli(["operator", "--config", config, "--json"]));
    const ready = await Promise.all(running.map((one) => one.json<{url: string; peerId: string}>()));
    expect(ready.map(({peerId}) => peerId)).to.deep.equal(operators.map(({peerId}) => peerId));
    const front = new Cli(["signer", "--config", signer.config, "--json"]);
    running.push(front);
    ({url} = await front.json<{url: string}>());
    for (const request of requests) {
      expect(await ask(url, request), request.file).to.deep.equal({
        status: 200,
        text: JSON.stringify({signature: signatureOfLocalKey(request)}),
      });
    }
    const metrics = await (await fetch(`${ready[0]?.url}/plugin/metrics`)).text();
    expect(metrics).to.match(/^# TYPE pleiades_/m);
    expect((await fetch(`${ready[0]?.url}/api/v1/eth2/publicKeys`)).status).to.equal(404);
  });

  it("logs a request under one trace id in signer, operators and keepers, and tells it to a client that is refused", async () => {
    const front = running.at(-1);
    const vote = requests.find(({body}) => body.type === "ATTESTATION");
    if (front === undefined || vote === undefined) throw new Error("nothing to ask or to be asked");
    const {attestation} = structuredClone(vote.body) as unknown as {attestation: {beacon_block_root: string}};
    attestation.beacon_block_root = `0x${"ee".repeat(32)}`;
    const {signingRoot: _, ...body} = vote.body as typeof vote.body & {signingRoot: string};
    const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    const response = await fetch(`${url}${vote.url}`, {
      method: "POST",
      headers: {"content-type": "application/json", traceparent: `00-${trace}-00f067aa0ba902b7-01`},
      body: JSON.stringify({...body, attestation}),
    });
    expect(response.status).to.equal(412);
    expect(await response.json()).to.include({trace, code: "COMMITTEE_REFUSED"});
    const lines = (one: Cli | undefined) => one?.stderr.split("\n").filter((line) => line.includes(trace)) ?? [];
    await until("the signer's line", () => lines(front).some((line) => line.includes('"msg":"no signature"')));
    // Two of four refusals make it hopeless. An operator that was not asked for the first vote signs this one.
    const refused = (one: Cli) =>
      ["keeper decided", "answered a request"].every((message) =>
        lines(one).some((line) => line.includes('"outcome":"SLASHING_DOUBLE_VOTE"') && line.includes(message)),
      );
    await until("the lines of two that refused", () => running.slice(0, 4).filter(refused).length >= 2);
  });

  interface Doctor {
    readonly ok: boolean;
    readonly failures: number;
    readonly findings: readonly {check: string; status: string; code?: string; detail: string}[];
    readonly operators: readonly {
      operatorId: number;
      reachable: boolean;
      keysReady: number;
      latencyMs: number | null;
    }[];
  }
  const doctor = async (config: string): Promise<Doctor & {exit: number | null}> => {
    const {code, stdout, stderr} = await cli(["doctor", "--config", config, "--json"]);
    expect(stdout, stderr).to.match(/^\{/);
    return {...(JSON.parse(stdout) as Doctor), exit: code};
  };
  const bad = ({findings}: Doctor) => findings.filter(({status}) => status !== "ok");

  it("is found well by the doctor, on the signer's machine and on each operator's", async () => {
    const seen = await doctor(signer.config);
    expect(bad(seen)).to.deep.equal([]);
    expect(seen).to.include({ok: true, exit: 0});
    expect(seen.operators.map(({operatorId, keysReady}) => [operatorId, keysReady])).to.deep.equal(
      IDS.map((id) => [id, 8]),
    );
    for (const {latencyMs} of seen.operators) expect(latencyMs).to.be.above(0);
    for (const {config} of operators) {
      const here = await doctor(config);
      expect(bad(here)).to.deep.equal([]);
      expect(here.findings.map(({check}) => check)).to.include.members(["record store", "disk space", "listening"]);
    }
    const {stdout, code} = await cli(["doctor", "--config", signer.config]);
    expect(code).to.equal(0);
    expect(stdout).to.match(/^ok {4}operator 1 +pleiades\/[\d.]+, answers in [\d.]+ ms, ready for 8 keys$/m);
    expect(stdout.trim().split("\n").at(-1)).to.equal("all is well");
  });

  it("is told by the doctor what others may read", async () => {
    const [{config} = {config: ""}] = operators;
    const bundle = join(dir, "out/operator-1.bundle.json");
    await chmod(bundle, 0o644);
    const seen = await doctor(config);
    await chmod(bundle, 0o600);
    expect(bad(seen).map(({check, status}) => [check, status])).to.deep.equal([["share bundle", "fail"]]);
    expect(seen.exit).to.equal(1);
  });

  it("exports an operator's records while it runs, and that operator never signs them again", async () => {
    const [, , , {config} = {config: ""}] = operators;
    const out = join(dir, "protection.json");
    const {code, stdout, stderr} = await cli([
      "slashing-protection",
      "export",
      "--config",
      config,
      "--all",
      "--out",
      out,
      "--json",
    ]);
    expect(code, stderr).to.equal(0);
    expect(JSON.parse(stdout).keys).to.have.length(8);
    const interchange = JSON.parse(await readFile(out, "utf8"));
    expect(interchange.metadata).to.deep.equal({
      interchange_format_version: "5",
      genesis_validators_root: CAPTURED_ROOT,
      pleiades_exported_by: operators[3]?.peerId,
    });
    // This operator was among the three that were asked for most messages, not for each.
    expect(interchange.data).to.have.length(8);
    expect(JSON.stringify(interchange.data)).to.match(/"(?:slot|target_epoch)":"\d+"/);
    const again = await cli(["slashing-protection", "export", "--config", config, "--all", "--out", out]);
    expect(again.stderr).to.match(/^CONFIG_EXISTS: /m);
    // A new vote needs all of 1, 2 and 4 now, and 4 has given its keys away.
    killAll([running[2]?.pid ?? 0]);
    const vote = requests.find(({body}) => body.type === "ATTESTATION");
    if (vote === undefined) throw new Error("no attestation was captured");
    const answer = await ask(url, {...vote, body: laterVote(vote.body)});
    expect([answer.status, answer.text]).to.satisfy(
      ([status, text]: [number, string]) => status !== 200 && text.includes("SLASHING_DISABLED"),
    );
    const seen = await doctor(signer.config);
    expect(seen.exit).to.equal(1);
    expect(bad(seen).map(({check, status, code}) => [check, status, code])).to.deep.equal([
      ["operator 3", "fail", "LINK_UNREACHABLE"],
      ["committee 1", "warn", undefined],
    ]);
    const exported = await doctor(config);
    expect(bad(exported)[0]?.detail).to.match(/^8 keys disabled by an export/);
    const neither = await cli(["slashing-protection", "export", "--config", config, "--out", `${out}2`]);
    expect(neither.code).to.equal(2);
  });

  it("imports records only upwards, and none beyond the clock", async () => {
    const [{config} = {config: ""}] = operators;
    const file = join(dir, "import.json");
    const key = requests[0]?.url.split("/").at(-1);
    const data = (target: string) => [
      {pubkey: key, signed_blocks: [], signed_attestations: [{source_epoch: "0", target_epoch: target}]},
    ];
    const metadata = {interchange_format_version: "5", genesis_validators_root: CAPTURED_ROOT};
    const run = async (content: unknown) => {
      await writeFile(file, JSON.stringify(content));
      return cli(["slashing-protection", "import", "--config", config, "--file", file, "--json"]);
    };
    const raised = await run({metadata, data: data("1")});
    expect(raised.code, raised.stderr).to.equal(0);
    expect(JSON.parse(raised.stdout)).to.deep.equal({raised: [key], unchanged: [], skipped: []});
    expect(JSON.parse((await run({metadata, data: data("0")})).stdout)).to.deep.equal({
      raised: [],
      unchanged: [key],
      skipped: [],
    });
    expect((await run({metadata, data: data("4000000")})).stderr).to.match(/^SLASHING_BEYOND_CLOCK: /m);
    const otherChain = {...metadata, genesis_validators_root: `0x${"00".repeat(32)}`};
    expect((await run({metadata: otherChain, data: data("1")})).stderr).to.match(/^SLASHING_WRONG_CHAIN: /m);
  });

  it("refuses to start a second operator on the same port, with the code and what to do", async () => {
    const [{config} = {config: ""}] = operators;
    const {code, stderr} = await cli(["operator", "--config", config]);
    expect(code).to.equal(1);
    expect(stderr)
      .to.match(/^LINK_ADDRESS_IN_USE: .+/m)
      .and.match(/^What to do: /m);
    expect(stderr).to.not.match(/\n\s+at /);
  });

  it("reads its committee files again on SIGHUP, and keeps what it had when they are damaged", async () => {
    const front = running.at(-1);
    if (front === undefined) throw new Error("the signer does not run");
    const file = join(dir, "out/committee.json");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace('"threshold": 3', '"threshold": 2'));
    front.child.kill("SIGHUP");
    await until("a word about the damaged file", () => front.stderr.includes("COMMITTEE_FILE_EDITED"));
    await writeFile(file, text);
    front.child.kill("SIGHUP");
    await until("a good reload", () => /"errors":\[\].*reloaded committee files/.test(front.stderr));
  });

  it("finds an operator at its new address once the signer has read its configuration again", async () => {
    const front = running.find(({child}) => child.spawnargs.includes("signer"));
    const [, , moved] = operators;
    if (front === undefined || moved === undefined) throw new Error("nobody to move, or to find it");
    const [port] = await freePorts([0]);
    const text = await readFile(moved.config, "utf8");
    await writeFile(moved.config, text.replace(/\/ip4\/127\.0\.0\.1\/tcp\/\d+/, `/ip4/127.0.0.1/tcp/${port}`));
    running.push(new Cli(["operator", "--config", moved.config, "--json"]));
    await running.at(-1)?.json();
    expect(await healthyOperators(url)).to.equal(3);
    await edit(signer.config, {
      "operatorAddresses: {}": `operatorAddresses: {${moved.peerId}: [/ip4/127.0.0.1/tcp/${port}]}`,
    });
    front.child.kill("SIGHUP");
    for (const end = performance.now() + 20_000; (await healthyOperators(url)) !== 4; ) {
      if (performance.now() > end) throw new Error("the moved operator was not found");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const good = await readFile(signer.config, "utf8");
    await writeFile(signer.config, `${good}\nnonsense: true\n`);
    front.child.kill("SIGHUP");
    await until("a word about the damaged configuration", () => front.stderr.includes("CONFIG_UNKNOWN_KEY"));
    await writeFile(signer.config, good);
    expect(await healthyOperators(url)).to.equal(4);
  });

  it("runs a plugin's commands, and lists them in the help", async () => {
    const plugin = join(ROOT, "test/fixtures/plugins/example/index.js");
    const config = join(dir, "plugins.yaml");
    await writeFile(
      config,
      `network: {name: hoodi}\nplugins: {example: {module: ${plugin}, config: {refuse: [Attestation]}}}\n`,
    );
    const run = (...args: string[]) => cli([...args, "--config", config]);
    expect(await run("example", "types", "--upper")).to.include({code: 0, stdout: "ATTESTATION\n"});
    expect((await run("example", "types", "--uper")).code).to.equal(2);
    expect((await run("example")).code).to.equal(2);
    expect((await run("--help")).stdout).to.match(/pleiades example/);
    await writeFile(config, "network: {name: hoodi}\nplugins: {example: {module: ./nowhere.js}}\n");
    expect((await run("example", "types")).stderr).to.match(/^PLUGIN_NOT_FOUND: /m);
  });

  it("stops every program with 0 at SIGTERM and 130 at SIGINT", async () => {
    const [first, second, , ...rest] = running;
    if (second !== undefined) rest.push(second);
    first?.child.kill("SIGINT");
    for (const one of rest) one.child.kill("SIGTERM");
    expect((await first?.done)?.code).to.equal(130);
    for (const one of rest) expect((await one.done).code).to.equal(0);
  });

  it("moves out: exports of three operators become one file, exports of two do not", async () => {
    const committee = ["--committee", join(dir, "out/committee.json")];
    const files = [join(dir, "protection.json")];
    const merge = (out: string, ...more: string[]) =>
      cli(["slashing-protection", "export", "--merge", ...files, ...committee, "--out", join(dir, out), ...more]);
    const exportAt = async (name: string) => {
      const out = join(dir, `${name}.json`);
      const config = join(dir, name, "lodestar.config.yaml");
      const {code, stderr} = await cli(["slashing-protection", "export", "--config", config, "--all", "--out", out]);
      expect(code, stderr).to.equal(0);
      files.push(out);
    };
    await exportAt("op1");
    const two = await merge("two.json");
    expect(two.code).to.equal(1);
    expect(two.stderr)
      .to.match(/^SLASHING_MERGE_TOO_FEW: /m)
      .and.match(/missingOperators: 2, 3/);
    await exportAt("op2");
    const three = await merge("moved.json", "--json");
    expect(three.code, three.stderr).to.equal(0);
    const {keys, exports} = JSON.parse(three.stdout);
    expect(keys).to.have.length(8);
    expect(exports.map((one: {operators: number[]}) => one.operators)).to.deep.equal([[4], [1], [2]]);
    // Operator 4 had given its keys away before operators 1 and 2 signed a later vote, and 1 imported another one.
    expect(exports[0].behind.length).to.be.at.least(1);
    const {metadata, data} = JSON.parse(await readFile(join(dir, "moved.json"), "utf8"));
    expect(metadata).to.deep.equal({interchange_format_version: "5", genesis_validators_root: CAPTURED_ROOT});
    expect(data).to.have.length(8);
    expect((await merge("moved.json")).stderr).to.match(/^CONFIG_EXISTS: /m);
    await rm(join(dir, "op3/node.key"));
    await exportAt("op3");
    expect((await merge("nameless.json")).stderr).to.match(/^SLASHING_MERGE_ANONYMOUS: /m);
    const usage = await cli(["slashing-protection", "export", "--merge", ...files, "--out", join(dir, "x.json")]);
    expect([usage.code, usage.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 2 && /--committee/.test(text),
    );
    const stray = await cli(["slashing-protection", "export", ...files, "--all", "--out", join(dir, "x.json")]);
    expect(stray.code).to.equal(2);
  });
});
