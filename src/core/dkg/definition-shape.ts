import {
  type OperatorId,
  type PeerIdText,
  type PubkeyHex,
  parseAddressHex,
  parseBytes4Hex,
  parseEpoch,
  parseGwei,
  parseHexBytes,
  parseOperatorId,
  parsePeerIdText,
  parsePubkeyHex,
  parseRootHex,
  toHex,
} from "../bytes.js";
import {checkQuorum, isStandardQuorum} from "../committee/quorum.js";
import {parsePermit, permitToJson} from "../duty/policy-config.js";
import {isJsonObject, type JsonObject, strictObject} from "../duty/strict-object.js";
import {PleiadesError} from "../errors.js";
import {shown} from "../shown.js";
import type {
  DefinedOperator,
  Definition,
  DefinitionSignatures,
  EscrowHolder,
  PreviousCommittee,
  WithdrawalTarget,
} from "./definition.js";
import {hexBytes} from "./digest.js";
import type {CeremonyKind} from "./plan.js";
import {isSealingKey} from "./sealing.js";

/** A reshare of 1,000 validators of 13 operators names 14,000 keys of 101 characters. */
const MAX_CHARACTERS = 2 ** 21;
/** What one ceremony is asked for: more keys are more ceremonies, and these run side by side. */
export const MAX_CEREMONY_VALIDATORS = 1000;
const MAX_ADDRESSES = 8;
const MAX_ADDRESS_CHARACTERS = 300;
const MAX_COORDINATORS = 64;
/** 8 of an initiator and 24 of a pool, with room for one more split. */
const MAX_DEPOSITS = 4;
/** An exit, a deposit and a change of credentials for each validator. */
const MAX_PERMITS = 3 * MAX_CEREMONY_VALIDATORS;
const MIN_DEPOSIT_GWEI = 1_000_000_000n;
/** The most one validator may hold. @see EIP-7251 */
const MAX_DEPOSIT_GWEI = 2_048_000_000_000n;
const NETWORK_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
/** Printable, without characters that hide or turn round what stands beside them. */
const HOLDER_NAME = /^[^\p{C}\p{Z}](?:[^\p{C}\p{Zl}\p{Zp}]{0,62}[^\p{C}\p{Z}])?$/u;
const ADDRESS = /^\/[\x21-\x7e]+$/;
const KINDS: readonly CeremonyKind[] = ["fresh", "refresh", "reshare"];
const CODE = "DKG_DEFINITION_MALFORMED";

const malformed = (field: string, reason: string): PleiadesError => new PleiadesError({code: CODE, field, reason});

const FIELDS = [
  "version",
  "kind",
  "nonce",
  "threshold",
  "operators",
  "validators",
  "network",
  "withdrawal",
  "fee_recipient",
  "deposit_amounts",
  "require",
  "deadline",
  "coordinators",
  "previous",
  "signatures",
] as const;

