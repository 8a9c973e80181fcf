import {mkdtemp, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {interopSecret, parseInteropRange} from "../../../src/app/local/interop.js";
import {checkMembers, parseCoordinators, parseOperatorFlag, readMembersFile} from "../../../src/app/split/operators.js";
import {toHex} from "../../../src/core/bytes.js";
import {PleiadesError} from "../../../src/core/errors.js";

const PEERS = [
  "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
  "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
  "12D3KooWD3bfmNbuuuVCYwkjnFt3ukm3qaB3hDED3peHHXawvRAi",
  "12D3KooWKFgwGqDhdQ4eM2ZjJHwMCrgJsBZW6UaqCsPgaFAYiwjP",
];
const flag = (id: number, peer = PEERS[id - 1]) => `${id}=${peer}@/ip4/10.0.0.${id}/tcp/9100`;

function refusal(task: () => unknown): PleiadesError {
  try {
    task();
  } catch (error) {
    if (error instanceof PleiadesError) return error;
    throw error;
  }
  throw new Error("accepted");
}

describe("the members of a committee", () => {
  it("are read from flags in any order", () => {
    const operators = [3, 1, 4, 2].map((id) => parseOperatorFlag(flag(id)));
    const members = checkMembers({operators, coordinators: parseCoordinators([PEERS[0]])});
    expect(members.operators.map(({id, addresses}) => `${id} ${addresses[0]}`)).to.deep.equal(
      [1, 2, 3, 4].map((id) => `${id} /ip4/10.0.0.${id}/tcp/9100`),
    );
  });

  it("may have several addresses, and names instead of numbers", () => {
    const {addresses} = parseOperatorFlag(`1=${PEERS[0]}@/ip4/10.0.0.1/tcp/1,/dns4/op.example/tcp/2,/ip6/::1/tcp/3`);
    expect(addresses).to.have.length(3);
  });

  it("are refused when a flag is not ID=PEERID@MULTIADDR", () => {
    const wrongs = [
      "",
      "1",
      `${PEERS[0]}@/ip4/1.2.3.4/tcp/1`,
      `0=${PEERS[0]}@/ip4/1.2.3.4/tcp/1`,
      "1=peer@/ip4/1.2.3.4/tcp/1",
    ];
    const addresses = [
      `1=${PEERS[0]}@10.0.0.1:9100`,
      `1=${PEERS[0]}@/ip4/1.2.3.4/udp/1`,
      `1=${PEERS[0]}@/ip4/1.2.3.4/tcp/70000`,
    ];
    for (const raw of [...wrongs, ...addresses]) {
      expect(refusal(() => parseOperatorFlag(raw)).code, raw).to.equal("SPLIT_OPERATORS");
    }
  });

  it("are refused with a gap, an id or a peer that comes twice, or nobody to coordinate", () => {
    const coordinators = parseCoordinators([PEERS[0]]);
    const of = (...flags: string[]) => ({operators: flags.map(parseOperatorFlag), coordinators});
    expect(refusal(() => checkMembers(of(flag(1), flag(3)))).data.reason).to.equal("there is no operator 2");
    expect(refusal(() => checkMembers(of(flag(1), flag(1)))).data.reason).to.equal("this id comes twice");
    expect(refusal(() => checkMembers(of(flag(1), flag(2, PEERS[0])))).data.reason).to.match(/same peer id/);
    expect(refusal(() => checkMembers({...of(flag(1)), coordinators: []})).code).to.equal("SPLIT_COORDINATOR");
    expect(refusal(() => parseCoordinators(["x"])).code).to.equal("SPLIT_COORDINATOR");
  });

  it("are read from a YAML file", async () => {
    const dir = await mkdtemp(join(tmpdir(), "pleiades-members-"));
    try {
      const file = join(dir, "operators.yaml");
      const list = PEERS.map(
        (peer, i) => `  - {id: ${i + 1}, peerId: ${peer}, addresses: [/ip4/10.0.0.1/tcp/${i + 1}]}`,
      );
      await writeFile(file, `operators:\n${list.join("\n")}\ncoordinators: [${PEERS[3]}]\n`);
      const members = checkMembers(await readMembersFile(file));
      expect(members.operators).to.have.length(4);
      expect(members.coordinators).to.deep.equal([PEERS[3]]);
      await writeFile(file, "operators: 3\n");
      const error = await readMembersFile(file).catch((caught: unknown) => caught);
      expect(error).to.have.property("code", "SPLIT_OPERATORS");
    } finally {
      await rm(dir, {recursive: true});
    }
  });
});

describe("interop keys", () => {
  it("are those of the mocked start", () => {
    expect(toHex(interopSecret(0))).to.equal("0x25295f0d1d592a90b333e26e85149708208e9f8e8bc18f6c77bd62f8ad7a6866");
    expect(toHex(interopSecret(9))).to.equal("0x2b3b88a041168a1c4cd04bdd8de7964fd35238f95442dc678514f9dadb81ec34");
  });

  it("are named by a range with both ends included", () => {
    expect(parseInteropRange("0..7")).to.deep.equal({first: 0, last: 7});
    expect(parseInteropRange("3")).to.deep.equal({first: 3, last: 3});
    for (const raw of ["", "a", "7..0", "0-7", "0...7", "-1..2", "0..5000"]) {
      expect(refusal(() => parseInteropRange(raw)).code, raw).to.equal("CLI_INTEROP");
    }
  });
});
