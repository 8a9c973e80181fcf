import {type ChildProcess, fork} from "node:child_process";
import {once} from "node:events";
import {mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import type {PeerIdText} from "../../../src/core/bytes.js";
import {startLink} from "../../support/libp2p-link.js";
import {codeFrom, never, partialFor, requestOf} from "../../support/link.js";
import {waitFor} from "../../support/wait.js";

const OPERATOR = join(import.meta.dirname, "../../fixtures/link/operator-process.js");
type Ready = {peerId: PeerIdText; addresses: string[]};

describe("the link between two processes", function () {
  this.timeout(30_000);
  let dir: string;
  let coordinator: Awaited<ReturnType<typeof startLink>>;
  let child: ChildProcess;
  let operator: Ready;

  async function startOperator(port: number): Promise<void> {
    child = fork(OPERATOR, [join(dir, "node.key"), String(port), coordinator.self]);
    [operator] = (await once(child, "message")) as [Ready];
  }
  async function kill(signal: NodeJS.Signals): Promise<void> {
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }
  const connected = () => coordinator.link.peers()[0]?.connected === true;
  const ask = (n: number) => coordinator.link.requestPartial(operator.peerId, requestOf(n), never());

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-link-"));
    coordinator = await startLink();
    await startOperator(0);
    coordinator.link.setPeers([operator]);
    await waitFor("connected", connected);
  });
  after(async () => {
    await coordinator.link.close();
    if (child.exitCode === null && child.signalCode === null) await kill("SIGKILL");
    await rm(dir, {recursive: true});
  });

  it("answers two thousand requests asked at once, each with its own answer", async () => {
    const requests = Array.from({length: 2000}, (_, n) => requestOf(n));
    const replies = await Promise.all(
      requests.map((request) => coordinator.link.requestPartial(operator.peerId, request, never())),
    );
    for (const [n, reply] of replies.entries()) {
      expect(reply.kind === "signed" && Buffer.from(reply.partial).equals(partialFor(requests[n]!))).to.equal(true);
    }
  });

  it("answers one request at a time without waiting for company", async () => {
    const times: number[] = [];
    for (let n = 0; n < 300; n++) {
      const start = performance.now();
      await ask(n);
      times.push(performance.now() - start);
    }
    const p50 = times.sort((a, b) => a - b)[150]!;
    // A timer anywhere on the path would show as a millisecond and more; the bound leaves room for a busy machine.
    expect(p50).to.be.lessThan(10);
  });

  it("notices that the operator was killed, fails fast, and works again when it is back at the same port", async () => {
    const port = /\/tcp\/(\d+)/.exec(operator.addresses[0]!)![1]!;
    const {peerId} = operator;
    await kill("SIGKILL");
    await waitFor("gone", () => !connected());
    expect(await codeFrom(ask(1))).to.equal("LINK_DISCONNECTED");
    await startOperator(Number(port));
    expect(operator.peerId).to.equal(peerId);
    await waitFor("back", connected);
    expect((await ask(2)).kind).to.equal("signed");
  });

  it("keeps the connection of an operator that stands still for a while, and gets its late answers", async () => {
    child.kill("SIGSTOP");
    const deadline = new AbortController();
    const late = codeFrom(coordinator.link.requestPartial(operator.peerId, requestOf(1), deadline.signal));
    const kept = ask(2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    deadline.abort();
    expect(await late).to.equal("LINK_ABORTED");
    expect(connected()).to.equal(true);
    child.kill("SIGCONT");
    expect((await kept).kind).to.equal("signed");
  });
});
