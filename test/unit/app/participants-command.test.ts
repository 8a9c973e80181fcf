import {expect} from "chai";
import {runCli} from "../../../src/app/cli/run.js";

describe("pleiades participants", () => {
  const refused = async (...flags: string[]): Promise<[number, string]> => {
    const err: string[] = [];
    const io = {out: () => {}, err: (line: string) => void err.push(line), progress: () => {}, interactive: false};
    const code = await runCli(["participants", "--out", "never", ...flags], io);
    return [code, err.join("\n")];
  };

  for (const [what, flags, named] of [
    ["a ceremony's file in place of a participant", ["--endpoint", "ceremony.json"], "ceremony.json"],
    [
      "a ceremony's file as the committee",
      ["--endpoint", "https://one.example", "--committee", "ceremony.json"],
      "committee",
    ],
  ] as const) {
    it(`refuses ${what}, which it asks for and does not read, and says what it cannot use`, async () => {
      const [code, err] = await refused(...flags);
      expect(code).to.equal(2);
      expect(err).to.match(/^CLI_USAGE: /m);
      expect(err).to.contain(named);
    });
  }
});
