import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {HeldService} from "../../support/held-service.js";
import {interopSecrets, SingleKeyService} from "../../support/single-key-service.js";
import {attestation, type Body, bodyFor, expectError, start, stopAll, until, withRoot} from "./fixture.js";

const PATH = "/api/v1/eth2/sign";

describe("POST /api/v1/eth2/sign (batch)", function () {
  // Seconds only on a very busy machine.
  this.timeout(10_000);
  afterEach(stopAll);

  for (const type of [
    "AGGREGATION_SLOT",
    "ATTESTATION",
    "GENERIC",
    "RANDAO_REVEAL",
    "SYNC_COMMITTEE_MESSAGE",
    "SYNC_COMMITTEE_SELECTION_PROOF",
  ] as const) {
    it(`gives every key the signature that the single call gives for ${type}`, async () => {
      const signer = await start();
      const body = withRoot(bodyFor(type));
      const identifiers = [...signer.keys].reverse();
      const batch = await signer.post(PATH, {identifiers, signing_request: body});
      expect(batch.status, batch.text).to.equal(200);
      expect(batch.headers["content-type"]).to.equal("application/json");
      const single = await Promise.all(identifiers.map((key) => signer.sign(body, {key})));
      expect(batch.json).to.deep.equal(
        identifiers.map((identifier, i) => ({identifier, signature: single[i]!.json.signature})),
      );
    });
  }

  it("answers in request order; a key that fails neither fails nor shifts another", async () => {
    const signer = await start();
    const [stranger] = new SingleKeyService(interopSecrets(9, 9)).publicKeys();
    // The third key has voted otherwise.
    expect((await signer.sign(attestation(1), {key: signer.keys[2]!})).status).to.equal(200);
    const identifiers = [signer.keys[1], stranger, signer.keys[2], signer.keys[0]];
    const {status, json} = await signer.post(PATH, {identifiers, signing_request: attestation(2)});
    expect(status).to.equal(200);
    expect(json.map(({identifier}: Body) => identifier)).to.deep.equal(identifiers);
    expect(json.map((result: {error?: {code: number}}) => result.error?.code ?? 200)).to.deep.equal([
      200, 404, 412, 200,
    ]);
    expect(json[1].error.message).to.match(/^COMMITTEE_UNKNOWN_KEY: /);
    expect(json[2].error.message).to.match(/^COMMITTEE_REFUSED: /);
    expect(Object.keys(json[1])).to.deep.equal(["identifier", "error"]);
    expect(Object.keys(json[1].error)).to.deep.equal(["code", "message"]);
  });

  it("hands a key back as the client spelled it", async () => {
    const signer = await start();
    const spelled = signer.keys[0]!.slice(2).toUpperCase();
    const {json} = await signer.post(PATH, {identifiers: [spelled], signing_request: attestation(1)});
    expect(json[0].identifier).to.equal(spelled);
    expect(json[0].signature).to.equal((await signer.sign(attestation(1))).json.signature);
  });

  it("refuses the whole batch for what is wrong with the request itself", async () => {
    const signer = await start({}, {maxBatchKeys: 3});
    const [a, b, c, d] = signer.keys;
    const twins = [a, a!.toUpperCase().replace("0X", "0x")];
    const cases: [unknown, number, string][] = [
      [{identifiers: [], signing_request: attestation(1)}, 400, "HTTP_BATCH_INVALID"],
      [{identifiers: [a, b, c, d], signing_request: attestation(1)}, 400, "HTTP_BATCH_INVALID"],
      [{identifiers: [a]}, 400, "HTTP_BATCH_INVALID"],
      [{identifiers: twins, signing_request: attestation(1)}, 400, "HTTP_BATCH_DUPLICATE_KEY"],
      [{identifiers: [a, "0x12"], signing_request: attestation(1)}, 400, "CODEC_HEX"],
      [{identifiers: [a], signing_request: {}}, 400, "CODEC_FIELD"],
      [{identifiers: [a], signing_request: bodyFor("BLOCK_V2")}, 400, "HTTP_BATCH_TYPE"],
      [{identifiers: [a], signing_request: bodyFor("VOLUNTARY_EXIT")}, 400, "HTTP_BATCH_TYPE"],
      [
        {identifiers: [a], signing_request: {...attestation(1), signingRoot: `0x${"12".repeat(32)}`}},
        500,
        "CODEC_ROOT_MISMATCH",
      ],
    ];
    for (const [body, status, code] of cases) expectError(await signer.post(PATH, body), status, code);
  });

  it("gives each key that is still waiting at the deadline its own 504", async () => {
    const clock = new ManualClock();
    const service = new HeldService(new SingleKeyService(interopSecrets(0, 2)));
    const signer = await start({clock, service}, {maxConcurrent: 2, deadlinesMs: {ATTESTATION: 50}});
    const asked = signer.post(PATH, {identifiers: signer.keys, signing_request: attestation(1)});
    await until(() => service.reached.length === 2, "two of three reach the service");
    clock.advance(50);
    const {json} = await asked;
    expect(json.map((result: {error: {code: number}}) => result.error.code)).to.deep.equal([504, 504, 504]);
    expect(json[0].error.message).to.match(/^COMMITTEE_TIMEOUT: /);
  });

  it("signs for many keys without node's warnings about listeners", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on("warning", note);
    const service = new SingleKeyService(interopSecrets(0, 39));
    const signer = await start({service}, {maxConcurrent: 8});
    const {json} = await signer.post(PATH, {identifiers: signer.keys, signing_request: attestation(1)});
    expect(json.filter((result: Body) => "signature" in result)).to.have.length(40);
    // Warnings are emitted on the next tick.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", note);
    expect(warnings.map(({message}) => message)).to.deep.equal([]);
  });

  it("is bounded in the service like single requests are", async () => {
    const service = new HeldService(new SingleKeyService(interopSecrets(0, 3)));
    const signer = await start({service}, {maxConcurrent: 1, maxQueued: 1});
    const asked = signer.post(PATH, {identifiers: signer.keys, signing_request: attestation(1)});
    await until(() => service.reached.length === 1, "the first reaches the service");
    service.release();
    const {json} = await asked;
    const outcomes = json.map((result: {error?: {message: string}}) => result.error?.message.split(":")[0] ?? "signed");
    expect(outcomes).to.deep.equal(["signed", "signed", "HTTP_OVERLOADED", "HTTP_OVERLOADED"]);
  });
});
