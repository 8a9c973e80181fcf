import {expect} from "chai";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {runCli} from "../../../src/app/cli/run.js";
import {parseAddressHex} from "../../../src/core/bytes.js";
import {PRESETS} from "../../../src/core/duty/preset.js";
import {parseChangeFile} from "../../../src/core/mini-pool/credential-change.js";
import {keyCredentials} from "../../../src/core/mini-pool/deposit-data.js";
import type {HttpServer} from "../../../src/remote-signer/http-server.js";
import {createRemoteSigner} from "../../../src/remote-signer/server.js";
import {publicKeyOf, testKey} from "../../support/committees.js";
import {FakeBeaconNode} from "../../support/fake-beacon-node.js";
import {memoryCommittee} from "../../support/memory-committee.js";
import {NETWORK as FIXTURE} from "../duty/fixtures.js";

const MINE = testKey(1, {n: 4});
const KEY = publicKeyOf(MINE.secret);
const [ADDRESS, OTHER] = [parseAddressHex(`0x${"5a".repeat(20)}`), parseAddressHex(`0x${"a5".repeat(20)}`)];
const PRESET = PRESETS[process.env.LODESTAR_PRESET === "minimal" ? "minimal" : "mainnet"];
const NETWORK = {
  ...FIXTURE,
  preset: PRESET,
  clock: {genesisTime: Math.floor(Date.now() / 1000) - 20 * PRESET.slotsPerEpoch, secondsPerSlot: 1},
};

describe("pleiades credential-change", () => {
  let node: FakeBeaconNode;
  let beacon: string;
  let signer: HttpServer;

  before(async () => {
    // As a ceremony records it whose definition named the address.
    const withdrawal = {credentials: keyCredentials(KEY), changeTo: ADDRESS, by: "ceremony"} as const;
    const {service} = await memoryCommittee([MINE], {n: 4, network: NETWORK, withdrawal});
    signer = await createRemoteSigner(
      {
        service,
        logger: new MemoryLogger(),
        observer: () => {},
        clock: systemClock,
        reload: async () => ({errors: []}),
      },
      {network: NETWORK, port: 0},
    );
  });
  after(() => signer.close());
  beforeEach(async () => {
    node = new FakeBeaconNode(NETWORK);
    node.add(KEY, {credentials: keyCredentials(KEY)});
    beacon = await node.start();
  });
  afterEach(() => node.close());

  async function run(to: string, ...more: string[]): Promise<{code: number; out: string[]; err: string}> {
    const [out, err]: [string[], string[]] = [[], []];
    const io = {
      out: (line: string) => void out.push(line),
      err: (line: string) => void err.push(line),
      progress: () => {},
      interactive: false,
    };
    const args = ["--key", KEY, "--to", to, "--beacon-node", beacon, "--signer", signer.url];
    return {code: await runCli(["credential-change", ...args, ...more], io), out, err: err.join("\n")};
  }

  it("publishes a change that the committee has signed, and sees it on the chain", async () => {
    const {code, out, err} = await run(ADDRESS, "--yes", "--wait", "--json");
    expect(code, err).to.equal(0);
    expect(JSON.parse(out[0]!)).to.include({key: KEY, index: "100", to: ADDRESS, published: true, included: true});
    const genesisForkVersion = NETWORK.forks![0]!.version;
    const {name, genesisValidatorsRoot} = NETWORK;
    const network = {name, genesisForkVersion, genesisValidatorsRoot: genesisValidatorsRoot!};
    const [change] = parseChangeFile(JSON.stringify(node.changes), {network, bls: blstGroup});
    expect(change).to.deep.include({validatorIndex: 100n, from: KEY, to: ADDRESS});
    const again = await run(ADDRESS, "--yes");
    expect([again.code, again.err]).to.satisfy(([c, text]: [number, string]) => c === 1 && /CHANGE_MADE/.test(text));
  });

  it("prints it and publishes nothing with --dry-run", async () => {
    const {code, out} = await run(ADDRESS, "--dry-run");
    expect(code).to.equal(0);
    expect(JSON.parse(out[0]!)).to.have.keys("message", "signature");
    expect(node.changes).to.deep.equal([]);
  });

  it("is signed for no address that operators do not permit, and the command shows the permit", async () => {
    const {code, err} = await run(OTHER, "--yes");
    expect(code).to.equal(1);
    expect(err).to.match(/^CHANGE_NOT_PERMITTED/m);
    expect(err).to.include("KEEPER_OTHER_WITHDRAWAL_ADDRESS");
    expect(err).to.include(`to_execution_address: "${OTHER}"`);
    expect(node.changes).to.deep.equal([]);
  });

  it("needs a confirmation, a validator that the chain knows, and credentials of its own key", async () => {
    expect((await run(ADDRESS)).err).to.match(/^CHANGE_NOT_CONFIRMED/m);
    node.validators[0]!.credentials = `0x00${"11".repeat(31)}`;
    expect((await run(ADDRESS, "--yes")).err).to.match(/^CHANGE_OTHER_KEY/m);
    node.validators.length = 0;
    expect((await run(ADDRESS, "--yes")).err).to.match(/^EXIT_UNKNOWN_VALIDATOR/m);
    expect((await run("0x12", "--yes")).code).to.equal(2);
  });

  it("says what the node answers when it refuses, with the signed change", async () => {
    node.refuse = {status: 400, body: JSON.stringify({code: 400, message: "not today"})};
    const {code, err} = await run(ADDRESS, "--yes");
    expect(code).to.equal(1);
    expect(err).to.match(/^EXIT_REFUSED/m);
    expect(err).to.include("not today").and.include("signedChange");
  });
});
