// presets: minimal
import {readdirSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {parseBytes4Hex, parseEpoch, parseRootHex} from "../../../src/core/bytes.js";
import type {Network} from "../../../src/core/duty/network.js";
import {sharedDir} from "../../support/shared.js";
import {interopSecrets, SingleKeyService} from "../../support/single-key-service.js";
import {ask, PRESET, start, stopAll} from "./fixture.js";

/** The schedule that the captured fork_infos show: Altair from the start, Bellatrix at 1, Capella at 2. */
const DEVNET: Network = {
  name: "dev",
  preset: PRESET,
  forks: (["phase0", "altair", "bellatrix", "capella"] as const).map((name, i) => ({
    name,
    version: parseBytes4Hex(`0x0${i}000001`),
    epoch: parseEpoch(Math.max(0, i - 1)),
  })),
  genesisValidatorsRoot: parseRootHex("0x270d43e74ce340de4bca2b1936beca0f4f5408d9e78aec4850920baf659d5b69"),
  clock: null,
};

describe("requests captured from a Lodestar 1.5.1 validator client, sent again as they were", function () {
  // Seconds only on a very busy machine.
  this.timeout(10_000);
  afterEach(stopAll);

  it("are all signed, as JSON, by the keys of the development chain", async function () {
    const shared = sharedDir();
    // They were captured under the minimal preset, which this process may not have.
    if (shared === null || PRESET.name !== "minimal") return this.skip();
    const dir = join(shared, "samples/lodestar-1.5.1");
    for (const file of readdirSync(dir).filter((name) => name.endsWith(".json"))) {
      // A signer of its own each: the samples come from different runs and would conflict.
      const signer = await start({service: new SingleKeyService(interopSecrets(0, 7))}, {network: DEVNET});
      const {method, url, headers, body} = JSON.parse(readFileSync(join(dir, file), "utf8"));
      const {host: _host, connection: _connection, "content-length": _length, ...sent} = headers;
      const answer = await ask(signer.url + url, {method, headers: sent, body: JSON.stringify(body)});
      expect(answer.status, `${file}: ${answer.text}`).to.equal(200);
      expect(answer.headers["content-type"], file).to.equal("application/json");
      expect(answer.json.signature, file).to.match(/^0x[0-9a-f]{192}$/);
    }
  });
});