/** JSON text to a typed definition: bounds and types. @throws DKG_DEFINITION_MALFORMED · DKG_DEFINITION_VERSION and CODEC_* */
export function readDefinition(text: string): {definition: Definition; signatures: DefinitionSignatures} {
  if (text.length > MAX_CHARACTERS) throw malformed("definition", `more than ${MAX_CHARACTERS} characters`);
  const json = parseJson(text);
  // Version first: a later one may have any other fields.
  if (isJsonObject(json) && "version" in json && json.version !== 1) {
    throw new PleiadesError({code: "DKG_DEFINITION_VERSION", version: shown(json.version, 32), known: 1});
  }
  const raw = strictObject(json, FIELDS, "definition", CODE, ["unsafe_threshold", "escrow", "permits"]);
  if (raw.unsafe_threshold !== undefined && raw.unsafe_threshold !== true) {
    throw malformed("unsafe_threshold", "may only be left out or true");
  }
  const kind = KINDS.find((one) => one === raw.kind);
  if (kind === undefined) throw malformed("kind", `not one of ${KINDS.join(", ")}`);
  const operators = list(raw.operators, "operators", 13).map((one, i) => readOperator(one, `operators[${i}]`));
  const definition: Definition = {
    version: 1,
    kind,
    nonce: parseRootHex(raw.nonce, "nonce"),
    threshold: whole(raw.threshold, "threshold"),
    unsafeThreshold: raw.unsafe_threshold === true,
    operators,
    validators: whole(raw.validators, "validators"),
    network: readNetwork(raw.network),
    withdrawal: readWithdrawal(raw.withdrawal),
    feeRecipient: parseAddressHex(raw.fee_recipient, "fee_recipient"),
    ...(raw.escrow == null ? {} : {escrow: readEscrow(raw.escrow)}),
    depositAmounts: list(raw.deposit_amounts, "deposit_amounts", MAX_DEPOSITS).map((one, i) =>
      parseGwei(one, `deposit_amounts[${i}]`),
    ),
    require: raw.require === "all" ? operators.length : whole(raw.require, "require"),
    deadline: whole(raw.deadline, "deadline"),
    coordinators: list(raw.coordinators, "coordinators", MAX_COORDINATORS).map((one, i) =>
      parsePeerIdText(one, `coordinators[${i}]`),
    ),
    previous: raw.previous === null ? null : readPrevious(raw.previous),
    ...(raw.permits === undefined
      ? {}
      : {permits: list(raw.permits, "permits", MAX_PERMITS).map((one, i) => parsePermit(one, `permits[${i}]`))}),
  };
  return {definition, signatures: readSignatures(raw.signatures)};
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed("definition", "not JSON");
  }
}

function readOperator(raw: unknown, field: string): DefinedOperator {
  const {id, peer_id, addresses} = strictObject(raw, ["id", "peer_id", "addresses"], field, CODE);
  return {
    id: parseOperatorId(id, `${field}.id`),
    peerId: parsePeerIdText(peer_id, `${field}.peer_id`),
    addresses: list(addresses, `${field}.addresses`, MAX_ADDRESSES).map((address, i) => {
      const valid = typeof address === "string" && address.length <= MAX_ADDRESS_CHARACTERS && ADDRESS.test(address);
      if (!valid || address.includes("/p2p/"))
        throw malformed(`${field}.addresses[${i}]`, "not a multiaddr without /p2p");
      return address;
    }),
  };
}

function readNetwork(raw: unknown): Definition["network"] {
  const keys = ["name", "genesis_validators_root", "genesis_fork_version"] as const;
  const {name, genesis_validators_root, genesis_fork_version} = strictObject(raw, keys, "network", CODE);
  if (typeof name !== "string" || !NETWORK_NAME.test(name)) throw malformed("network.name", "not a network's name");
  return {
    name,
    genesisValidatorsRoot: parseRootHex(genesis_validators_root, "network.genesis_validators_root"),
    genesisForkVersion: parseBytes4Hex(genesis_fork_version, "network.genesis_fork_version"),
  };
}

function readWithdrawal(raw: unknown): WithdrawalTarget {
  const {address, change_to} = strictObject(raw, [], "withdrawal", CODE, ["address", "change_to"]);
  if ((address === undefined) === (change_to === undefined)) {
    throw malformed("withdrawal", "needs either address (0x01) or change_to (0x00 of the validator's key)");
  }
  if (address !== undefined) return {kind: "address", address: parseAddressHex(address, "withdrawal.address")};
  return {kind: "dkg-key", changeTo: parseAddressHex(change_to, "withdrawal.change_to")};
}

function readEscrow(raw: unknown): EscrowHolder {
  const {public_key, name} = strictObject(raw, ["public_key", "name"], "escrow", CODE);
  if (typeof name !== "string") throw malformed("escrow.name", "not a text");
  return {publicKey: parseRootHex(public_key, "escrow.public_key"), name};
}

