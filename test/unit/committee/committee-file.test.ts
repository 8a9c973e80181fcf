import {createHash} from "node:crypto";
import {expect} from "chai";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {type PubkeyHex, parsePubkeyHex, pubkeyHex} from "../../../src/core/bytes.js";
import {
  type CommitteeDraft,
  committeeHash,
  formatCommitteeFile,
  parseCommitteeFile,
} from "../../../src/core/committee/committee-file.js";
import type {ReasonCode} from "../../../src/core/errors.js";
import type {BlsGroup} from "../../../src/core/threshold/bls.js";
import {publicKeyOf, testDraft, testKey, testPeerId, testScalar} from "../../support/committees.js";
import {failure} from "../../support/errors.js";
import {INFINITY_PUBLIC_KEY, offSubgroupPublicKey, smallOrderPublicKey} from "../../support/odd-points.js";

const FOUR = {n: 4};
const keys = [testKey(1, FOUR), testKey(2, FOUR)];
const draft = testDraft(keys, FOUR);
const text = formatCommitteeFile(draft, blstGroup);
type Json = {[key: string]: unknown} & {
  operators: {id: unknown; peer_id: unknown; addresses: unknown}[];
  coordinators: unknown[];
  validators: {group_public_key: unknown; share_public_keys: unknown[]}[];
};

/** The file with a change, and the checksum made right again, as somebody would who knows how. */
function forged(change: (json: Json) => void): string {
  const json = JSON.parse(text) as Json & {checksum: string};
  change(json);
  const {checksum: _, ...content} = json;
  const operators = json.operators.map((operator) => ({...operator, addresses: []}));
  const canonical = JSON.stringify({...content, operators});
  json.checksum = `0x${createHash("sha256").update("pleiades committee file v1\n").update(canonical).digest("hex")}`;
  return JSON.stringify(json);
}

function edited(change: (json: Json) => void): string {
  const json = JSON.parse(text) as Json;
  change(json);
  return JSON.stringify(json);
}

const refuses = (code: ReasonCode, file: string) => failure(code, () => parseCommitteeFile(file, blstGroup));
const replaceShare = (validator: number, share: number, key: PubkeyHex) => (json: Json) => {
  json.validators[validator]!.share_public_keys[share] = key;
};

