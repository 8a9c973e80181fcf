import {type ChildProcess, spawn} from "node:child_process";
import {join} from "node:path";
import {createInterface} from "node:readline";
import {expect} from "chai";

const FIXTURE = join(import.meta.dirname, "../../fixtures/app/stop-slowly.js");

/** Starts the fixture, sends SIGINT at these moments after its start, and returns what it said and its exit code. */
async function interrupted(atMs: readonly number[]): Promise<{lines: string[]; code: number | null}> {
  const child: ChildProcess = spawn(process.execPath, [FIXTURE], {stdio: ["ignore", "pipe", "inherit"]});
  const lines: string[] = [];
  const reader = createInterface({input: child.stdout!});
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  await new Promise<void>((resolve) => reader.once("line", () => resolve()));
  reader.on("line", (line) => lines.push(line));
  // The signals themselves are what is timed here: the program tells an echo from a second one by the time between.
  for (const ms of atMs) setTimeout(() => child.kill("SIGINT"), ms);
  const code = await ended;
  return {lines, code};
}

describe("Ctrl-C", function () {
  this.timeout(20_000);

  it("stops a program in order", async () => {
    expect(await interrupted([10])).to.deep.equal({lines: ["stopped cleanly"], code: 130});
  });

  it("stops it in order when npm hands on the same Ctrl-C a moment later", async () => {
    expect(await interrupted([10, 60])).to.deep.equal({lines: ["stopped cleanly"], code: 130});
  });

  it("ends it at once when it is pressed again", async () => {
    expect(await interrupted([10, 620])).to.deep.equal({lines: [], code: 130});
  });
});
