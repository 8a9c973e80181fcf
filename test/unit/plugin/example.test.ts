import {expect} from "chai";
import {commandIo} from "../../support/command-io.js";
import {attestationContext, bench, rejection} from "./support.js";

const entry = (config: unknown) => [{name: "example", module: "./example/index.js", config}];

describe("the example plugin, written as a third party would", () => {
  it("vetoes what it is configured to refuse, and nothing else", async () => {
    const {load, logger} = bench();
    const strict = await load(entry({refuse: ["ATTESTATION"]}));
    expect(strict.veto!(attestationContext())).to.deep.equal({
      kind: "deny",
      code: "PLUGIN_VETO",
      plugin: "example",
      message: "the example plugin refuses ATTESTATION",
    });
    expect(logger.lines.at(-1)?.fields).to.deep.equal({plugin: "example", type: "ATTESTATION"});
    const other = await load(entry({refuse: ["VOLUNTARY_EXIT"]}));
    expect(other.veto!(attestationContext())).to.deep.equal({kind: "approve"});
  });

  it("serves a route under its name", async () => {
    const host = await bench().load(entry({refuse: ["ATTESTATION"]}));
    host.veto!(attestationContext());
    host.veto!(attestationContext());
    const [route] = host.routes;
    expect(route).to.include({plugin: "example", method: "GET", path: "/refused"});
    const response = await route!.handler({query: {}, headers: {}, body: null});
    expect(response).to.deep.equal({status: 200, contentType: "application/json", body: '{"ATTESTATION":2}'});
  });

  it("adds a command", async () => {
    const host = await bench().load(entry({refuse: ["ATTESTATION", "DEPOSIT"]}));
    const [command] = host.commands;
    expect(command).to.include({plugin: "example", name: "example types"});
    const lines: string[] = [];
    const io = commandIo({print: (line) => void lines.push(line)});
    expect(await command!.run({upper: false}, io)).to.equal(0);
    expect(lines).to.deep.equal(["ATTESTATION", "DEPOSIT"]);
  });

  it("starts with its defaults, and not with a misspelt or mistyped setting", async () => {
    const {load} = bench();
    expect((await load(entry(undefined))).veto!(attestationContext())).to.deep.equal({kind: "approve"});
    const misspelt = await rejection("PLUGIN_CONFIG_UNKNOWN_KEY", () => load(entry({refuses: []})));
    expect(misspelt.data.key).to.equal("plugins.example.config.refuses");
    await rejection("PLUGIN_CONFIG", () => load(entry({refuse: "ATTESTATION"})));
  });
});