describe("committee file", () => {
  it("comes back as it was written, with a hash for each validator", () => {
    const committee = parseCommitteeFile(text, blstGroup);
    const {validators, ...rest} = committee;
    const {validators: drafted, ...expected} = draft;
    expect(rest).to.deep.equal({version: 1, ...expected});
    expect(validators.map(({committeeHash: _, ...keysOnly}) => keysOnly)).to.deep.equal(drafted);
    for (const validator of validators) {
      expect(validator.committeeHash).to.equal(committeeHash({...validator, generation: 0, n: 4, threshold: 3}));
    }
  });

  it("may have its addresses edited, its fields reordered and its hex in capitals", () => {
    const moved = edited((json) => {
      json.operators[2]!.addresses = ["/dns4/three.example/tcp/9000", "/ip6/::1/tcp/9000"];
    });
    expect(parseCommitteeFile(moved, blstGroup).operators[2]!.addresses).to.have.length(2);
    const reordered = JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text)).reverse()));
    expect(parseCommitteeFile(reordered, blstGroup)).to.deep.equal(parseCommitteeFile(text, blstGroup));
    const capitals = text.replace(/0x[0-9a-f]{96}/g, (hex) => hex.toUpperCase().replace("0X", "0x"));
    expect(parseCommitteeFile(capitals, blstGroup)).to.deep.equal(parseCommitteeFile(text, blstGroup));
  });

  it("is refused when anything else was edited by hand", () => {
    const root = `0x${"11".repeat(32)}`;
    const other = publicKeyOf(testScalar(77));
    const changes: ((json: Json) => void)[] = [
      (json) => Object.assign(json, {generation: 1}),
      (json) => Object.assign(json, {threshold: 2}),
      (json) => Object.assign(json, {unsafe_threshold: true}),
      (json) => Object.assign(json, {genesis_validators_root: root}),
      (json) => Object.assign(json.operators[0]!, {peer_id: testPeerId(50)}),
      (json) => json.operators.reverse(),
      (json) => json.operators.pop(),
      (json) => json.coordinators.push(testPeerId(51)),
      (json) => json.coordinators.pop(),
      (json) => json.validators.reverse(),
      (json) => json.validators.pop(),
      (json) => Object.assign(json.validators[0]!, {group_public_key: other}),
      replaceShare(1, 3, other),
    ];
    for (const change of changes) refuses("COMMITTEE_FILE_EDITED", edited(change));
  });

  it("is refused when its coordinators stand in another order, for that is their rank", () => {
    const coordinators = [testPeerId(50), testPeerId(51)];
    const draft = {...testDraft([testKey(1, {n: 4})], {n: 4}), coordinators};
    const ranked = formatCommitteeFile(draft, blstGroup);
    expect(parseCommitteeFile(ranked, blstGroup).coordinators).to.deep.equal(coordinators);
    const json = JSON.parse(ranked) as Json;
    json.coordinators.reverse();
    refuses("COMMITTEE_FILE_EDITED", JSON.stringify(json));
  });

  it("is refused with the first wrong field named when it is not of the right shape", () => {
    const cases: [string, string][] = [
      ["", "file"],
      ["[]", "file"],
      ["null", "file"],
      [text.slice(0, -20), "file"],
      [edited((json) => Object.assign(json, {coordinators: undefined})), "file.coordinators"],
      [edited((json) => Object.assign(json, {note: "mine"})), "file.note"],
      [edited((json) => Object.assign(json, {generation: -1})), "generation"],
      [edited((json) => Object.assign(json, {generation: "0"})), "generation"],
      [edited((json) => Object.assign(json, {threshold: 2.5})), "threshold"],
      [edited((json) => Object.assign(json, {unsafe_threshold: false})), "unsafe_threshold"],
      [edited((json) => Object.assign(json, {operators: {}})), "operators"],
      [edited((json) => Object.assign(json.operators[1]!, {port: 1})), "operators[1].port"],
      [edited((json) => Object.assign(json.operators[1]!, {addresses: ["localhost"]})), "operators[1].addresses[0]"],
      [
        edited((json) => Object.assign(json.operators[1]!, {addresses: ["/ip4/1.2.3.4/tcp/1/p2p/X"]})),
        "operators[1].addresses[0]",
      ],
      [edited((json) => Object.assign(json.operators[1]!, {addresses: Array(9).fill("/a")})), "operators[1].addresses"],
      [edited((json) => Object.assign(json, {coordinators: Array(65).fill(testPeerId(1))})), "coordinators"],
      [edited((json) => Object.assign(json, {validators: Array(16385).fill(0)})), "validators"],
      [edited((json) => Object.assign(json, {validators: [7]})), "validators[0]"],
      [forged((json) => json.validators[1]!.share_public_keys.pop()), "validators[1].share_public_keys"],
      [forged((json) => Object.assign(json, {validators: []})), "validators"],
      ["x".repeat(2 ** 25 + 1), "file"],
    ];
    for (const [file, field] of cases) expect(refuses("COMMITTEE_FILE_MALFORMED", file).data.field).to.equal(field);
  });

  it("names the field of a key, peer id or operator id that is none", () => {
    const short = refuses("CODEC_HEX", edited(replaceShare(1, 2, "0x12" as PubkeyHex)));
    expect(short.data.field).to.equal("validators[1].share_public_keys[2]");
    const peer = refuses(
      "CODEC_PEER_ID",
      edited((json) => Object.assign(json.operators[3]!, {peer_id: "me"})),
    );
    expect(peer.data.field).to.equal("operators[3].peer_id");
    refuses(
      "CODEC_INDEX",
      edited((json) => Object.assign(json.operators[3]!, {id: 0})),
    );
  });

  it("of a later version is refused before anything else is looked at", () => {
    refuses("COMMITTEE_FILE_VERSION", JSON.stringify({version: 2, anything: "else"}));
    refuses("COMMITTEE_FILE_VERSION", JSON.stringify({version: "1"}));
  });

  it("is refused with a wrong size or threshold", () => {
    refuses(
      "COMMITTEE_SIZE",
      forged((json) => json.operators.pop()),
    );
    refuses(
      "COMMITTEE_THRESHOLD",
      forged((json) => Object.assign(json, {threshold: 2})),
    );
    failure("COMMITTEE_THRESHOLD", () => formatCommitteeFile({...draft, threshold: 4}, blstGroup));
  });

  it("with another threshold is written and read only with the explicit consent in it", () => {
    const unsafe = testDraft([testKey(3, {n: 4, t: 2})], {n: 4, t: 2});
    failure("COMMITTEE_THRESHOLD", () => formatCommitteeFile(unsafe, blstGroup));
    const written = formatCommitteeFile(unsafe, blstGroup, {unsafeThreshold: true});
    expect(JSON.parse(written)).to.have.property("unsafe_threshold", true);
    expect(parseCommitteeFile(written, blstGroup).threshold).to.equal(2);
    expect(JSON.parse(formatCommitteeFile(draft, blstGroup, {unsafeThreshold: true}))).not.to.have.property(
      "unsafe_threshold",
    );
    const all = testDraft([testKey(4, {n: 4, t: 1})], {n: 4, t: 1});
    const one = formatCommitteeFile(all, blstGroup, {unsafeThreshold: true});
    expect(parseCommitteeFile(one, blstGroup).threshold).to.equal(1);
  });

  it("is refused when ids have gaps or are out of order", () => {
    refuses(
      "COMMITTEE_OPERATOR_IDS",
      forged((json) => Object.assign(json.operators[3]!, {id: 5})),
    );
    refuses(
      "COMMITTEE_OPERATOR_IDS",
      forged((json) => json.operators.reverse()),
    );
    refuses(
      "COMMITTEE_OPERATOR_IDS",
      forged((json) => Object.assign(json.operators[3]!, {id: 3})),
    );
  });

  it("is refused with the same peer id, or the same key, twice", () => {
    refuses(
      "COMMITTEE_DUPLICATE_PEER",
      forged((json) => Object.assign(json.operators[3]!, {peer_id: testPeerId(1)})),
    );
    refuses(
      "COMMITTEE_DUPLICATE_PEER",
      forged((json) => json.coordinators.push(json.coordinators[0])),
    );
    refuses(
      "COMMITTEE_DUPLICATE_KEY",
      forged((json) => json.validators.push(json.validators[0]!)),
    );
    refuses("COMMITTEE_DUPLICATE_KEY", forged(replaceShare(0, 1, draft.validators[0]!.groupPublicKey)));
    refuses("COMMITTEE_DUPLICATE_KEY", forged(replaceShare(0, 1, draft.validators[1]!.sharePublicKeys[1]!)));
  });

  it("is refused when a key is not a valid point", () => {
    for (const bytes of [
      INFINITY_PUBLIC_KEY,
      offSubgroupPublicKey(1),
      smallOrderPublicKey(),
      new Uint8Array(48).fill(0xff),
    ]) {
      const key = pubkeyHex(bytes);
      const named = refuses("THRESHOLD_BAD_POINT", forged(replaceShare(1, 0, key)));
      expect(named.data).to.include({key, groupPublicKey: draft.validators[1]!.groupPublicKey, index: 1});
      refuses(
        "THRESHOLD_BAD_POINT",
        forged((json) => Object.assign(json.validators[0]!, {group_public_key: key})),
      );
      // The later ones are not loaded but computed; they can only be wrong.
      refuses("COMMITTEE_SHARES_INCONSISTENT", forged(replaceShare(1, 3, key)));
    }
  });

  for (const n of [4, 7, 10, 13]) {
    it(`of ${n} operators is refused when any one key is another valid one, or two are swapped`, () => {
      const own = testDraft([testKey(n, {n})], {n});
      const [validator] = own.validators;
      const check = (changed: CommitteeDraft["validators"][number]) =>
        failure("COMMITTEE_SHARES_INCONSISTENT", () => formatCommitteeFile({...own, validators: [changed]}, blstGroup));
      const stranger = publicKeyOf(testScalar(4711));
      check({...validator!, groupPublicKey: stranger});
      for (let i = 0; i < n; i++) {
        const keysWith = (at: number, key: PubkeyHex) => validator!.sharePublicKeys.map((k, j) => (j === at ? key : k));
        check({...validator!, sharePublicKeys: keysWith(i, stranger)});
        const next = (i + 1) % n;
        const swapped = [...validator!.sharePublicKeys];
        [swapped[i], swapped[next]] = [swapped[next]!, swapped[i]!];
        check({...validator!, sharePublicKeys: swapped});
      }
    });
  }

  it("is refused when fewer than t shares would make the key, or more are needed", () => {
    const tooFew = {...draft, validators: testDraft([testKey(9, {n: 4, t: 2})], {n: 4, t: 2}).validators};
    failure("COMMITTEE_SHARES_INCONSISTENT", () => formatCommitteeFile(tooFew, blstGroup));
    const tooMany = {...draft, validators: testDraft([testKey(9, {n: 4, t: 4})], {n: 4, t: 4}).validators};
    failure("COMMITTEE_SHARES_INCONSISTENT", () => formatCommitteeFile(tooMany, blstGroup));
  });

  it("is checked point by point unless this process verified the same committee before", () => {
    let loads = 0;
    const counting: BlsGroup = {
      ...blstGroup,
      publicKeys: {
        ...blstGroup.publicKeys,
        load: (bytes, check) => {
          loads++;
          return blstGroup.publicKeys.load(bytes, check);
        },
      },
    };
    const first = parseCommitteeFile(text, counting);
    expect(loads).to.equal(2 * 3);
    const verified = new Set([first.validators[0]!.committeeHash]);
    expect(parseCommitteeFile(text, counting, verified)).to.deep.equal(first);
    expect(loads).to.equal(3 * 3);
    failure("COMMITTEE_SHARES_INCONSISTENT", () =>
      parseCommitteeFile(forged(replaceShare(0, 3, publicKeyOf(5n))), counting, verified),
    );
  });
});

describe("committeeHash", () => {
  const key = (byte: string) => parsePubkeyHex(byte.repeat(48));
  const base = {generation: 1, n: 4, threshold: 3, groupPublicKey: key("01"), sharePublicKeys: [key("02"), key("03")]};

  it("is SHA-256 over the documented bytes", () => {
    const bytes = Buffer.concat([
      Buffer.from("pleiades committee v1\n"),
      Buffer.from("0000000000000001", "hex"),
      Buffer.from([4, 3]),
      ...["01", "02", "03"].map((byte) => Buffer.from(byte.repeat(48), "hex")),
    ]);
    expect(committeeHash(base)).to.equal(`0x${createHash("sha256").update(bytes).digest("hex")}`);
  });

  it("changes with each of its parts", () => {
    const changed = [
      {...base, generation: 2},
      {...base, n: 7},
      {...base, threshold: 4},
      {...base, groupPublicKey: key("04")},
      {...base, sharePublicKeys: [key("03"), key("02")]},
    ].map(committeeHash);
    expect(new Set([committeeHash(base), ...changed]).size).to.equal(6);
  });
});
