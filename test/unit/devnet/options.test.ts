import {expect} from "chai";
import {UsageError} from "../../../devnet/src/faults.js";
import {type DevnetOptions, HELP, parseOptions} from "../../../devnet/src/options.js";

describe("the command line of npm start", () => {
  it("has a default for everything", () => {
    expect(parseOptions([])).to.deep.equal({
      operators: 4,
      signers: 1,
      slots: null,
      faults: [],
      json: false,
      dataDir: null,
      slotSeconds: 2,
      genesisDelay: 30,
      inProcess: false,
    });
  });

  it("reads faults with the committee size that comes with them, in any order", () => {
    const options = parseOptions(["--fault", "crash:7@20-28", "--operators", "7", "--slots", "40", "--json"]);
    expect(options).to.deep.include({operators: 7, slots: 40, json: true});
    expect((options as DevnetOptions).faults).to.have.length(1);
  });

  it("takes the validator client into the signer's process when asked", () => {
    expect(parseOptions(["--in-process"])).to.deep.include({inProcess: true});
  });

  it("gives help rather than run, and the help names every option", () => {
    expect(parseOptions(["--help"])).to.equal("help");
    for (const option of [
      "operators",
      "signers",
      "fault",
      "slots",
      "json",
      "data-dir",
      "slot-seconds",
      "genesis-delay",
      "in-process",
    ]) {
      expect(HELP).to.contain(`--${option}`);
    }
  });

  for (const [argv, why] of [
    [["--operators", "5"], "4, 7, 10, 13"],
    [["--operators", "four"], "not a whole number"],
    [["--signers", "4"], "between 1 and 3"],
    [["--signers", "2", "--in-process"], "one signer only"],
    [["--slots", "0"], "at least one"],
    [["--slots", "-1"], "--slots"],
    [["--slot", "3"], "--slot"],
    [["30"], "30"],
    [["--fault", "crash:4@20-28", "--slots", "20"], "--slots is 20"],
    [["--slot-seconds", "0"], "between 1 and 12"],
    [["--genesis-delay", "1"], "between 5 and 3600"],
  ] as const) {
    it(`refuses ${argv.join(" ")} and says why`, () => {
      expect(() => parseOptions(argv)).to.throw(UsageError, why);
    });
  }
});
