import {once} from "node:events";
import {Agent} from "node:http";
import {connect} from "node:net";
import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {parseBytes4Hex, parseEpoch, toHex} from "../../../src/core/bytes.js";
import {FORK_NAMES, type Network} from "../../../src/core/duty/network.js";
import type {SignType} from "../../../src/core/duty/sign-request.js";
import {blockBodiesOf} from "../../../src/remote-signer/block-bodies.js";
import {HeldService} from "../../support/held-service.js";
import {interopSecrets, SingleKeyService} from "../../support/single-key-service.js";
import {
  ask,
  attestation,
  type Body,
  bodyFor,
  expectError,
  FORK_INFO,
  GENESIS_ROOT,
  NETWORK,
  PRESET,
  rootOf,
  start,
  stopAll,
  until,
  withRoot,
} from "./fixture.js";

/** Each test is named after a situation that was measured on Lodestar's client, and what it asks of a signer. */
describe("what Lodestar's client needs of a signer", function () {
  // Seconds only on a very busy machine.
  this.timeout(10_000);
  afterEach(stopAll);

  it("any non-2xx: the body text becomes the error, so it is short and begins with a stable code", async () => {
    const signer = await start();
    for (const body of ["nonsense", {}, {...attestation(1), signingRoot: `0x${"00".repeat(32)}`}]) {
      const answer = await signer.sign(body);
      expect(answer.status).to.be.at.least(400);
      expect(answer.text).to.match(/^\{"code":"[A-Z0-9_]+","message":"[A-Z`]/);
      expect(answer.text.length).to.be.below(500);
    }
  });

  it("no timeout of its own: the signer has a deadline per duty and answers 504 with the reason per operator", async () => {
    const clock = new ManualClock();
    const service = new HeldService(new SingleKeyService(interopSecrets(0, 0)));
    const signer = await start({clock, service});
    const asked = signer.sign(attestation(1));
    await until(() => service.reached.length === 1, "the request reaches the service");
    clock.advance(4000);
    const answer = await asked;
    expectError(answer, 504, "COMMITTEE_TIMEOUT");
    expect(answer.json.operators).to.deep.equal([
      {operatorId: 1, code: "COMMITTEE_TIMEOUT", message: "no answer in time"},
    ]);
  });

  const selectionProofs: [SignType, string][] = [
    ["AGGREGATION_SLOT", "one key's failure would cost every key its epoch"],
    ["SYNC_COMMITTEE_SELECTION_PROOF", "one key's failure would cost all sync work of the slot"],
  ];
  for (const [type, why] of selectionProofs) {
    it(`${type}: ${why}, so none is refused for a reason that concerns another key`, async () => {
      const service = new SingleKeyService(interopSecrets(0, 2));
      const signer = await start({service});
      const [stranger] = new SingleKeyService(interopSecrets(9, 9)).publicKeys();
      const asked = [signer.keys[0], stranger, signer.keys[1], signer.keys[2]];
      const alone = await Promise.all(asked.map((key) => signer.sign(bodyFor(type), {key: key!})));
      expect(alone.map(({status}) => status)).to.deep.equal([200, 404, 200, 200]);
      const batch = await signer.post("/api/v1/eth2/sign", {identifiers: asked, signing_request: bodyFor(type)});
      expect(batch.json.map((result: Body) => "signature" in result)).to.deep.equal([true, false, true, true]);
    });

    it(`${type}: is not refused while something less urgent waits`, async () => {
      const service = new HeldService(new SingleKeyService(interopSecrets(0, 0)));
      const signer = await start({service}, {maxConcurrent: 1, maxQueued: 1});
      const running = signer.sign(bodyFor("VALIDATOR_REGISTRATION"));
      await until(() => service.reached.length === 1, "the first request reaches the service");
      // In whichever order these two arrive, the one place to wait is the proof's.
      const registration = signer.sign(bodyFor("VALIDATOR_REGISTRATION", {gas_limit: "1"}));
      const proof = signer.sign(bodyFor(type));
      expectError(await registration, 503, "HTTP_OVERLOADED");
      service.release();
      expect([(await running).status, (await proof).status]).to.deep.equal([200, 200]);
    });
  }

  it("sync selection proofs are asked one after another: one at a time is answered in milliseconds", async () => {
    const signer = await start();
    const agent = new Agent({keepAlive: true, maxSockets: 1});
    const body = JSON.stringify(withRoot(bodyFor("SYNC_COMMITTEE_SELECTION_PROOF")));
    const durations: number[] = [];
    for (let i = 0; i < 40; i++) {
      const before = performance.now();
      const answer = await ask(`${signer.url}/api/v1/eth2/sign/${signer.keys[0]}`, {
        method: "POST",
        headers: {"content-type": "application/json", accept: "*/*"},
        body,
        agent,
      });
      durations.push(performance.now() - before);
      expect(answer.status).to.equal(200);
    }
    agent.destroy();
    const median = durations.sort((a, b) => a - b)[20]!;
    // At 100 ms each contributions fail. A quarter of that leaves the committee its share even on a busy machine.
    expect(median).to.be.below(25);
  });

  for (const type of ["RANDAO_REVEAL", "AGGREGATION_SLOT", "SYNC_COMMITTEE_SELECTION_PROOF", "ATTESTATION"] as const) {
    it(`${type} is repeated with the same root: the answer is the same`, async () => {
      const signer = await start();
      const answers = [await signer.sign(bodyFor(type)), await signer.sign(bodyFor(type))];
      expect(answers.map(({status}) => status)).to.deep.equal([200, 200]);
      expect(answers[0]!.text).to.equal(answers[1]!.text);
    });
  }

  describe("content type", () => {
    for (const accept of ["application/json", "*/*"]) {
      it(`is exactly application/json for Accept ${accept}`, async () => {
        const signer = await start();
        const answer = await signer.sign(attestation(1), {headers: {accept}});
        expect(answer.headers["content-type"]).to.equal("application/json");
        expect(answer.text).to.match(/^\{"signature":"0x[0-9a-f]{192}"\}$/);
      });
    }

    for (const headers of [{}, {accept: "text/plain"}, {accept: "text/plain, application/json;q=0.5"}]) {
      it(`is text/plain with bare hex for ${JSON.stringify(headers)}`, async () => {
        const signer = await start();
        const answer = await signer.sign(attestation(1), {headers});
        expect(answer.headers["content-type"]).to.equal("text/plain; charset=utf-8");
        expect(answer.text).to.match(/^0x[0-9a-f]{192}$/);
      });
    }

    it("is exactly application/json for publicKeys, which version 1.22 insists on", async () => {
      const signer = await start();
      const answer = await signer.get("/api/v1/eth2/publicKeys", {accept: "*/*"});
      expect(answer.headers["content-type"]).to.equal("application/json");
    });

    it("of a request may name a charset", async () => {
      const signer = await start();
      const headers = {"content-type": "application/json; charset=utf-8", accept: "*/*"};
      expect((await signer.sign(attestation(1), {headers})).status).to.equal(200);
    });
  });

  it("publicKeys unreachable at start makes the client exit: the port answers as soon as it is open, never before", async () => {
    const reserved = await start();
    const port = Number(new URL(reserved.url).port);
    await reserved.close();
    const refused = connect(port, "127.0.0.1");
    const [error] = await once(refused, "error");
    expect(error.code).to.equal("ECONNREFUSED");
    const signer = await start({}, {port});
    expect((await signer.get("/api/v1/eth2/publicKeys")).json).to.deep.equal(signer.keys);
  });

  it("public keys are compared as strings: listed in lower-case 0x hex, accepted in any case and without 0x", async () => {
    const signer = await start();
    const {json} = await signer.get("/api/v1/eth2/publicKeys");
    expect(json).to.have.length(4);
    for (const key of json) expect(key).to.match(/^0x[0-9a-f]{96}$/);
    const [key] = signer.keys;
    const expected = await signer.sign(attestation(1));
    for (const spelling of [key!.toUpperCase(), key!.slice(2), key!.slice(2).toUpperCase()]) {
      const answer = await signer.sign(attestation(1), {key: spelling});
      expect(answer.text, spelling).to.equal(expected.text);
    }
  });

  it("fork_info.fork.epoch is the signing epoch in Lodestar and the fork's in the spec: both sign the same", async () => {
    const forks = FORK_NAMES.slice(0, 6).map((name, i) => ({
      name,
      version: parseBytes4Hex(`0x0${i}000001`),
      epoch: parseEpoch(i * 10),
    }));
    const network: Network = {...NETWORK, forks};
    const signer = await start({}, {network});
    const answers = await Promise.all(
      ["30", "33"].map((epoch) =>
        signer.sign({
          ...bodyFor("RANDAO_REVEAL", {epoch: "33"}),
          fork_info: {
            fork: {previous_version: "0x02000001", current_version: "0x03000001", epoch},
            genesis_validators_root: GENESIS_ROOT,
          },
        }),
      ),
    );
    expect(answers.map(({status}) => status)).to.deep.equal([200, 200]);
    expect(answers[0]!.text).to.equal(answers[1]!.text);
  });

  it("previous_version comes from config order: it is not insisted on", async () => {
    const signer = await start();
    const fork = {...FORK_INFO.fork, previous_version: "0x00000001"};
    const odd = await signer.sign({...attestation(1), fork_info: {...FORK_INFO, fork}});
    expect(odd.status, odd.text).to.equal(200);
    expect(odd.text).to.equal((await signer.sign(attestation(1))).text);
  });

  it("the root field is signingRoot in Lodestar and signing_root in the spec: both are read", async () => {
    const signer = await start();
    const [right, wrong] = [rootOf(attestation(1)), `0x${"12".repeat(32)}`];
    for (const field of ["signingRoot", "signing_root"]) {
      expect((await signer.sign({...attestation(1), [field]: right})).status, field).to.equal(200);
      expectError(await signer.sign({...attestation(1), [field]: wrong}), 500, "CODEC_ROOT_MISMATCH");
    }
  });

  it("VOLUNTARY_EXIT is signed under Capella's version from Deneb on, though fork_info says otherwise", async () => {
    const signer = await start();
    const exit = bodyFor("VOLUNTARY_EXIT");
    const throughElectra = await signer.sign(exit);
    // The same exit on a chain that stopped at Capella.
    const capella: Network = {...NETWORK, forks: NETWORK.forks!.slice(0, 4)};
    const fork = {previous_version: "0x02000001", current_version: "0x03000001", epoch: "0"};
    const body = {...exit, fork_info: {...FORK_INFO, fork}};
    const onCapella = await start({}, {network: capella});
    const throughCapella = await onCapella.sign(body);
    expect(throughElectra.status, throughElectra.text).to.equal(200);
    expect(throughElectra.text).to.equal(throughCapella.text);
  });

  describe("BLOCK_V2", () => {
    it("comes as block_header from Bellatrix on, version in upper case", async () => {
      const signer = await start();
      const body = withRoot(bodyFor("BLOCK_V2", {slot: "1"}));
      expect(JSON.stringify(body)).to.contain('"version":"ELECTRA"');
      expect((await signer.sign(body)).status).to.equal(200);
    });

    it("comes as a full block up to Altair, signed as its header is", async () => {
      const altair: Network = {...NETWORK, forks: NETWORK.forks!.slice(0, 2)};
      const signer = await start({}, {network: altair});
      const type = blockBodiesOf(PRESET).altair;
      const block = {
        slot: "1",
        proposer_index: "7",
        parent_root: `0x${"01".repeat(32)}`,
        state_root: `0x${"02".repeat(32)}`,
      };
      const fork = {previous_version: "0x00000001", current_version: "0x01000001", epoch: "0"};
      const fork_info = {...FORK_INFO, fork};
      const value = type.defaultValue();
      const body_root = toHex(type.hashTreeRoot(value));
      const asHeader = {
        type: "BLOCK_V2",
        fork_info,
        beacon_block: {version: "ALTAIR", block_header: {...block, body_root}},
      };
      const asBlock = {
        type: "BLOCK_V2",
        fork_info,
        beacon_block: {version: "ALTAIR", block: {...block, body: type.toJson(value)}},
        signingRoot: rootOf(asHeader, altair),
      };
      const [full, header] = [await signer.sign(asBlock), await signer.sign(asHeader)];
      expect(full.status, full.text).to.equal(200);
      expect(full.text).to.equal(header.text);
    });
  });

  for (const type of ["DEPOSIT", "VALIDATOR_REGISTRATION"] as const) {
    it(`${type} comes without fork_info: its domain is the genesis fork version's`, async () => {
      const signer = await start();
      const body = bodyFor(type);
      expect(body).not.to.have.property("fork_info");
      expect((await signer.sign(withRoot(body))).status).to.equal(200);
    });
  }

  it("BLS_TO_EXECUTION_CHANGE is Lodestar's own, its JSON key in capitals", async () => {
    const signer = await start();
    const body = bodyFor("BLS_TO_EXECUTION_CHANGE");
    expect(body).to.have.property("BLS_TO_EXECUTION_CHANGE");
    expect((await signer.sign(withRoot(body))).status).to.equal(200);
  });

  describe("upcheck", () => {
    it("is JSON for a client that takes only JSON", async () => {
      const signer = await start();
      const answer = await signer.get("/upcheck", {accept: "application/json"});
      expect(answer.headers["content-type"]).to.equal("application/json");
      expect(answer.text).to.equal('{"status":"OK"}');
    });

    for (const headers of [{}, {accept: "*/*"}, {accept: "text/plain"}]) {
      it(`is Web3Signer's plain OK for ${JSON.stringify(headers)}`, async () => {
        const signer = await start();
        const answer = await signer.get("/upcheck", headers);
        expect([answer.status, answer.text]).to.deep.equal([200, "OK"]);
        expect(answer.headers["content-type"]).to.equal("text/plain; charset=utf-8");
      });
    }
  });
});
