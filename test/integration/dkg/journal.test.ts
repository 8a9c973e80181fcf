import {spawnSync} from "node:child_process";
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {LmdbCeremonyJournal} from "../../../src/adapters/ceremony-journal/lmdb.js";
import {MemoryCeremonyJournal, MemoryJournalDisk} from "../../../src/adapters/ceremony-journal/memory.js";
import {parseRootHex} from "../../../src/core/bytes.js";
import {ceremonyJournalContract} from "../../contract/ceremony-journal.js";
import {codeFrom} from "../../support/link.js";

const KEY = new Uint8Array(32).fill(7);

ceremonyJournalContract("in memory", async () => {
  const disk = new MemoryJournalDisk();
  return {open: async () => new MemoryCeremonyJournal(disk), remove: async () => undefined};
});

ceremonyJournalContract("lmdb", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pleiades-journal-"));
  return {
    open: () => LmdbCeremonyJournal.open(folder, KEY),
    remove: async () => rmSync(folder, {recursive: true, force: true}),
  };
});

describe("a damaged journal on disk", () => {
  const id = parseRootHex(`0x${"ab".repeat(32)}`);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pleiades-journal-"));
  });
  afterEach(() => rmSync(folder, {recursive: true, force: true}));

  it("is noticed by its checksums, with a code", async () => {
    const journal = await LmdbCeremonyJournal.open(folder, KEY);
    await journal.begin(id, "a definition that is long enough to be found again");
    await journal.close();
    const file = join(folder, "data.mdb");
    const bytes = readFileSync(file);
    const name = `definition/${id}`;
    const at = bytes.lastIndexOf(name) + name.length + 20;
    bytes[at] = bytes[at]! ^ 1;
    writeFileSync(file, bytes);
    const opened = await LmdbCeremonyJournal.open(folder, KEY);
    try {
      expect(() => opened.ceremonies())
        .to.throw("damaged")
        .with.property("code", "DKG_JOURNAL_CORRUPT");
    } finally {
      await opened.close();
    }
  });

  it("shows nothing of what is in it, and opens with no other key", async () => {
    const journal = await LmdbCeremonyJournal.open(folder, KEY);
    await journal.begin(id, "a definition that is long enough to be found again");
    await journal.close();
    expect(readFileSync(join(folder, "data.mdb")).includes("long enough")).to.equal(false);
    expect(await codeFrom(LmdbCeremonyJournal.open(folder, new Uint8Array(32)))).to.equal("DKG_JOURNAL_CORRUPT");
  });

  it("is refused when it is another file, or one that was cut short", async () => {
    const journal = await LmdbCeremonyJournal.open(folder, KEY);
    await journal.begin(id, "definition");
    await journal.write(id, [{kind: "chunk", hash: id, bytes: new Uint8Array(200_000)}]);
    await journal.close();
    const file = join(folder, "data.mdb");
    const whole = readFileSync(file);
    for (const damaged of [
      whole.subarray(0, whole.length - 100_000),
      whole.subarray(0, 100),
      Buffer.from("not a database"),
    ]) {
      writeFileSync(file, damaged);
      expect(await codeFrom(LmdbCeremonyJournal.open(folder, KEY))).to.equal("DKG_JOURNAL_CORRUPT");
    }
    writeFileSync(file, whole);
    await (await LmdbCeremonyJournal.open(folder, KEY)).close();
  });
});

describe("a journal on a disk that takes no more", function () {
  this.timeout(30_000);
  const FILL = join(import.meta.dirname, "../../fixtures/ceremony-journal/fill-journal.js");

  it("fails with a code that its writers get, and with nothing that nobody hears and that would end the operator", () => {
    for (const kiB of [200, 253, 400]) {
      const folder = mkdtempSync(join(tmpdir(), "pleiades-journal-"));
      try {
        // A limit of file size fails a write like a full disk does, for root too; it is in blocks of 512 bytes.
        const limit = `ulimit -f ${kiB * 2}; exec "$0" "$@"`;
        const {stdout, status} = spawnSync("sh", ["-c", limit, process.execPath, FILL, folder], {encoding: "utf8"});
        const report = JSON.parse(stdout.split("\n").at(-1)!) as {written: number; unheard: string[]};
        expect(status).to.equal(0);
        expect(report).to.deep.include({code: "DKG_JOURNAL_FAILED", afterwards: "DKG_JOURNAL_FAILED", unheard: []});
        expect(report.written).to.be.greaterThan(0);
      } finally {
        rmSync(folder, {recursive: true, force: true});
      }
    }
  });
});
