import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import type {DepositResult} from "../../devnet/src/deposit-main.js";
import {DevnetProcess, survivors} from "../support/devnet-process.js";

const MINUTE = 60_000;

describe("npm run e2e:deposit", () => {
  let dir: string;
  let run: DevnetProcess | undefined;

  const start = (...args: string[]): DevnetProcess => {
    run = new DevnetProcess(["--data-dir", join(dir, "run"), ...args], "e2e:deposit");
    return run;
  };

  before(() => {
    dir = mkdtempSync(join(tmpdir(), "pleiades-deposit-"));
  });

  afterEach(function () {
    if (this.currentTest?.state === "failed") console.log(run?.text);
    run?.cleanUp();
    run = undefined;
  });

  after(() => rmSync(dir, {recursive: true, force: true}));

  it("brings a key that nobody ever held from its ceremony and deposit to attestations and a block with an operator down, and out again", async function () {
    // Five minutes; a deposit that comes too late for the first vote costs one more, an unlucky validator its block later.
    this.timeout(12 * MINUTE);
    const exitCode = await start("--slot-seconds", "3", "--json").ended();
    const result = JSON.parse(run!.stdout.join("")) as DepositResult;
    expect(result.failure).to.equal(null);
    const {validator, attestations, blocks, operators, ceremony} = result;
    expect(ceremony).to.deep.include({valid: true, validators: [result.publicKey], missing: [], deposits: 1});
    // Behind the eight of genesis, with the credentials that the deposit data names.
    expect(validator?.index).to.equal(8);
    expect(validator?.withdrawalCredentials).to.match(/^0x010{22}[0-9a-f]{40}$/);
    // Other tests may keep the machine busy meanwhile and cost it a vote; that none is missed is for test/e2e to see.
    expect(attestations.included).to.be.at.least(2);
    expect(blocks.length).to.be.at.least(1);
    // It worked for at least the one epoch before it may leave, and leaves after four more in the queue.
    expect(validator?.status).to.equal("active_exiting");
    expect(result.exitEpoch).to.be.at.least(validator!.activationEpoch! + 6);
    expect(operators.filter(({up}) => !up).map(({id}) => id)).to.deep.equal([3]);
    expect(exitCode).to.equal(0);
  });

  for (const [how, end, exitCode] of [
    ["Ctrl-C", (program: DevnetProcess) => program.interrupt(), 130],
    ["SIGKILL of the program", (program: DevnetProcess) => program.signalProgram("SIGKILL"), null],
  ] as const) {
    it(`leaves no process behind after ${how}`, async function () {
      this.timeout(3 * MINUTE); // ten seconds on an idle machine
      const program = start("--genesis-delay", "60");
      await program.says(/voting period/);
      const family = program.family();
      // npm, the program, the reaper, anvil, beacon node, validator client, signer, and four operators with a keeper each.
      expect(family.length).to.be.at.least(15);
      end(program);
      expect(await program.ended()).to.equal(exitCode);
      expect(await survivors(family, 20_000)).to.deep.equal([]);
    });
  }
});
