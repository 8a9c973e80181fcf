import {execFile} from "node:child_process";
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import type {FuzzResult} from "../../support/fuzz/run.js";
import {TARGETS} from "../../support/fuzz/targets.js";
import {countOf, seedOf} from "../../support/seeded.js";

const RUN = join(import.meta.dirname, "../../fixtures/fuzz/run-target.js");
const FOUND = join(import.meta.dirname, "../../../../.pleiades/fuzz");
/** For all targets together; 0: as many inputs as `npm test` has time for. Hours by option. */
const SECONDS = countOf("PLEIADES_FUZZ_SECONDS", {usual: 0, long: 3600});
const INPUTS = SECONDS === 0 ? 250 : Number.MAX_SAFE_INTEGER;
/** Each of them may cost a connection, and the operator takes ten a second. */
const LIBP2P_INPUTS = SECONDS === 0 ? 40 : INPUTS;
/** On however busy a machine; on an idle one the inputs take a second or two. */
const EACH = SECONDS === 0 ? 30 : SECONDS / Object.keys(TARGETS).length;
/** To start a process, and to make a failing input smaller. */
const AROUND_MS = 60_000;

describe("hostile input gets a code, and no crash, hang or growth of memory", function () {
  this.timeout(EACH * 1000 + AROUND_MS + 10_000);
  let folder: string;
  const seed = seedOf();
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "pleiades-fuzz-"));
  });
  after(() => rmSync(folder, {recursive: true, force: true}));

  for (const [index, name] of Object.keys(TARGETS).entries()) {
    it(`at ${name}`, async () => {
      const current = join(folder, name);
      const own = (seed + index) >>> 0;
      const inputCount = name === "libp2p" ? LIBP2P_INPUTS : INPUTS;
      const args = ["--expose-gc", RUN, name, String(own), String(inputCount), String(EACH), current];
      const {stdout, stderr, ended} = await run(args);
      const line = stdout.trim().split("\n").at(-1) ?? "";
      if (!ended || !line.startsWith("{")) {
        const file = keep(name, own, existsSync(current) ? readFileSync(current) : Buffer.alloc(0));
        throw new Error(`the process ${ended ? "died" : "hung"} at the input in ${file}\n${stderr.slice(-4000)}`);
      }
      const {inputs, outcomes, memory, slowestMs, failure} = JSON.parse(line) as FuzzResult;
      const codes = Object.entries(outcomes).sort(([, a], [, b]) => b - a);
      const mib = memory.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(" ");
      console.log(
        `    ${name}, seed ${own}: ${inputs} inputs, ${codes.length} outcomes (${codes.slice(0, 4).join(" ")}), ` +
          `slowest ${slowestMs} ms, memory ${mib} MiB`,
      );
      if (failure !== null) {
        const {what, input} = failure;
        const where = input === null ? "" : `, input in ${keep(name, own, Buffer.from(input, "base64"))}`;
        throw new Error(`${name}, seed ${own}${where}: ${what}`);
      }
      expect(inputs).to.be.above(0);
      // Good and bad input both got through to where they are told apart.
      expect(codes.length).to.be.above(1);
    });
  }

  function keep(name: string, own: number, input: Buffer): string {
    mkdirSync(FOUND, {recursive: true});
    const file = join(FOUND, `${name}-${own}.input`);
    writeFileSync(file, input);
    return file;
  }

  function run(args: string[]): Promise<{stdout: string; stderr: string; ended: boolean}> {
    const env = {...process.env, NODE_NO_WARNINGS: "1"};
    const options = {env, timeout: EACH * 1000 + AROUND_MS, killSignal: "SIGKILL", maxBuffer: 2 ** 26} as const;
    return new Promise((resolve) => {
      execFile(process.execPath, args, options, (error, stdout, stderr) =>
        resolve({stdout, stderr, ended: error?.killed !== true}),
      );
    });
  }
});
