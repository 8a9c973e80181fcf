import {PublicKey, Signature, verify} from "@chainsafe/blst";
import {expect} from "chai";
import {SIGN_TYPES} from "../../../src/core/duty/sign-request.js";
import {interopSecrets, SingleKeyService} from "../../support/single-key-service.js";
import {attestation, type Body, bodyFor, expectError, rootOf, start, stopAll, withRoot} from "./fixture.js";

const bytes = (hex: string): Uint8Array => Buffer.from(hex.slice(2), "hex");

describe("POST /api/v1/eth2/sign/{identifier}", function () {
  // Seconds only on a very busy machine.
  this.timeout(10_000);
  afterEach(stopAll);

  for (const type of SIGN_TYPES) {
    it(`signs ${type} with the key of the URL under the root of the message`, async () => {
      const signer = await start();
      const body = withRoot(bodyFor(type));
      const answer = await signer.sign(body, {key: signer.keys[2]!});
      expect(answer.status, answer.text).to.equal(200);
      expect(answer.headers["content-type"]).to.equal("application/json");
      expect(Object.keys(answer.json)).to.deep.equal(["signature"]);
      const {signature} = answer.json;
      expect(signature).to.match(/^0x[0-9a-f]{192}$/);
      const key = PublicKey.fromBytes(bytes(signer.keys[2]!), true);
      expect(verify(bytes(body.signingRoot), key, Signature.fromBytes(bytes(signature), true))).to.equal(true);
    });
  }

  it("takes a request that claims no root", async () => {
    const signer = await start();
    expect((await signer.sign(attestation(1))).status).to.equal(200);
  });

  it("refuses a root that is not the message's as Web3Signer does, naming both", async () => {
    const signer = await start();
    const claimed = `0x${"12".repeat(32)}`;
    const answer = await signer.sign({...attestation(1), signingRoot: claimed});
    expectError(answer, 500, "CODEC_ROOT_MISMATCH");
    expect(answer.json.message)
      .to.contain(claimed)
      .and.contain(rootOf(attestation(1)));
  });

  it("answers 404 for a key of no committee", async () => {
    const signer = await start({service: new SingleKeyService(interopSecrets(0, 0))});
    const [stranger] = new SingleKeyService(interopSecrets(9, 9)).publicKeys();
    expectError(await signer.sign(attestation(1), {key: stranger!}), 404, "COMMITTEE_UNKNOWN_KEY");
    expectError(
      await signer.sign(attestation(1), {key: stranger!.slice(2).toUpperCase()}),
      404,
      "COMMITTEE_UNKNOWN_KEY",
    );
  });

  it("answers 400 for an identifier that is no public key", async () => {
    const signer = await start();
    const identifiers = [
      "0x12",
      "nonsense",
      `${signer.keys[0]}00`,
      signer.keys[0]!.slice(0, -1),
      "%00",
      "x".repeat(200),
    ];
    for (const key of identifiers) expectError(await signer.sign(attestation(1), {key}), 400, "CODEC_HEX");
  });

  it("answers 412 for a double vote, with the operator's reason", async () => {
    const signer = await start();
    expect((await signer.sign(attestation(1))).status).to.equal(200);
    const answer = await signer.sign(attestation(2));
    expectError(answer, 412, "COMMITTEE_REFUSED");
    expect(answer.json.operators).to.have.length(1);
    expect(answer.json.operators[0].message).to.contain("conflicts");
  });

  const malformed: [string, unknown, string][] = [
    ["a body that is no object", "[]", "CODEC_FIELD"],
    ["null", "null", "CODEC_FIELD"],
    ["no type", {}, "CODEC_FIELD"],
    ["an unknown type", {...attestation(1), type: "ATTESTATION_V9"}, "CODEC_UNKNOWN_TYPE"],
    ["an inherited type", {...attestation(1), type: "constructor"}, "CODEC_UNKNOWN_TYPE"],
    ["no message", {type: "ATTESTATION"}, "CODEC_FIELD"],
    ["no fork_info", {...attestation(1), fork_info: undefined}, "CODEC_FIELD"],
    ["a slot beyond 64 bits", bodyFor("ATTESTATION", {slot: "18446744073709551616"}), "CODEC_UINT64"],
    ["a negative slot", bodyFor("ATTESTATION", {slot: "-1"}), "CODEC_UINT64"],
    ["a root of the wrong length", bodyFor("ATTESTATION", {beacon_block_root: "0x12"}), "CODEC_HEX"],
    ["a claimed root that is no root", {...attestation(1), signingRoot: "0x12"}, "CODEC_HEX"],
    ["two claimed roots", {...withRoot(attestation(1)), signing_root: `0x${"12".repeat(32)}`}, "CODEC_ROOT_CONFLICT"],
    ["malformed JSON", '{"type":"ATTESTATION",', "CODEC_JSON"],
    ["an empty body", "", "CODEC_JSON"],
    ["a key named twice", `{"type":"RANDAO_REVEAL",${JSON.stringify(attestation(1)).slice(1)}`, "CODEC_DUPLICATE_KEY"],
  ];
  for (const [what, body, code] of malformed) {
    it(`answers 400 for ${what}`, async () => {
      const signer = await start();
      expectError(await signer.sign(body), 400, code);
    });
  }

  it("keeps a target of 2^63 exact", async () => {
    const signer = await start();
    const target = {epoch: String(2n ** 63n), root: `0x${"00".repeat(32)}`};
    const body = bodyFor("ATTESTATION", {target});
    const claimed = await signer.sign(withRoot(body));
    expect(claimed.status, claimed.text).to.equal(200);
    const near = bodyFor("ATTESTATION", {target: {...target, epoch: String(2n ** 63n + 1n)}});
    expect(rootOf(near)).not.to.equal(rootOf(body));
  });

  it("refuses a wrong fork version and another chain with a stable code", async () => {
    const signer = await start();
    const {fork_info: good} = attestation(1) as {fork_info: Body & {fork: Body}};
    const wrongFork = {...good, fork: {...good.fork, current_version: "0x09000001"}};
    expectError(await signer.sign({...attestation(1), fork_info: wrongFork}), 412, "POLICY_WRONG_FORK");
    const wrongChain = {...good, genesis_validators_root: `0x${"bb".repeat(32)}`};
    expectError(await signer.sign({...attestation(1), fork_info: wrongChain}), 412, "POLICY_WRONG_CHAIN");
  });

  it("tells observers of requests that never reached the service", async () => {
    const signer = await start({}, {maxConcurrent: 0, maxQueued: 0});
    expectError(await signer.sign(attestation(1)), 503, "HTTP_OVERLOADED");
    expect(signer.events).to.have.length(1);
    expect(signer.events[0]).to.include({kind: "request-finished", type: "ATTESTATION", outcome: "HTTP_OVERLOADED"});
  });
});
