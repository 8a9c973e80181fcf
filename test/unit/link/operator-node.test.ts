import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {OperatorNode} from "../../../src/committee/operator-node.js";
import {RankedRequests} from "../../../src/committee/ranked-requests.js";
import {type PeerIdText, parsePeerIdText} from "../../../src/core/bytes.js";
import type {Committee} from "../../../src/core/committee/committee.js";
import {PRESETS} from "../../../src/core/duty/preset.js";
import type {PleiadesEvent} from "../../../src/ports/observer.js";
import type {PartialReply, PartialRequest, Watermark} from "../../../src/ports/operator-link.js";
import type {VetoGate} from "../../../src/ports/veto.js";
import {attestation} from "../../support/keeper.js";
import {codeFrom, hashOf, keyOf, requestOf, signedFor} from "../../support/link.js";
import {settle} from "../../support/signing.js";

const peerIdOf = (n: number) => parsePeerIdText(`12D3KooW${String(n + 1).repeat(44)}`);
const [alice, bob, mallory] = [peerIdOf(1), peerIdOf(2), peerIdOf(3)] as [PeerIdText, PeerIdText, PeerIdText];

const committee = (coordinators: PeerIdText[], keys: Record<number, number>): Committee => ({
  version: 1,
  generation: 0,
  genesisValidatorsRoot: null,
  threshold: 3,
  operators: [],
  coordinators,
  validators: Object.entries(keys).map(([key, hash]) => ({
    groupPublicKey: keyOf(Number(key)),
    sharePublicKeys: [],
    committeeHash: hashOf(hash),
  })),
});

class FakeKeeper {
  readonly asked: PartialRequest[] = [];
  marks: Watermark[] = [];
  answer: (request: PartialRequest) => PartialReply = signedFor;
  async sign(request: PartialRequest): Promise<PartialReply> {
    this.asked.push(request);
    return this.answer(request);
  }
  async watermarks(): Promise<readonly Watermark[]> {
    return this.marks;
  }
}

function setUp({veto = null, ranked = null}: {veto?: VetoGate | null; ranked?: RankedRequests | null} = {}) {
  const keeper = new FakeKeeper();
  const events: PleiadesEvent[] = [];
  const logger = new MemoryLogger();
  let committees: readonly Committee[] = [committee([alice], {1: 7}), committee([bob], {2: 8})];
  const node = new OperatorNode(
    {keeper, logger, observer: (event) => events.push(event), veto, ranked},
    {committees: () => committees, preset: PRESETS.minimal},
  );
  return {
    node,
    keeper,
    events,
    logger,
    setCommittees: (changed: readonly Committee[]) => {
      committees = changed;
    },
    /** The refusal's code, or "signed". */
    ask: async (peer: PeerIdText, changes: Partial<PartialRequest> = {}) => {
      const reply = await node.handle(peer, requestOf(1, changes));
      return reply.kind === "signed" ? "signed" : reply.code;
    },
  };
}

