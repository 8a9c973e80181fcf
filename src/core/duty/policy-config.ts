/** What an operator allows beyond duties, and its plain JSON for lodestar.config.yaml and the channel to the keeper. */
import type {Type} from "@chainsafe/ssz";
import {
  type AddressHex,
  type Bytes4Hex,
  type PubkeyHex,
  parseAddressHex,
  parseBytes4Hex,
  parsePubkeyHex,
  parseRootHex,
  parseUint64,
  type RootHex,
  rootHex,
} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import {BlsToExecutionChange, DepositMessage, VoluntaryExit} from "./containers.js";
import {isReservedDomainType} from "./domain.js";
import {readSsz} from "./ssz-json.js";
import {strictObject} from "./strict-object.js";

export const PERMIT_TYPES = ["VOLUNTARY_EXIT", "DEPOSIT", "BLS_TO_EXECUTION_CHANGE"] as const;
export type PermitType = (typeof PERMIT_TYPES)[number];

export interface RegistrationRule {
  readonly feeRecipient: AddressHex;
  readonly maxGasLimit: bigint;
}

/** Exactly this message, signed by exactly this key. */
export interface Permit {
  readonly key: PubkeyHex;
  readonly type: PermitType;
  readonly objectRoot: RootHex;
}

/** What this operator's own configuration allows beyond duties. @see parsePolicyConfig */
export interface PolicyConfig {
  readonly permits: readonly Permit[];
  readonly genericDomainTypes: readonly Bytes4Hex[];
  readonly registration: {
    readonly default: RegistrationRule | null;
    readonly byKey: ReadonlyMap<PubkeyHex, RegistrationRule>;
  };
}

/** Duties only: no exits, deposits, changes, generic messages or registrations. */
export const EMPTY_POLICY: PolicyConfig = {
  permits: [],
  genericDomainTypes: [],
  registration: {default: null, byKey: new Map()},
};

/** The fields a permit spells out, in the wire's own names; their root is what is compared. */
const PERMIT_CONTAINERS: {readonly [type in PermitType]: {fields: readonly string[]; container: Type<unknown>}} = {
  VOLUNTARY_EXIT: {fields: ["epoch", "validator_index"], container: VoluntaryExit},
  // A deposit's `pubkey` is the key that signs it.
  DEPOSIT: {fields: ["withdrawal_credentials", "amount"], container: DepositMessage},
  BLS_TO_EXECUTION_CHANGE: {
    fields: ["validator_index", "from_bls_pubkey", "to_execution_address"],
    container: BlsToExecutionChange,
  },
};

/**
 * The policy of a configuration. All three members may be absent (then nothing is allowed):
 * `permits`: `{type, pubkey, …}` with the message's own fields, or `object_root` in their place;
 * `genericDomainTypes`: 4-byte hex; `registration`: `{default?, byKey?: {pubkey: rule}}` with rules
 * `{feeRecipient, maxGasLimit}`.
 * @throws POLICY_CONFIG · POLICY_RESERVED_DOMAIN · CODEC_HEX · CODEC_UINT64, each naming the field
 */
export function parsePolicyConfig(json: unknown): PolicyConfig {
  const {permits, genericDomainTypes, registration} = config(
    json,
    "policy",
    [],
    ["permits", "genericDomainTypes", "registration"],
  );
  return {
    permits: list(permits, "policy.permits").map((item, i) => parsePermit(item, `policy.permits[${i}]`)),
    genericDomainTypes: list(genericDomainTypes, "policy.genericDomainTypes").map((item, i) => {
      const domainType = parseBytes4Hex(item, `policy.genericDomainTypes[${i}]`);
      if (isReservedDomainType(domainType)) throw new PleiadesError({code: "POLICY_RESERVED_DOMAIN", domainType});
      return domainType;
    }),
    registration: parseRegistration(registration ?? {}),
  };
}

/** Plain JSON that parsePolicyConfig reads back as the same policy; permits by their roots. */
export const policyToJson = ({permits, genericDomainTypes, registration}: PolicyConfig): unknown => ({
  permits: permits.map(permitToJson),
  genericDomainTypes: [...genericDomainTypes],
  registration: {
    default: registration.default === null ? null : ruleToJson(registration.default),
    byKey: Object.fromEntries([...registration.byKey].map(([key, rule]) => [key, ruleToJson(rule)])),
  },
});

/** By its root: the shortest form that parsePermit reads. */
export const permitToJson = ({key, type, objectRoot}: Permit): {readonly [key: string]: string} => ({
  type,
  pubkey: key,
  object_root: objectRoot,
});

/** @throws POLICY_CONFIG · CODEC_HEX · CODEC_UINT64, each naming the field */
export function parsePermit(json: unknown, field: string): Permit {
  const raw = typeof json === "object" && json !== null && "type" in json ? json.type : undefined;
  const type = PERMIT_TYPES.find((known) => known === raw);
  if (type === undefined) throw wrong(`${field}.type`, `not one of ${PERMIT_TYPES.join(", ")}`);
  const {fields, container} = PERMIT_CONTAINERS[type];
  const byRoot = Object.hasOwn(json as object, "object_root");
  const members = config(json, field, ["type", "pubkey", ...(byRoot ? ["object_root"] : fields)]);
  const key = parsePubkeyHex(members.pubkey, `${field}.pubkey`);
  const objectRoot: RootHex = byRoot
    ? parseRootHex(members.object_root, `${field}.object_root`)
    : rootHex(container.hashTreeRoot(readSsz(container, {...members}, field)));
  return {key, type, objectRoot};
}

function parseRegistration(json: unknown): PolicyConfig["registration"] {
  const field = "policy.registration";
  const members = config(json, field, [], ["default", "byKey"]);
  const byKey = new Map();
  const rules = members.byKey ?? {};
  if (typeof rules !== "object" || Array.isArray(rules)) throw wrong(`${field}.byKey`, "not an object");
  for (const [rawKey, rule] of Object.entries(rules)) {
    const key = parsePubkeyHex(rawKey, `${field}.byKey`);
    if (byKey.has(key)) throw wrong(`${field}.byKey`, `${key} stands there twice`);
    byKey.set(key, parseRule(rule, `${field}.byKey.${key}`));
  }
  return {default: members.default == null ? null : parseRule(members.default, `${field}.default`), byKey};
}

function parseRule(json: unknown, field: string): RegistrationRule {
  const {feeRecipient, maxGasLimit} = config(json, field, ["feeRecipient", "maxGasLimit"]);
  return {
    feeRecipient: parseAddressHex(feeRecipient, `${field}.feeRecipient`),
    maxGasLimit: parseUint64(maxGasLimit, `${field}.maxGasLimit`),
  };
}

const ruleToJson = ({feeRecipient, maxGasLimit}: RegistrationRule): unknown => ({
  feeRecipient,
  maxGasLimit: maxGasLimit.toString(),
});

const config = (json: unknown, field: string, keys: readonly string[], optional: readonly string[] = []) =>
  strictObject(json, keys, field, "POLICY_CONFIG", optional);

function list(json: unknown, field: string): readonly unknown[] {
  if (json === undefined || json === null) return [];
  if (!Array.isArray(json)) throw wrong(field, "not a list");
  // It may come from another process, with holes that `map` would pass over.
  return Array.from(json);
}

const wrong = (field: string, reason: string): PleiadesError =>
  new PleiadesError({code: "POLICY_CONFIG", field, reason});
