import {expect} from "chai";
import {blstGroup, loadSecretKey} from "../../../src/adapters/bls/blst.js";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {CommitteeSigningService} from "../../../src/committee/signing-service.js";
import {fromHex, signatureHex} from "../../../src/core/bytes.js";
import {formatCommitteeFile, parseCommitteeFile} from "../../../src/core/committee/committee-file.js";
import {splitSecret} from "../../../src/core/threshold/polynomial.js";
import {scalarBytes} from "../../../src/core/threshold/scalar.js";
import type {OperatorLink} from "../../../src/ports/operator-link.js";
import {publicKeyOf, type TestKey, testDraft, testKey, testScalar} from "../../support/committees.js";
import {rejection} from "../../support/errors.js";
import {ScriptedLink} from "../../support/scripted-link.js";
import {rootOf} from "../../support/signing.js";

const SIZE = {n: 4, t: 3};

/** Both generations of one key at one signer, whose operators answer as their keepers do on either side of the handover. */
function bench() {
  const old = testKey(7, SIZE);
  const next: TestKey = {
    secret: old.secret,
    shares: splitSecret(old.secret, SIZE, [testScalar(901), testScalar(902)]),
  };
  const clock = new ManualClock();
  const committees = [old, next].map((key, generation) =>
    parseCommitteeFile(formatCommitteeFile({...testDraft([key], SIZE), generation}, blstGroup), blstGroup),
  );
  const links = [old, next].map((key) => new ScriptedLink(clock, [key], SIZE));
  const hashes = committees.map(({validators}) => validators[0]!.committeeHash);
  const link: OperatorLink = {
    setPeers: (peers) => links[0]!.setPeers(peers),
    peers: () => links[0]!.peers(),
    watermarks: (peer, signal) => links[0]!.watermarks(peer, signal),
    close: async () => {},
    requestPartial: (peer, request, signal) =>
      links[hashes.indexOf(request.committeeHash)]!.requestPartial(peer, request, signal),
  };
  const modules = {link, clock, logger: new MemoryLogger(), observer: () => {}, bls: blstGroup};
  const service = new CommitteeSigningService(
    {...modules, toWire: ({type}) => ({type})},
    // The order of the files means nothing.
    {committees, hedgeDelayMs: 50},
  );
  const refuse = (generation: number, code: "KEEPER_HANDOVER_PAST" | "KEEPER_HANDOVER_NOT_YET"): void => {
    for (const id of [1, 2, 3, 4]) links[generation]!.behaviours.set(id, {kind: "refuse", code});
  };
  const all = (generation: number, kind: "hang" | "sign"): void => {
    for (const id of [1, 2, 3, 4]) links[generation]!.behaviours.set(id, {kind});
  };
  const request = {type: "RANDAO_REVEAL", message: {epoch: 1n}, forkInfo: null, version: null} as const;
  const sign = (root: ReturnType<typeof rootOf>) =>
    service.sign(publicKeyOf(old.secret), request, root, new AbortController().signal);
  const whole = loadSecretKey(scalarBytes(old.secret));
  const expected = (root: ReturnType<typeof rootOf>) => signatureHex(whole.sign(fromHex(root)));
  return {service, links, refuse, all, sign, expected, key: publicKeyOf(old.secret), clock};
}

describe("a signer with two generations of a key", () => {
  it("lists the key once, and gets each signature from the generation whose time it is", async () => {
    const {service, refuse, all, sign, expected, key} = bench();
    expect(service.publicKeys()).to.deep.equal([key]);
    refuse(1, "KEEPER_HANDOVER_NOT_YET");
    expect(await sign(rootOf(1))).to.equal(expected(rootOf(1)));
    refuse(0, "KEEPER_HANDOVER_PAST");
    all(1, "sign");
    expect(await sign(rootOf(2))).to.equal(expected(rootOf(2)));
  });

  it("waits for neither when the other one answers", async () => {
    const {all, sign, expected} = bench();
    all(0, "hang");
    expect(await sign(rootOf(3))).to.equal(expected(rootOf(3)));
  });

  it("says why the newer one refused when neither signs", async () => {
    const {refuse, sign} = bench();
    refuse(0, "KEEPER_HANDOVER_PAST");
    refuse(1, "KEEPER_HANDOVER_NOT_YET");
    const {data} = await rejection("COMMITTEE_UNAVAILABLE", sign(rootOf(4)));
    expect(JSON.stringify(data.operators)).to.include("KEEPER_HANDOVER_NOT_YET");
  });
});
