import {tmpdir} from "node:os";
import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {diskSpace, judgeDisk, watchDisk} from "../../../src/app/disk-watch.js";
import type {PleiadesEvent} from "../../../src/ports/observer.js";

const GIB = 2 ** 30;
const MIB = 2 ** 20;

describe("a disk that fills up", () => {
  it("is low below 1 GiB, of a small disk below a twentieth, and critical below 100 MiB", () => {
    const judge = (freeBytes: number, totalBytes: number) => judgeDisk({freeBytes, totalBytes});
    expect(judge(GIB, 2000 * GIB)).to.equal(null);
    expect(judge(GIB - 1, 2000 * GIB)).to.equal("SLASHING_DISK_LOW");
    expect(judge(600 * MIB, 10 * GIB)).to.equal(null);
    expect(judge(500 * MIB, 10 * GIB)).to.equal("SLASHING_DISK_LOW");
    expect(judge(100 * MIB, 10 * GIB)).to.equal("SLASHING_DISK_LOW");
    expect(judge(100 * MIB - 1, 10 * GIB)).to.equal("SLASHING_DISK_CRITICAL");
  });

  it("is told once per change, and to observers every time", async () => {
    const clock = new ManualClock();
    const logger = new MemoryLogger();
    const events: PleiadesEvent[] = [];
    const free = [2 * GIB, GIB / 2, GIB / 2, 50 * MIB, 2 * GIB, 2 * GIB];
    const space = async () => ({freeBytes: free.shift()!, totalBytes: 100 * GIB});
    const end = watchDisk({clock, logger, observer: (event) => events.push(event), space}, {folder: "/data"});
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(30_000);
    }
    await new Promise((resolve) => setImmediate(resolve));
    await end();
    expect(logger.lines.map(({level, fields}) => `${level} ${String(fields.code)}`)).to.deep.equal([
      "warn SLASHING_DISK_LOW",
      "error SLASHING_DISK_CRITICAL",
      "info undefined",
    ]);
    expect(events.map(({kind}) => kind)).to.deep.equal(Array(6).fill("disk-sampled"));
  });

  it("is what the system says it is", async () => {
    const {freeBytes, totalBytes} = await diskSpace(tmpdir());
    expect(freeBytes).to.be.within(1, totalBytes);
  });
});
