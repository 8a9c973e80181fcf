import {expect} from "chai";
import {parseFault, parseFaults, UsageError} from "../../../devnet/src/faults.js";

const limits = {operators: 4};
const refusal = (text: string): string => {
  try {
    parseFault(text, limits);
  } catch (error) {
    expect(error).to.be.instanceOf(UsageError);
    return (error as Error).message;
  }
  throw new Error(`${text} was accepted`);
};

describe("the --fault option", () => {
  it("reads a crash", () => {
    expect(parseFault("crash:3@20-28", limits)).to.deep.equal({
      kind: "crash",
      operatorId: 3,
      fromSlot: 20,
      toSlot: 28,
    });
  });

  it("reads a slow operator, in milliseconds and in seconds", () => {
    const fault = {kind: "slow", operatorId: 2, fromSlot: 30, toSlot: 38};
    expect(parseFault("slow:2:800ms@30-38", limits)).to.deep.equal({...fault, delayMs: 800});
    expect(parseFault("slow:2:1.5s@30-38", limits)).to.deep.equal({...fault, delayMs: 1500});
  });

  it("reads a lying operator, with every kind of lie in turn or one", () => {
    const fault = {kind: "lie", operatorId: 4, fromSlot: 40, toSlot: 48};
    expect(parseFault("lie:4@40-48", limits)).to.deep.equal({...fault, how: "all"});
    for (const how of ["all", "wrong", "other", "garbage"]) {
      expect(parseFault(`lie:4:${how}@40-48`, limits)).to.deep.equal({...fault, how});
    }
  });

  it("reads a signer that crashes, when another is there to carry on", () => {
    const fault = {kind: "signer-crash", signerId: 1, fromSlot: 18, toSlot: 30};
    const two = {operators: 4, signers: 2};
    expect(parseFault("crash:signer1@18-30", two)).to.deep.equal(fault);
    for (const [text, why] of [
      ["crash:signer3@18-30", "they are 1 to 2"],
      ["crash:signer0@18-30", "is not an operator"],
      ["slow:signer1:1s@18-30", "can only crash"],
      ["lie:signer1@18-30", "can only crash"],
      ["crash:signer1:1s@18-30", "can only crash"],
      ["crash:signer1@18-18", "must be after 18"],
    ] as const) {
      expect(() => parseFault(text, two), text).to.throw(UsageError, why);
    }
    expect(refusal("crash:signer1@18-30")).to.contain("use --signers 2");
    expect(() => parseFaults(["crash:signer1@18-30", "crash:signer1@20-21"], two)).to.throw(UsageError, "overlap");
    expect(parseFaults(["crash:signer1@18-30", "crash:1@18-30"], two)).to.have.length(2);
  });

  for (const [text, why] of [
    ["", "is not a fault"],
    ["stall:1@2-3", '"stall" is not a fault'],
    ["crash:3", "write crash:OPERATOR@FROM-TO"],
    ["crash:0@2-3", '"0" is not an operator'],
    ["crash:5@2-3", "they are 1 to 4"],
    ["crash:x@2-3", '"x" is not an operator'],
    ["crash:1@9-9", "must be after 9"],
    ["crash:1@9-2", "must be after 9"],
    ["crash:1@9", "not a range of slots"],
    ["crash:1@-2-3", "not a range of slots"],
    ["crash:1:800ms@2-3", "crash takes no delay"],
    ["crash:1@2-3@4", "write crash:OPERATOR@FROM-TO"],
    ["lie:1", "write crash:OPERATOR@FROM-TO"],
    ["lie:5@2-3", "they are 1 to 4"],
    ["lie:1:white@2-3", '"white" is not a lie'],
    ["lie:1:toString@2-3", "is not a lie"],
    ["lie:1:wrong:2@2-3", "write crash:OPERATOR@FROM-TO"],
    ["slow:1@2-3", "is not a delay"],
    ["slow:1:800@2-3", '"800" is not a delay'],
    ["slow:1:0ms@2-3", "between 1ms and 60s"],
    ["slow:1:61s@2-3", "between 1ms and 60s"],
    ["slow:1:1ms:2@2-3", "write crash:OPERATOR@FROM-TO"],
  ] as const) {
    it(`refuses ${JSON.stringify(text)} and says why`, () => {
      expect(refusal(text)).to.contain(why);
    });
  }

  it("refuses two faults at once on one operator, and only those", () => {
    expect(() => parseFaults(["crash:3@20-28", "slow:3:800ms@27-30"], limits)).to.throw(UsageError, "overlap");
    expect(parseFaults(["crash:3@20-28", "slow:3:800ms@28-30", "slow:2:1s@20-28"], limits)).to.have.length(3);
  });
});
