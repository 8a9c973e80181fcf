import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import type {Summary} from "../../devnet/src/summary.js";
import {DevnetProcess, survivors} from "../support/devnet-process.js";

const convicts = ({operators}: Summary): number[] =>
  operators.filter(({convictions}) => convictions > 0).map(({id}) => id);

describe("npm start", () => {
  let dir: string;
  let devnet: DevnetProcess | undefined;

  const start = (...args: string[]): DevnetProcess => {
    devnet = new DevnetProcess(["--data-dir", join(dir, "run"), ...args]);
    return devnet;
  };

  before(() => {
    dir = mkdtempSync(join(tmpdir(), "pleiades-e2e-"));
  });

  afterEach(function () {
    if (this.currentTest?.state === "failed") console.log(devnet?.text);
    devnet?.cleanUp();
    devnet = undefined;
  });

  after(() => rmSync(dir, {recursive: true, force: true}));

  it("finalises and goes on finalising with one of four operators crashed, then one slow, then one lying, and misses no duty", async function () {
    // 30 seconds until genesis, 44 slots of three seconds each, and time to start and stop.
    this.timeout(240_000);
    const run = start(
      // Slots of two seconds leave two cores so little room that whatever else runs on them costs sync messages.
      ...["--slots", "42", "--slot-seconds", "3", "--json"],
      // Each begins when the one before is well over: of four operators one may be missing, not two. The liar comes last,
      // for the signer asks a convict last from then on.
      ...["--fault", "crash:3@10-15", "--fault", "slow:2:800ms@20-27", "--fault", "lie:4@31-39"],
    );
    const exitCode = await run.ended();
    const summary = JSON.parse(run.stdout.join("")) as Summary & {failure: string | null};
    expect(summary.failure).to.equal(null);
    expect(summary.problems).to.deep.equal([]);
    expect(summary.failedRequests).to.deep.equal({});
    // Epoch 2 is finalised in slot 33 and epoch 3 in slot 41 if everybody votes in time.
    expect(summary.finalisedEpoch).to.be.at.least(3);
    expect(summary.duties.blocks).to.deep.equal({due: 35, missed: 0});
    expect(summary.duties.attestations.missed).to.equal(0);
    expect(summary.duties.attestations.due).to.be.at.least(33);
    expect(summary.duties.syncMessages.missed).to.equal(0);
    expect(summary.duties.syncMessages.due).to.be.at.least(32 * 30);
    expect(summary.faults).to.have.length(3);
    expect(convicts(summary)).to.deep.equal([4]);
    // The crashed one came back and signs again; nobody sat idle.
    for (const {id, state, participations} of summary.operators) {
      expect(state, `operator ${id}`).to.equal("up");
      expect(participations, `operator ${id}`).to.be.greaterThan(100);
    }
    expect(exitCode).to.equal(0);
  });

  it("finalises with Lodestar's validator client in the signer's process, and misses no duty", async function () {
    this.timeout(220_000);
    const run = start("--in-process", "--slots", "34", "--slot-seconds", "3", "--json");
    const exitCode = await run.ended();
    const summary = JSON.parse(run.stdout.join("")) as Summary & {failure: string | null};
    expect(summary.failure).to.equal(null);
    expect(summary.problems).to.deep.equal([]);
    expect(summary.failedRequests).to.deep.equal({});
    expect(summary.finalisedEpoch).to.be.at.least(2);
    expect(summary.duties.blocks).to.deep.equal({due: 27, missed: 0});
    expect(summary.duties.attestations.due).to.be.at.least(25);
    expect(summary.duties.attestations.missed).to.equal(0);
    expect(summary.duties.syncMessages.due).to.be.at.least(24 * 30);
    expect(summary.duties.syncMessages.missed).to.equal(0);
    expect(exitCode).to.equal(0);
  });

  it("finalises with one of seven operators crashed and one lying at once, and misses no duty", async function () {
    // 40 seconds until genesis, 36 slots of three seconds each, and time to start and stop.
    this.timeout(240_000);
    const run = start(
      ...["--operators", "7", "--slots", "34", "--slot-seconds", "3", "--genesis-delay", "40", "--json"],
      ...["--fault", "crash:3@12-32", "--fault", "lie:5@12-32"],
    );
    const exitCode = await run.ended();
    const summary = JSON.parse(run.stdout.join("")) as Summary & {failure: string | null};
    expect(summary.failure).to.equal(null);
    expect(summary.problems).to.deep.equal([]);
    expect(summary.failedRequests).to.deep.equal({});
    // The vote of epoch 3 finalises epoch 2 in slot 33.
    expect(summary.finalisedEpoch).to.be.at.least(2);
    expect(summary.duties.blocks).to.deep.equal({due: 27, missed: 0});
    expect(summary.duties.attestations.missed).to.equal(0);
    expect(summary.duties.syncMessages.missed).to.equal(0);
    expect(convicts(summary)).to.deep.equal([5]);
    expect(exitCode).to.equal(0);
  });

  for (const [how, end, exitCode] of [
    ["Ctrl-C", (run: DevnetProcess) => run.interrupt(), 0],
    ["SIGTERM to npm", (run: DevnetProcess) => run.signal("SIGTERM"), 0],
    ["SIGKILL of npm", (run: DevnetProcess) => run.signal("SIGKILL"), null],
    ["SIGKILL of the program", (run: DevnetProcess) => run.signalProgram("SIGKILL"), null],
  ] as const) {
    it(`leaves no process behind after ${how}, and starts again in the same folder`, async function () {
      this.timeout(90_000); // ten seconds on an idle machine
      const run = start("--genesis-delay", "60");
      await run.says(/genesis in/);
      const family = run.family();
      // npm, the program, the reaper, beacon node, validator client, signer, and four operators with a keeper each.
      expect(family.length).to.be.at.least(14);
      end(run);
      expect(await run.ended()).to.equal(exitCode);
      expect(await survivors(family, 10_000)).to.deep.equal([]);
    });
  }
});
