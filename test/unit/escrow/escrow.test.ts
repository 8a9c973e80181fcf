import {createHash} from "node:crypto";
import {expect} from "chai";
import {blstDkgGroup, blstGroup} from "../../../src/adapters/bls/blst.js";
import {exitRequest} from "../../../src/app/exit/decide.js";
import {namedNetwork} from "../../../src/app/networks.js";
import {fromHex, parseEpoch, parseRootHex, parseShareIndex, rootHex} from "../../../src/core/bytes.js";
import {formatCommitteeFile, parseCommitteeFile} from "../../../src/core/committee/committee-file.js";
import {sealingPublicKey} from "../../../src/core/dkg/sealing.js";
import {computeSigningRoot} from "../../../src/core/duty/signing-root.js";
import type {PleiadesError} from "../../../src/core/errors.js";
import {type EscrowedExit, escrowedExit, escrowedSigningRoot} from "../../../src/core/escrow/exit.js";
import {formatHolderKey, parseHolderKey} from "../../../src/core/escrow/key-file.js";
import {openEscrow} from "../../../src/core/escrow/open.js";
import {
  formatSealedExit,
  openExit,
  parseSealedExit,
  type SealedExit,
  sealExit,
} from "../../../src/core/escrow/sealed.js";
import {testDraft, testKey} from "../../support/committees.js";
import {anyFailure} from "../../support/errors.js";

const bytes = (text: string): Uint8Array => new Uint8Array(createHash("sha256").update(text).digest());
const CHAIN = parseRootHex(`0x${"11".repeat(32)}`);
const [SECRET, OTHER_SECRET] = [bytes("holder"), bytes("other")];
const [HOLDER, OTHER_HOLDER] = [rootHex(sealingPublicKey(SECRET)), rootHex(sealingPublicKey(OTHER_SECRET))];
const [KEY, OTHER_KEY] = [testKey(1, {n: 4}), testKey(2, {n: 4})];
const committee = parseCommitteeFile(
  formatCommitteeFile({...testDraft([KEY, OTHER_KEY], {n: 4}), genesisValidatorsRoot: CHAIN}, blstGroup),
  blstGroup,
);

