import {mkdtempSync, readdirSync, readFileSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import type {DevnetSigner} from "../../devnet/src/signer.js";
import {systemClock} from "../../src/adapters/clock/system.js";
import {MemoryLogger} from "../../src/adapters/logger/memory.js";
import {interopSecrets} from "../../src/app/local/interop.js";
import {LocalCommittee} from "../../src/app/local/local-committee.js";
import {prepareLocal} from "../../src/app/local/prepare.js";
import {validatorKeys} from "../../src/app/split/validator-keys.js";
import {parseAddressHex} from "../../src/core/bytes.js";
import {parseNetwork} from "../../src/core/duty/network.js";
import {startSingleKeySigner} from "../support/devnet-single-key-signer.js";
import {sharedDir} from "../support/shared.js";

interface Captured {
  readonly url: string;
  readonly headers: {readonly [name: string]: string};
  readonly body: {readonly type: string};
}

/** The chain on which the requests were captured; its clock does not matter here. */
const CHAIN = {
  name: "captured",
  preset: "minimal",
  forks: [
    {name: "phase0", version: "0x00000001", epoch: "0"},
    {name: "altair", version: "0x01000001", epoch: "0"},
    {name: "bellatrix", version: "0x02000001", epoch: "1"},
    {name: "capella", version: "0x03000001", epoch: "2"},
  ],
  genesisValidatorsRoot: "0x270d43e74ce340de4bca2b1936beca0f4f5408d9e78aec4850920baf659d5b69",
  clock: null,
};
const FEE_RECIPIENT = "0x1111111111111111111111111111111111111111";

function captured(): Captured[] {
  const shared = sharedDir();
  if (shared === null) return [];
  const dir = join(shared, "samples", "lodestar-1.5.1");
  return readdirSync(dir)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(dir, name), "utf8")) as Captured);
}

describe("a committee of four real processes and one local key", () => {
  let dir: string;
  let committee: LocalCommittee | undefined;
  let single: DevnetSigner | undefined;

  before(async function () {
    this.timeout(60_000);
    if (captured().length === 0) this.skip();
    dir = mkdtempSync(join(tmpdir(), "pleiades-differential-"));
    const plan = await prepareLocal({
      dataDir: dir,
      operators: 4,
      network: parseNetwork(CHAIN),
      keys: {
        label: "interop 0..7",
        load: async () => ({keys: validatorKeys(interopSecrets({first: 0, last: 7})), records: "never-signed"}),
      },
      feeRecipient: parseAddressHex(FEE_RECIPIENT),
    });
    committee = await LocalCommittee.start(plan, {logger: new MemoryLogger(), clock: systemClock});
    single = await startSingleKeySigner([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  after(async function () {
    this.timeout(30_000);
    await committee?.stop();
    await single?.stop();
    if (dir !== undefined) rmSync(dir, {recursive: true, force: true});
  });

  async function ask(base: string, {url, headers, body}: Captured): Promise<{status: number; text: string}> {
    const {accept = "*/*", "content-type": type = ""} = headers;
    const response = await fetch(base + url, {
      method: "POST",
      headers: {accept, "content-type": type},
      body: JSON.stringify(body),
    });
    return {status: response.status, text: await response.text()};
  }

  it("serve the same public keys", async () => {
    const keys = async (base: string) => (await fetch(`${base}/api/v1/eth2/publicKeys`)).json();
    expect(await keys(committee!.url)).to.have.members((await keys(single!.url)) as string[]);
  });

  it("give equal bytes for every request that was captured from a Lodestar client, twice", async function () {
    this.timeout(30_000);
    const requests = captured().filter(({body}) => body.type !== "VOLUNTARY_EXIT");
    expect(requests.length).to.be.at.least(11);
    for (const request of [...requests, ...requests]) {
      const [ours, theirs] = [await ask(committee!.url, request), await ask(single!.url, request)];
      expect(ours.status, `${request.body.type}: ${ours.text}`).to.equal(200);
      expect(JSON.parse(ours.text), request.body.type).to.deep.equal(JSON.parse(theirs.text));
    }
  });

  it("differ on an exit that no operator's policy allows: the committee refuses", async () => {
    const exit = captured().find(({body}) => body.type === "VOLUNTARY_EXIT")!;
    expect((await ask(committee!.url, exit)).status).to.equal(412);
    expect((await ask(single!.url, exit)).status).to.equal(200);
  });
});
