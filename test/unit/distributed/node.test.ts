import {expect} from "chai";
import {loadSecretKey} from "../../../src/adapters/bls/blst.js";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {RankedRequests} from "../../../src/committee/ranked-requests.js";
import {fromHex, parseBytes4Hex, parseShareIndex, toHex} from "../../../src/core/bytes.js";
import {EMPTY_POLICY} from "../../../src/core/duty/policy.js";
import {holdMs} from "../../../src/core/ranking/delay.js";
import {scalarBytes} from "../../../src/core/threshold/scalar.js";
import type {VetoGate} from "../../../src/ports/veto.js";
import {type TestKey, testKey} from "../../support/committees.js";
import {EVERYTHING, endpointOf, someKey, testParticipant} from "../../support/distributed.js";
import {failure} from "../../support/errors.js";
import {attestation, block, randao} from "../../support/keeper.js";
import {settle} from "../../support/signing.js";
import {waitFor} from "../../support/wait.js";

/** The draft's vector: f(x) = 1 + 2x, any two of three. */
const VECTOR: TestKey = {
  secret: 1n,
  shares: [3n, 5n, 7n].map((value, i) => ({index: parseShareIndex(i + 1), secret: scalarBytes(value)})),
};
const TWO_OF_THREE = {n: 3, t: 2};
const generic = (domain: string) => ({
  type: "GENERIC",
  signing_data: {object_root: `0x${"00".repeat(32)}`, domain: domain.padEnd(66, "0")},
});

