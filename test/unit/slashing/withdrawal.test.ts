import {expect} from "chai";
import {parseAddressHex, parsePubkeyHex, parseRootHex} from "../../../src/core/bytes.js";
import {decideWithdrawal, type WithdrawalRecord} from "../../../src/core/slashing/withdrawal.js";

const key = parsePubkeyHex(`0x${"8a".repeat(48)}`);
const otherKey = parsePubkeyHex(`0x${"8b".repeat(48)}`);
const [here, there] = [parseAddressHex(`0x${"01".repeat(20)}`), parseAddressHex(`0x${"02".repeat(20)}`)];
const [mine, theirs] = [parseRootHex(`0x${"11".repeat(32)}`), parseRootHex(`0x${"22".repeat(32)}`)];
const ofCeremony: WithdrawalRecord = {credentials: mine, changeTo: here, by: "ceremony"};
const answer = (
  record: WithdrawalRecord | null,
  subject: Parameters<typeof decideWithdrawal>[1],
  permitted = false,
  forgotten = false,
): string => {
  const decision = decideWithdrawal(record, subject, {key, permitted, forgotten});
  return decision.answer === "deny" ? decision.code : decision.answer;
};

describe("what is recorded of a key's withdrawals", () => {
  it("lets the ceremony's credential be deposited for without a permit, and no other one even with it", () => {
    expect(answer(ofCeremony, {kind: "deposit", credentials: mine})).to.equal("repeat");
    expect(answer(ofCeremony, {kind: "deposit", credentials: theirs}, true)).to.equal("KEEPER_OTHER_CREDENTIALS");
  });

  it("lets the key's one change be signed to the recorded address only, from this key only", () => {
    expect(answer(ofCeremony, {kind: "change", from: key, to: here})).to.equal("repeat");
    expect(answer(ofCeremony, {kind: "change", from: key, to: there}, true)).to.equal(
      "KEEPER_OTHER_WITHDRAWAL_ADDRESS",
    );
    expect(answer(ofCeremony, {kind: "change", from: otherKey, to: here}, true)).to.equal(
      "KEEPER_OTHER_WITHDRAWAL_ADDRESS",
    );
  });

  it("leaves a change to the permits where no address is recorded", () => {
    for (const record of [null, {...ofCeremony, changeTo: null}]) {
      expect(answer(record, {kind: "change", from: key, to: here})).to.equal("POLICY_NOT_PERMITTED");
      expect(answer(record, {kind: "change", from: key, to: here}, true)).to.equal("repeat");
    }
  });

  it("records the first permitted credential, unless this store may have lost one", () => {
    expect(answer(null, {kind: "deposit", credentials: mine})).to.equal("POLICY_NOT_PERMITTED");
    expect(answer(null, {kind: "deposit", credentials: mine}, true)).to.equal("approve");
    expect(answer(null, {kind: "deposit", credentials: mine}, true, true)).to.equal("KEEPER_CREDENTIALS_FORGOTTEN");
    expect(answer(ofCeremony, {kind: "deposit", credentials: mine}, true, true)).to.equal("repeat");
  });
});
