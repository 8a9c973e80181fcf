import {expect} from "chai";
import {epochOfSlot, parseAddressHex, parseBytes4Hex, parseEpoch, rootHex} from "../../../src/core/bytes.js";
import type {Network} from "../../../src/core/duty/network.js";
import {decidePolicy, EMPTY_POLICY, type PolicyConfig, type RegistrationRule} from "../../../src/core/duty/policy.js";
import {PRESETS} from "../../../src/core/duty/preset.js";
import {type Messages, SIGN_TYPES, type SignRequest, type SignType} from "../../../src/core/duty/sign-request.js";
import {objectRootOf} from "../../../src/core/duty/signing-root.js";
import {atSlot, bytes, KEY, NETWORK, OTHER_KEY, UNPINNED, zeroRequest} from "./fixtures.js";

/** Slot 100 of the test network: epoch 12 (slots 96 to 103). */
const NOW = atSlot(100);

function requestOf<T extends SignType>(type: T, message: Partial<Messages[T]>): SignRequest {
  const request = zeroRequest(type);
  return {...request, message: {...request.message, ...message}} as SignRequest;
}

interface Options {
  network?: Network;
  nowMs?: number;
  policy?: PolicyConfig;
  key?: typeof KEY;
}

/** "approve", or the code of the deny. */
function decide(
  request: SignRequest,
  {network = NETWORK, nowMs = NOW, policy = EMPTY_POLICY, key = KEY}: Options = {},
) {
  const objectRoot = objectRootOf(request.type, request.message, network.preset, request.version ?? "phase0");
  const decision = decidePolicy({key, request, objectRoot, network, nowMs, policy});
  return decision.kind === "approve" ? "approve" : decision.code;
}

const block = (slot: number | bigint): SignRequest => requestOf("BLOCK_V2", {slot: BigInt(slot)});

/** An attestation for the first slot of its target epoch. */
function attestation(source: bigint, target: bigint, slot = target * 8n): SignRequest {
  const root = bytes(32);
  return requestOf("ATTESTATION", {slot, source: {epoch: source, root}, target: {epoch: target, root}});
}

describe("the policy for blocks", () => {
  it("allows slots up to the next one", () => {
    expect(decide(block(100))).to.equal("approve");
    expect(decide(block(101))).to.equal("approve");
    expect(decide(block(102))).to.equal("POLICY_TOO_EARLY");
    expect(decide(block(2n ** 64n - 1n))).to.equal("POLICY_TOO_EARLY");
  });

  it("has no lower bound", () => {
    expect(decide(block(0))).to.equal("approve");
  });

  it("counts slots from the clock to the millisecond", () => {
    expect(decide(block(102), {nowMs: atSlot(101) - 1})).to.equal("POLICY_TOO_EARLY");
    expect(decide(block(102), {nowMs: atSlot(101)})).to.equal("approve");
  });

  it("allows slots 0 and 1 before genesis", () => {
    expect(decide(block(1), {nowMs: 0})).to.equal("approve");
    expect(decide(block(2), {nowMs: 0})).to.equal("POLICY_TOO_EARLY");
  });

  it("has no bound without a clock", () => {
    expect(decide(block(2n ** 63n), {network: UNPINNED})).to.equal("approve");
  });
});

describe("the policy for attestations", () => {
  it("allows targets up to the next epoch", () => {
    expect(decide(attestation(11n, 12n))).to.equal("approve");
    expect(decide(attestation(12n, 13n))).to.equal("approve");
    expect(decide(attestation(12n, 14n))).to.equal("POLICY_TOO_EARLY");
    expect(decide(attestation(12n, 14n), {nowMs: atSlot(104)})).to.equal("approve");
  });

  it("never refuses one for being late, nor an old source", () => {
    expect(decide(attestation(0n, 1n))).to.equal("approve");
    expect(decide(attestation(0n, 12n))).to.equal("approve");
    expect(decide(attestation(0n, 0n))).to.equal("approve");
  });

  it("wants the target epoch to be the slot's, with and without a clock", () => {
    for (const network of [NETWORK, UNPINNED]) {
      expect(decide(attestation(11n, 12n, 96n), {network})).to.equal("approve");
      expect(decide(attestation(11n, 12n, 103n), {network})).to.equal("approve");
      expect(decide(attestation(11n, 12n, 95n), {network})).to.equal("POLICY_TARGET_NOT_OF_SLOT");
      expect(decide(attestation(11n, 12n, 104n), {network})).to.equal("POLICY_TARGET_NOT_OF_SLOT");
    }
  });

  it("counts epochs by the network's preset", () => {
    const network = {...NETWORK, preset: PRESETS.mainnet};
    expect(decide(attestation(2n, 3n, 96n), {network})).to.equal("approve");
    expect(decide(attestation(11n, 12n, 96n), {network})).to.equal("POLICY_TARGET_NOT_OF_SLOT");
  });

  it("wants the source not after the target, with and without a clock", () => {
    for (const network of [NETWORK, UNPINNED]) {
      expect(decide(attestation(12n, 12n), {network})).to.equal("approve");
      expect(decide(attestation(13n, 12n), {network})).to.equal("POLICY_SOURCE_AFTER_TARGET");
    }
  });

  it("refuses a target of 2^63 by the clock, and allows it only without one", () => {
    expect(decide(attestation(0n, 2n ** 60n))).to.equal("POLICY_TOO_EARLY");
    expect(decide(attestation(0n, 2n ** 63n, 2n ** 63n))).to.equal("POLICY_TARGET_NOT_OF_SLOT");
    expect(decide(attestation(0n, 2n ** 60n), {network: UNPINNED})).to.equal("approve");
  });
});

