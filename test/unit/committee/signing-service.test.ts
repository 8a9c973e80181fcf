import {expect} from "chai";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {PRIORITY, type SignRequest} from "../../../src/core/duty/sign-request.js";
import type {PleiadesError} from "../../../src/core/errors.js";
import type {OperatorFailure} from "../../../src/ports/signing-service.js";
import {publicKeyOf, testPeerId, testScalar} from "../../support/committees.js";
import {rejection} from "../../support/errors.js";
import {INFINITY_SIGNATURE} from "../../support/odd-points.js";
import type {Behaviour} from "../../support/scripted-link.js";
import {otherCode, rootOf, settle, signingBench, waitOut} from "../../support/signing.js";

const slashable: Behaviour = {kind: "refuse", code: otherCode("SLASHING_DOUBLE_VOTE")};
const full: Behaviour = {kind: "refuse", code: otherCode("SLASHING_STORE_FAILED")};
/** A valid signature, but of the group's other root: what a real liar would send. */
const lie: Behaviour = {
  kind: "send",
  partial: (honest) => {
    const point = blstGroup.signatures.load(honest, "full");
    return blstGroup.signatures.bytes(blstGroup.signatures.sum([point, point]));
  },
};
const codesOf = (error: PleiadesError) => (error.data.operators as OperatorFailure[]).map(({code}) => code as string);

describe("CommitteeSigningService: who is asked", () => {
  it("asks t operators and gives the whole key's signature", async () => {
    const {sign, expected, link, eventsOf, groupKey, committee} = signingBench();
    expect(await sign(rootOf(1))).to.equal(expected(rootOf(1)));
    expect(link.askedIds()).to.deep.equal([1, 2, 3]);
    const [{request}] = link.asked as [(typeof link.asked)[number]];
    expect(request).to.deep.equal({
      key: groupKey,
      committeeHash: committee.validators[0]!.committeeHash,
      priority: PRIORITY.rest,
      request: {type: "RANDAO_REVEAL", signingRoot: rootOf(1)},
    });
    expect(eventsOf("request-finished")).to.deep.equal([
      {
        kind: "request-finished",
        type: "RANDAO_REVEAL",
        key: groupKey,
        outcome: "ok",
        durationMs: 0,
        signers: [1, 2, 3],
        replayed: false,
      },
    ]);
    expect(eventsOf("operator-answered").map(({operatorId, outcome}) => [operatorId, outcome])).to.deep.equal([
      [1, "signed"],
      [2, "signed"],
      [3, "signed"],
    ]);
  });

  it("gives right signatures with committees of 7, 10 and 13", async () => {
    for (const n of [7, 10, 13]) {
      const {sign, expected} = signingBench({n});
      expect(await sign(rootOf(n))).to.equal(expected(rootOf(n)));
    }
  });

  it("takes turns, so that everybody's participation is seen", async () => {
    const {sign, link} = signingBench();
    for (let i = 0; i < 4; i++) await sign(rootOf(i));
    const counts = [1, 2, 3, 4].map((id) => link.askedIds().filter((asked) => asked === id).length);
    expect(counts).to.deep.equal([3, 3, 3, 3]);
  });

  it("prefers the quick ones, but asks a slow one now and then", async () => {
    const {sign, link, clock} = signingBench({behaviours: {2: {kind: "sign", afterMs: 40}}});
    for (let i = 0; i < 3; i++) await waitOut(clock, sign(rootOf(i)));
    const before = link.asked.length;
    for (let i = 10; i < 20; i++) await waitOut(clock, sign(rootOf(i)));
    expect(link.askedIds(before)).not.to.include(2);
    clock.advance(5000);
    const later = link.asked.length;
    await waitOut(clock, sign(rootOf(30)));
    expect(link.askedIds(later)).to.have.members([1, 2, 3, 4]);
  });

  it("does not wait for an operator that is disconnected", async () => {
    const {sign, expected, link, clock} = signingBench({behaviours: {1: {kind: "gone"}}});
    expect(await sign(rootOf(1))).to.equal(expected(rootOf(1)));
    expect(link.askedIds()).to.deep.equal([2, 3, 4]);
    expect(clock.monotonic()).to.equal(0);
  });

  it("asks the rest at once when one fails or refuses", async () => {
    for (const behaviour of [{kind: "wrong hash"}, slashable, lie] as const) {
      const {sign, expected, link, clock} = signingBench({behaviours: {2: behaviour}});
      expect(await sign(rootOf(1))).to.equal(expected(rootOf(1)));
      expect(link.askedIds()).to.deep.equal([1, 2, 3, 4]);
      expect(clock.monotonic()).to.equal(0);
    }
  });

  it("asks the rest after the hedge delay when one is slow, and not before", async () => {
    const {sign, expected, link, clock} = signingBench({behaviours: {1: {kind: "sign", afterMs: 800}}});
    const signature = sign(rootOf(1));
    await settle();
    clock.advance(49);
    await settle();
    expect(link.askedIds()).to.deep.equal([1, 2, 3]);
    clock.advance(1);
    expect(await signature).to.equal(expected(rootOf(1)));
    expect(link.askedIds()).to.deep.equal([1, 2, 3, 4]);
    expect(clock.monotonic()).to.equal(50);
  });

  it("hedges a share of the requests once everything that was under way has been hedged, and blocks always", async () => {
    const {sign, service, groupKey, link, clock} = signingBench({
      // Slower than the hedge, yet in time: nobody counts as down.
      behaviours: {1: {kind: "sign", afterMs: 60}},
      options: {cachedSignatures: 1},
    });
    const hedged = async (start: () => Promise<unknown>): Promise<boolean> => {
      const before = link.asked.length;
      const done = start();
      await settle();
      clock.advance(50);
      await settle();
      const all = link.askedIds(before).length === 4;
      clock.advance(50);
      await done;
      return all;
    };
    // Slow by turns, so that it stays among the first asked.
    for (const id of [2, 3, 4]) link.behaviours.set(id, {kind: "sign", afterMs: 60});
    let hedges = 0;
    for (let i = 1; i <= 300; i++) if (await hedged(() => sign(rootOf(i)))) hedges++;
    // The budget of 128, and a tenth of the requests.
    expect(hedges).to.be.within(128, 128 + 30 + 1);
    const block: SignRequest = {type: "BLOCK_V2", message: {} as never, forkInfo: null, version: null};
    const never = new AbortController().signal;
    expect(await hedged(() => service.sign(groupKey, block, rootOf(1000), never))).to.equal(true);
    clock.advance(1000);
    await settle();
    expect(clock.pending()).to.equal(0);
  });

  it("leaves no timer behind once everybody has answered", async () => {
    const {sign, clock} = signingBench();
    await sign(rootOf(1));
    await settle();
    expect(clock.pending()).to.equal(0);
  });
});