describe("an exit in escrow", () => {
  let exit: EscrowedExit;
  before(async () => {
    exit = escrowedExit(await namedNetwork("mainnet"), 123n);
  });

  const part = (index: number, {about = exit, holder = HOLDER, share = index, validator = 0} = {}): SealedExit => {
    const {groupPublicKey, committeeHash} = committee.validators[validator]!;
    const {secret} = [KEY, OTHER_KEY][validator]!.shares[share - 1]!;
    const scalar = BigInt(`0x${Buffer.from(secret).toString("hex")}`);
    const partial = blstDkgGroup.sign(scalar, escrowedSigningRoot(about, CHAIN));
    const context = {groupPublicKey, committeeHash, shareIndex: parseShareIndex(index), exit: about, holder};
    return sealExit(context, {partial, secret: bytes(`ephemeral ${index} ${about.validatorIndex}`), chain: CHAIN});
  };
  const open = (parts: readonly SealedExit[]) => openEscrow(blstGroup, {committee, secret: SECRET}, parts);
  const tooFew = (parts: readonly SealedExit[]): PleiadesError => {
    const error = anyFailure(() => open(parts));
    expect(error.code).to.equal("ESCROW_TOO_FEW");
    return error;
  };

  it("is the exit that operators sign on that chain, of the first epoch that holds for ever", async () => {
    const network = await namedNetwork("mainnet");
    expect([exit.epoch, exit.forkVersion]).to.deep.equal([269568n, "0x03000000"]);
    const {signingRoot} = computeSigningRoot(exitRequest(123n, exit.epoch, network), network);
    expect(escrowedSigningRoot(exit, network.genesisValidatorsRoot!)).to.deep.equal(signingRoot);
    expect(anyFailure(() => escrowedExit({forks: null}, 1n)).code).to.equal("KEEPER_ESCROW_CHAIN");
    const capella = network.forks!.slice(0, 4);
    expect(anyFailure(() => escrowedExit({forks: capella}, 1n)).code).to.equal("KEEPER_ESCROW_CHAIN");
  });

  it("is whole once any t of its parts are opened, and verifies under the validator's key", () => {
    for (const parts of [
      [1, 2, 3],
      [4, 2, 1],
      [2, 3, 4],
      [1, 2, 3, 4],
    ]) {
      const {key, signature, bad} = open(parts.map((index) => part(index)));
      const point = blstGroup.signatures.load(fromHex(signature), "full");
      const publicKey = blstGroup.publicKeys.load(fromHex(key), "full");
      expect(blstGroup.verify(escrowedSigningRoot(exit, CHAIN), publicKey, point)).to.equal(true);
      expect(bad).to.deep.equal([]);
    }
  });

  it("is not whole with fewer than t, one part twice or not", () => {
    expect(tooFew([part(1), part(2)]).data).to.deep.include({have: 2, need: 3, bad: []});
    expect(tooFew([part(1), part(2), part(1), part(2)]).data).to.deep.include({have: 2});
  });

  it("names each bad part with the reason, and does without it", () => {
    const good = [part(1), part(2), part(3)];
    const bad: [SealedExit, string][] = [
      [part(4, {share: 3}), "not the signature of its share"],
      [{...part(4), sealed: part(3).sealed}, "cannot be opened"],
      [{...part(4), exit: {...exit, validatorIndex: 124n}}, "cannot be opened"],
      [{...part(4), shareIndex: parseShareIndex(3)}, "cannot be opened"],
      [part(4, {about: {...exit, validatorIndex: 124n}}), "of another exit than most"],
      [part(4, {holder: OTHER_HOLDER}), "sealed for another key"],
      [{...part(4), holder: OTHER_HOLDER}, "sealed for another key"],
      [{...part(4), committeeHash: CHAIN}, "of another committee or generation"],
      [{...part(4), shareIndex: parseShareIndex(5)}, "no such share"],
    ];
    for (const [one, reason] of bad) {
      const opened = open([one, ...good]);
      expect(opened.signers, reason).to.deep.equal([1, 2, 3]);
      expect(opened.bad.map(({place}) => place)).to.deep.equal([0]);
      expect(opened.bad[0]!.reason).to.include(reason);
      const error = tooFew([one, ...good.slice(0, 2)]);
      expect((error.data.bad as {reason: string}[])[0]!.reason).to.include(reason);
    }
  });

  it("is of one validator at a time, and of one of the committee", () => {
    const mixed = [part(1), part(2, {validator: 1})];
    expect(anyFailure(() => open(mixed)).code).to.equal("ESCROW_COMMITTEE");
    expect(anyFailure(() => open([])).code).to.equal("ESCROW_COMMITTEE");
    const chainless = {...committee, genesisValidatorsRoot: null};
    const parts = [part(1)];
    expect(anyFailure(() => openEscrow(blstGroup, {committee: chainless, secret: SECRET}, parts)).code).to.equal(
      "ESCROW_COMMITTEE",
    );
    expect(open([1, 2, 3].map((index) => part(index, {validator: 1}))).key).to.equal(
      committee.validators[1]!.groupPublicKey,
    );
  });

  it("cannot be opened by anybody else, nor on another chain", () => {
    expect(openExit(part(1), {secret: SECRET, chain: CHAIN})).to.have.length(96);
    expect(openExit(part(1), {secret: OTHER_SECRET, chain: CHAIN})).to.equal(null);
    expect(openExit(part(1), {secret: SECRET, chain: OTHER_HOLDER})).to.equal(null);
  });

  it("seals nothing for a key that everybody could open with", () => {
    const zero = parseRootHex(`0x${"00".repeat(32)}`);
    expect(anyFailure(() => part(1, {holder: zero})).code).to.equal("KEEPER_NO_ESCROW");
  });

  it("survives being written and read, and is refused with a code when it is anything else", () => {
    const one = part(2, {about: {...exit, epoch: parseEpoch("18446744073709551615")}});
    const text = formatSealedExit(one);
    expect(parseSealedExit(text)).to.deep.equal(one);
    const refused = (change: (json: Record<string, unknown>) => void): string => {
      const json = JSON.parse(text) as Record<string, unknown>;
      change(json);
      return anyFailure(() => parseSealedExit(JSON.stringify(json))).code;
    };
    expect(refused((json) => Object.assign(json, {version: 2}))).to.equal("ESCROW_PARTIAL_MALFORMED");
    expect(refused((json) => Object.assign(json, {more: 1}))).to.equal("ESCROW_PARTIAL_MALFORMED");
    for (const field of Object.keys(JSON.parse(text) as object)) {
      expect(
        refused((json) => delete json[field]),
        field,
      ).to.equal("ESCROW_PARTIAL_MALFORMED");
    }
    expect(refused((json) => Object.assign(json, {sealed: `${one.sealed}00`}))).to.equal("CODEC_HEX");
    expect(refused((json) => Object.assign(json, {share_index: 14}))).to.equal("CODEC_INDEX");
    expect(refused((json) => Object.assign(json, {epoch: "-1"}))).to.equal("CODEC_UINT64");
    for (const other of ["", "[]", "null", " ".repeat(4096), text.slice(0, -5)]) {
      expect(anyFailure(() => parseSealedExit(other)).code).to.equal("ESCROW_PARTIAL_MALFORMED");
    }
  });
});

describe("an escrow holder's key file", () => {
  it("holds the pair, and is refused when it does not, without a word of what is in it", () => {
    const {text, publicKey} = formatHolderKey(SECRET);
    expect(publicKey).to.equal(HOLDER);
    expect(parseHolderKey(text)).to.deep.equal(SECRET);
    const secret = rootHex(SECRET);
    const bad = [
      "",
      "{}",
      " ".repeat(2048),
      text.slice(0, -4),
      text.replace(HOLDER, OTHER_HOLDER),
      text.replace(secret, secret.slice(0, -2)),
      text.replace("escrow holder", "something"),
    ];
    for (const one of bad) {
      const error = anyFailure(() => parseHolderKey(one));
      expect(error.code).to.equal("ESCROW_KEY_FILE");
      expect(JSON.stringify(error.data) + error.message).not.to.include(secret.slice(2, 40));
    }
  });
});
