import {mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {isReasonCode} from "../../../src/core/reasons/index.js";
import {stillRunning} from "../../support/cli.js";
import {readEvidence, readOutput} from "../../support/dkg-evidence.js";
import {OperatorProcesses} from "../../support/dkg-processes.js";
import {countOf, Seeded, seedOf} from "../../support/seeded.js";

const DISKS = countOf("PLEIADES_DKG_DISKS", {usual: 1, long: 30});
const ADDRESS = "0x1111111111111111111111111111111111111111";
/** Between less than a store with nothing in it and what a ceremony of two chunks hardly needs. */
const [LEAST_KIB, MOST_KIB] = [40, 340];

/** Journal, keeper's store and files of one operator: whichever grows over the limit first fails. */
describe("a ceremony on a disk that is full", function () {
  this.timeout(60_000 + DISKS * 60_000);
  let operators: OperatorProcesses;
  afterEach(() => operators.close());

  it("stands still there with a code, wherever that is, and ends with a key once there is room again", async () => {
    const seed = seedOf();
    const random = new Seeded(seed);
    console.log(`    full disks: PLEIADES_SEED=${seed} PLEIADES_DKG_DISKS=${DISKS}`);
    for (let i = 0; i < DISKS; i++) {
      const fileKiB = random.int(LEAST_KIB, MOST_KIB);
      const outcome = await onDisk(fileKiB);
      console.log(`    ${fileKiB} KiB: ${outcome}`);
      expect(outcome === "finished" || isReasonCode(outcome), outcome).to.equal(true);
      operators.close();
    }
  });

  it("takes none of its files when it has ended: that is shown, tried again also after a new start, and done once there is room", async () => {
    operators = await OperatorProcesses.create(4);
    const {id, file} = await defined(2);
    await operators.startAll();
    const folder = (n: number): string => join(operators.dataDir(n), "plugins/dkg/ceremonies");
    // The first one's disk takes nothing, as when it is not mounted; the second one's takes the first of the files.
    const disk = join(operators.dir, "disk");
    symlinkSync(disk, folder(1));
    const second = join(folder(2), id, "committee.json");
    mkdirSync(join(second, "in the way"), {recursive: true});
    await Promise.all([1, 2, 3, 4].map((n) => takePart(n, file)));
    const standsStill = async (n: number): Promise<boolean> => {
      const {halted, end} = await operators.report(n, id);
      expect(end).to.equal(null);
      return halted === "DKG_FILE_WRITE";
    };
    const ended = async (n: number): Promise<boolean> => (await operators.report(n, id)).end?.outcome === "finished";
    await eventually("the others have ended", async () => (await ended(3)) && (await ended(4)));
    for (const n of [1, 2]) await eventually("it stands still", () => standsStill(n));
    const shown = await operators.dkg(1, "status");
    expect(shown.stdout).to.contain("stands still: DKG_FILE_WRITE");
    const late = await operators.dkg(1, "abort", "--ceremony", id);
    expect([late.code, late.stderr.split(":")[0]]).to.deep.equal([1, "DKG_ABORT_LATE"]);

    await operators.kill(1);
    await operators.start(1);
    await eventually("it stands still again", () => standsStill(1));
    expect(stillRunning([1, 2].map((n) => operators.running(n).pid))).to.have.length(2);
    mkdirSync(disk);
    rmSync(second, {recursive: true});
    for (const n of [1, 2]) await eventually("it settles by itself", () => ended(n));

    const texts = [1, 2, 3, 4].map((n) => readFileSync(join(folder(n), id, "committee.json"), "utf8"));
    expect(new Set(texts).size).to.equal(1);
    for (const n of [1, 2, 3, 4]) {
      // Nothing half-written is left either.
      expect(readdirSync(join(folder(n), id)).sort()).to.deep.equal(readdirSync(join(folder(4), id)).sort());
      await operators.kill(n);
      const {secrets, shares} = await readEvidence(operators.dataDir(n));
      expect([secrets, shares.length]).to.deep.equal([[], 2]);
    }
  });

  async function defined(validators: number): Promise<{id: string; file: string}> {
    const file = join(operators.dir, "definition.json");
    const args = [
      "--operators",
      operators.membersFile(),
      "--validators",
      String(validators),
      "--fee-recipient",
      ADDRESS,
    ];
    const where = ["--withdrawal-address", ADDRESS, "--out", file];
    const {id} = await operators.dkgJson<{id: string}>(1, "create", ...args, ...where);
    return {id, file};
  }

  async function onDisk(fileKiB: number): Promise<string> {
    operators = await OperatorProcesses.create(4);
    const {id, file} = await defined(60);
    await Promise.all([2, 3, 4].map((n) => operators.start(n)));
    for (const n of [2, 3, 4]) await takePart(n, file);
    const outcome = await outcomeOf(fileKiB, file, id);
    await operators.kill(1);
    await operators.start(1);
    await takePart(1, file);
    await eventually("all have a key", async () => {
      const reports = await Promise.all([1, 2, 3, 4].map((n) => operators.report(n, id)));
      const failed = reports.find(({end}) => end?.outcome === "failed");
      if (failed !== undefined) throw new Error(`${fileKiB} KiB: ${JSON.stringify(failed.end)}`);
      return reports.every(({end}) => end !== null);
    });
    const left = readOutput(operators.dataDir(1), id as `0x${string}` as Parameters<typeof readOutput>[1]);
    expect([left.guilty, left.missing]).to.deep.equal([0, []]);
    await operators.kill(1);
    const {secrets, shares} = await readEvidence(operators.dataDir(1));
    expect([secrets, shares.length]).to.deep.equal([[], 60]);
    return outcome;
  }

  /** How far the first operator comes. */
  async function outcomeOf(fileKiB: number, file: string, id: string): Promise<string> {
    // What it said last.
    const codeIn = (text: string): string => text.match(/\b[A-Z]+(?:_[A-Z]+)+\b/g)?.at(-1) ?? `no code: ${text}`;
    const started = await operators.start(1, {fileKiB}).then(() => null, String);
    if (started !== null) return codeIn(started);
    const joined = await operators.dkg(1, "run", "--definition", file, "--yes", "--detach");
    if (joined.code !== 0) return codeIn(joined.stderr);
    let outcome = "";
    await eventually("it stands still or ends", async () => {
      // It signs for other keys: a disk that is full for a ceremony must not end it.
      const process = operators.running(1);
      if (stillRunning([process.pid]).length === 0) throw new Error(`it ended: ${(await process.done).stderr}`);
      const {halted, end} = await operators.report(1, id);
      outcome = end?.outcome ?? halted ?? "";
      return outcome !== "";
    });
    return outcome;
  }

  const takePart = (n: number, file: string) => operators.dkgJson(n, "run", "--definition", file, "--yes", "--detach");
});

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await holds())) if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
}
