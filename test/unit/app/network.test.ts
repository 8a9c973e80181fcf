import {createServer, type Server} from "node:http";
import type {AddressInfo} from "node:net";
import {expect} from "chai";
import {pinFromBeaconNode} from "../../../src/app/config/beacon-node.js";
import {parseConfig} from "../../../src/app/config/load.js";
import {networkSection, resolveNetwork} from "../../../src/app/config/network.js";
import {renderTemplate} from "../../../src/app/config/template.js";
import {codeOf} from "../../../src/core/errors.js";

const SPEC = {
  CONFIG_NAME: "devnet",
  PRESET_BASE: "minimal",
  SECONDS_PER_SLOT: "2",
  GENESIS_FORK_VERSION: "0x00000001",
  ALTAIR_FORK_VERSION: "0x01000001",
  ALTAIR_FORK_EPOCH: "0",
  BELLATRIX_FORK_VERSION: "0x02000001",
  BELLATRIX_FORK_EPOCH: "18446744073709551615",
};
const ROOT = `0x${"4b".repeat(32)}`;

type Answer = (path: string) => {status: number; body: string} | null;
const honest: Answer = (path) => ({
  status: 200,
  body: JSON.stringify(
    path === "/eth/v1/config/spec"
      ? {data: SPEC}
      : {data: {genesis_time: "1700000000", genesis_validators_root: ROOT, genesis_fork_version: "0x00000001"}},
  ),
});

describe("the network of a configuration", () => {
  let server: Server;
  let url: string;
  let answer: Answer;

  before((done) => {
    server = createServer((request, response) => {
      const result = answer(request.url ?? "");
      if (result !== null) response.writeHead(result.status).end(result.body);
    });
    server.listen(0, "127.0.0.1", () => {
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      done();
    });
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const code = async (task: Promise<unknown>): Promise<string> =>
    task.then(
      () => "accepted",
      (error: unknown) => codeOf(error),
    );
  const section = (text: string) => parseConfig(text, "a").network;

  it("is pinned from a beacon node, and comes back the same from the file that is written", async () => {
    answer = honest;
    const network = await pinFromBeaconNode(`${url}/`);
    expect(network).to.deep.include({
      name: "devnet",
      genesisValidatorsRoot: ROOT,
      clock: {genesisTime: 1_700_000_000, secondsPerSlot: 2},
    });
    expect(network.preset.name).to.equal("minimal");
    expect(network.forks?.map(({name}) => name)).to.deep.equal(["phase0", "altair"]);
    const text = renderTemplate({network: networkSection(network)});
    expect(await resolveNetwork(section(text))).to.deep.equal(network);
  });

  it("is refused when the beacon node fails, is silent, or does not speak JSON", async () => {
    answer = () => ({status: 404, body: ""});
    expect(await code(pinFromBeaconNode(url))).to.equal("CONFIG_BEACON_NODE");
    answer = () => null;
    expect(await code(pinFromBeaconNode(url, {timeoutMs: 50}))).to.equal("CONFIG_BEACON_NODE");
    answer = (path) => (path.endsWith("spec") ? honest(path) : {status: 200, body: "<html>"});
    expect(await code(pinFromBeaconNode(url))).to.equal("CONFIG_BEACON_NODE");
    expect(await code(pinFromBeaconNode("nonsense"))).to.equal("CONFIG_BEACON_NODE");
  });

  it("shows no password of the beacon node's URL in the error", async () => {
    const error = await pinFromBeaconNode("http://user:secret@127.0.0.1:1/x").catch((caught: unknown) => caught);
    expect(JSON.stringify(error)).to.not.include("secret");
  });

  it("is known by name alone", async () => {
    const network = await resolveNetwork(section("network: {name: mainnet}"));
    expect(network.clock).to.deep.equal({genesisTime: 1_606_824_023, secondsPerSlot: 12});
    expect(await code(resolveNetwork(section("network: {name: mainet}")))).to.equal("NETWORK_UNKNOWN");
  });

  it("must be pinned as a whole or not at all", async () => {
    const partly = section("network: {name: mine, preset: minimal, genesisTime: 1}");
    expect(await code(resolveNetwork(partly))).to.equal("CONFIG_NETWORK_INCOMPLETE");
    const half = section("network: {name: mine, unpinned: true, genesisTime: 1}");
    expect(await code(resolveNetwork(half))).to.equal("CONFIG_NETWORK_INCOMPLETE");
    const forks = "[{name: phase0, version: 0x00000001, epoch: 3}]";
    const late = section(`network: {name: mine, unpinned: true, forks: ${forks}}`);
    expect(await code(resolveNetwork(late))).to.equal("NETWORK_FORKS");
  });
});
