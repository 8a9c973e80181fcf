import {createHash} from "node:crypto";
import {type PubkeyHex, type RootHex, rootHex} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import type {BlsGroup} from "../threshold/bls.js";
import type {Committee} from "./committee.js";
import {committeeHash} from "./committee-hash.js";
import {type FileContent, malformed, readShape} from "./file-shape.js";
import {checkQuorum, isStandardQuorum} from "./quorum.js";
import {checkShareKeys} from "./share-keys.js";

export {committeeHash} from "./committee-hash.js";

/** Keeps the checksum apart from any other use of SHA-256. */
const CHECKSUM_DOMAIN = "pleiades committee file v1\n";

/**
 * Reads and verifies a committee file: everything about a committee that is not secret. JSON:
 * ```
 * {
 *   "version": 1,
 *   "generation": 0,                        0 at the split or DKG, one more after each refresh or reshare
 *   "genesis_validators_root": "0x…",       32 bytes, or null when the chain is not pinned here
 *   "threshold": 3,                         t; 2f+1 for n = 3f+1
 *   "unsafe_threshold": true,               only when n or t is another one: the explicit consent to it
 *   "operators": [{"id": 1, "peer_id": "12D3…", "addresses": ["/ip4/192.0.2.1/tcp/9000"]}, …],   ids 1…n in order
 *   "coordinators": ["12D3…"],              peer ids that may ask these operators for partial signatures, by rank
 *   "validators": [{"group_public_key": "0x…", "share_public_keys": ["0x…", …]}, …],             n share keys each
 *   "checksum": "0x…"                       over all values but the addresses
 * }
 * ```
 * Addresses may be edited by hand; nothing else. The checksum finds accidents, it is no signature: who trusts a file
 * trusts its sender.
 *
 * @param bls checks that the share public keys of each validator lie on one polynomial of degree t−1 with the group
 *   public key at 0 (about 0.4 ms for each validator of four operators, 1.6 ms of thirteen).
 * @param verified committee hashes verified by this process before, as on a reload: their points are not checked again.
 * @throws COMMITTEE_FILE_MALFORMED · COMMITTEE_FILE_VERSION · COMMITTEE_FILE_EDITED · COMMITTEE_SIZE ·
 *   COMMITTEE_THRESHOLD · COMMITTEE_OPERATOR_IDS · COMMITTEE_DUPLICATE_PEER · COMMITTEE_DUPLICATE_KEY ·
 *   COMMITTEE_SHARES_INCONSISTENT · THRESHOLD_BAD_POINT · CODEC_HEX · CODEC_INDEX · CODEC_PEER_ID
 */
export function parseCommitteeFile(text: string, bls: BlsGroup, verified?: ReadonlySet<RootHex>): Committee {
  const {content, checksum} = readShape(text);
  if (checksumOf(content) !== checksum) throw new PleiadesError({code: "COMMITTEE_FILE_EDITED", checksum});
  return verifyContent(content, bls, verified);
}

/** What a committee file is made of; the hashes are computed. */
export type CommitteeDraft = Omit<Committee, "version" | "validators"> & {
  readonly validators: readonly {readonly groupPublicKey: PubkeyHex; readonly sharePublicKeys: readonly PubkeyHex[]}[];
};

/**
 * The text of a committee file, ending with a newline. It is parsed again before it is returned, so a file that would be
 * refused is never written.
 * @param unsafeThreshold consent to another size than 3f+1, or another threshold than 2f+1
 * @throws the same codes as {@link parseCommitteeFile}
 */
export function formatCommitteeFile(
  draft: CommitteeDraft,
  bls: BlsGroup,
  {unsafeThreshold = false}: {unsafeThreshold?: boolean} = {},
): string {
  const n = draft.operators.length;
  checkQuorum({n, t: draft.threshold, unsafe: unsafeThreshold});
  const content: FileContent = {...draft, unsafeThreshold: !isStandardQuorum({n, t: draft.threshold})};
  const text = `${JSON.stringify({...toJson(content), checksum: checksumOf(content)}, null, 1)}\n`;
  parseCommitteeFile(text, bls);
  return text;
}

function verifyContent(content: FileContent, bls: BlsGroup, verified?: ReadonlySet<RootHex>): Committee {
  const {generation, threshold, operators, coordinators} = content;
  const n = operators.length;
  checkQuorum({n, t: threshold, unsafe: content.unsafeThreshold});
  const misplaced = operators.findIndex(({id}, index) => id !== index + 1);
  if (misplaced !== -1) {
    throw new PleiadesError({
      code: "COMMITTEE_OPERATOR_IDS",
      position: misplaced + 1,
      operatorId: operators[misplaced]!.id,
    });
  }
  noDuplicates(
    "COMMITTEE_DUPLICATE_PEER",
    "operators",
    operators.map(({peerId}) => peerId),
  );
  noDuplicates("COMMITTEE_DUPLICATE_PEER", "coordinators", coordinators);
  if (content.validators.length === 0) throw malformed("validators", "none");
  const short = content.validators.findIndex(({sharePublicKeys}) => sharePublicKeys.length !== n);
  if (short !== -1) throw malformed(`validators[${short}].share_public_keys`, `not ${n} keys`);
  noDuplicates(
    "COMMITTEE_DUPLICATE_KEY",
    "validators",
    content.validators.flatMap((v) => distinctKeys(v, threshold)),
  );
  return {
    version: 1,
    generation,
    genesisValidatorsRoot: content.genesisValidatorsRoot,
    threshold,
    operators,
    coordinators,
    validators: content.validators.map((validator) => {
      const hash = committeeHash({...validator, generation, n, threshold});
      if (!verified?.has(hash)) checkShareKeys(bls, validator, threshold);
      return {...validator, committeeHash: hash};
    }),
  };
}

/** Keys of a validator that must all differ. With t = 1 (unsafe) every share is the whole key, so only the group's. */
function distinctKeys(validator: FileContent["validators"][number], threshold: number): readonly PubkeyHex[] {
  return threshold === 1 ? [validator.groupPublicKey] : [validator.groupPublicKey, ...validator.sharePublicKeys];
}

function noDuplicates(
  code: "COMMITTEE_DUPLICATE_PEER" | "COMMITTEE_DUPLICATE_KEY",
  field: string,
  values: readonly string[],
): void {
  const seen = new Set<string>();
  for (const value of values) {
    if (seen.has(value)) throw new PleiadesError({code, field, value});
    seen.add(value);
  }
}

/** Over the values in a fixed order and spelling, so that spaces, the order of fields and addresses don't matter. */
function checksumOf(content: FileContent): RootHex {
  const {operators, ...rest} = content;
  const withoutAddresses = {...rest, operators: operators.map(({id, peerId}) => ({id, peerId, addresses: []}))};
  const canonical = JSON.stringify(toJson(withoutAddresses));
  return rootHex(createHash("sha256").update(CHECKSUM_DOMAIN).update(canonical).digest());
}

function toJson(content: FileContent): object {
  return {
    version: 1,
    generation: content.generation,
    genesis_validators_root: content.genesisValidatorsRoot,
    threshold: content.threshold,
    ...(content.unsafeThreshold ? {unsafe_threshold: true} : {}),
    operators: content.operators.map(({id, peerId, addresses}) => ({id, peer_id: peerId, addresses})),
    coordinators: content.coordinators,
    validators: content.validators.map(({groupPublicKey, sharePublicKeys}) => ({
      group_public_key: groupPublicKey,
      share_public_keys: sharePublicKeys,
    })),
  };
}