describe("CommitteeSigningService: liars", () => {
  it("names the liar, signs all the same, and asks it last from then on", async () => {
    const {sign, expected, link, logger, eventsOf, groupKey, service} = signingBench({behaviours: {2: lie}});
    expect(await sign(rootOf(1))).to.equal(expected(rootOf(1)));
    const convicted = {kind: "operator-convicted", operatorId: 2, peerId: testPeerId(2), key: groupKey};
    expect(eventsOf("operator-convicted")).to.deep.equal([convicted]);
    const errors = logger.lines.filter(({level}) => level === "error");
    expect(errors).to.have.length(1);
    expect(errors[0]!.fields).to.include({operatorId: 2, code: "THRESHOLD_INVALID_PARTIAL", key: groupKey});
    const before = link.asked.length;
    for (let i = 2; i < 6; i++) expect(await sign(rootOf(i))).to.equal(expected(rootOf(i)));
    expect(link.askedIds(before)).not.to.include(2);
    const [{operators, healthyOperators}] = service.health() as [ReturnType<typeof service.health>[number]];
    expect(operators.map(({convicted: c}) => c)).to.deep.equal([false, true, false, false]);
    expect(healthyOperators).to.equal(3);
  });

  it("still uses a convict when it is needed, and checks its partials one by one", async () => {
    const {sign, expected, link, eventsOf} = signingBench({behaviours: {2: lie}});
    await sign(rootOf(1));
    link.behaviours.set(3, {kind: "gone"});
    link.behaviours.set(2, {kind: "sign"});
    expect(await sign(rootOf(2))).to.equal(expected(rootOf(2)));
    link.behaviours.set(2, lie);
    const error = await rejection("COMMITTEE_UNAVAILABLE", sign(rootOf(3)));
    expect(codesOf(error)).to.deep.equal([
      "COMMITTEE_SIGNED",
      "THRESHOLD_INVALID_PARTIAL",
      "COMMITTEE_NO_ANSWER",
      "COMMITTEE_SIGNED",
    ]);
    expect(eventsOf("operator-convicted").map(({operatorId}) => operatorId)).to.deep.equal([2, 2]);
  });

  it("convicts an operator whose partial is no point at all or infinity", async () => {
    for (const bytes of [new Uint8Array(192).fill(7), new Uint8Array(3), INFINITY_SIGNATURE]) {
      const {sign, expected, eventsOf} = signingBench({behaviours: {3: {kind: "send", partial: () => bytes}}});
      expect(await sign(rootOf(1))).to.equal(expected(rootOf(1)));
      expect(eventsOf("operator-convicted").map(({operatorId}) => operatorId)).to.deep.equal([3]);
    }
  });

  it("survives f liars among 7", async () => {
    const {sign, expected, eventsOf} = signingBench({n: 7, behaviours: {1: lie, 4: lie}});
    expect(await sign(rootOf(1))).to.equal(expected(rootOf(1)));
    expect(eventsOf("operator-convicted").map(({operatorId}) => operatorId)).to.deep.equal([1, 4]);
  });

  it("survives f liars among 13 that lie together", async () => {
    const {sign, expected, eventsOf} = signingBench({n: 13, behaviours: {2: lie, 5: lie, 8: lie, 9: lie}});
    expect(await sign(rootOf(1))).to.equal(expected(rootOf(1)));
    expect(eventsOf("operator-convicted").map(({operatorId}) => operatorId)).to.deep.equal([2, 5, 8, 9]);
  });

  it("never gives a wrong signature with more liars than that: it gives none", async () => {
    const {sign, eventsOf} = signingBench({behaviours: {1: lie, 2: lie}});
    const error = await rejection("COMMITTEE_UNAVAILABLE", sign(rootOf(1)));
    expect(codesOf(error).slice(0, 2)).to.deep.equal(["THRESHOLD_INVALID_PARTIAL", "THRESHOLD_INVALID_PARTIAL"]);
    expect(error.data.operators).to.have.length(4);
    expect(eventsOf("request-finished").map(({outcome}) => outcome)).to.deep.equal(["COMMITTEE_UNAVAILABLE"]);
  });

  it("blames nobody when every partial fails: then it is the signer that is wrong", async () => {
    const {sign, eventsOf, logger} = signingBench({behaviours: {1: lie, 2: lie, 3: lie, 4: lie}});
    const error = await rejection("COMMITTEE_UNAVAILABLE", sign(rootOf(1)));
    expect(codesOf(error).filter((code) => code === "THRESHOLD_ROOT_DISAGREEMENT")).to.have.length(3);
    expect(eventsOf("operator-convicted")).to.deep.equal([]);
    expect(logger.lines.filter(({level}) => level === "error")).to.have.length(1);
  });

  it("never blames an operator for the hash of another committee file", async () => {
    const {sign, eventsOf} = signingBench({behaviours: {1: {kind: "wrong hash"}, 2: {kind: "wrong hash"}}});
    const error = await rejection("COMMITTEE_UNAVAILABLE", sign(rootOf(1)));
    expect(codesOf(error).slice(0, 2)).to.deep.equal(["COMMITTEE_HASH_MISMATCH", "COMMITTEE_HASH_MISMATCH"]);
    expect(eventsOf("operator-convicted")).to.deep.equal([]);
  });
});