describe("an operator as a participant of the distributed profile", () => {
  it("makes what its unscaled share makes, whatever the size of the committee", async () => {
    for (const quorum of [TWO_OF_THREE, {n: 4, t: 3}, {n: 7, t: 5}, {n: 10, t: 7}, {n: 13, t: 9}]) {
      const key = quorum.n === 3 ? VECTOR : testKey(quorum.n, quorum);
      for (const id of [1, quorum.n]) {
        const {node, key: groupKey, duty} = await testParticipant([key], quorum, {id});
        const [request, root] = duty(randao(100));
        const reply = await node.sign(EVERYTHING, groupKey(), request, root);
        expect(reply).to.deep.equal({
          kind: "signed",
          participantId: id,
          signature: toHex(loadSecretKey(key.shares[id - 1]!.secret).sign(fromHex(root))),
        });
      }
    }
  });

  it("describes its accounts as the draft's example does", async () => {
    const {node, key} = await testParticipant([VECTOR], TWO_OF_THREE, {id: 2});
    const account = {
      participantId: 2,
      publicKey: "0xb0e7791fb972fe014159aa33a98622da3cdc98ff707965e536d8636b5fcc5ac7a91a8c46e59a00dca575af0f18fb13dc",
      compositePublicKey:
        "0x97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb",
      threshold: 2,
      participants: [1, 2, 3].map((id) => ({id, endpoint: endpointOf(id)})),
    };
    expect(node.accounts(EVERYTHING)).to.deep.equal([account]);
    expect(node.account(EVERYTHING, key())).to.deep.equal(account);
  });

  it("keeps to the record it has, whichever form the earlier message was signed in", async () => {
    const {ask, keeper, committee} = await testParticipant([testKey(1, {n: 4})], {n: 4, t: 3});
    const [validator] = committee.validators;
    /** The same message the other way in. */
    const scaled = async (request: unknown): Promise<string> => {
      const {groupPublicKey: key, committeeHash} = validator!;
      const {reply} = await keeper.sign({key, committeeHash, priority: 1, request});
      return reply.kind === "signed" ? "signed" : reply.code;
    };
    expect(await scaled(attestation(10, 11))).to.equal("signed");
    expect(await ask(attestation(10, 11))).to.equal("signed");
    expect(await ask(attestation(10, 11, {byte: 9}))).to.match(/^SLASHING_/);
    expect(await ask(block(50))).to.equal("signed");
    expect(await scaled(block(50, 9))).to.match(/^SLASHING_/);
    expect(await scaled(block(50))).to.equal("signed");
  });

  it("holds to policy: no generic message but of listed domain types, and never a proposer's or attester's", async () => {
    const policy = {...EMPTY_POLICY, genericDomainTypes: [parseBytes4Hex("0x00004242")]};
    const open = await testParticipant([VECTOR], TWO_OF_THREE, {policy});
    expect(await open.ask(generic("0x00004242"))).to.equal("signed");
    // The vector's own message is of domain type zero, which is the beacon proposer's.
    for (const domain of ["0x00000000", "0x01000000", "0x00004243"]) {
      expect(await open.ask(generic(domain))).to.equal("POLICY_DOMAIN_NOT_LISTED");
    }
    const shut = await testParticipant([VECTOR], TWO_OF_THREE);
    expect(await shut.ask(generic("0x00004242"))).to.equal("POLICY_DOMAIN_NOT_LISTED");
    const listed = {...EMPTY_POLICY, genericDomainTypes: [parseBytes4Hex("0x00000000")]};
    const careless = await testParticipant([VECTOR], TWO_OF_THREE, {policy: listed});
    expect(await careless.ask(generic("0x00000000"))).to.equal("POLICY_RESERVED_DOMAIN");
  });

  it("lets a coordinator see and use the keys it may, and does not say whether it holds others", async () => {
    const quorum = {n: 4, t: 3};
    const {node, ask, key, events} = await testParticipant([testKey(1, quorum), testKey(2, quorum)], quorum);
    const first = {...EVERYTHING, name: "first", keys: new Set([key(0), someKey(0xaa)])};
    expect(node.accounts(first).map(({compositePublicKey}) => compositePublicKey)).to.deep.equal([key(0)]);
    expect(node.accounts(EVERYTHING)).to.have.length(2);
    expect(await ask(randao(1), first)).to.equal("signed");
    expect(await ask(randao(1), first, key(1))).to.equal("DISTRIBUTED_KEY_NOT_ALLOWED");
    expect(await ask(randao(1), first, someKey(0xbb))).to.equal("DISTRIBUTED_KEY_NOT_ALLOWED");
    expect(await ask(randao(1), first, someKey(0xaa))).to.equal("DISTRIBUTED_UNKNOWN_KEY");
    failure("DISTRIBUTED_KEY_NOT_ALLOWED", () => node.account(first, key(1)));
    failure("DISTRIBUTED_UNKNOWN_KEY", () => node.account(EVERYTHING, someKey(0xbb)));
    expect(events[0]).to.deep.equal({
      kind: "profile-refused",
      coordinator: "first",
      key: key(1),
      outcome: "DISTRIBUTED_KEY_NOT_ALLOWED",
    });
  });

  it("signs for an account whose participants it cannot all name, but does not describe it, and says so", async () => {
    const {node, ask, key, logger, committee} = await testParticipant([VECTOR], TWO_OF_THREE, {endpoints: new Map()});
    expect(node.accounts(EVERYTHING)).to.deep.equal([]);
    expect(await ask(randao(1))).to.equal("signed");
    const error = failure("DISTRIBUTED_ENDPOINTS", () => node.account(EVERYTHING, key()));
    expect(error.message).to.contain(committee.operators[2]!.peerId);
    const warnings = logger.lines.filter(({level}) => level === "warn");
    expect(warnings.map(({fields}) => fields.code)).to.deep.equal(["DISTRIBUTED_ENDPOINTS"]);
  });

  it("uses the committee file its share belongs to when a key stands in two", async () => {
    const quorum = {n: 4, t: 3};
    const {node, ask} = await testParticipant([testKey(1, quorum)], quorum, {
      committees: (own) => {
        const [validator] = own.validators;
        const refreshed = {...validator!, committeeHash: validator!.committeeHash.replace(/^0x../, "0xff") as never};
        return [own, {...own, generation: 1, validators: [refreshed]}];
      },
    });
    expect(node.accounts(EVERYTHING)).to.have.length(1);
    expect(await ask(randao(1))).to.equal("signed");
  });

  it("lets a coordinator wait for its turn behind the signers of the committee file, unless it has a rank before them", async () => {
    const clock = new ManualClock();
    const ranked = new RankedRequests({clock}, {signerDelayMs: 1000});
    const {ask} = await testParticipant([testKey(1, {n: 4})], {n: 4, t: 3}, {modules: {ranked}});
    expect(await ask(block(50), {...EVERYTHING, rank: 0})).to.equal("signed");
    expect(await ask(randao(1))).to.equal("signed");
    let answer: string | null = null;
    void ask(block(51)).then((outcome) => {
      answer = outcome;
    });
    await settle();
    expect([answer, ranked.held]).to.deep.equal([null, 1]);
    clock.advance(holdMs(1, 1000));
    await waitFor("an answer", () => answer !== null);
    expect(answer).to.equal("signed");
    // Another message of a duty whose turn is over does not get one.
    expect(await ask(block(51, 9), {...EVERYTHING, rank: 2})).to.match(/^(?:OPERATOR_OUTRANKED|SLASHING_)/);
  });

  it("asks the vetoes of plugins, and refuses when one throws or gives no proper answer", async () => {
    const asked: string[] = [];
    const refusing: VetoGate = ({type}) => {
      asked.push(type);
      return {kind: "deny", code: "PLUGIN_VETO", message: "not today"};
    };
    const vetoed = await testParticipant([VECTOR], TWO_OF_THREE, {modules: {veto: refusing}});
    expect(await vetoed.ask(randao(1))).to.equal("PLUGIN_VETO");
    expect(asked).to.deep.equal(["RANDAO_REVEAL"]);
    const silent = (() => undefined) as unknown as VetoGate;
    const broken = await testParticipant([VECTOR], TWO_OF_THREE, {modules: {veto: silent}});
    expect(await broken.ask(randao(1))).to.equal("INTERNAL");
    expect(broken.logger.lines.some(({level}) => level === "error")).to.equal(true);
  });

  it("tells nothing of what went wrong inside, and passes the keeper's refusals on", async () => {
    const keys = async () => [];
    const sign = async () => {
      throw new Error("secret detail");
    };
    const empty = await testParticipant([VECTOR], TWO_OF_THREE, {modules: {keeper: {sign, keys}}});
    expect(await empty.ask(randao(1))).to.equal("DISTRIBUTED_UNKNOWN_KEY");
    const full = await testParticipant([VECTOR], TWO_OF_THREE);
    const failing = await testParticipant([VECTOR], TWO_OF_THREE, {
      modules: {keeper: {sign, keys: () => full.keeper.keys()}},
    });
    const reply = await failing.node.sign(EVERYTHING, failing.key(), ...failing.duty(randao(1)));
    expect(reply).to.deep.equal({kind: "refused", code: "INTERNAL", message: "internal error"});
    // A root that this process claims and the keeper does not compute.
    const [request] = full.duty(randao(1));
    const [, other] = full.duty(randao(2));
    const refusal = await full.node.sign(EVERYTHING, full.key(), request, other);
    expect(refusal.kind === "refused" && refusal.code).to.equal("CODEC_ROOT_MISMATCH");
  });
});
