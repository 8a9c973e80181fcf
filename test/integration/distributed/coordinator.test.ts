import {mkdtempSync, rmSync} from "node:fs";
import {copyFile, mkdir, readFile, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {networkToJson} from "../../../src/core/duty/network.js";
import {TestAuthority, writePem} from "../../support/certificates.js";
import {Cli, cli, killAll, stillRunning, until} from "../../support/cli.js";
import {VECTOR, VECTOR_MESSAGE, VECTOR_SIGNATURE} from "../../support/distributed-operators.js";
import {
  type Answer,
  type Pem,
  participantServer,
  publicKeyOf,
  type Reply,
  signPlain,
  verifies,
} from "../../support/independent-profile.js";
import {attestation, block, CHAIN, randao, testNetwork} from "../../support/keeper.js";

const PREFIX = "/api/v1/eth2/distributed";
const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;
/** Two validators: the vector's, f(x) = 1 + 2x, and f(x) = 11 + 13x. */
const VALIDATORS = [
  {secret: 1n, shares: VECTOR.shares.map(({secret}) => hex(secret))},
  {secret: 11n, shares: [24n, 37n, 50n].map((value) => `0x${value.toString(16).padStart(64, "0")}`)},
].map(({secret, shares}) => ({key: publicKeyOf(`0x${secret.toString(16).padStart(64, "0")}`), shares}));

/** A signer of somebody else's: it signs whatever it is asked, with the root the request claims, unless told otherwise. */
class ForeignSigner {
  readonly id: number;
  readonly asked: {path: string; body: unknown}[] = [];
  origin = "";
  origins: readonly string[] = [];
  /** In place of its answer to a signing request. */
  lie: ((honest: Reply) => Reply | Promise<Reply>) | null = null;
  account: (view: object) => object = (view) => view;
  close: () => Promise<void> = async () => {};

  constructor(id: number) {
    this.id = id;
  }

  async start(pem: Pem & {ca: string}, port = 0): Promise<void> {
    const running = await participantServer(this.#answer, pem, port);
    this.origin = running.origin;
    this.close = running.close;
  }

  readonly #answer: Answer = async (request) => {
    const {path, body} = request;
    if (path.startsWith(`${PREFIX}/accounts`)) return this.#accounts(path);
    this.asked.push(request);
    const {identifiers, signing_request} = (body ?? {}) as {identifiers?: string[]; signing_request?: unknown};
    const honest: Reply =
      path === `${PREFIX}/sign`
        ? {
            status: 200,
            body: identifiers!.map((identifier) => ({identifier, ...this.#partial(identifier, signing_request)})),
          }
        : {status: 200, body: this.#partial(path.slice(`${PREFIX}/sign/`.length), body)};
    return this.lie === null ? honest : this.lie(honest);
  };

  #accounts(path: string): Reply {
    const views = VALIDATORS.map(({key, shares}) =>
      this.account({
        participant_id: String(this.id),
        public_key: publicKeyOf(shares[this.id - 1]!),
        composite_public_key: key,
        signing_threshold: "2",
        participants: this.origins.map((endpoint, i) => ({id: String(i + 1), endpoint})),
      }),
    );
    if (path === `${PREFIX}/accounts`) return {status: 200, body: views};
    const at = VALIDATORS.findIndex(({key}) => path.endsWith(key));
    return at === -1 ? {status: 404, body: {}} : {status: 200, body: views[at]};
  }

  #partial(identifier: string, request: unknown) {
    const {signingRoot} = request as {signingRoot: string};
    const {shares} = VALIDATORS.find(({key}) => key === identifier)!;
    return {
      participant_id: String(this.id),
      signing_root: signingRoot,
      signature: signPlain(shares[this.id - 1]!, signingRoot),
    };
  }
}

describe("our signer with foreign participants of the distributed profile", function () {
  this.timeout(120_000);
  const dir = mkdtempSync(join(tmpdir(), "pleiades-foreign-"));
  const config = join(dir, "signer", "lodestar.config.yaml");
  const foreign = [1, 2, 3].map((id) => new ForeignSigner(id));
  const [first, second, third] = foreign as [ForeignSigner, ForeignSigner, ForeignSigner];
  const [vectorKey, otherKey] = VALIDATORS.map(({key}) => key) as [string, string];
  const authority = new TestAuthority();
  const pem = () => ({
    ...authority.issue({name: "foreign", names: ["127.0.0.1"], usage: ["server"]}),
    ca: authority.cert,
  });
  let signer: Cli;
  let url: string;
  let slot = 3000;

  const configure = async (committees: readonly string[]): Promise<void> => {
    const {forks, clock} = networkToJson(testNetwork()) as {forks: unknown; clock: object};
    const network = {name: "test", preset: "mainnet", ...clock, genesisValidatorsRoot: CHAIN, forks};
    const participants = {cert: "./client.crt", key: "./client.key", ca: "./ca.crt"};
    // All are asked at once: a test that wants a certain one to be asked need not wait until it is its turn.
    const section = {port: 0, hedgeDelayMs: 0, participants};
    const text = JSON.stringify({network, committees, logging: {level: "warn"}, signer: section});
    await writeFile(config, text);
  };
  const discover = (out: string) =>
    cli([
      ...["participants", "--config", config, "--out", join(dir, out), "--json"],
      ...foreign.flatMap(({origin}) => ["--endpoint", origin]),
    ]);
  const post = async (path: string, body: unknown) => {
    const headers = {"content-type": "application/json", accept: "application/json"};
    const answer = await fetch(`${url}${path}`, {method: "POST", headers, body: JSON.stringify(body)});
    // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
    return {status: answer.status, body: (await answer.json()) as any};
  };
  const sign = (body: unknown, key = vectorKey) => post(`/api/v1/eth2/sign/${key}`, body);
  const fresh = () => block(++slot);

  before(async () => {
    for (const one of foreign) await one.start(pem());
    for (const one of foreign) one.origins = foreign.map(({origin}) => origin);
    await mkdir(join(dir, "signer"));
    const client = authority.issue({name: "signer.example", usage: ["client"]});
    writePem(join(dir, "signer"), {"client.crt": client.cert, "client.key": client.key, "ca.crt": authority.cert});
    const init = await cli(["init", "--role", "signer", "--network", "hoodi", "--dir", join(dir, "made"), "--json"]);
    expect(init.code, init.stderr).to.equal(0);
    await configure([]);
    await copyFile(join(dir, "made", "node.key"), join(dir, "signer", "node.key"));
  });
  after(async () => {
    signer?.child.kill("SIGTERM");
    await signer?.done;
    if (signer !== undefined) killAll(stillRunning([signer.pid]));
    await Promise.all(foreign.map((one) => one.close()));
    rmSync(dir, {recursive: true, force: true});
  });
  afterEach(() => {
    for (const one of foreign) {
      one.lie = null;
      one.account = (view) => view;
      one.asked.length = 0;
    }
  });

  it("finds no committee where the participants' views differ, and says in what", async () => {
    const cases: [string, (view: object) => object][] = [
      ["signing_threshold", (view) => ({...view, signing_threshold: "3"})],
      ["participants", (view) => ({...view, participants: (view as {participants: object[]}).participants.slice(1)})],
      ["LINK_BAD_REPLY", (view) => ({...view, signing_threshold: "0"})],
      ["LINK_BAD_REPLY", (view) => ({...view, signing_threshold: "4"})],
      ["endpoint", (view) => ({...view, participant_id: "1"})],
      ["COMMITTEE_", (view) => ({...view, public_key: vectorKey})],
    ];
    for (const [words, account] of cases) {
      third.account = account;
      const {code, stderr} = await discover("none");
      expect([words, code]).to.deep.equal([words, 1]);
      expect(stderr).to.contain(words);
    }
  });

  it("makes a committee file of three that agree, and starts with it", async () => {
    const {code, stdout, stderr} = await discover("found");
    expect(code, stderr).to.equal(0);
    const {committees} = JSON.parse(stdout);
    expect(committees).to.deep.equal([
      {file: join(dir, "found", "committee-1.json"), operators: 3, threshold: 2, keys: 2},
    ]);
    await configure(["../found/committee-1.json"]);
    const check = () => cli(["config", "check", "--config", config]);
    expect(await check()).to.include({code: 0});
    // Without the certificate none of them could be asked: said by the check, and by the start.
    const text = await readFile(config, "utf8");
    await writeFile(config, JSON.stringify({...JSON.parse(text), signer: {port: 0}}));
    expect((await check()).stderr)
      .to.match(/^CONFIG_MISSING_KEY: /m)
      .and.contain("signer.participants.cert");
    expect((await cli(["signer", "--config", config])).stderr).to.match(/^CONFIG_MISSING_KEY: /m);
    await writeFile(config, text.replace("./client.crt", "./nowhere.crt"));
    expect((await check()).stderr).to.match(/^TLS_FILE: /m);
    await writeFile(config, text);
    signer = new Cli(["signer", "--config", config, "--json"]);
    ({url} = await signer.json<{url: string}>());
    const keys = (await (await fetch(`${url}/api/v1/eth2/publicKeys`)).json()) as string[];
    expect(keys).to.deep.equal([vectorKey, otherKey]);
  });

  it("gives the draft's vector its recovered signature", async () => {
    expect(await sign(VECTOR_MESSAGE)).to.deep.equal({status: 200, body: {signature: VECTOR_SIGNATURE}});
    // Each was asked with the whole typed request and the root that goes with it.
    const [request] = [...first.asked, ...second.asked];
    expect(request?.path).to.equal(`${PREFIX}/sign/${vectorKey}`);
    expect(request?.body).to.deep.equal({
      ...VECTOR_MESSAGE,
      signingRoot: "0xf5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b",
    });
  });

  it("asks a participant for one message of several keys in one call", async () => {
    const body = {identifiers: [vectorKey, otherKey], signing_request: attestation(90, 91)};
    const answer = await post("/api/v1/eth2/sign", body);
    expect(answer.status).to.equal(200);
    // Two of three are asked for each key, so at least one is asked for both.
    const batches = foreign.flatMap(({asked}) => asked).filter(({path}) => path === `${PREFIX}/sign`);
    expect(batches).to.have.length.above(0);
    const [{identifiers, signing_request}] = batches.map((one) => one.body) as [
      {identifiers: string[]; signing_request: {signingRoot: string}},
    ];
    expect(identifiers).to.have.members([vectorKey, otherKey]);
    for (const [i, key] of [vectorKey, otherKey].entries()) {
      expect(verifies(answer.body[i].signature, signing_request.signingRoot, key)).to.equal(true);
    }
  });

  it("does without a participant that gives no usable share, whatever is wrong with it", async () => {
    const infinity = `0xc0${"00".repeat(95)}`;
    const change = (fields: object) => (honest: Reply) => ({...honest, body: {...honest.body, ...fields}});
    const lies: [string, (honest: Reply) => Reply | Promise<Reply>][] = [
      ["another id", change({participant_id: "1"})],
      ["another root", change({signing_root: `0x${"00".repeat(32)}`})],
      ["infinity", change({signature: infinity})],
      ["no point", change({signature: `0x${"11".repeat(96)}`})],
      ["too short", change({signature: "0x11"})],
      ["no object", (honest) => ({...honest, body: 7})],
      ["an unknown status", () => ({status: 418, body: {}})],
      ["a refusal", () => ({status: 412, body: {}})],
      ["too much", () => ({status: 200, body: "x".repeat(2 ** 22)})],
    ];
    for (const [what, lie] of lies) {
      third.lie = lie;
      third.asked.length = 0;
      for (let i = 0; i < 10 && third.asked.length === 0; i++) {
        const {status} = await sign(fresh());
        expect([what, status]).to.deep.equal([what, 200]);
      }
      expect(third.asked, what).to.have.length.above(0);
    }
    // A share that is none of this message: found out by the whole, named, and asked last from then on.
    // The others hold their answers back until its has left, so that it is among the first two.
    let answered: () => void = () => {};
    third.lie = (honest) => {
      setImmediate(answered);
      return change({signature: VECTOR_SIGNATURE})(honest);
    };
    const convicted = () => /"code":"THRESHOLD_INVALID_PARTIAL","operatorId":3/.test(signer.stderr);
    for (let i = 0; i < 20 && !convicted(); i++) {
      const gate = new Promise<void>((resolve) => {
        answered = resolve;
      });
      first.lie = async (honest) => gate.then(() => honest);
      second.lie = first.lie;
      expect((await sign(fresh())).status).to.equal(200);
    }
    await until("the conviction is logged", convicted);
  });

  it("answers 412 when the participants' slashing protection forbids a message, and 503 when they cannot", async () => {
    for (const one of foreign) one.lie = () => ({status: 412, body: {message: "slashable"}});
    const refused = await sign(fresh());
    expect([refused.status, refused.body.code]).to.deep.equal([412, "COMMITTEE_REFUSED"]);
    expect(refused.body.operators[0].code).to.equal("SLASHING_PARTICIPANT_REFUSED");
    for (const one of foreign) one.lie = () => ({status: 503, body: {}});
    expect((await sign(fresh())).status).to.equal(503);
  });

  it("goes on without a participant that is slow, or gone, and uses it again when it is back", async () => {
    const held: (() => void)[] = [];
    first.lie = (honest) => new Promise((resolve) => held.push(() => resolve(honest)));
    for (let i = 0; i < 3; i++) expect((await sign(fresh())).status).to.equal(200);
    for (const answer of held) answer();
    first.lie = null;
    await second.close();
    expect((await sign(randao(98))).status).to.equal(200);
    await until("noticed", () => signer.stderr.includes("participant not connected"));
    await second.start(pem(), Number(new URL(second.origin).port));
    second.asked.length = 0;
    for (let i = 0; i < 200 && second.asked.length === 0; i++) expect((await sign(fresh())).status).to.equal(200);
    expect(second.asked).to.have.length.above(0);
  });
});
