import {spawn, spawnSync} from "node:child_process";
import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {LmdbEnvironment} from "../../../src/adapters/slashing-store/lmdb-environment.js";
import {codeOf} from "../../../src/core/errors.js";

const FIXTURE = join(import.meta.dirname, "../../fixtures/keeper/fill-disk.js");
const OPEN = join(import.meta.dirname, "../../fixtures/keeper/open-store.js");

/** Runs the fixture under a limit of file size, which fails a write like a full disk does, for root too. */
function runFull(folder: string): Promise<{code: number | null; lines: string[]}> {
  return new Promise((resolve) => {
    const child = spawn("sh", ["-c", 'ulimit -f 512; exec "$0" "$@"', process.execPath, FIXTURE, folder], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    const kill = setTimeout(() => child.kill("SIGKILL"), 50_000);
    child.on("close", (code) => {
      clearTimeout(kill);
      resolve({code, lines: text.trim().split("\n")});
    });
  });
}

describe("a disk that takes no more", function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pleiades-disk-"));
  });
  afterEach(() => rmSync(folder, {recursive: true, force: true}));

  it("stops the keeper with a reason, without ending it, and every partial released before has its record", async () => {
    const {code, lines} = await runFull(folder);
    const report = JSON.parse(lines.at(-1) ?? "null") as {
      signed: number;
      refusals: Record<string, number>;
      status: {signing: boolean; code: string};
      afterwards: string;
      recordsAfterRestart: number;
    };
    expect(code).to.equal(0);
    expect(report.signed).to.be.greaterThan(0);
    expect(Object.keys(report.refusals)).to.deep.equal(["SLASHING_STORE_FAILED"]);
    expect(report.status).to.deep.equal({signing: false, code: "SLASHING_STORE_FAILED"});
    expect(report.afterwards).to.equal("SLASHING_STORE_FAILED");
    expect(report.recordsAfterRestart).to.be.at.least(report.signed);
  });

  it("does not open on a disk that is mounted read-only", async function () {
    // A mount namespace of our own makes a folder read-only for root as well; where that is not allowed, we say so.
    const remount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"';
    if (spawnSync("unshare", ["-m", "sh", "-c", remount, folder]).status !== 0) this.skip();
    await (await LmdbEnvironment.open(folder)).close();
    const script = `${remount} && exec "$1" "$2" "$0"`;
    const {stdout} = spawnSync("unshare", ["-m", "sh", "-c", script, folder, process.execPath, OPEN], {
      timeout: 20_000,
    });
    expect(stdout.toString()).to.equal("SLASHING_STORE_OPEN");
  });

  it("does not open where nothing can be written, and says so", async () => {
    // A file where the folder should be, and a folder in /proc: neither can be written, not even by root.
    const file = join(folder, "file");
    writeFileSync(file, "");
    for (const path of [join(file, "keeper"), "/proc/keeper"]) {
      const opened = await LmdbEnvironment.open(path).then(() => "opened", codeOf);
      expect(opened).to.equal("SLASHING_STORE_OPEN");
    }
  });
});