describe("CommitteeSigningService: when no signature comes about", () => {
  it("does not know a key of no committee", async () => {
    const {sign, eventsOf} = signingBench();
    const stranger = publicKeyOf(testScalar(99));
    await rejection("COMMITTEE_UNKNOWN_KEY", sign(rootOf(1), undefined, stranger));
    expect(eventsOf("request-finished").map(({outcome}) => outcome)).to.deep.equal(["COMMITTEE_UNKNOWN_KEY"]);
  });

  it("is refused when more than n-t operators refuse for slashing", async () => {
    const {sign} = signingBench({behaviours: {1: slashable, 3: slashable}});
    const error = await rejection("COMMITTEE_REFUSED", sign(rootOf(1)));
    expect(error.data.operators).to.have.length(4);
    expect(codesOf(error)[0]).to.equal("SLASHING_DOUBLE_VOTE");
    expect(codesOf(error)[2]).to.equal("SLASHING_DOUBLE_VOTE");
    expect((error.data.operators as OperatorFailure[])[0]!.message).to.equal("refused: SLASHING_DOUBLE_VOTE");
    expect(error.message).to.contain("SLASHING_DOUBLE_VOTE");
  });

  it("counts a policy's and a plugin's refusals with them, but no failing disk and no failing plugin", async () => {
    const refusing = (code: string): Behaviour => ({kind: "refuse", code: otherCode(code)});
    for (const [one, two, code] of [
      ["SLASHING_DOUBLE_VOTE", "POLICY_TOO_EARLY", "COMMITTEE_REFUSED"],
      ["PLUGIN_VETO", "POLICY_TOO_EARLY", "COMMITTEE_REFUSED"],
      ["SLASHING_STORE_FAILED", "SLASHING_STORE_FAILED", "COMMITTEE_UNAVAILABLE"],
      ["PLUGIN_VETO_FAILED", "PLUGIN_VETO_FAILED", "COMMITTEE_UNAVAILABLE"],
      ["CODEC_ROOT_MISMATCH", "CODEC_ROOT_MISMATCH", "COMMITTEE_UNAVAILABLE"],
    ] as const) {
      const {sign} = signingBench({behaviours: {1: refusing(one), 2: refusing(two)}});
      await rejection(code, sign(rootOf(1)));
    }
  });

  it("signs when only n-t refuse", async () => {
    const {sign, expected} = signingBench({n: 7, behaviours: {1: slashable, 3: slashable}});
    expect(await sign(rootOf(1))).to.equal(expected(rootOf(1)));
  });

  it("is unavailable, not refused, when n-t refuse and others are gone", async () => {
    const {sign} = signingBench({behaviours: {1: slashable, 2: {kind: "gone"}}});
    const error = await rejection("COMMITTEE_UNAVAILABLE", sign(rootOf(1)));
    expect(codesOf(error)).to.include.members(["SLASHING_DOUBLE_VOTE", "COMMITTEE_NO_ANSWER"]);
  });

  it("waits for a clearer reason when some refused and others are gone", async () => {
    const late: Behaviour = {...slashable, afterMs: 20};
    const {sign, clock} = signingBench({behaviours: {1: slashable, 2: {kind: "gone"}, 3: late, 4: late}});
    await rejection("COMMITTEE_REFUSED", waitOut(clock, sign(rootOf(1))));
    expect(clock.monotonic()).to.be.at.most(25);
    const hung = signingBench({behaviours: {1: slashable, 2: {kind: "gone"}, 3: {kind: "hang"}, 4: {kind: "hang"}}});
    await rejection("COMMITTEE_UNAVAILABLE", waitOut(hung.clock, hung.sign(rootOf(1))));
    expect(hung.clock.monotonic()).to.be.at.most(60);
  });

  it("is unavailable at once when fewer than t are connected or able", async () => {
    const {sign, clock} = signingBench({behaviours: {1: full, 2: {kind: "gone"}}});
    await rejection("COMMITTEE_UNAVAILABLE", sign(rootOf(1)));
    expect(clock.monotonic()).to.equal(0);
  });

  it("times out with a reason for each operator", async () => {
    const {sign, clock} = signingBench({behaviours: {1: {kind: "hang"}, 2: {kind: "hang"}}});
    const deadline = new AbortController();
    const signature = sign(rootOf(1), deadline.signal);
    await settle();
    clock.advance(2000);
    await settle();
    deadline.abort();
    const error = await rejection("COMMITTEE_TIMEOUT", signature);
    expect(codesOf(error)).to.deep.equal([
      "COMMITTEE_NO_ANSWER",
      "COMMITTEE_NO_ANSWER",
      "COMMITTEE_SIGNED",
      "COMMITTEE_SIGNED",
    ]);
  });

  it("asks nobody when the deadline has passed already", async () => {
    const {sign, link} = signingBench();
    const error = await rejection("COMMITTEE_TIMEOUT", sign(rootOf(1), AbortSignal.abort()));
    expect(codesOf(error)).to.deep.equal(Array(4).fill("COMMITTEE_NOT_ASKED"));
    expect(link.asked).to.deep.equal([]);
  });
});