describe("the policy for other duties", () => {
  const root = bytes(32);
  const duties: {[type: string]: (slot: bigint) => SignRequest} = {
    RANDAO_REVEAL: (slot) => requestOf("RANDAO_REVEAL", {epoch: epochOfSlot(slot, 8)}),
    AGGREGATION_SLOT: (slot) => requestOf("AGGREGATION_SLOT", {slot}),
    AGGREGATE_AND_PROOF: (slot) => aggregate("AGGREGATE_AND_PROOF", slot),
    AGGREGATE_AND_PROOF_V2: (slot) => aggregate("AGGREGATE_AND_PROOF_V2", slot),
    SYNC_COMMITTEE_MESSAGE: (slot) => requestOf("SYNC_COMMITTEE_MESSAGE", {slot, beaconBlockRoot: root}),
    SYNC_COMMITTEE_SELECTION_PROOF: (slot) => requestOf("SYNC_COMMITTEE_SELECTION_PROOF", {slot}),
    SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF: (slot) => {
      const {contribution} = zeroRequest("SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF")
        .message as Messages["SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF"];
      return requestOf("SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF", {contribution: {...contribution, slot}});
    },
  };
  function aggregate(type: "AGGREGATE_AND_PROOF" | "AGGREGATE_AND_PROOF_V2", slot: bigint): SignRequest {
    const {aggregate: zero} = zeroRequest(type).message as Messages["AGGREGATE_AND_PROOF"];
    return requestOf(type, {aggregate: {...zero, data: {...zero.data, slot}}});
  }

  for (const [type, duty] of Object.entries(duties)) {
    it(`allows ${type} up to the end of the next epoch, and any old one`, () => {
      expect(decide(duty(0n))).to.equal("approve");
      expect(decide(duty(111n))).to.equal("approve");
      expect(decide(duty(112n))).to.equal("POLICY_TOO_EARLY");
      expect(decide(duty(112n), {nowMs: atSlot(104)})).to.equal("approve");
      expect(decide(duty(2n ** 64n - 1n), {network: UNPINNED})).to.equal("approve");
    });
  }
});

describe("the policy for exits, deposits and key changes", () => {
  const exit = requestOf("VOLUNTARY_EXIT", {epoch: 3n, validatorIndex: 4n});
  const deposit = requestOf("DEPOSIT", {pubkey: bytes(48, 0x11), amount: 32n});
  const change = requestOf("BLS_TO_EXECUTION_CHANGE", {validatorIndex: 4n});
  const permitFor = (request: SignRequest, key = KEY): PolicyConfig["permits"][number] => ({
    key,
    type: request.type as "DEPOSIT",
    objectRoot: rootHex(objectRootOf(request.type, request.message, NETWORK.preset, "phase0")),
  });
  const permitting = (...permits: PolicyConfig["permits"]): Options => ({policy: {...EMPTY_POLICY, permits}});

  it("denies them by default", () => {
    for (const request of [exit, deposit, change]) expect(decide(request)).to.equal("POLICY_NOT_PERMITTED");
  });

  it("allows exactly the permitted message by exactly the permitted key", () => {
    for (const request of [exit, deposit, change]) {
      expect(decide(request, permitting(permitFor(request)))).to.equal("approve");
      expect(decide(request, permitting(permitFor(request, OTHER_KEY)))).to.equal("POLICY_NOT_PERMITTED");
      const other = requestOf(
        request.type as "VOLUNTARY_EXIT",
        {...request.message, validatorIndex: 5n, amount: 31n} as object,
      );
      expect(decide(other, permitting(permitFor(request)))).to.equal("POLICY_NOT_PERMITTED");
    }
  });

  it("does not take a permit of one type for another with the same root", () => {
    const permit = {...permitFor(exit), type: "BLS_TO_EXECUTION_CHANGE" as const};
    expect(decide(exit, permitting(permit))).to.equal("POLICY_NOT_PERMITTED");
  });

  it("denies a deposit that names another key, though permitted", () => {
    const options = permitting(permitFor(deposit, OTHER_KEY));
    expect(decide(deposit, {...options, key: OTHER_KEY})).to.equal("POLICY_WRONG_PUBKEY");
  });
});

