import {expect} from "chai";
import {UINT64_MAX} from "../../../src/core/bytes.js";
import {PRESETS} from "../../../src/core/duty/preset.js";
import {parseSignRequest, toWire} from "../../../src/core/duty/request-codec.js";
import {SIGN_TYPES, type SignType} from "../../../src/core/duty/sign-request.js";
import {expectCode, forkInfo, GENESIS_ROOT, zeroRequest} from "./fixtures.js";

type Json = {[key: string]: unknown};

/** The wire form of a zero request of this type, for a test to change. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into the JSON to break it.
const wire = (type: SignType): any => structuredClone(toWire(zeroRequest(type), PRESETS.minimal));
const parse = (raw: unknown) => parseSignRequest(raw, PRESETS.minimal);

describe("parseSignRequest", () => {
  it("reads every type in its documented shape", () => {
    const shapes: {[type in SignType]: string[]} = {
      BLOCK_V2: ["type", "beacon_block", "fork_info"],
      ATTESTATION: ["type", "attestation", "fork_info"],
      AGGREGATION_SLOT: ["type", "aggregation_slot", "fork_info"],
      AGGREGATE_AND_PROOF: ["type", "aggregate_and_proof", "fork_info"],
      AGGREGATE_AND_PROOF_V2: ["type", "aggregate_and_proof", "fork_info"],
      RANDAO_REVEAL: ["type", "randao_reveal", "fork_info"],
      SYNC_COMMITTEE_MESSAGE: ["type", "sync_committee_message", "fork_info"],
      SYNC_COMMITTEE_SELECTION_PROOF: ["type", "sync_aggregator_selection_data", "fork_info"],
      SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF: ["type", "contribution_and_proof", "fork_info"],
      VOLUNTARY_EXIT: ["type", "voluntary_exit", "fork_info"],
      DEPOSIT: ["type", "deposit"],
      VALIDATOR_REGISTRATION: ["type", "validator_registration"],
      BLS_TO_EXECUTION_CHANGE: ["type", "BLS_TO_EXECUTION_CHANGE", "fork_info"],
      GENERIC: ["type", "signing_data"],
    };
    for (const type of SIGN_TYPES) {
      expect(Object.keys(wire(type)), type).to.deep.equal(shapes[type]);
      expect(parse(wire(type)).request, type).to.deep.equal(zeroRequest(type));
    }
  });

  it("takes the claimed root as signingRoot (Lodestar) or signing_root (the standard)", () => {
    const root = `0x${"ab".repeat(32)}`;
    expect(parse({...wire("RANDAO_REVEAL"), signingRoot: root}).claimedRoot).to.equal(root);
    expect(parse({...wire("RANDAO_REVEAL"), signing_root: root.toUpperCase()}).claimedRoot).to.equal(root);
    expect(parse({...wire("RANDAO_REVEAL"), signingRoot: root, signing_root: root.slice(2)}).claimedRoot).to.equal(
      root,
    );
    expect(parse({...wire("RANDAO_REVEAL"), signingRoot: null}).claimedRoot).to.equal(null);
    expect(parse(wire("RANDAO_REVEAL")).claimedRoot).to.equal(null);
  });

  it("refuses two claimed roots that differ", () => {
    const [signingRoot, signing_root] = ["ab", "cd"].map((byte) => `0x${byte.repeat(32)}`);
    expectCode("CODEC_ROOT_CONFLICT", () => parse({...wire("RANDAO_REVEAL"), signingRoot, signing_root}));
    expectCode("CODEC_HEX", () => parse({...wire("RANDAO_REVEAL"), signingRoot: "0xab"}));
  });

  it("takes a fork's name in any case", () => {
    for (const version of ["ELECTRA", "electra", "Electra"]) {
      const block = wire("BLOCK_V2");
      block.beacon_block.version = version;
      expect(parse(block).request.version).to.equal("electra");
    }
    for (const version of ["ELECTRA ", "", "gnosis", "constructor", 5, null, {}]) {
      const block = wire("BLOCK_V2");
      block.beacon_block.version = version;
      expectCode("CODEC_VERSION", () => parse(block));
    }
  });

  it("writes a fork's name in capitals", () => {
    expect(wire("BLOCK_V2").beacon_block.version).to.equal("ELECTRA");
    expect(wire("AGGREGATE_AND_PROOF_V2").aggregate_and_proof.version).to.equal("ELECTRA");
  });

  it("reads BLS_TO_EXECUTION_CHANGE by its key in capitals", () => {
    const change = wire("BLS_TO_EXECUTION_CHANGE");
    change.bls_to_execution_change = change.BLS_TO_EXECUTION_CHANGE;
    delete change.BLS_TO_EXECUTION_CHANGE;
    expect(expectCode("CODEC_FIELD", () => parse(change)).data.field).to.equal("request.BLS_TO_EXECUTION_CHANGE");
  });

  it("takes a block only as its header, and says so of a full one", () => {
    const block = wire("BLOCK_V2");
    block.beacon_block = {version: "ALTAIR", block: {slot: "1", body: {}}};
    expectCode("CODEC_BLOCK", () => parse(block));
  });

  it("keeps committee_bits of an aggregate from Electra on, and only from then on", () => {
    const electra = wire("AGGREGATE_AND_PROOF_V2");
    electra.aggregate_and_proof.data.aggregate.committee_bits = "0x05";
    expect(parse(electra).request.message).to.have.nested.property("aggregate.committeeBits");
    electra.aggregate_and_proof.version = "DENEB";
    expect(parse(electra).request.message).to.not.have.nested.property("aggregate.committeeBits");
    electra.aggregate_and_proof.version = "FULU";
    delete electra.aggregate_and_proof.data.aggregate.committee_bits;
    expectCode("CODEC_FIELD", () => parse(electra));
  });

  it("ignores members it does not know, wherever they stand", () => {
    const request = wire("ATTESTATION");
    const before = parse(request).request;
    request.comment = "new";
    request.attestation.payload_status = "1";
    request.attestation.source.comment = [];
    request.fork_info.fork.comment = {};
    expect(parse(request).request).to.deep.equal(before);
  });

  it("refuses unknown types, among them names every object has", () => {
    for (const type of ["BLOCK", "attestation", "", "__proto__", "constructor", "toString", 7, null, {}, []]) {
      expectCode("CODEC_UNKNOWN_TYPE", () => parse({...wire("ATTESTATION"), type}));
    }
  });

  it("names the field that is missing", () => {
    const missing = (path: string, change: (request: Json) => void): void => {
      const request = wire("ATTESTATION");
      change(request);
      expect(expectCode("CODEC_FIELD", () => parse(request)).data.field).to.equal(path);
    };
    missing("request.type", (r) => delete r.type);
    missing("request.attestation", (r) => delete r.attestation);
    missing("request.fork_info", (r) => delete r.fork_info);
    missing("fork_info.fork", (r) => delete (r.fork_info as Json).fork);
    missing("fork_info.genesis_validators_root", (r) => delete (r.fork_info as Json).genesis_validators_root);
    missing("attestation.target.root", (r) => delete ((r.attestation as Json).target as Json).root);
  });

  it("does not read members from a prototype", () => {
    const {attestation, ...rest} = wire("ATTESTATION");
    expectCode("CODEC_FIELD", () => parse(Object.assign(Object.create({attestation}), rest)));
    const polluted = JSON.parse(`{"__proto__": ${JSON.stringify(wire("ATTESTATION"))}, "type": "ATTESTATION"}`);
    expectCode("CODEC_FIELD", () => parse(polluted));
  });

  it("refuses what is not an object", () => {
    for (const raw of [null, undefined, 1, "x", true, [], [wire("ATTESTATION")]]) {
      expectCode("CODEC_FIELD", () => parse(raw));
    }
    for (const body of [null, 1, "x", []]) {
      expectCode("CODEC_FIELD", () => parse({...wire("ATTESTATION"), attestation: body}));
      expectCode("CODEC_FIELD", () => parse({...wire("BLOCK_V2"), beacon_block: body}));
    }
  });

  it("reads the whole of uint64 and nothing beyond it", () => {
    const target = (epoch: unknown) => {
      const request = wire("ATTESTATION");
      request.attestation.target.epoch = epoch;
      return parse(request).request.message;
    };
    expect(target((2n ** 63n).toString())).to.have.nested.property("target.epoch", 2n ** 63n);
    expect(target(UINT64_MAX.toString())).to.have.nested.property("target.epoch", UINT64_MAX);
    expect(target(7)).to.have.nested.property("target.epoch", 7n);
    const wrong = [
      (2n ** 64n).toString(),
      "9".repeat(100_000),
      "",
      " 1",
      "0x10",
      "-1",
      "+1",
      "01",
      "1.0",
      "1e3",
      "１",
      1.5,
      -1,
      2 ** 53,
    ];
    for (const epoch of [...wrong, null, true, [], ["1"], {}]) expectCode("CODEC_UINT64", () => target(epoch));
  });

  it("reads byte strings of exactly the right length", () => {
    const root = (value: unknown) => {
      const request = wire("ATTESTATION");
      request.attestation.beacon_block_root = value;
      return parse(request).request.message;
    };
    const good = "ab".repeat(32);
    for (const value of [good, `0x${good}`, `0X${good.toUpperCase()}`]) {
      expect(root(value)).to.have.property("beaconBlockRoot").deep.equal(new Uint8Array(32).fill(0xab));
    }
    const wrong = [
      "",
      "0x",
      `0x${good}0`,
      `0x${good}00`,
      good.slice(2),
      `0x${"zz".repeat(32)}`,
      `0x${"a".repeat(1_000_000)}`,
    ];
    for (const value of [...wrong, null, 0, [], {}]) expectCode("CODEC_HEX", () => root(value));
  });

  it("refuses bit fields that are too long, unterminated or set beyond their end", () => {
    const aggregate = (bits: string) => {
      const request = wire("AGGREGATE_AND_PROOF");
      request.aggregate_and_proof.aggregate.aggregation_bits = bits;
      return parse(request);
    };
    aggregate(`0x${"00".repeat(256)}01`); // 2048 bits, the most a committee has
    expectCode("CODEC_BITS", () => aggregate(`0x${"00".repeat(256)}02`));
    expectCode("CODEC_HEX", () => aggregate(`0x${"00".repeat(257)}01`));
    expectCode("CODEC_BITS", () => aggregate("0x0300"));
    expectCode("CODEC_HEX", () => aggregate("0x"));
    const electra = wire("AGGREGATE_AND_PROOF_V2");
    electra.aggregate_and_proof.data.aggregate.committee_bits = "0x10"; // minimal has 4 committees
    expectCode("CODEC_BITS", () => parse(electra));
  });

  it("reads fork_info as it stands, and none where the type has none", () => {
    expect(parse(wire("RANDAO_REVEAL")).request.forkInfo).to.deep.equal(forkInfo("deneb", "electra", 8, GENESIS_ROOT));
    for (const type of ["DEPOSIT", "VALIDATOR_REGISTRATION", "GENERIC"] as const) {
      expect(parse({...wire(type), fork_info: "ignored"}).request.forkInfo, type).to.equal(null);
    }
  });
});
