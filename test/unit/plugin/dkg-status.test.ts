import {expect} from "chai";
import {rootHex} from "../../../src/core/bytes.js";
import {PleiadesError} from "../../../src/core/errors.js";
import type {CeremonyReport} from "../../../src/plugin/dkg/report.js";
import {statusCommand} from "../../../src/plugin/dkg/run.js";
import {commandIo} from "../../support/command-io.js";
import {rejection} from "../../support/errors.js";

const id = (byte: number) => rootHex(new Uint8Array(32).fill(byte));
const KNOWN: CeremonyReport = {
  ...{id: id(1), kind: "reshare", validators: 2, operators: 4, threshold: 3, handoverEpoch: "120", deadline: 0},
  ...{step: "done", keys: 2, participants: [], halted: null, stalled: false},
  end: {outcome: "finished", transcript: id(2), folder: "folder"},
};

describe("dkg status", () => {
  /** @param lost ids, or the error that the operator answers with */
  async function status(lost: readonly string[] | PleiadesError, args = {}, json = false) {
    const [printed, noted]: [string[], string[]] = [[], []];
    const ask = async (_: string, path: string): Promise<unknown> => {
      if (path === "/ceremonies") return [KNOWN];
      if (lost instanceof PleiadesError) throw lost;
      return lost;
    };
    const io = {
      ...commandIo({json, print: (text) => void printed.push(text), note: (text) => void noted.push(text)}),
      control: {
        ask,
        follow: () => {
          throw new Error("nothing goes on");
        },
      },
    };
    expect(await statusCommand.run(args, io)).to.equal(0);
    return {printed, noted};
  }

  it("says of a handover what its signers need, and until when", async () => {
    const {printed, noted} = await status([]);
    expect(printed[0]).to.equal(`${id(1)}  reshare, 2 validators, 3 of 4, step: done`);
    expect(printed.at(-1)).to.match(/signers need this committee\.json.*before epoch 120 is over/);
    expect(noted).to.deep.equal([]);
  });

  it("shows what only the keeper knows", async () => {
    expect((await status([id(3)])).printed.slice(-2).join("\n"))
      .to.contain(id(3))
      .and.contain("DKG_JOURNAL_LOST");
    const [json] = (await status([id(3)], {ceremony: id(3)}, true)).printed;
    expect(JSON.parse(json!)).to.deep.equal([{id: id(3), halted: "DKG_JOURNAL_LOST"}]);
    await rejection("DKG_CEREMONY_UNKNOWN", status([id(3)], {ceremony: id(4)}));
  });

  it("shows what the operator knows also while its keeper does not answer, and says so beside it", async () => {
    const {printed, noted} = await status(new PleiadesError({code: "KEEPER_NOT_SIGNING"}), {}, true);
    expect(JSON.parse(printed[0]!)).to.deep.equal([KNOWN]);
    expect(noted).to.have.length(1);
    expect(noted[0]).to.contain("KEEPER_NOT_SIGNING");
  });
});
