import {spawnSync} from "node:child_process";
import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";

const FIXTURE = join(import.meta.dirname, "../../fixtures/lmdb/end-inside.js");

describe("a process that ends while LMDB writes", function () {
  this.timeout(120_000);

  function end(where: string): {status: number | null; signal: string | null; stderr: string} {
    const folder = mkdtempSync(join(tmpdir(), "pleiades-exit-"));
    try {
      // One that hangs is told from one that ends by the signal with which it is put down.
      const bound = {timeout: 20_000, killSignal: "SIGABRT", encoding: "utf8"} as const;
      const {status, signal, stderr} = spawnSync(process.execPath, [FIXTURE, folder, where], bound);
      return {status, signal, stderr};
    } finally {
      rmSync(folder, {recursive: true, force: true});
    }
  }

  it("ends at once, for a keeper that outlived its operator would keep the next one from the store", () => {
    expect(end("keeper")).to.deep.equal({status: null, signal: "SIGKILL", stderr: ""});
  });

  it("ends at once also where what is written is a ceremony's journal", () => {
    expect(end("journal")).to.deep.equal({status: null, signal: "SIGKILL", stderr: ""});
  });

  it("ends with its own exit code once nothing is being written", () => {
    for (const where of ["nothing", "closed"]) {
      expect(end(where)).to.deep.equal({status: 3, signal: null, stderr: ""});
    }
  });
});
