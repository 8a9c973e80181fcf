import {readdirSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {parseBytes4Hex, parseEpoch, parsePubkeyHex, parseRootHex, rootHex} from "../../../src/core/bytes.js";
import type {Network} from "../../../src/core/duty/network.js";
import {PRESETS} from "../../../src/core/duty/preset.js";
import {parseSignRequest, toWire} from "../../../src/core/duty/request-codec.js";
import {SIGN_TYPES} from "../../../src/core/duty/sign-request.js";
import {computeSigningRoot} from "../../../src/core/duty/signing-root.js";
import {createFullBlockReader} from "../../../src/remote-signer/full-block.js";
import {sharedDir} from "../../support/shared.js";

/** The schedule that the captured fork_infos show: Altair from the start, Bellatrix at 1, Capella at 2. */
const DEVNET: Network = {
  name: "dev",
  preset: PRESETS.minimal,
  forks: (["phase0", "altair", "bellatrix", "capella"] as const).map((name, i) => ({
    name,
    version: parseBytes4Hex(`0x0${i}000001`),
    epoch: parseEpoch(Math.max(0, i - 1)),
  })),
  genesisValidatorsRoot: parseRootHex("0x270d43e74ce340de4bca2b1936beca0f4f5408d9e78aec4850920baf659d5b69"),
  clock: null,
};

describe("requests captured from a Lodestar 1.5.1 validator client", () => {
  let files: string[] = [];
  let dir = "";

  before(function () {
    const shared = sharedDir();
    if (shared === null) return this.skip();
    dir = join(shared, "samples/lodestar-1.5.1");
    files = readdirSync(dir).filter((file) => file.endsWith(".json"));
  });

  const toHeader = createFullBlockReader(PRESETS.minimal);
  const bodyOf = (file: string): {signingRoot: string; type: string} =>
    JSON.parse(readFileSync(join(dir, file), "utf8")).body;

  it("have the signing roots the client computed", () => {
    for (const file of files) {
      const body = bodyOf(file);
      const {request, claimedRoot} = parseSignRequest(toHeader(body), PRESETS.minimal);
      expect(claimedRoot, file).to.equal(body.signingRoot);
      expect(rootHex(computeSigningRoot(request, DEVNET).signingRoot), file).to.equal(body.signingRoot);
    }
  });

  it("cover every type that client sends but deposits and key changes", () => {
    const seen = new Set(files.map((file) => bodyOf(file).type));
    const absent = SIGN_TYPES.filter((type) => !seen.has(type));
    expect(absent).to.have.members(["AGGREGATE_AND_PROOF_V2", "DEPOSIT", "BLS_TO_EXECUTION_CHANGE", "GENERIC"]);
  });

  it("travel to the operators unchanged in meaning", () => {
    for (const file of files) {
      const {request} = parseSignRequest(toHeader(bodyOf(file)), PRESETS.minimal);
      expect(parseSignRequest(toWire(request, PRESETS.minimal), PRESETS.minimal).request, file).to.deep.equal(request);
    }
  });

  it("come from the key in their URL where the message names one", () => {
    const {url, body} = JSON.parse(readFileSync(join(dir, "VALIDATOR_REGISTRATION.json"), "utf8"));
    expect(parsePubkeyHex(body.validator_registration.pubkey)).to.equal(parsePubkeyHex(url.split("/").at(-1)));
  });
});
