import {expect} from "chai";
import {rootHex} from "../../../src/core/bytes.js";
import {parseSignRequest} from "../../../src/core/duty/request-codec.js";
import type {WireRequest} from "../../../src/core/duty/sign-request.js";
import {computeSigningRoot} from "../../../src/core/duty/signing-root.js";
import type {PleiadesError} from "../../../src/core/errors.js";
import type {PartialHandler} from "../../../src/ports/operator-server.js";
import type {OperatorFailure} from "../../../src/ports/signing-service.js";
import {testKey} from "../../support/committees.js";
import {attestation, block, randao, testNetwork} from "../../support/keeper.js";
import {memoryCommittee} from "../../support/memory-committee.js";
import {settle, waitOut} from "../../support/signing.js";

const NETWORK = testNetwork();
const KEY = testKey(1, {n: 4});
const DELAY_MS = 100;

/** Every partial signature that left an operator, as "operator, duty" and the roots it was for. */
type Released = Map<string, Set<string>>;

async function committeeOf({
  signers = 2,
  signerDelayMs = DELAY_MS,
  arriveAfterMs = () => 0,
}: {
  signers?: number;
  signerDelayMs?: number;
  /** Milliseconds a request is on its way. */
  arriveAfterMs?: (signer: number, operator: number) => number;
} = {}) {
  const released: Released = new Map();
  const all = await memoryCommittee([KEY], {
    n: 4,
    network: NETWORK,
    signers,
    signerDelayMs,
    between: (node, signer, operator, clock): PartialHandler => ({
      async handle(peer, request, gone) {
        const wayMs = arriveAfterMs(signer, operator);
        if (wayMs > 0) await new Promise<void>((resolve) => void clock.after(wayMs, resolve));
        const reply = await node.handle(peer, request, gone);
        if (reply.kind === "signed") note(released, operator, request.request);
        return reply;
      },
      watermarks: (peer) => node.watermarks(peer),
    }),
  });
  const sign = (signer: number, wire: WireRequest): Promise<string> => {
    const {request} = parseSignRequest(wire, NETWORK.preset);
    const root = rootHex(computeSigningRoot(request, NETWORK).signingRoot);
    const service = all.services[signer]!;
    return service.sign(service.publicKeys()[0]!, request, root, new AbortController().signal);
  };
  /** The signature, or the codes: the request's own and the operators'. */
  const outcome = (signer: number, wire: WireRequest): Promise<{signature: string} | {codes: string[]}> =>
    sign(signer, wire).then(
      (signature) => ({signature}),
      (error: PleiadesError) => ({
        codes: [error.code, ...((error.data.operators ?? []) as OperatorFailure[]).map(({code}) => code)],
      }),
    );
  return {...all, released, sign, outcome};
}

function note(released: Released, operator: number, {type, ...request}: WireRequest): void {
  const about = request.attestation as {target: {epoch: string}} | undefined;
  const block = request.beacon_block as {block_header: {slot: string}} | undefined;
  const duty = `${operator} ${type} ${about?.target.epoch ?? block?.block_header.slot}`;
  const roots = released.get(duty) ?? new Set();
  released.set(duty, roots.add(String(request.signingRoot)));
}

/** No operator has released partial signatures of two messages for one duty. */
function expectNoConflict(released: Released, about: string): void {
  for (const [duty, roots] of released) expect([...roots], `${about}: operator ${duty}`).to.have.length(1);
}

const isSigned = (result: object): boolean => "signature" in result;

