import {randomBytes} from "node:crypto";
import {blstGroup, loadSecretKey} from "../../adapters/bls/blst.js";
import {type RootHex, toHex} from "../../core/bytes.js";
import {formatCommitteeFile} from "../../core/committee/committee-file.js";
import {PleiadesError} from "../../core/errors.js";
import {linearCombination} from "../../core/threshold/addition-chain.js";
import {lagrangePlan} from "../../core/threshold/lagrange.js";
import {type Share, scaleShare, splitSecret} from "../../core/threshold/polynomial.js";
import {CURVE_ORDER} from "../../core/threshold/scalar.js";
import {newBundleId, openShareBundle, type ShareBundleContent, sealShareBundle} from "../../keeper/bundle.js";
import {Secret} from "../../keeper/secret.js";
import type {ValidatorKey} from "./decrypt.js";
import type {Members} from "./operators.js";

/** How every operator's records begin. */
export type BundleRecords = ShareBundleContent["records"];

export interface SplitInput {
  readonly keys: readonly ValidatorKey[];
  readonly members: Members;
  readonly threshold: number;
  readonly unsafeThreshold?: boolean;
  /** null only for a local committee without a network. */
  readonly genesisValidatorsRoot: RootHex | null;
  readonly records: BundleRecords;
  /** One per operator, in order of id. */
  readonly passwords: readonly string[];
  /** Unix milliseconds. */
  readonly createdAt: number;
}

export interface SplitResult {
  readonly committeeFile: string;
  /** One sealed bundle per operator, in order of id. */
  readonly bundles: readonly string[];
}

/**
 * Splits keys and checks everything in memory before it returns: that the share public keys lie on one polynomial with
 * the key, that sets of t shares which together name every operator sign exactly as the key does, and that each
 * bundle opens with its password and holds what was sealed. The shares are filled with zeros before it returns.
 * @throws SPLIT_SELF_CHECK and the COMMITTEE_ codes of the committee file
 */
export async function splitKeys(input: SplitInput): Promise<SplitResult> {
  const {keys, members, threshold: t, genesisValidatorsRoot, records, passwords, createdAt} = input;
  const n = members.operators.length;
  const split = keys.map((key) => ({key, shares: sharesOf(key.secret, {n, t})}));
  try {
    for (const {key, shares} of split) checkSignatures(key, shares, {n, t});
    const committeeFile = formatCommitteeFile(
      {
        generation: 0,
        genesisValidatorsRoot,
        threshold: t,
        operators: members.operators,
        coordinators: members.coordinators,
        validators: split.map(({key, shares}) => ({
          groupPublicKey: key.publicKey,
          sharePublicKeys: shares.map(({secret}) => loadSecretKey(secret).publicKey),
        })),
      },
      blstGroup,
      {unsafeThreshold: input.unsafeThreshold ?? false},
    );
    const bundles = await Promise.all(
      members.operators.map(async ({id}, i) => {
        const content: ShareBundleContent = {
          operatorId: id,
          createdAt,
          bundleId: newBundleId(),
          records,
          shares: split.map(({key, shares}) => ({groupPublicKey: key.publicKey, secret: shareOf(shares, i)})),
        };
        const password = passwords[i] ?? "";
        const sealed = await sealShareBundle(content, password);
        await checkBundle(sealed, password, content);
        return sealed;
      }),
    );
    return {committeeFile, bundles};
  } finally {
    for (const {shares} of split) for (const share of shares) share.secret.fill(0);
  }
}

function sharesOf(secret: Uint8Array, {n, t}: {n: number; t: number}): Share[] {
  for (;;) {
    try {
      return splitSecret(secret, {n, t}, Array.from({length: t - 1}, randomScalar));
    } catch (error) {
      // Two equal shares: a chance of about 2^-250, and other coefficients are free.
      if (!(error instanceof PleiadesError) || error.code !== "THRESHOLD_WEAK_SHARES") throw error;
    }
  }
}

/** Uniform in 1…r−1: 48 bytes make the bias of the reduction 2^-129. */
function randomScalar(): bigint {
  return (BigInt(`0x${randomBytes(48).toString("hex")}`) % (CURVE_ORDER - 1n)) + 1n;
}

function shareOf(shares: readonly Share[], i: number): Secret {
  const share = shares[i];
  if (share === undefined) throw selfCheck("a share is missing");
  return new Secret(share.secret);
}

const selfCheck = (reason: string): PleiadesError => new PleiadesError({code: "SPLIT_SELF_CHECK", reason});

/**
 * BLS signatures are unique, so the combination must equal the key's own signature byte for byte. The windows of t
 * neighbours, around the circle, use every share t times and stay few for 13 operators.
 */
function checkSignatures(key: ValidatorKey, shares: readonly Share[], {n, t}: {n: number; t: number}): void {
  const message = randomBytes(32);
  const own = loadSecretKey(key.secret);
  if (own.publicKey !== key.publicKey) throw selfCheck("a key is not the one it was");
  const expected = toHex(own.sign(message));
  const partials = shares.map(({secret}) => {
    const partial = loadSecretKey(scaleShare(secret, {n, t})).signUncompressed(message);
    return blstGroup.signatures.load(partial, "full");
  });
  for (let first = 0; first < n; first++) {
    const ids = Array.from({length: t}, (_, k) => ((first + k) % n) + 1);
    const plan = lagrangePlan({n, t}, ids);
    const points = plan.ids.map((id) => {
      const point = partials[id - 1];
      if (point === undefined) throw selfCheck("a partial signature is missing");
      return point;
    });
    const combined = linearCombination(blstGroup.signatures, plan.chain, points);
    if (toHex(blstGroup.signatures.bytes(combined)) !== expected) throw selfCheck("shares do not make the signature");
  }
}

async function checkBundle(sealed: string, password: string, content: ShareBundleContent): Promise<void> {
  const opened = await openShareBundle(sealed, password);
  const same =
    opened.operatorId === content.operatorId &&
    opened.shares.length === content.shares.length &&
    opened.shares.every(({groupPublicKey, secret}, i) => {
      const share = content.shares[i];
      return share?.groupPublicKey === groupPublicKey && Buffer.compare(share.secret.reveal(), secret.reveal()) === 0;
    });
  for (const {secret} of opened.shares) secret.reveal().fill(0);
  if (!same) throw selfCheck("a sealed bundle does not hold what was put in");
}
