import {readFileSync} from "node:fs";
import {expect} from "chai";
import {parseOperatorId} from "../../../src/core/bytes.js";
import {KillableCommittee} from "../../support/kill/committee.js";

describe("an operator whose keeper is killed", function () {
  this.timeout(60_000);
  let committee: KillableCommittee;
  before(async () => {
    committee = await KillableCommittee.prepare({keys: 1});
  });
  after(async () => {
    await committee.stop();
    committee.remove();
  });

  it("says so and ends with exit code 1, so that its supervisor starts both again", async () => {
    const [id] = committee.ids;
    expect(id).to.equal(parseOperatorId(1));
    await committee.startOperator(id!);
    const {ended} = committee.operator(id!)!;
    process.kill(committee.keeperPid(id!), "SIGKILL");
    expect(await ended).to.deep.equal({code: 1, signal: null});
    const log = readFileSync(committee.plan.operators[0]!.logFile, "utf8");
    expect(log).to.match(/^KEEPER_GONE: .*\n {2}how: SIGKILL$/m);
    await committee.startOperator(id!);
    expect(committee.operator(id!)).not.to.equal(null);
  });
});