describe("several signers of one committee", () => {
  it("gives the first signer the votes of all operators when the heads differ, and tells the second", async () => {
    const {outcome, clock, released, events} = await committeeOf();
    for (const [mine, yours] of [
      [attestation(97, 98), attestation(97, 98, {byte: 9})],
      [block(3100), block(3100, 9)],
    ] as const) {
      // The second signer's client is the quicker one.
      const second = outcome(1, yours);
      await settle();
      const first = outcome(0, mine);
      expect(isSigned(await waitOut(clock, first))).to.equal(true);
      const {codes} = (await waitOut(clock, second)) as {codes: string[]};
      expect(codes[0]).to.equal("COMMITTEE_REFUSED");
      expect(codes.slice(1).filter((code) => code === "OPERATOR_OUTRANKED").length).to.be.at.least(2);
    }
    expect(new Set([...released.values()].flatMap((roots) => [...roots])).size).to.equal(2);
    expectNoConflict(released, "heads differ");
    expect(clock.monotonic(), "nobody waited for a delay").to.be.lessThan(DELAY_MS);
    const screened = events.filter(({kind}) => kind === "operator-refused") as {outcome?: string}[];
    expect(new Set(screened.map(({outcome: code}) => code))).to.deep.equal(new Set(["OPERATOR_OUTRANKED"]));
  });

  it("gives both the signature at once when the heads agree", async () => {
    const {sign, clock} = await committeeOf();
    const second = sign(1, attestation(97, 98));
    await settle();
    expect(await sign(0, attestation(97, 98))).to.equal(await second);
    expect(clock.monotonic()).to.equal(0);
  });

  it("lets the second signer carry on alone after its delay, and does not take waiting for slowness", async () => {
    const {outcome, clock, services} = await committeeOf();
    for (let epoch = 90; epoch < 96; epoch++) {
      const started = clock.monotonic();
      expect(isSigned(await waitOut(clock, outcome(1, attestation(epoch - 1, epoch))))).to.equal(true);
      expect(clock.monotonic() - started).to.be.within(DELAY_MS, DELAY_MS + 10);
    }
    for (const {healthy, latencyMs, consecutiveMisses} of services[1]!.health()[0]!.operators) {
      expect({healthy, latencyMs, consecutiveMisses}).to.deep.equal({
        healthy: true,
        latencyMs: null,
        consecutiveMisses: 0,
      });
    }
  });

  it("lets the fourth signer wait longer than an operator's deadline without taking the operators for down", async () => {
    const {outcome, clock, services} = await committeeOf({signers: 4, signerDelayMs: 400});
    for (let epoch = 90; epoch < 94; epoch++) {
      expect(isSigned(await waitOut(clock, outcome(3, attestation(epoch - 1, epoch))))).to.equal(true);
    }
    expect(clock.monotonic()).to.be.greaterThan(4 * 1200 - 1);
    for (const {healthy, consecutiveMisses} of services[3]!.health()[0]!.operators) {
      expect({healthy, consecutiveMisses}).to.deep.equal({healthy: true, consecutiveMisses: 0});
    }
  });

  it("does not hold what cannot be slashed", async () => {
    const {sign, clock} = await committeeOf();
    await sign(1, randao(98));
    expect(clock.monotonic()).to.equal(0);
  });

  it("signs for the second signer what the first had asked for before it died in the middle", async () => {
    const {outcome, links, committee, clock, released} = await committeeOf();
    // Two operators have heard of it when the first signer goes.
    for (const {peerId} of committee.operators.slice(2)) links[0]!.setFaults(peerId, {drop: () => true});
    const first = outcome(0, attestation(97, 98));
    await settle();
    for (const {peerId} of committee.operators) links[0]!.disconnect(peerId);
    expect((await first) as object).to.have.property("codes");
    expect(isSigned(await waitOut(clock, outcome(1, attestation(97, 98))))).to.equal(true);
    expectNoConflict(released, "died in the middle");
  });

  it("forgets what it holds of a signer that died, so that a restarted one with another head is not bound by it", async () => {
    const {outcome, links, committee, clock, released} = await committeeOf();
    const first = outcome(1, attestation(97, 98, {byte: 9}));
    await settle();
    for (const {peerId} of committee.operators) links[1]!.disconnect(peerId);
    await first;
    for (const {peerId} of committee.operators) links[1]!.reconnect(peerId);
    expect(isSigned(await waitOut(clock, outcome(1, attestation(97, 98))))).to.equal(true);
    expect(released.size).to.equal(4);
    expectNoConflict(released, "restarted");
  });

  it("asks every operator at once when another signer may ask for something else, and only t when it is alone", async () => {
    for (const [signers, wire, asked] of [
      [2, attestation(97, 98), 4],
      [2, randao(98), 3],
      [1, attestation(97, 98), 3],
    ] as const) {
      const {sign, released, events} = await committeeOf({signers});
      await sign(0, wire);
      await settle();
      expect(released.size, `${signers} ${wire.type}`).to.equal(asked);
      expect(events.filter(({kind}) => kind === "operator-answered")).to.have.length(asked);
    }
  });

  it("never splits the votes while requests differ by less than the delay, and never signs two messages whatever they differ by", async () => {
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let seed = 1; seed <= 60; seed++) {
      state = seed;
      const close = seed % 2 === 0;
      const spread = close ? DELAY_MS - 10 : 4 * DELAY_MS;
      const three = random(2);
      const {outcome, released, clock} = await committeeOf({signers: 2 + three, arriveAfterMs: () => random(spread)});
      const head = (signer: number) => (random(3) === 0 ? 1 : 1 + signer);
      for (let epoch = 90; epoch < 93; epoch++) {
        const wires = Array.from({length: 2 + three}, (_, signer) =>
          attestation(epoch - 1, epoch, {byte: head(signer)}),
        );
        const results = await waitOut(clock, Promise.all(wires.map((wire, signer) => outcome(signer, wire))), 20_000);
        const signatures = new Set(results.filter(isSigned).map((result) => JSON.stringify(result)));
        const about = `seed ${seed}, epoch ${epoch}`;
        expect(signatures.size, about).to.be.at.most(1);
        if (close) expect(isSigned(results[0]!), about).to.equal(true);
        expectNoConflict(released, about);
      }
    }
  });
});
