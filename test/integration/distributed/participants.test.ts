import {connect, type TLSSocket} from "node:tls";
import {expect} from "chai";
import {TestAuthority} from "../../support/certificates.js";
import {Cli} from "../../support/cli.js";
import {DistributedOperators, GENERIC_DOMAIN_TYPE} from "../../support/distributed-operators.js";
import {call, coordinate, genericRoot, recover, verifies} from "../../support/independent-profile.js";
import {attestation, block, randao} from "../../support/keeper.js";

const PATH = "/api/v1/eth2/distributed";
const generic = (domainType: string) => ({
  type: "GENERIC",
  signing_data: {object_root: `0x${"5a".repeat(32)}`, domain: domainType.padEnd(66, "0")},
});
/** Any code that says the connection came to nothing. */
const refusedConnection = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => null,
    (reason: NodeJS.ErrnoException) => reason,
  );
  return error === null ? "answered" : (error.code ?? error.message);
};

describe("operators as participants of the distributed profile, each a process of its own", function () {
  this.timeout(180_000);
  const operators = new DistributedOperators();
  const others: Cli[] = [];
  const [vectorKey, secondKey] = operators.keys as [string, string];
  let full: {ca: string; client: {cert: string; key: string}};
  const sign = (id: number, key: string, body: unknown, tls = full) =>
    call(`${operators.origins[id - 1]}${PATH}/sign/${key}`, {...tls, body});
  const batch = (id: number, identifiers: readonly string[], signing_request: unknown, tls = full) =>
    call(`${operators.origins[id - 1]}${PATH}/sign`, {...tls, body: {identifiers, signing_request}});
  const accounts = (id: number, tls = full) => call(`${operators.origins[id - 1]}${PATH}/accounts`, tls);
  const limited = () => ({ca: operators.authority.cert, client: operators.limited});

  const startSigner = async (more: object = {}) => {
    const signer = new Cli(["signer", "--config", operators.signer(more), "--json"]);
    others.push(signer);
    const {url} = await signer.json<{url: string}>();
    return async (body: unknown) => {
      const headers = {"content-type": "application/json", accept: "application/json"};
      const path = `/api/v1/eth2/sign/${vectorKey}`;
      const answer = await fetch(url + path, {method: "POST", headers, body: JSON.stringify(body)});
      return {status: answer.status, body: (await answer.json()) as {signature?: string}};
    };
  };

  before(async () => {
    await operators.setUp();
    full = {ca: operators.authority.cert, client: operators.coordinator};
    await Promise.all([1, 2, 3].map((id) => operators.start(id)));
  });
  after(() => operators.close(others));

  it("give an independent coordinator the group signature from any two of three", async () => {
    const signatures = new Set<string>();
    for (const pair of [
      ["1", "2"],
      ["1", "3"],
      ["2", "3"],
    ]) {
      const {signature} = await coordinate(operators.origins, vectorKey, randao(99), full, pair);
      signatures.add(signature);
    }
    expect(signatures.size).to.equal(1);
  });

  it("describe themselves with the vector's keys, threshold and ids", async () => {
    const {status, body} = await accounts(2);
    expect(status).to.equal(200);
    expect(body).to.have.length(2);
    expect(body[0]).to.deep.equal({
      participant_id: "2",
      public_key: "0xb0e7791fb972fe014159aa33a98622da3cdc98ff707965e536d8636b5fcc5ac7a91a8c46e59a00dca575af0f18fb13dc",
      composite_public_key: vectorKey,
      signing_threshold: "2",
      participants: operators.origins.map((endpoint, i) => ({id: String(i + 1), endpoint})),
    });
    expect(vectorKey).to.equal(
      "0x97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb",
    );
  });

  it("sign generic messages of listed domain types only, and refuse the vector's own, whose domain is a proposer's", async () => {
    const body = generic(GENERIC_DOMAIN_TYPE);
    const {signature, root} = await coordinate(operators.origins, vectorKey, body, full, ["1", "3"]);
    expect(root).to.equal(genericRoot(body.signing_data));
    expect(verifies(signature, root, vectorKey)).to.equal(true);
    for (const domain of ["0x00000000", "0x01000000", "0x07000000", "0x00004243"]) {
      const refusal = await sign(1, vectorKey, generic(domain));
      expect([domain, refusal.status, refusal.body.code]).to.deep.equal([domain, 412, "POLICY_DOMAIN_NOT_LISTED"]);
    }
  });

  it("let in nobody without a certificate, of another authority or with TLS 1.2", async () => {
    const url = `${operators.origins[0]}${PATH}/accounts`;
    const other = new TestAuthority("other authority");
    const foreign = other.issue({name: "c1", names: ["coordinator.example"], usage: ["client"]});
    const server = operators.authority.issue({name: "coordinator.example", usage: ["server"]});
    const {ca} = full;
    const tries = [
      {ca},
      {ca, client: foreign},
      {ca, client: server},
      {...full, maxVersion: "TLSv1.2" as const},
      {...full, ca: other.cert},
    ];
    for (const options of tries) expect(await refusedConnection(call(url, options))).to.not.equal("answered");
    expect((await call(url, full)).status).to.equal(200);
  });

  it("answer 403 to a good certificate that is no coordinator, whatever it asks", async () => {
    const stranger = {ca: operators.authority.cert, client: operators.stranger};
    for (const reply of [
      await accounts(1, stranger),
      await sign(1, vectorKey, randao(99), stranger),
      await batch(1, [vectorKey], randao(99), stranger),
      await call(`${operators.origins[0]}/anything`, stranger),
    ]) {
      expect([reply.status, reply.body.code]).to.deep.equal([403, "DISTRIBUTED_NOT_COORDINATOR"]);
    }
  });

  it("answer 403 for keys a coordinator may not use, and serve its own", async () => {
    const listed = await accounts(1, limited());
    expect(listed.body.map((one: {composite_public_key: string}) => one.composite_public_key)).to.deep.equal([
      secondKey,
    ]);
    const refusal = await sign(1, vectorKey, randao(99), limited());
    expect([refusal.status, refusal.body.code]).to.deep.equal([403, "DISTRIBUTED_KEY_NOT_ALLOWED"]);
    const view = await call(`${operators.origins[0]}${PATH}/accounts/${vectorKey}`, limited());
    expect(view.status).to.equal(403);
    expect((await sign(1, secondKey, randao(99), limited())).status).to.equal(200);
  });

  it("answer a batch key by key and in its order, each failure in its place", async () => {
    const unknown = `0x${"ab".repeat(48)}`;
    const {status, body} = await batch(
      1,
      [secondKey, unknown, vectorKey.toUpperCase().replace("0X", "0x")],
      randao(98),
    );
    expect(status).to.equal(200);
    expect(body.map((one: {identifier: string}) => one.identifier)).to.deep.equal([
      secondKey,
      unknown,
      vectorKey.toUpperCase().replace("0X", "0x"),
    ]);
    expect(Object.keys(body[0]).sort()).to.deep.equal(["identifier", "participant_id", "signature", "signing_root"]);
    expect(body[1]).to.have.nested.property("error.code", 404);
    expect(body[0].signing_root).to.equal(body[2].signing_root);
    const partly = await batch(1, [vectorKey, secondKey], randao(98), limited());
    expect(partly.body[0]).to.have.nested.property("error.code", 403);
    const again = await batch(2, [secondKey, vectorKey], randao(98));
    const whole = recover(
      new Map([
        ["1", body[2].signature],
        ["2", again.body[1].signature],
      ]),
    );
    expect(verifies(whole, body[2].signing_root, vectorKey)).to.equal(true);
    expect((await batch(1, [vectorKey, vectorKey], randao(98))).status).to.equal(400);
    expect((await batch(1, [], randao(98))).status).to.equal(400);
    expect((await batch(1, [vectorKey], block(1))).status).to.equal(400);
  });

  it("answer 400 to a root that differs, to what is no request, and 404 to an unknown key", async () => {
    const wrong = await sign(1, vectorKey, {...randao(99), signingRoot: `0x${"00".repeat(32)}`});
    expect([wrong.status, wrong.body.code]).to.deep.equal([400, "DISTRIBUTED_ROOT_MISMATCH"]);
    expect((await sign(1, vectorKey, "{")).status).to.equal(400);
    expect((await sign(1, vectorKey, {type: "NONSENSE"})).status).to.equal(400);
    expect((await sign(1, "0x1234", randao(99))).status).to.equal(400);
    expect((await sign(1, `0x${"ab".repeat(48)}`, randao(99))).status).to.equal(404);
    expect((await call(`${operators.origins[0]}/api/v1/eth2/publicKeys`, full)).status).to.equal(404);
    const {status, body} = await sign(1, vectorKey, JSON.stringify({...randao(99), more: "x".repeat(2 ** 21)}));
    expect([status, body.code]).to.deep.equal([413, "HTTP_BODY_TOO_LARGE"]);
  });

  it("refuse a conflicting attestation with 412, also after a crash, and sign the same one again", async () => {
    expect((await sign(1, vectorKey, attestation(90, 91))).status).to.equal(200);
    await operators.kill(1);
    await operators.start(1);
    const conflict = await sign(1, vectorKey, attestation(90, 91, {byte: 9}));
    expect(conflict.status).to.equal(412);
    expect(conflict.body.code).to.match(/^SLASHING_/);
    expect((await sign(1, vectorKey, attestation(90, 91))).status).to.equal(200);
    // Another validator of the same operator has a record of its own.
    const both = await batch(1, [vectorKey, secondKey], attestation(90, 91, {byte: 9}));
    expect(both.body[0]).to.have.nested.property("error.code", 412);
    expect(both.body[1]).to.have.property("signature");
  });

  it("share that record with libp2p, both ways", async () => {
    const ask = await startSigner();
    // Over libp2p first: at least two of three have it in their records then.
    const first = await ask(block(3190));
    expect(first.status).to.equal(200);
    const replies = await Promise.all([1, 2, 3].map((id) => sign(id, vectorKey, block(3190, 9))));
    expect(replies.filter(({status}) => status === 412).length).to.be.at.least(2);
    const {signature} = await coordinate(operators.origins, vectorKey, randao(97), full, ["1", "2"]);
    expect((await ask(randao(97))).body.signature).to.equal(signature);
    // Over HTTP first: the signer finds nobody.
    for (const id of [1, 2, 3]) expect((await sign(id, vectorKey, block(3191, 9))).status).to.equal(200);
    expect((await ask(block(3191))).status).to.equal(412);
    expect((await ask(block(3191, 9))).status).to.equal(200);
    const [signer] = others;
    signer?.child.kill("SIGTERM");
    expect((await signer?.done)?.code).to.equal(0);
  });

  it("stand beside operators over libp2p in one committee of one signer", async () => {
    const [first, , third] = operators.peerIds;
    const ask = await startSigner({
      operatorAddresses: {[first!]: [operators.origins[0]], [third!]: [operators.origins[2]]},
    });
    await operators.kill(3);
    // Two are left, and both are needed: one over HTTPS, one over libp2p.
    const {signature} = await coordinate(operators.origins.slice(0, 2), vectorKey, randao(95), full, ["1", "2"], 3);
    expect(await ask(randao(95))).to.deep.equal({status: 200, body: {signature}});
    await operators.start(3);
  });

  it("serve the others while slow peers hold connections and half a request", async () => {
    const {hostname, port} = new URL(operators.origins[0]!);
    const slow: TLSSocket[] = [];
    try {
      for (let i = 0; i < 20; i++) {
        const {ca} = full;
        const socket = connect({host: hostname, port: Number(port), ca, ...operators.coordinator});
        slow.push(socket);
        await new Promise<void>((resolve, reject) => {
          socket.once("secureConnect", resolve);
          socket.once("error", reject);
        });
        socket.write(`POST ${PATH}/sign/${vectorKey} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`);
        if (i % 2 === 0) socket.write('content-length: 500\r\n\r\n{"type":');
      }
      expect((await sign(1, vectorKey, randao(96))).status).to.equal(200);
    } finally {
      for (const socket of slow) socket.destroy();
    }
  });
});
