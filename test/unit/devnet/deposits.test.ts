import {expect} from "chai";
import {encodeDeposit} from "../../../devnet/src/deposit-contract.js";
import {parseDepositOptions} from "../../../devnet/src/deposit-options.js";
import {interopDeposits} from "../../../devnet/src/deposits.js";
import {UsageError} from "../../../devnet/src/faults.js";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {
  parseBytes4Hex,
  parseGwei,
  parsePubkeyHex,
  parseRootHex,
  parseSignatureHex,
  type RootHex,
} from "../../../src/core/bytes.js";
import {checkDeposit, depositDataRoot} from "../../../src/core/mini-pool/deposit-data.js";

const VERSION = parseBytes4Hex("0x00000001"); // the minimal preset's genesis

describe("the devnet's deposits", () => {
  it("are good ones of the interop keys, over credentials made of these keys", () => {
    const deposits = interopDeposits(3, VERSION);
    for (const deposit of deposits) {
      checkDeposit(deposit, {genesisForkVersion: VERSION, bls: blstGroup});
      expect(deposit.withdrawalCredentials).to.match(/^0x00/);
    }
    // The first interop validator, as Lodestar and the specs' own tests know it.
    expect(deposits[0]!.pubkey).to.match(/^0xa99a76ed7796f7be22d5b7e85deeb7c5677e88e5/);
  });

  it("become call data with three byte strings behind their offsets", () => {
    const deposit = {
      pubkey: parsePubkeyHex("01".repeat(48)),
      withdrawalCredentials: parseRootHex("02".repeat(32)),
      signature: parseSignatureHex("03".repeat(96)),
      amount: parseGwei("1000000000"),
    };
    const data = encodeDeposit(deposit);
    const words = data.slice(10).match(/.{64}/g)!;
    const word = (value: number): string => value.toString(16).padStart(64, "0");
    const root: RootHex = depositDataRoot(deposit);
    expect(data.slice(0, 10)).to.equal("0x22895118");
    expect(words).to.deep.equal([
      ...[word(0x80), word(0xe0), word(0x120), root.slice(2)],
      ...[word(48), "01".repeat(32), "01".repeat(16).padEnd(64, "0")],
      ...[word(32), "02".repeat(32)],
      ...[word(96), "03".repeat(32), "03".repeat(32), "03".repeat(32)],
    ]);
  });
});

describe("the options of the deposit run", () => {
  it("have defaults", () => {
    expect(parseDepositOptions([])).to.deep.equal({slotSeconds: 2, genesisDelay: 45, json: false, dataDir: null});
  });

  it("are refused when they are unknown or out of range", () => {
    for (const argv of [["--slots", "3"], ["--slot-seconds", "0"], ["--genesis-delay", "14"], ["more"]]) {
      expect(() => parseDepositOptions(argv), argv.join(" ")).to.throw(UsageError);
    }
  });
});
