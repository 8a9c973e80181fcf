import {ssz} from "@lodestar/types";
import {expect} from "chai";
import {encodeDeposit} from "../../../devnet/src/deposit-contract.js";
import {parseDepositOptions} from "../../../devnet/src/deposit-options.js";
import {
  addressCredentials,
  depositCall,
  depositSigningRoot,
  FULL_DEPOSIT,
  interopDeposits,
  readDepositData,
} from "../../../devnet/src/deposits.js";
import {UsageError} from "../../../devnet/src/faults.js";
import {blstGroup} from "../../../src/adapters/bls/blst.js";

const VERSION = Uint8Array.of(0, 0, 0, 1); // the minimal preset's genesis
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("the devnet's deposits", () => {
  const [first] = interopDeposits(1, VERSION);

  it("are signed by the keys they are for, over credentials made of these keys", () => {
    for (const deposit of interopDeposits(3, VERSION)) {
      const verified = blstGroup.verify(
        depositSigningRoot(deposit, VERSION),
        blstGroup.publicKeys.load(deposit.pubkey, "full"),
        blstGroup.signatures.load(deposit.signature, "full"),
      );
      expect(verified).to.equal(true);
      expect(deposit.withdrawalCredentials[0]).to.equal(0);
    }
  });

  it("have the data root that Lodestar's own types give", () => {
    const {pubkey, withdrawalCredentials, signature, depositDataRoot} = first!;
    const data = {pubkey, withdrawalCredentials, amount: Number(FULL_DEPOSIT), signature};
    expect(hex(depositDataRoot)).to.equal(hex(ssz.phase0.DepositData.hashTreeRoot(data)));
  });

  it("are read from deposit data JSON only when both roots are their own", () => {
    const deposit = {
      pubkey: first!.pubkey,
      withdrawalCredentials: addressCredentials(`0x${"ab".repeat(20)}`),
      amount: FULL_DEPOSIT,
    };
    const call = depositCall(deposit, first!.signature);
    const entry = {
      pubkey: hex(call.pubkey),
      withdrawal_credentials: hex(call.withdrawalCredentials),
      amount: Number(call.amount),
      signature: hex(call.signature),
      deposit_message_root: hex(call.depositMessageRoot),
      deposit_data_root: hex(call.depositDataRoot),
    };
    expect(readDepositData(JSON.stringify([entry]))).to.deep.equal([call]);
    for (const change of [
      {amount: entry.amount - 1},
      {withdrawal_credentials: hex(addressCredentials(`0x${"ac".repeat(20)}`))},
      {signature: `${entry.signature.slice(0, -2)}00`},
      {deposit_message_root: entry.deposit_data_root},
    ]) {
      expect(() => readDepositData(JSON.stringify([{...entry, ...change}])), JSON.stringify(change)).to.throw("root");
    }
  });

  it("become call data with three byte strings behind their offsets", () => {
    const data = encodeDeposit({
      pubkey: new Uint8Array(48).fill(1),
      withdrawalCredentials: new Uint8Array(32).fill(2),
      signature: new Uint8Array(96).fill(3),
      depositDataRoot: new Uint8Array(32).fill(4),
      amount: 1n,
    });
    const words = data.slice(10).match(/.{64}/g)!;
    const word = (value: number): string => value.toString(16).padStart(64, "0");
    const filled = (byte: string, bytes: number): string => byte.repeat(bytes).padEnd(64, "0");
    expect(data.slice(0, 10)).to.equal("0x22895118");
    expect(words).to.deep.equal([
      ...[word(0x80), word(0xe0), word(0x120), filled("04", 32)],
      ...[word(48), filled("01", 32), filled("01", 16)],
      ...[word(32), filled("02", 32)],
      ...[word(96), filled("03", 32), filled("03", 32), filled("03", 32)],
    ]);
  });
});

describe("the options of the deposit run", () => {
  it("have defaults", () => {
    expect(parseDepositOptions([])).to.deep.equal({slotSeconds: 2, genesisDelay: 35, json: false, dataDir: null});
  });

  it("are refused when they are unknown or out of range", () => {
    for (const argv of [["--slots", "3"], ["--slot-seconds", "0"], ["--genesis-delay", "14"], ["more"]]) {
      expect(() => parseDepositOptions(argv), argv.join(" ")).to.throw(UsageError);
    }
  });
});