function readPrevious(raw: unknown): PreviousCommittee {
  const keys = ["generation", "threshold", "operators", "validators", "handover_epoch"] as const;
  const {generation, threshold, operators, validators, handover_epoch} = strictObject(raw, keys, "previous", CODE);
  return {
    generation: whole(generation, "previous.generation"),
    threshold: whole(threshold, "previous.threshold"),
    operators: list(operators, "previous.operators", 13).map((one, i) => readOperator(one, `previous.operators[${i}]`)),
    validators: list(validators, "previous.validators", MAX_CEREMONY_VALIDATORS).map((one, i) => {
      const field = `previous.validators[${i}]`;
      const shown = strictObject(one, ["group_public_key", "share_public_keys"], field, CODE);
      return {
        groupPublicKey: parsePubkeyHex(shown.group_public_key, `${field}.group_public_key`),
        sharePublicKeys: list(shown.share_public_keys, `${field}.share_public_keys`, 13).map(
          (key): PubkeyHex => parsePubkeyHex(key, `${field}.share_public_keys`),
        ),
      };
    }),
    handoverEpoch: parseEpoch(handover_epoch, "previous.handover_epoch"),
  };
}

function readSignatures(raw: unknown): DefinitionSignatures {
  const signatures = new Map<number, string>();
  for (const one of list(raw, "signatures", 26)) {
    const {participant, signature} = strictObject(one, ["participant", "signature"], "signatures", CODE);
    const number = whole(participant, "signatures.participant");
    if (signatures.has(number)) throw malformed("signatures", `participant ${number} twice`);
    signatures.set(number, toHex(parseHexBytes(signature, {min: 64, max: 64}, "signatures.signature")));
  }
  return signatures;
}

/** What must hold between the values. Text that was parsed and values of our own go through it alike. */
export function checkDefinition(definition: Definition): void {
  const {kind, operators, threshold, unsafeThreshold, validators, require, depositAmounts, previous} = definition;
  const {permits = []} = definition;
  const n = operators.length;
  checkQuorum({n, t: threshold, unsafe: unsafeThreshold});
  if (unsafeThreshold && isStandardQuorum({n, t: threshold})) throw malformed("unsafe_threshold", "not needed");
  checkOperators(operators);
  noDuplicates("coordinators", definition.coordinators);
  if (validators < 1 || validators > MAX_CEREMONY_VALIDATORS) {
    throw malformed("validators", `not 1 to ${MAX_CEREMONY_VALIDATORS}`);
  }
  if (require < threshold || require > n) throw malformed("require", `not ${threshold} to ${n}`);
  const impossible = depositAmounts.find((amount) => amount < MIN_DEPOSIT_GWEI || amount > MAX_DEPOSIT_GWEI);
  if (impossible !== undefined) throw malformed("deposit_amounts", "not 1 to 2048 ETH, in Gwei");
  if (new Set(depositAmounts).size !== depositAmounts.length) throw malformed("deposit_amounts", "one amount twice");
  const {escrow = null} = definition;
  if (escrow !== null && !HOLDER_NAME.test(escrow.name)) throw malformed("escrow.name", "not 1 to 64 plain characters");
  if (escrow !== null && !isSealingKey(hexBytes(escrow.publicKey))) {
    throw malformed("escrow.public_key", "everybody could open what is sealed for it");
  }
  if (kind === "fresh") {
    if (previous !== null) throw malformed("previous", "a fresh key has none");
    if (definition.permits !== undefined) throw malformed("permits", "a fresh key has none");
    return;
  }
  if (previous === null) throw malformed("previous", "missing");
  if (depositAmounts.length > 0) throw malformed("deposit_amounts", "only a fresh key is deposited for");
  checkPrevious(definition, previous);
  if (definition.permits?.length === 0) throw malformed("permits", "left out when there are none");
  const keys = new Set(previous.validators.map(({groupPublicKey}) => groupPublicKey));
  if (permits.some(({key}) => !keys.has(key))) throw malformed("permits", "of a key that is not in previous");
}

