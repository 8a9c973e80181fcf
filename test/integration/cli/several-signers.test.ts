import {mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {noNetwork} from "../../../src/app/local/no-network.js";
import {fromHex, parseSignatureHex} from "../../../src/core/bytes.js";
import {parseSignRequest} from "../../../src/core/duty/request-codec.js";
import type {WireRequest} from "../../../src/core/duty/sign-request.js";
import {computeSigningRoot} from "../../../src/core/duty/signing-root.js";
import {Cli, cli, family, killAll, ROOT, stillRunning, until} from "../../support/cli.js";
import {attestation, block, randao} from "../../support/keeper.js";

interface Ready {
  readonly url: string;
  readonly signers: readonly {readonly url: string; readonly pid: number}[];
  readonly groupPublicKeys: readonly string[];
}
interface Answer {
  readonly status: number;
  readonly body: {readonly signature?: string; readonly code?: string; readonly operators?: {readonly code: string}[]};
}

const NETWORK = noNetwork("minimal");
/** In the first slot of its epoch. */
const vote = (target: number, byte = 1): WireRequest =>
  attestation(target - 1, target, {byte, slot: BigInt(8 * target)});

describe("two signers of one committee, as processes", function () {
  this.timeout(180_000);
  let dir: string;
  let main: Cli;
  let ready: Ready;
  let all: number[] = [];

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-signers-"));
    const keys = ["--interop", "0..3", "--preset", "minimal"];
    const args = ["local", ...keys, "--signers", "2", "--port", "0", "--data-dir", join(dir, "d"), "--json"];
    main = new Cli(args, {cwd: ROOT});
    ready = await main.json<Ready>();
    all = family(main.pid);
  });
  after(async () => {
    killAll(stillRunning(all));
    await rm(dir, {recursive: true, force: true});
  });

  async function ask(signer: number, wire: WireRequest, key = 0): Promise<Answer> {
    const response = await fetch(`${ready.signers[signer]!.url}/api/v1/eth2/sign/${ready.groupPublicKeys[key]}`, {
      method: "POST",
      headers: {"content-type": "application/json", accept: "application/json"},
      body: JSON.stringify(wire),
    });
    return {status: response.status, body: (await response.json()) as Answer["body"]};
  }

  /** Whether the answer is this message's signature by the group. */
  function verifies({status, body}: Answer, wire: WireRequest, key = 0): boolean {
    if (status !== 200) return false;
    const {request} = parseSignRequest(wire, NETWORK.preset);
    const point = blstGroup.signatures.load(fromHex(parseSignatureHex(body.signature)), "full");
    const groupKey = blstGroup.publicKeys.load(fromHex(ready.groupPublicKeys[key] as never), "full");
    return blstGroup.verify(computeSigningRoot(request, NETWORK).signingRoot, groupKey, point);
  }

  it("are both ready, with a URL each", () => {
    expect(ready.url).to.equal(ready.signers[0]!.url);
    expect(new Set(ready.signers.map(({url}) => url)).size).to.equal(2);
    expect(all).to.include.members(ready.signers.map(({pid}) => pid));
  });

  it("do not split the votes when they ask for two heads at the same instant", async () => {
    let outranked = 0;
    for (let epoch = 10; epoch < 20; epoch++) {
      for (const key of [0, 1]) {
        const [mine, yours] = [vote(epoch), vote(epoch, 9)];
        const [second, first] = await Promise.all([ask(1, yours, key), ask(0, mine, key)]);
        const what = JSON.stringify([first, second]);
        // On a machine that stands still for half a second the second may win; then it wins all the votes.
        expect([first.status, second.status].sort(), what).to.deep.equal([200, 412]);
        expect(verifies(first, mine, key) !== verifies(second, yours, key), what).to.equal(true);
        const loser = first.status === 200 ? second : first;
        expect(loser.body.code, what).to.equal("COMMITTEE_REFUSED");
        if (loser.body.operators?.some(({code}) => code === "OPERATOR_OUTRANKED")) outranked++;
      }
    }
    expect(outranked).to.be.greaterThan(0);
  });

  it("do not split the votes for a block either", async () => {
    const answers = await Promise.all([ask(1, block(900, 9)), ask(0, block(900))]);
    expect(answers.map(({status}) => status).sort()).to.deep.equal([200, 412]);
  });

  it("both answer with the signature when they ask for the same", async () => {
    const wire = vote(30);
    const [first, second] = await Promise.all([ask(0, wire), ask(1, wire)]);
    expect(verifies(first, wire)).to.equal(true);
    expect(second).to.deep.equal(first);
  });

  it("carry on by the second's URL when the first is killed with a request under way", async () => {
    const wire = vote(40);
    const lost = ask(0, wire).catch(() => null);
    process.kill(ready.signers[0]!.pid, "SIGKILL");
    await lost;
    await until("a word about it", () => main.stderr.includes("a signer has ended"));
    expect(verifies(await ask(1, wire), wire)).to.equal(true);
    for (const next of [block(1000), vote(41), randao(41)]) {
      expect(verifies(await ask(1, next), next), next.type).to.equal(true);
    }
    // What the first had signed before is still in every operator's record.
    const conflict = await ask(1, vote(30, 9));
    expect([conflict.status, conflict.body.code]).to.deep.equal([412, "COMMITTEE_REFUSED"]);
  });

  it("take the whole committee down when the last one is gone, for nobody is left to serve", async () => {
    process.kill(ready.signers[1]!.pid, "SIGKILL");
    const {code, stderr} = await main.done;
    expect(code).to.equal(1);
    expect(stderr).to.match(/CLI_LOCAL_CHILD: [\s\S]*signer 2/);
    await until("the end of every process", () => stillRunning(all).length === 0);
  });

  it("start again in the same folder, as many as before and no other number", async () => {
    const {code, stderr} = await cli(["local", "--data-dir", join(dir, "d"), "--signers", "1"]);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^CLI_LOCAL_DIFFERS: [\s\S]*signers/m);
    for (const wrong of ["0", "5"]) {
      expect((await cli(["local", "--data-dir", join(dir, "d"), "--signers", wrong])).code, wrong).to.equal(2);
    }
    main = new Cli(["local", "--data-dir", join(dir, "d"), "--port", "0", "--json"], {cwd: ROOT});
    ready = await main.json<Ready>();
    all = family(main.pid);
    expect(ready.signers).to.have.length(2);
    main.child.kill("SIGTERM");
    expect((await main.done).code).to.equal(0);
    await until("the end of every process", () => stillRunning(all).length === 0);
  });
});
