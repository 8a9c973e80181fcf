import {mkdir, mkdtemp, readFile, rm, writeFile} from "node:fs/promises";
import {request} from "node:https";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {interopSecret} from "../../../src/app/local/interop.js";
import {freePorts} from "../../../src/app/local/ports.js";
import {openShareBundle} from "../../../src/keeper/bundle.js";
import {CAPTURED_ROOT, CAPTURED_SPEC} from "../../support/captured.js";
import {encryptedKey, TestAuthority, writePem} from "../../support/certificates.js";
import {Cli, cli, killAll, plainEnv, stillRunning, until} from "../../support/cli.js";
import {makeKeystore} from "../../support/keystore.js";

const IDS = [1, 2, 3, 4];
const SECRET = interopSecret(0);
const KEYSTORE_PASSWORD = "keystore-password-5f1c0a";
const KEY_PASSWORD = "tls-key-password-77ab31";
const TOKEN = "c0ffee".repeat(8);
const WRONG = "badbad".repeat(8);

/** Split, four operators and a signer with everything that is secret turned on, logs at debug level in both forms. */
describe("secrets in a whole run", function () {
  this.timeout(300_000);
  let dir: string;
  let chain: string[];
  const running: Cli[] = [];
  const seen: string[] = [];
  const authority = new TestAuthority();
  const server = authority.issue({name: "signer", names: ["127.0.0.1"]});
  const client = authority.issue({name: "validator-1", usage: ["client"]});

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-secrets-"));
    await mkdir(join(dir, "credentials"), {mode: 0o700});
    await writeFile(join(dir, "spec.yaml"), CAPTURED_SPEC);
    await writeFile(join(dir, "keystore.json"), await makeKeystore(SECRET, KEYSTORE_PASSWORD));
    const genesis = String(Math.floor(Date.now() / 1000) - 34);
    chain = ["--spec", join(dir, "spec.yaml"), "--genesis-time", genesis, "--genesis-validators-root", CAPTURED_ROOT];
    await credential("keystores", `${KEYSTORE_PASSWORD}\n`);
    await credential("tokens", `${TOKEN}\n`);
    await credential("tls-key-password", `${KEY_PASSWORD}\n`);
    await credential("tls-key", encryptedKey(server.key, KEY_PASSWORD));
    writePem(dir, {"signer.pem": server.cert, "ca.pem": authority.cert});
  });
  after(async () => {
    killAll(stillRunning(running.map(({pid}) => pid)));
    await rm(dir, {recursive: true, force: true});
  });

  /** As systemd leaves it. */
  const credential = (name: string, text: string) => writeFile(join(dir, "credentials", name), text, {mode: 0o440});
  const env = () => ({...plainEnv(), CREDENTIALS_DIRECTORY: join(dir, "credentials")});
  const run = async (...args: string[]) => {
    const result = await cli(args, {env: env()});
    seen.push(result.stdout, result.stderr);
    return result;
  };
  const start = (...args: string[]): Cli => {
    const started = new Cli(args, {env: env()});
    running.push(started);
    return started;
  };
  const edit = async (file: string, changes: {readonly [from: string]: string}): Promise<void> => {
    let text = await readFile(file, "utf8");
    for (const [from, to] of Object.entries(changes)) {
      expect(text, `${file} has no ${from}`).to.include(from);
      text = text.replace(from, to);
    }
    await writeFile(file, text);
  };

  const ask = (url: string, method: string, path: string, {token, body}: {token?: string; body?: unknown} = {}) =>
    new Promise<{status: number; text: string}>((resolve, reject) => {
      const headers = {
        "content-type": "application/json",
        accept: "application/json",
        ...(token === undefined ? {} : {authorization: `Bearer ${token}`}),
      };
      const outgoing = request(url + path, {method, headers, ca: authority.cert, ...client}, (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => {
          seen.push(text);
          resolve({status: response.statusCode ?? 0, text});
        });
      });
      outgoing.on("error", reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });

  it("come by credentials to a committee that signs over TLS, and are in no answer, log or error of it", async () => {
    const ports = await freePorts([0, 0, 0, 0]);
    const nodes: {peerId: string; config: string}[] = [];
    for (const [i, port] of ports.entries()) {
      const flags = ["--role", "operator", "--listen", `/ip4/127.0.0.1/tcp/${port}`];
      nodes.push(
        JSON.parse((await run("init", "--dir", join(dir, `op${i + 1}`), "--json", ...chain, ...flags)).stdout),
      );
    }
    const front = JSON.parse(
      (await run("init", "--dir", join(dir, "signer"), "--role", "signer", "--json", ...chain)).stdout,
    );
    const members = nodes.flatMap(({peerId}, i) => ["--operator", `${i + 1}=${peerId}@/ip4/127.0.0.1/tcp/${ports[i]}`]);
    const split = await run(
      ...["split", "--keystores", join(dir, "keystore.json"), "--passwords", "credential:keystores", "--never-signed"],
      ...[...members, "--coordinator", front.peerId, ...chain, "--out", join(dir, "out"), "--json"],
    );
    expect(split.code, split.stderr).to.equal(0);

    const secrets = [Buffer.from(SECRET).toString("hex"), Buffer.from(SECRET).toString("base64")];
    for (const id of IDS) {
      const password = (await readFile(join(dir, `out/operator-${id}.password`), "utf8")).trim();
      await credential(`share-password-${id}`, `${password}\n`);
      const bundle = await readFile(join(dir, `out/operator-${id}.bundle.json`), "utf8");
      const {shares} = await openShareBundle(bundle, password);
      expect(shares.length).to.equal(1);
      for (const {secret} of shares) {
        secrets.push(Buffer.from(secret.reveal()).toString("hex"), Buffer.from(secret.reveal()).toString("base64"));
      }
      const nodeKey = (await readFile(join(dir, `op${id}/node.key`), "utf8")).trim();
      secrets.push(password, nodeKey, nodeKey.slice(-24));
      await edit(nodes[id - 1]!.config, {
        "committees: []": "committees: [../out/committee.json]",
        "bundles: []": `bundles: [../out/operator-${id}.bundle.json]`,
        "passwordFile: null": `passwordFile: credential:share-password-${id}`,
        "level: info": "level: debug",
        "format: json": `format: ${id % 2 === 0 ? "json" : "text"}`,
      });
    }
    const keyLines = [server.key, encryptedKey(server.key, KEY_PASSWORD), client.key]
      .flatMap((pem) => pem.split("\n"))
      .filter((line) => line.length > 20 && !line.startsWith("-"));
    secrets.push(KEYSTORE_PASSWORD, KEY_PASSWORD, TOKEN, WRONG, ...keyLines);
    await edit(front.config, {
      "committees: []": "committees: [../out/committee.json]",
      "port: 9000": "port: 0",
      "cert: null": "cert: ../signer.pem",
      "key: null": "key: credential:tls-key",
      "keyPasswordFile: null": "keyPasswordFile: credential:tls-key-password",
      "clientCa: null": "clientCa: ../ca.pem",
      "clients: []": "clients: [validator-1]",
      "tokenFile: null": "tokenFile: credential:tokens",
      "level: info": "level: debug",
    });

    for (const {config} of [front, ...nodes]) {
      const check = await run("config", "check", "--config", config);
      expect(check.code, check.stderr).to.equal(0);
    }
    // What can go wrong with each of them, and what it then says.
    await credential("share-password-9", "another password\n");
    await writeFile(join(dir, "credentials/world"), `${WRONG}\n`, {mode: 0o644});
    for (const name of ["share-password-9", "world", "absent"]) {
      const failed = await run("operator", "--config", nodes[0]!.config, "--password-file", `credential:${name}`);
      expect(failed.code, name).to.equal(1);
      expect(failed.stderr, name).to.match(/^KEEPER_\w+: /m);
    }

    const operators = nodes.map(({config}) => start("operator", "--config", config, "--json"));
    await Promise.all(operators.map((one) => one.json()));
    const signer = start("signer", "--config", front.config, "--json");
    const {url} = await signer.json<{url: string}>();
    expect(url).to.match(/^https:/);
    const [key] = JSON.parse((await ask(url, "GET", "/api/v1/eth2/publicKeys", {token: TOKEN})).text);
    const reveal = {
      type: "RANDAO_REVEAL",
      randao_reveal: {epoch: "2"},
      fork_info: {
        fork: {previous_version: "0x02000001", current_version: "0x03000001", epoch: "2"},
        genesis_validators_root: CAPTURED_ROOT,
      },
    };
    const path = `/api/v1/eth2/sign/${key}`;
    const signed = await ask(url, "POST", path, {token: TOKEN, body: reveal});
    expect(signed.status, signed.text).to.equal(200);
    expect((await ask(url, "POST", path, {token: WRONG, body: reveal})).status).to.equal(401);
    expect((await ask(url, "POST", path, {body: reveal})).status).to.equal(401);
    const exit = {...reveal, type: "VOLUNTARY_EXIT", voluntary_exit: {epoch: "1", validator_index: "1"}};
    expect((await ask(url, "POST", path, {token: TOKEN, body: exit})).status).to.equal(412);

    // A damaged file leaves what was there in force.
    await rm(join(dir, "credentials/tokens"));
    await credential("tokens", `${WRONG.slice(0, 20)}\n`);
    await rm(join(dir, "credentials/tls-key-password"));
    await credential("tls-key-password", `${WRONG}\n`);
    signer.child.kill("SIGHUP");
    await until(
      "the reload's errors",
      () => /CONFIG_TOKEN_FILE/.test(signer.stderr) && /TLS_KEY_INVALID/.test(signer.stderr),
    );
    expect((await ask(url, "GET", "/healthcheck", {token: TOKEN})).status).to.equal(200);
    await rm(join(dir, "credentials/tokens"));
    await credential("tokens", `${WRONG}\n`);
    signer.child.kill("SIGHUP");
    let renewed = false;
    const poll = async (): Promise<void> => {
      renewed = (await ask(url, "GET", "/healthcheck", {token: WRONG})).status === 200;
    };
    for (let i = 0; i < 100 && !renewed; i++) await poll();
    expect(renewed, "the new token is in force").to.equal(true);

    for (const one of [signer, ...operators]) one.child.kill("SIGTERM");
    for (const one of [signer, ...operators]) {
      const {code, stdout, stderr} = await one.done;
      expect(code, stderr).to.equal(0);
      seen.push(stdout, stderr);
    }
    const everything = seen.join("\n");
    expect(everything.length, "there is something to look through").to.be.greaterThan(10_000);
    expect(everything)
      .to.match(/ DEBUG /)
      .and.match(/"level":20/);
    for (const secret of secrets) {
      expect(secret.length).to.be.greaterThan(15);
      expect(everything.includes(secret), `a secret of ${secret.length} characters was shown`).to.equal(false);
    }
  });
});