function checkPrevious({kind, operators, threshold, validators}: Definition, previous: PreviousCommittee): void {
  const n = previous.operators.length;
  // It exists: how it came to its size was consented to then.
  checkQuorum({n, t: previous.threshold, unsafe: true});
  checkOperators(previous.operators);
  if (previous.validators.length !== validators) throw malformed("previous.validators", `not ${validators}`);
  if (previous.validators.some(({sharePublicKeys}) => sharePublicKeys.length !== n)) {
    throw malformed("previous.validators", `not ${n} share public keys`);
  }
  noDuplicates(
    "previous.validators",
    previous.validators.map(({groupPublicKey}) => groupPublicKey),
  );
  if (kind !== "refresh") return;
  const peers = (of: readonly DefinedOperator[]): string => of.map(({peerId}) => peerId).join();
  if (peers(operators) !== peers(previous.operators)) throw malformed("operators", "not the same in a refresh");
  if (threshold !== previous.threshold) throw malformed("threshold", "not the same in a refresh");
  if (threshold === 1) throw malformed("threshold", "one share is the whole key, which cannot be refreshed");
}

function checkOperators(operators: readonly {id: OperatorId; peerId: PeerIdText}[]): void {
  const misplaced = operators.findIndex(({id}, index) => id !== index + 1);
  if (misplaced !== -1) throw new PleiadesError({code: "COMMITTEE_OPERATOR_IDS", position: misplaced + 1});
  noDuplicates(
    "operators",
    operators.map(({peerId}) => peerId),
  );
}

function noDuplicates(field: string, values: readonly string[]): void {
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice === undefined) return;
  const code = field === "previous.validators" ? "COMMITTEE_DUPLICATE_KEY" : "COMMITTEE_DUPLICATE_PEER";
  throw new PleiadesError({code, field, value: twice});
}

/** In one order and spelling. */
export function definitionJson(definition: Definition, {addresses}: {addresses: boolean}): JsonObject {
  const operatorJson = ({id, peerId, addresses: listed}: DefinedOperator) => ({
    id,
    peer_id: peerId,
    addresses: addresses ? listed : [],
  });
  const {network, withdrawal, previous, escrow = null} = definition;
  return {
    version: 1,
    kind: definition.kind,
    nonce: definition.nonce,
    threshold: definition.threshold,
    ...(definition.unsafeThreshold ? {unsafe_threshold: true} : {}),
    operators: definition.operators.map(operatorJson),
    validators: definition.validators,
    network: {
      name: network.name,
      genesis_validators_root: network.genesisValidatorsRoot,
      genesis_fork_version: network.genesisForkVersion,
    },
    withdrawal: withdrawal.kind === "address" ? {address: withdrawal.address} : {change_to: withdrawal.changeTo},
    fee_recipient: definition.feeRecipient,
    // Only where there is one: ids of definitions without stay as they were.
    ...(escrow === null ? {} : {escrow: {public_key: escrow.publicKey, name: escrow.name}}),
    deposit_amounts: definition.depositAmounts.map(String),
    require: definition.require === definition.operators.length ? "all" : definition.require,
    deadline: definition.deadline,
    coordinators: definition.coordinators,
    previous:
      previous === null
        ? null
        : {
            generation: previous.generation,
            threshold: previous.threshold,
            operators: previous.operators.map(operatorJson),
            validators: previous.validators.map(({groupPublicKey, sharePublicKeys}) => ({
              group_public_key: groupPublicKey,
              share_public_keys: sharePublicKeys,
            })),
            handover_epoch: String(previous.handoverEpoch),
          },
    ...(definition.permits === undefined ? {} : {permits: definition.permits.map(permitToJson)}),
  };
}

function list(raw: unknown, field: string, max: number): readonly unknown[] {
  if (!Array.isArray(raw)) throw malformed(field, "not a list");
  if (raw.length > max) throw malformed(field, `more than ${max} entries`);
  return raw;
}

function whole(raw: unknown, field: string): number {
  if (typeof raw !== "number" || !Number.isSafeInteger(raw) || raw < 0) throw malformed(field, "not a whole number");
  return raw;
}
