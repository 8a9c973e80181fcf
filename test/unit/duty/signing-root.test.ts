import {createHash} from "node:crypto";
import {expect} from "chai";
import {parseBytes4Hex, parseRootHex, toHex} from "../../../src/core/bytes.js";
import {computeDomain, domainOf, isReservedDomainType} from "../../../src/core/duty/domain.js";
import {FORK_NAMES, type ForkName, type Network} from "../../../src/core/duty/network.js";
import {PRESETS} from "../../../src/core/duty/preset.js";
import {type ForkInfo, SIGN_TYPES, type SignRequest, type SignType} from "../../../src/core/duty/sign-request.js";
import {computeSigningRoot} from "../../../src/core/duty/signing-root.js";
import {bytes, expectCode, forkInfo, GENESIS_ROOT, NETWORK, UNPINNED, version, zeroRequest} from "./fixtures.js";

const sha256 = (...parts: Uint8Array[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();

/** compute_domain by hand: type ‖ sha256(version padded to 32 ‖ root)[0..28]. */
function domain(type: number[], fork: ForkName, root: string = GENESIS_ROOT): string {
  const padded = Buffer.concat([Buffer.from(version(fork).slice(2), "hex"), Buffer.alloc(28)]);
  const forkDataRoot = sha256(padded, Buffer.from(root.slice(2), "hex"));
  return toHex(Buffer.concat([Buffer.from(type), forkDataRoot.subarray(0, 28)]));
}
const ZERO_ROOT = `0x${"00".repeat(32)}`;

const randao = (epoch: number, info: ForkInfo): SignRequest => ({
  ...zeroRequest("RANDAO_REVEAL"),
  message: {epoch: BigInt(epoch)},
  forkInfo: info,
});
const exit = (epoch: number, info: ForkInfo): SignRequest => ({
  ...zeroRequest("VOLUNTARY_EXIT"),
  message: {epoch: BigInt(epoch), validatorIndex: 0n},
  forkInfo: info,
});
const domainHex = (request: SignRequest, network: Network = NETWORK): string => toHex(domainOf(request, network));

describe("the domain of a request", () => {
  it("has each type's own domain type and the pinned version at the message's epoch", () => {
    const types: {[type in SignType]?: number} = {
      BLOCK_V2: 0,
      ATTESTATION: 1,
      RANDAO_REVEAL: 2,
      VOLUNTARY_EXIT: 4,
      AGGREGATION_SLOT: 5,
      AGGREGATE_AND_PROOF: 6,
      AGGREGATE_AND_PROOF_V2: 6,
      SYNC_COMMITTEE_MESSAGE: 7,
      SYNC_COMMITTEE_SELECTION_PROOF: 8,
      SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF: 9,
    };
    for (const type of SIGN_TYPES) {
      const n = types[type];
      if (n === undefined) continue;
      const request = {...zeroRequest(type), forkInfo: forkInfo("phase0", "phase0", 0)} as SignRequest;
      expect(domainHex(request), type).to.equal(domain([n, 0, 0, 0], "phase0"));
    }
  });

  it("changes at the first epoch of each fork", () => {
    for (const [i, {name, epoch}] of NETWORK.forks!.entries()) {
      if (i === 0) continue;
      const before = NETWORK.forks![i - 1]!.name;
      const info = forkInfo(before, name, Number(epoch));
      expect(domainHex(randao(Number(epoch), info)), name).to.equal(domain([2, 0, 0, 0], name));
      expect(domainHex(randao(Number(epoch) - 1, info)), name).to.equal(domain([2, 0, 0, 0], before));
    }
  });

  it("goes by the epoch of a slot for messages that have a slot", () => {
    const selection = (slot: bigint): SignRequest => ({
      ...zeroRequest("AGGREGATION_SLOT"),
      message: {slot},
      forkInfo: forkInfo("deneb", "electra", 8),
    });
    expect(domainHex(selection(63n))).to.equal(domain([5, 0, 0, 0], "deneb"));
    expect(domainHex(selection(64n))).to.equal(domain([5, 0, 0, 0], "electra"));
  });

  it("takes Lodestar's fork.epoch, which is the signing epoch", () => {
    expect(domainHex(randao(10, forkInfo("deneb", "electra", 10)))).to.equal(domain([2, 0, 0, 0], "electra"));
  });

  it("does not look at previous_version where current_version holds", () => {
    const odd = {...forkInfo("deneb", "electra", 8), previousVersion: parseBytes4Hex("0xffffffff")};
    expect(domainHex(randao(8, odd))).to.equal(domain([2, 0, 0, 0], "electra"));
    expectCode("POLICY_WRONG_FORK", () => domainOf(randao(7, odd), NETWORK));
  });

  it("is refused when the request names another fork for that epoch", () => {
    const cases: [number, ForkInfo][] = [
      [8, forkInfo("capella", "deneb", 5)],
      [7, forkInfo("deneb", "electra", 7)],
      [7, forkInfo("capella", "electra", 8)],
      [20, forkInfo("fulu", "gloas", 12)],
    ];
    for (const [epoch, info] of cases) expectCode("POLICY_WRONG_FORK", () => domainOf(randao(epoch, info), NETWORK));
  });

  it("is refused when the request names another chain, for every type with fork_info", () => {
    const info = forkInfo("deneb", "electra", 8, parseRootHex("bb".repeat(32)));
    for (const type of SIGN_TYPES) {
      const request = zeroRequest(type);
      if (request.forkInfo === null) continue;
      expectCode("POLICY_WRONG_CHAIN", () => domainOf({...request, forkInfo: info} as SignRequest, NETWORK));
    }
  });

  it("is refused without the fork_info its type needs", () => {
    expectCode("CODEC_FIELD", () => domainOf({...zeroRequest("RANDAO_REVEAL"), forkInfo: null}, NETWORK));
  });

  it("takes the genesis root from the request while none is pinned", () => {
    const root = parseRootHex("bb".repeat(32));
    const network = {...NETWORK, genesisValidatorsRoot: null};
    expect(domainHex(randao(8, forkInfo("deneb", "electra", 8, root)), network)).to.equal(
      domain([2, 0, 0, 0], "electra", root),
    );
  });
});

describe("the domain of a voluntary exit", () => {
  it("is of the exit epoch's fork before Deneb", () => {
    expect(domainHex(exit(2, forkInfo("altair", "bellatrix", 2)))).to.equal(domain([4, 0, 0, 0], "bellatrix"));
    expect(domainHex(exit(4, forkInfo("bellatrix", "capella", 3)))).to.equal(domain([4, 0, 0, 0], "capella"));
    expectCode("POLICY_WRONG_FORK", () => domainOf(exit(2, forkInfo("bellatrix", "capella", 2)), NETWORK));
  });

  it("is Capella's from Deneb on, whatever fork_info says (EIP-7044)", () => {
    for (const [epoch, info] of [
      [5, forkInfo("capella", "deneb", 5)],
      [9, forkInfo("deneb", "electra", 9)],
      [20, forkInfo("electra", "fulu", 12)],
      [20, forkInfo("bellatrix", "capella", 3)],
    ] as const) {
      expect(domainHex(exit(epoch, info))).to.equal(domain([4, 0, 0, 0], "capella"));
    }
  });

  it("still needs versions of this schedule", () => {
    expectCode("POLICY_WRONG_FORK", () => domainOf(exit(9, forkInfo("deneb", "gloas", 9)), NETWORK));
    expectCode("POLICY_WRONG_FORK", () => domainOf(exit(9, forkInfo("gloas", "electra", 9)), NETWORK));
  });
});

describe("domains without a fork", () => {
  it("of a deposit and a registration have the genesis version and no root", () => {
    const deposit = zeroRequest("DEPOSIT");
    const genesisForkVersion = Buffer.from(version("phase0").slice(2), "hex");
    const request = {...deposit, message: {...deposit.message, genesisForkVersion}} as SignRequest;
    expect(domainHex(request)).to.equal(domain([3, 0, 0, 0], "phase0", ZERO_ROOT));
    expect(domainHex(zeroRequest("VALIDATOR_REGISTRATION"))).to.equal(domain([0, 0, 0, 1], "phase0", ZERO_ROOT));
  });

  it("of a deposit for another chain is refused", () => {
    expectCode("POLICY_WRONG_FORK", () => domainOf({...zeroRequest("DEPOSIT")}, NETWORK));
  });

  it("of a key change has the genesis version and this chain's root", () => {
    expect(domainHex(zeroRequest("BLS_TO_EXECUTION_CHANGE"))).to.equal(domain([10, 0, 0, 0], "phase0"));
    const foreign = {...zeroRequest("BLS_TO_EXECUTION_CHANGE"), forkInfo: forkInfo("fulu", "gloas", 8)};
    expectCode("POLICY_WRONG_FORK", () => domainOf(foreign, NETWORK));
  });

  it("of a generic message is the one it states, and its signing root the hash of both", () => {
    const message = {objectRoot: bytes(32, 3), domain: bytes(32, 4)};
    const {signingRoot, objectRoot} = computeSigningRoot({...zeroRequest("GENERIC"), message}, NETWORK);
    expect(toHex(objectRoot)).to.equal(toHex(message.objectRoot));
    expect(toHex(signingRoot)).to.equal(toHex(sha256(message.objectRoot, message.domain)));
  });
});

describe("without a pinned schedule", () => {
  it("the version comes from fork_info by the epoch rule", () => {
    const info = forkInfo("deneb", "electra", 8);
    expect(domainHex(randao(8, info), UNPINNED)).to.equal(domain([2, 0, 0, 0], "electra"));
    expect(domainHex(randao(7, info), UNPINNED)).to.equal(domain([2, 0, 0, 0], "deneb"));
  });

  it("a pinned genesis root is still insisted on", () => {
    const network = {...UNPINNED, genesisValidatorsRoot: parseRootHex("bb".repeat(32))};
    expectCode("POLICY_WRONG_CHAIN", () => domainOf(zeroRequest("RANDAO_REVEAL"), network));
  });

  it("messages whose domain needs the schedule are refused with what to do", () => {
    for (const type of ["VOLUNTARY_EXIT", "DEPOSIT", "VALIDATOR_REGISTRATION", "BLS_TO_EXECUTION_CHANGE"] as const) {
      const error = expectCode("POLICY_NETWORK_REQUIRED", () => domainOf(zeroRequest(type), UNPINNED));
      expect(error.message).to.include("--network or --spec");
    }
  });
});

describe("the signing root", () => {
  it("is the hash of object root and domain, and the object root is the message's", () => {
    const request = randao(8, forkInfo("deneb", "electra", 8));
    const {signingRoot, objectRoot} = computeSigningRoot(request, NETWORK);
    const epoch = Buffer.alloc(32);
    epoch.writeBigUInt64LE(8n);
    expect(toHex(objectRoot)).to.equal(toHex(epoch));
    expect(toHex(signingRoot)).to.equal(toHex(sha256(epoch, domainOf(request, NETWORK))));
  });

  it("of a sync committee message is over the block root alone", () => {
    const message = {slot: 64n, beaconBlockRoot: bytes(32, 9)};
    const {objectRoot} = computeSigningRoot({...zeroRequest("SYNC_COMMITTEE_MESSAGE"), message}, NETWORK);
    expect(toHex(objectRoot)).to.equal(toHex(message.beaconBlockRoot));
  });

  it("of a deposit does not depend on how the genesis version is given", () => {
    const network: Network = {...NETWORK, preset: PRESETS.mainnet};
    const deposit = zeroRequest("DEPOSIT");
    const genesisForkVersion = Buffer.from(version("phase0").slice(2), "hex");
    const {objectRoot} = computeSigningRoot({...deposit, message: {...deposit.message, genesisForkVersion}}, network);
    const zeros = Buffer.alloc(64);
    const right = sha256(Buffer.alloc(32), Buffer.alloc(32));
    expect(toHex(objectRoot)).to.equal(toHex(sha256(sha256(sha256(zeros), zeros.subarray(32)), right)));
  });
});

describe("computeDomain", () => {
  it("agrees with the hash written out", () => {
    const root = Buffer.from(GENESIS_ROOT.slice(2), "hex");
    for (const fork of FORK_NAMES) {
      const versionBytes = Buffer.from(version(fork).slice(2), "hex");
      expect(toHex(computeDomain(Uint8Array.of(1, 0, 0, 0), versionBytes, root))).to.equal(domain([1, 0, 0, 0], fork));
    }
  });
});

describe("isReservedDomainType", () => {
  it("holds for the whole ranges of the consensus and builder specs", () => {
    for (let n = 0; n < 256; n++) {
      const first = n.toString(16).padStart(2, "0");
      expect(isReservedDomainType(parseBytes4Hex(`0x${first}000000`)), first).to.equal(true);
      expect(isReservedDomainType(parseBytes4Hex(`0x${first}000001`)), first).to.equal(true);
    }
  });

  it("does not hold for application domains", () => {
    for (const type of ["0x00000002", "0x6d6d6f43", "0x00000101", "0x00010000", "0x0000ff01"]) {
      expect(isReservedDomainType(parseBytes4Hex(type)), type).to.equal(false);
    }
  });
});
