import {mkdir, mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {negated} from "../../../devnet/src/lies.js";
import {type LyingOperator, startLyingOperator} from "../../../devnet/src/lying-operator.js";
import {loadOrCreateIdentity} from "../../../src/adapters/libp2p/identity.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {startLink, startServer} from "../../support/libp2p-link.js";
import {keyOf, never, partialFor, requestOf} from "../../support/link.js";
import {waitFor} from "../../support/wait.js";

describe("the front of a lying operator", () => {
  let dir: string;
  let front: LyingOperator | undefined;
  const closing: (() => Promise<void>)[] = [];
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-liar-"));
  });
  after(() => rm(dir, {recursive: true, force: true}));
  afterEach(async () => {
    await front?.close();
    front = undefined;
    for (const close of closing.splice(0)) await close();
  });

  it("speaks in the operator's name: the truth, then lies, then the truth, and what it refuses it refuses", async () => {
    for (const name of ["operator", "signer"]) await mkdir(join(dir, name));
    const identity = await loadOrCreateIdentity(join(dir, "operator", "node.key"));
    const signer = await loadOrCreateIdentity(join(dir, "signer", "node.key"));
    const operator = await startServer({identity, allowed: new Set([signer.peerId])});
    closing.push(() => operator.server.close());
    front = await startLyingOperator(
      {logger: new MemoryLogger()},
      {operatorDir: join(dir, "operator"), signerDirs: [join(dir, "signer")], address: operator.addresses[0]!},
    );
    const {link} = await startLink({identity: signer});
    closing.push(() => link.close());
    link.setPeers([{peerId: identity.peerId, addresses: [`/ip4/127.0.0.1/tcp/${front.port}`]}]);
    await waitFor("the link", () => link.peers()[0]!.connected);
    const ask = (n: number) => link.requestPartial(identity.peerId, requestOf(n), never());
    // Until its own connection to the operator stands, it answers as an operator that is gone.
    while ((await ask(1)).kind !== "signed") await new Promise((resolve) => setTimeout(resolve, 5));

    expect(await ask(2)).to.deep.include({kind: "signed", partial: Buffer.from(partialFor(requestOf(2)))});
    front.lie("wrong");
    const lie = negated(partialFor(requestOf(3)));
    expect(await ask(3)).to.deep.include({kind: "signed", partial: lie});
    operator.fake.answer = () => ({kind: "refused", code: "SLASHING_DOUBLE_VOTE", message: "no"});
    expect(await ask(4)).to.deep.include({kind: "refused", code: "SLASHING_DOUBLE_VOTE"});
    operator.fake.marks = [{key: keyOf(1), slot: 1n, epoch: null}];
    expect(await link.watermarks(identity.peerId, never())).to.have.length(1);
    front.lie(null);
    operator.fake.answer = (request) => ({
      kind: "signed",
      committeeHash: request.committeeHash,
      partial: partialFor(request),
    });
    expect(await ask(5)).to.deep.include({kind: "signed", partial: Buffer.from(partialFor(requestOf(5)))});
  });
});