describe("the operator node", () => {
  it("hands a coordinator's request to the keeper as it is, and the keeper's answer back", async () => {
    const {node, keeper, events} = setUp();
    const request = requestOf(1);
    expect(await node.handle(alice, request)).to.deep.equal(signedFor(request));
    expect(keeper.asked).to.deep.equal([request]);
    expect(events).to.deep.equal([]);
    keeper.answer = () => ({kind: "refused", code: "CODEC_HEX", message: "by the keeper"});
    expect(await node.handle(alice, request)).to.deep.equal({
      kind: "refused",
      code: "CODEC_HEX",
      message: "by the keeper",
    });
  });

  it("refuses unknown keys, coordinators of other committees and other committee files, and never asks the keeper", async () => {
    const {ask, keeper, events} = setUp();
    expect(await ask(alice, {key: keyOf(3)})).to.equal("OPERATOR_UNKNOWN_KEY");
    expect(await ask(bob)).to.equal("OPERATOR_NOT_COORDINATOR");
    expect(await ask(mallory)).to.equal("OPERATOR_NOT_COORDINATOR");
    expect(await ask(alice, {committeeHash: hashOf(8)})).to.equal("OPERATOR_COMMITTEE_MISMATCH");
    expect(keeper.asked).to.deep.equal([]);
    expect(events[2]).to.deep.equal({
      kind: "operator-refused",
      peerId: mallory,
      key: keyOf(1),
      outcome: "OPERATOR_NOT_COORDINATOR",
    });
  });

  it("follows a change of committee files", async () => {
    const {ask, setCommittees} = setUp();
    expect(await ask(alice)).to.equal("signed");
    setCommittees([committee([bob], {1: 7})]);
    expect(await ask(alice)).to.equal("OPERATOR_NOT_COORDINATOR");
    expect(await ask(bob)).to.equal("signed");
    setCommittees([]);
    expect(await ask(bob)).to.equal("OPERATOR_UNKNOWN_KEY");
  });

  it("serves both files of a key that stands in two, each to its own coordinators", async () => {
    const {ask, setCommittees} = setUp();
    setCommittees([committee([alice], {1: 7}), committee([alice, bob], {1: 9})]);
    expect(await ask(alice)).to.equal("signed");
    expect(await ask(alice, {committeeHash: hashOf(9)})).to.equal("signed");
    expect(await ask(bob, {committeeHash: hashOf(9)})).to.equal("signed");
    expect(await ask(bob)).to.equal("OPERATOR_COMMITTEE_MISMATCH");
  });

  it("tells a coordinator the watermarks of its own committees only", async () => {
    const {node, keeper} = setUp();
    keeper.marks = [1, 2, 3].map((n) => ({key: keyOf(n), slot: BigInt(n), epoch: null}));
    expect((await node.watermarks(alice)).map(({key}) => key)).to.deep.equal([keyOf(1)]);
    expect((await node.watermarks(bob)).map(({key}) => key)).to.deep.equal([keyOf(2)]);
    expect(await node.watermarks(mallory)).to.deep.equal([]);
  });

  it("lets a veto refuse what it sees typed, and asks the keeper about the rest", async () => {
    const {node, ask, keeper} = setUp({
      veto: ({key, type, request}) => {
        expect([key, type]).to.deep.equal([keyOf(1), "RANDAO_REVEAL"]);
        return request.type === "RANDAO_REVEAL" && request.message.epoch === 1n
          ? {kind: "deny", code: "POLICY_WRONG_FORK", message: "not epoch 1"}
          : {kind: "approve"};
      },
    });
    expect(await node.handle(alice, requestOf(1))).to.deep.equal({
      kind: "refused",
      code: "POLICY_WRONG_FORK",
      message: "not epoch 1",
    });
    expect(keeper.asked).to.deep.equal([]);
    expect(await ask(alice, {request: requestOf(2).request})).to.equal("signed");
  });

  it("refuses when a veto throws or gives no proper answer", async () => {
    const throwing = setUp({
      veto: () => {
        throw new Error("oops");
      },
    });
    expect(await throwing.ask(alice)).to.equal("INTERNAL");
    expect(throwing.logger.lines.some(({level}) => level === "error")).to.equal(true);
    const silent = setUp({veto: (() => undefined) as unknown as VetoGate});
    expect(await silent.ask(alice)).to.equal("INTERNAL");
    expect([...throwing.keeper.asked, ...silent.keeper.asked]).to.deep.equal([]);
  });

  it("refuses what cannot be parsed when a veto wants to see it, with the parser's code", async () => {
    const {ask, keeper} = setUp({veto: () => ({kind: "approve"})});
    expect(await ask(alice, {request: {type: "RANDAO_REVEAL", randao_reveal: {epoch: "-1"}}})).to.match(/^CODEC_/);
    expect(keeper.asked).to.deep.equal([]);
  });

  it("answers with a refusal when the keeper breaks its word and throws", async () => {
    const {node, ask, keeper} = setUp();
    keeper.answer = () => {
      throw new Error("secret detail");
    };
    expect(await ask(alice)).to.equal("INTERNAL");
    const reply = await node.handle(alice, requestOf(1));
    expect(reply.kind === "refused" && reply.message).to.equal("internal error");
    expect(await codeFrom(node.handle(alice, requestOf(1)))).to.equal("resolved");
  });

  it("ranks signers by their place in the committee file that the request names", async () => {
    const clock = new ManualClock();
    const {node, keeper, setCommittees, events} = setUp({ranked: new RankedRequests({clock}, {signerDelayMs: 500})});
    // The same key in two generations, whose files rank the two signers the other way round; and with one signer.
    setCommittees([committee([alice, bob], {1: 7}), committee([bob, alice], {1: 8}), committee([bob], {2: 9})]);
    const ask = (peer: PeerIdText, hash: number, epoch: number, byte = 1, key = 1): Promise<string> =>
      node
        .handle(
          peer,
          requestOf(1, {key: keyOf(key), committeeHash: hashOf(hash), request: attestation(1, epoch, {byte})}),
        )
        .then((reply) => (reply.kind === "signed" ? "signed" : reply.code));
    expect(await ask(alice, 7, 2)).to.equal("signed");
    expect(await ask(bob, 8, 3)).to.equal("signed");
    expect(await ask(bob, 9, 3, 1, 2), "alone").to.equal("signed");
    const asked = keeper.asked.length;
    const held = [ask(bob, 7, 4), ask(alice, 8, 5)];
    await settle();
    expect(keeper.asked.length).to.equal(asked);
    expect(await ask(alice, 7, 4, 9)).to.equal("signed");
    expect(await held[0]).to.equal("OPERATOR_OUTRANKED");
    clock.advance(500);
    expect(await held[1]).to.equal("signed");
    expect(events).to.deep.equal([
      {kind: "operator-refused", peerId: bob, key: keyOf(1), outcome: "OPERATOR_OUTRANKED"},
    ]);
  });

  it("lets a vetoed request take nobody's turn", async () => {
    const ranked = new RankedRequests({clock: new ManualClock()}, {signerDelayMs: 500});
    const {node, setCommittees} = setUp({ranked, veto: () => ({kind: "deny", code: "PLUGIN_VETO", message: "no"})});
    setCommittees([committee([alice, bob], {1: 7})]);
    const reply = await node.handle(bob, requestOf(1, {request: attestation(1, 2)}));
    expect(reply).to.deep.include({kind: "refused", code: "PLUGIN_VETO"});
    expect(ranked.held).to.equal(0);
  });
});