describe("the policy for validator registrations", () => {
  const rule: RegistrationRule = {feeRecipient: parseAddressHex("ee".repeat(20)), maxGasLimit: 30_000_000n};
  const registration = (fields: Partial<Messages["VALIDATOR_REGISTRATION"]> = {}): SignRequest =>
    requestOf("VALIDATOR_REGISTRATION", {
      pubkey: bytes(48, 0x11),
      feeRecipient: bytes(20, 0xee),
      gasLimit: 30_000_000n,
      ...fields,
    });
  const withRule = (byDefault: RegistrationRule | null, ofKey?: RegistrationRule): Options => ({
    policy: {
      ...EMPTY_POLICY,
      registration: {default: byDefault, byKey: new Map(ofKey === undefined ? [] : [[KEY, ofKey]])},
    },
  });

  it("denies them by default", () => {
    expect(decide(registration())).to.equal("POLICY_REGISTRATION_NOT_CONFIGURED");
  });

  it("wants the configured fee recipient and a gas limit within the bound", () => {
    expect(decide(registration(), withRule(rule))).to.equal("approve");
    expect(decide(registration({gasLimit: 30_000_001n}), withRule(rule))).to.equal("POLICY_GAS_LIMIT");
    expect(decide(registration({feeRecipient: bytes(20, 0xef)}), withRule(rule))).to.equal("POLICY_FEE_RECIPIENT");
  });

  it("prefers the validator's own rule to the default", () => {
    const own = {...rule, feeRecipient: parseAddressHex("dd".repeat(20))};
    expect(decide(registration(), withRule(rule, own))).to.equal("POLICY_FEE_RECIPIENT");
    expect(decide(registration({feeRecipient: bytes(20, 0xdd)}), withRule(rule, own))).to.equal("approve");
  });

  it("wants the registration's key to be the one that signs", () => {
    expect(decide(registration(), {...withRule(rule), key: OTHER_KEY})).to.equal("POLICY_WRONG_PUBKEY");
  });
});

describe("the policy for generic messages", () => {
  const generic = (type: string): SignRequest => {
    const domain = new Uint8Array(32);
    domain.set(Buffer.from(type.slice(2), "hex"));
    return requestOf("GENERIC", {objectRoot: bytes(32), domain});
  };
  const listing = (...types: string[]): Options => ({
    policy: {...EMPTY_POLICY, genericDomainTypes: types.map((type) => parseBytes4Hex(type))},
  });

  it("allows listed domain types only", () => {
    expect(decide(generic("0x6d6d6f43"))).to.equal("POLICY_DOMAIN_NOT_LISTED");
    expect(decide(generic("0x6d6d6f43"), listing("0x6d6d6f43"))).to.equal("approve");
    expect(decide(generic("0x6d6d6f44"), listing("0x6d6d6f43"))).to.equal("POLICY_DOMAIN_NOT_LISTED");
  });

  it("denies the domains of the consensus and builder specs even if listed", () => {
    for (const type of ["0x00000000", "0x01000000", "0x0a000000", "0x1b000000", "0x00000001", "0x0b000001"]) {
      expect(decide(generic(type), listing(type)), type).to.equal("POLICY_RESERVED_DOMAIN");
    }
  });
});

describe("the policy", () => {
  it("has a rule for every type and denies what has none", () => {
    const duties = SIGN_TYPES.filter((type) => decide(zeroRequest(type)) === "approve");
    expect(duties).to.have.members(SIGN_TYPES.slice(0, 9));
    const unknown = {...zeroRequest("RANDAO_REVEAL"), type: "PAYMENT"} as unknown as SignRequest;
    const input = {
      key: KEY,
      request: unknown,
      objectRoot: bytes(32),
      network: NETWORK,
      nowMs: NOW,
      policy: EMPTY_POLICY,
    };
    expect(decidePolicy(input)).to.deep.equal({kind: "deny", code: "POLICY_UNKNOWN_TYPE", detail: "PAYMENT"});
  });

  it("says what it compared", () => {
    const input = {key: KEY, objectRoot: bytes(32), network: NETWORK, nowMs: NOW, policy: EMPTY_POLICY};
    const decision = decidePolicy({...input, request: attestation(0n, 20n)});
    expect(decision).to.have.property("detail", "epoch 20, now epoch 12");
    expect(parseEpoch("12")).to.equal(epochOfSlot(100n, 8));
  });
});
