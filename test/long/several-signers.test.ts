// presets: minimal
import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import type {Summary} from "../../devnet/src/summary.js";
import {DevnetProcess} from "../support/devnet-process.js";

describe("npm start with two signers", () => {
  let dir: string;
  let run: DevnetProcess | undefined;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), "pleiades-two-"));
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") console.log(run?.text);
    run?.cleanUp();
  });
  after(() => rmSync(dir, {recursive: true, force: true}));

  it("goes on finalising with two validator clients of the same keys, the first one's signer killed in mid-slot, and nobody slashed", async function () {
    this.timeout(300_000);
    run = new DevnetProcess([
      ...["--data-dir", join(dir, "run"), "--signers", "2", "--slots", "42", "--slot-seconds", "3", "--json"],
      ...["--genesis-delay", "40", "--fault", "crash:signer1@14-30"],
    ]);
    const exitCode = await run.ended();
    const summary = JSON.parse(run.stdout.join("")) as Summary & {failure: string | null};
    expect(summary.failure).to.equal(null);
    // Among the problems would be a slashed validator, a missed duty, and finality that stays behind.
    expect(summary.problems).to.deep.equal([]);
    expect(summary.finalisedEpoch).to.be.at.least(3);
    expect(run.text).to.match(/signer 1 runs again/);
    expect(exitCode).to.equal(0);
  });
});
