import {blstGroup, loadSecretKey} from "../../src/adapters/bls/blst.js";
import {type PeerIdText, parseOperatorId, parsePeerIdText} from "../../src/core/bytes.js";
import type {Committee} from "../../src/core/committee/committee.js";
import {type CommitteeDraft, formatCommitteeFile, parseCommitteeFile} from "../../src/core/committee/committee-file.js";
import {thresholdOf} from "../../src/core/committee/quorum.js";
import {type Share, splitSecret} from "../../src/core/threshold/polynomial.js";
import {CURVE_ORDER} from "../../src/core/threshold/scalar.js";

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** A text of the right shape; it names no real key. */
export function testPeerId(seed: number): PeerIdText {
  const digits = Array.from({length: 44}, (_, i) => BASE58[(seed * 31 + i * i * 7) % 58]).join("");
  return parsePeerIdText(`12D3KooW${digits}`);
}

/** Numbers that look random and are the same in every run. */
export function testScalar(seed: number): bigint {
  let value = BigInt(seed) + 1n;
  for (let i = 0; i < 8; i++) value = (value * value * 0x9e3779b97f4a7c15n + 0xd1b54a32d192ed03n) % CURVE_ORDER;
  return value === 0n ? 1n : value;
}

export interface TestKey {
  readonly secret: bigint;
  readonly shares: readonly Share[];
}

/** A secret with its shares. */
export function testKey(seed: number, {n, t = thresholdOf(n)}: {n: number; t?: number}): TestKey {
  const secret = testScalar(seed * 1000);
  const coefficients = Array.from({length: t - 1}, (_, i) => testScalar(seed * 1000 + i + 1));
  return {secret, shares: splitSecret(secret, {n, t}, coefficients)};
}

/** The content of a committee file for those keys, with made-up peers. */
export function testDraft(keys: readonly TestKey[], {n, t = thresholdOf(n)}: {n: number; t?: number}): CommitteeDraft {
  return {
    generation: 0,
    genesisValidatorsRoot: null,
    threshold: t,
    operators: Array.from({length: n}, (_, i) => ({
      id: parseOperatorId(i + 1),
      peerId: testPeerId(i + 1),
      addresses: [`/ip4/127.0.0.1/tcp/${9001 + i}`],
    })),
    coordinators: [testPeerId(100)],
    validators: keys.map(({secret, shares}) => ({
      groupPublicKey: publicKeyOf(secret),
      sharePublicKeys: shares.map((share) => loadSecretKey(share.secret).publicKey),
    })),
  };
}

export function testCommittee(keys: readonly TestKey[], size: {n: number; t?: number}): Committee {
  return parseCommitteeFile(formatCommitteeFile(testDraft(keys, size), blstGroup, {unsafeThreshold: true}), blstGroup);
}

export function publicKeyOf(secret: bigint) {
  return loadSecretKey(Buffer.from(secret.toString(16).padStart(64, "0"), "hex")).publicKey;
}