describe("CommitteeSigningService: repeats and callers", () => {
  it("answers a repeat from memory, byte for byte", async () => {
    const {sign, link, eventsOf} = signingBench();
    const first = await sign(rootOf(1));
    const asked = link.asked.length;
    expect(await sign(rootOf(1))).to.equal(first);
    expect(link.asked).to.have.length(asked);
    expect(eventsOf("request-finished").map(({replayed, signers}) => [replayed, signers])).to.deep.equal([
      [false, [1, 2, 3]],
      [true, []],
    ]);
  });

  it("keeps no more signatures than it was told, the least recently asked forgotten first", async () => {
    const {sign, link} = signingBench({options: {cachedSignatures: 2}});
    for (const root of [1, 2, 1, 3]) await sign(rootOf(root));
    const asked = link.asked.length;
    await sign(rootOf(1));
    await sign(rootOf(3));
    expect(link.asked).to.have.length(asked);
    await sign(rootOf(2));
    expect(link.asked).to.have.length(asked + 3);
  });

  it("lets identical requests share one flight", async () => {
    const {sign, expected, link, clock} = signingBench({behaviours: {1: {kind: "sign", afterMs: 10}}});
    const both = Promise.all([sign(rootOf(1)), sign(rootOf(1)), sign(rootOf(2))]);
    const [a, b, c] = await waitOut(clock, both);
    expect([a, b, c]).to.deep.equal([expected(rootOf(1)), expected(rootOf(1)), expected(rootOf(2))]);
    expect(link.asked.filter(({request}) => request.request.signingRoot === rootOf(1))).to.have.length(3);
  });

  it("does not let one caller's abort end another's flight", async () => {
    const {sign, expected, clock} = signingBench({behaviours: {1: {kind: "sign", afterMs: 20}}});
    const first = new AbortController();
    const aborted = sign(rootOf(1), first.signal);
    const other = sign(rootOf(1));
    await settle();
    first.abort();
    await rejection("COMMITTEE_TIMEOUT", aborted);
    clock.advance(20);
    expect(await other).to.equal(expected(rootOf(1)));
  });

  it("ends the flight when its last caller has left, and begins a new one for the next", async () => {
    const {sign, expected, link, clock} = signingBench({behaviours: {1: {kind: "hang"}, 2: {kind: "hang"}}});
    const [a, b] = [new AbortController(), new AbortController()];
    const both = [sign(rootOf(1), a.signal), sign(rootOf(1), b.signal)];
    await settle();
    a.abort();
    b.abort();
    for (const call of both) await rejection("COMMITTEE_TIMEOUT", call);
    const asked = link.asked.length;
    link.behaviours.clear();
    expect(await sign(rootOf(1))).to.equal(expected(rootOf(1)));
    expect(link.askedIds(asked)).to.have.length(3);
    // The hung calls are given up at their own deadline.
    expect(link.asked[0]!.signal.aborted).to.be.false;
    clock.advance(1000);
    await settle();
    expect(link.asked[0]!.signal.aborted).to.be.true;
    expect(clock.pending()).to.equal(0);
  });

  it("verifies once for each signature", async () => {
    let verified = 0;
    const verify: typeof blstGroup.verify = (...args) => {
      verified++;
      return blstGroup.verify(...args);
    };
    const {sign} = signingBench({
      modules: {verify: async (message, key, signature) => verify(message, key, signature)},
    });
    await sign(rootOf(1));
    await sign(rootOf(1));
    expect(verified).to.equal(1);
  });

  it("releases nothing when the verification itself fails", async () => {
    const {sign} = signingBench({modules: {verify: () => Promise.reject(new Error("worker gone"))}});
    const settled = await Promise.allSettled([sign(rootOf(1))]);
    expect(settled[0]!.status).to.equal("rejected");
  });
});
