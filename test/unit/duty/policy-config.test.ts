import {expect} from "chai";
import {parseAddressHex, rootHex} from "../../../src/core/bytes.js";
import {EMPTY_POLICY, parsePolicyConfig, policyToJson} from "../../../src/core/duty/policy.js";
import type {SignRequest} from "../../../src/core/duty/sign-request.js";
import {objectRootOf} from "../../../src/core/duty/signing-root.js";
import {bytes, expectCode, KEY, NETWORK, OTHER_KEY, zeroRequest} from "./fixtures.js";

const pubkey = KEY;
const rule = {feeRecipient: `0x${"EE".repeat(20)}`, maxGasLimit: "60000000"};
const root = (request: SignRequest) => rootHex(objectRootOf(request.type, request.message, NETWORK.preset, "phase0"));

describe("parsePolicyConfig", () => {
  it("allows nothing when nothing is configured", () => {
    for (const json of [{}, {permits: null, genericDomainTypes: null, registration: null}, {registration: {}}]) {
      expect(parsePolicyConfig(json)).to.deep.equal(EMPTY_POLICY);
    }
  });

  it("turns a permit's fields into the root of the message", () => {
    const {permits} = parsePolicyConfig({
      permits: [
        {type: "VOLUNTARY_EXIT", pubkey, epoch: "3", validator_index: 4},
        {type: "DEPOSIT", pubkey, withdrawal_credentials: "0x".padEnd(66, "05"), amount: "32000000000"},
        {
          type: "BLS_TO_EXECUTION_CHANGE",
          pubkey: OTHER_KEY,
          validator_index: "4",
          from_bls_pubkey: OTHER_KEY,
          to_execution_address: `0x${"06".repeat(20)}`,
        },
      ],
    });
    const messages = [
      {...zeroRequest("VOLUNTARY_EXIT"), message: {epoch: 3n, validatorIndex: 4n}},
      {
        ...zeroRequest("DEPOSIT"),
        message: {
          pubkey: bytes(48, 0x11),
          withdrawalCredentials: bytes(32, 5),
          amount: 32_000_000_000n,
          genesisForkVersion: bytes(4),
        },
      },
      {
        ...zeroRequest("BLS_TO_EXECUTION_CHANGE"),
        message: {validatorIndex: 4n, fromBlsPubkey: bytes(48, 0x22), toExecutionAddress: bytes(20, 6)},
      },
    ] as SignRequest[];
    expect(permits.map(({objectRoot}) => objectRoot)).to.deep.equal(messages.map(root));
    expect(permits.map(({key}) => key)).to.deep.equal([KEY, KEY, OTHER_KEY]);
  });

  it("reads back what policyToJson writes, through JSON text", () => {
    const policy = parsePolicyConfig({
      permits: [{type: "VOLUNTARY_EXIT", pubkey, epoch: "3", validator_index: "4"}],
      genericDomainTypes: ["0x6D6D6F43"],
      registration: {default: rule, byKey: {[OTHER_KEY.slice(2).toUpperCase()]: {...rule, maxGasLimit: 1}}},
    });
    expect(parsePolicyConfig(JSON.parse(JSON.stringify(policyToJson(policy))))).to.deep.equal(policy);
    expect(policy.registration.byKey.get(OTHER_KEY)).to.deep.equal({
      feeRecipient: parseAddressHex("ee".repeat(20)),
      maxGasLimit: 1n,
    });
    expect(policy.genericDomainTypes).to.deep.equal(["0x6d6d6f43"]);
  });

  it("refuses to list a domain of the consensus or builder specs", () => {
    for (const type of ["0x00000000", "0x01000000", "0x04000000", "0xff000000", "0x00000001", "0x0b000001"]) {
      const error = expectCode("POLICY_RESERVED_DOMAIN", () => parsePolicyConfig({genericDomainTypes: [type]}));
      expect(error.message).to.include(type);
    }
  });

  it("names the place of a mistake", () => {
    const mistakes: [string, "POLICY_CONFIG" | "CODEC_HEX" | "CODEC_UINT64", unknown][] = [
      ["policy", "POLICY_CONFIG", []],
      ["policy.permit", "POLICY_CONFIG", {permit: []}],
      ["policy.permits", "POLICY_CONFIG", {permits: {}}],
      ["policy.permits[0].type", "POLICY_CONFIG", {permits: [null]}],
      ["policy.permits[0].type", "POLICY_CONFIG", {permits: [{type: "ATTESTATION", pubkey}]}],
      ["policy.permits[0].epoch", "POLICY_CONFIG", {permits: [{type: "VOLUNTARY_EXIT", pubkey, validator_index: "1"}]}],
      [
        "policy.permits[0].epoch",
        "CODEC_UINT64",
        {permits: [{type: "VOLUNTARY_EXIT", pubkey, epoch: "x", validator_index: "1"}]},
      ],
      [
        "policy.permits[0].amount",
        "POLICY_CONFIG",
        {permits: [{type: "VOLUNTARY_EXIT", pubkey, epoch: "1", validator_index: "1", amount: "1"}]},
      ],
      ["policy.permits[0].pubkey", "CODEC_HEX", {permits: [{type: "DEPOSIT", pubkey: "0x11", object_root: "0x00"}]}],
      ["policy.permits[0].object_root", "CODEC_HEX", {permits: [{type: "DEPOSIT", pubkey, object_root: "0x00"}]}],
      ["policy.genericDomainTypes[1]", "CODEC_HEX", {genericDomainTypes: ["0x6d6d6f43", "0x6d6d6f"]}],
      ["policy.registration.defaults", "POLICY_CONFIG", {registration: {defaults: rule}}],
      [
        "policy.registration.default.maxGasLimit",
        "POLICY_CONFIG",
        {registration: {default: {feeRecipient: rule.feeRecipient}}},
      ],
      [
        "policy.registration.default.feeRecipient",
        "CODEC_HEX",
        {registration: {default: {...rule, feeRecipient: "0x"}}},
      ],
      ["policy.registration.byKey", "POLICY_CONFIG", {registration: {byKey: []}}],
      ["policy.registration.byKey", "CODEC_HEX", {registration: {byKey: {"0x11": rule}}}],
      ["policy.registration.byKey", "POLICY_CONFIG", {registration: {byKey: {[KEY]: rule, [KEY.slice(2)]: rule}}}],
    ];
    for (const [field, code, json] of mistakes) {
      const error = expectCode(code, () => parsePolicyConfig(json));
      expect(error.data.field, JSON.stringify(json)).to.equal(field);
    }
  });
});
