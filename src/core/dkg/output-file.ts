import {parseHexBytes, parsePubkeyHex, parseRootHex, toHex} from "../bytes.js";
import {isJsonObject, strictObject} from "../duty/strict-object.js";
import {PleiadesError} from "../errors.js";
import {decodeRefs, encodeRefs, type Guilty, type Offence, type QualifiedDealing} from "./blame.js";
import {type Ceremony, ceremonyOf} from "./ceremony.js";
import {formatDefinition, parseDefinition, type SignedDefinition} from "./definition.js";
import type {Item} from "./items.js";
import {decodeItem} from "./items-codec.js";
import {encodeItem} from "./items-json.js";
import type {ValidatorKeys} from "./keys.js";
import type {VerifyNodeSignature} from "./node-signature.js";
import type {PublicOutput} from "./output.js";

/** 1,000 validators of 13 operators with four deposits each, and the committee they came from. */
const MAX_CHARACTERS = 2 ** 24;
const CODE = "DKG_OUTPUT_MALFORMED";
const OFFENCES: readonly Offence[] = ["equivocation", "wrong share", "malformed dealing", "false accusation"];
const FIELDS = ["version", "definition", "verdicts", "qualified", "guilty", "validators", "results"] as const;

const malformed = (field: string, reason: string): PleiadesError => new PleiadesError({code: CODE, field, reason});

/**
 * Everything public of a finished ceremony, in JSON with a newline at the end: enough for anybody to verify it offline.
 * ```
 * {
 *   "version": 1,
 *   "definition": {…},             with its signatures
 *   "verdicts": "0x…",             what was agreed on: 34 bytes for each recipient heard
 *   "qualified": [{"dealer": 1, "dealing": "0x…"}, …],
 *   "guilty": [{"participant": 3, "offence": "wrong share"}],
 *   "validators": [{"group_public_key": "0x…", "share_public_keys": ["0x…", …]}, …],
 *   "results": [{…}, …]            the signed items of who proved their shares
 * }
 * ```
 */
export function formatOutputFile(signed: SignedDefinition, output: PublicOutput): string {
  const json = {
    version: 1,
    definition: JSON.parse(formatDefinition(signed)),
    verdicts: toHex(encodeRefs(output.verdicts)),
    qualified: output.qualified.map(({dealer, dealing}) => ({dealer, dealing})),
    guilty: output.guilty.map(({participant, offence}) => ({participant, offence})),
    validators: output.keys.map(({groupPublicKey, sharePublicKeys}) => ({
      group_public_key: groupPublicKey,
      share_public_keys: sharePublicKeys,
    })),
    results: output.results.map((item) => JSON.parse(encodeItem(item))),
  };
  return `${JSON.stringify(json, null, 1)}\n`;
}

/**
 * Reads such a file; the signatures of the definition and of the results are right afterwards, nothing more.
 * @throws DKG_OUTPUT_MALFORMED, what parseDefinition and decodeItem throw, DKG_DEFINITION_UNSIGNED, and CODEC_*
 * @see verifyOutput
 */
export function parseOutputFile(
  text: string,
  verify: VerifyNodeSignature,
): {signed: SignedDefinition; ceremony: Ceremony; output: PublicOutput} {
  if (text.length > MAX_CHARACTERS) throw malformed("file", `more than ${MAX_CHARACTERS} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw malformed("file", "not JSON");
  }
  if (isJsonObject(json) && json.version !== 1) throw malformed("version", "not 1");
  const raw = strictObject(json, FIELDS, "file", CODE);
  const signed = parseDefinition(JSON.stringify(raw.definition), verify);
  const ceremony = ceremonyOf(signed, verify);
  const {plan} = ceremony;
  const refs = parseHexBytes(raw.verdicts, {min: 0, max: 34 * plan.recipients}, "verdicts");
  const verdicts = decodeRefs(ceremony, refs);
  if (verdicts === null) throw malformed("verdicts", "not a list of verdicts");
  const output: PublicOutput = {
    verdicts,
    qualified: list(raw.qualified, "qualified", plan.dealers).map(readQualified),
    guilty: list(raw.guilty, "guilty", ceremony.participants.length).map(readGuilty),
    keys: list(raw.validators, "validators", plan.validators).map((one, i) => readKeys(one, i, plan.recipients)),
    results: list(raw.results, "results", plan.recipients).map((one) => readResult(ceremony, one)),
  };
  return {signed, ceremony, output};
}

function readQualified(raw: unknown): QualifiedDealing {
  const {dealer, dealing} = strictObject(raw, ["dealer", "dealing"], "qualified", CODE);
  return {dealer: whole(dealer, "qualified.dealer"), dealing: parseRootHex(dealing, "qualified.dealing")};
}

function readGuilty(raw: unknown): Guilty {
  const {participant, offence} = strictObject(raw, ["participant", "offence"], "guilty", CODE);
  const known = OFFENCES.find((one) => one === offence);
  if (known === undefined) throw malformed("guilty.offence", "unknown");
  return {participant: whole(participant, "guilty.participant"), offence: known};
}

function readKeys(raw: unknown, index: number, recipients: number): ValidatorKeys {
  const field = `validators[${index}]`;
  const {group_public_key, share_public_keys} = strictObject(
    raw,
    ["group_public_key", "share_public_keys"],
    field,
    CODE,
  );
  return {
    groupPublicKey: parsePubkeyHex(group_public_key, `${field}.group_public_key`),
    sharePublicKeys: list(share_public_keys, `${field}.share_public_keys`, recipients).map((key) =>
      parsePubkeyHex(key, `${field}.share_public_keys`),
    ),
  };
}

function readResult(ceremony: Ceremony, raw: unknown): Item<"result"> {
  const item = decodeItem(ceremony, JSON.stringify(raw));
  if (item.kind !== "result") throw malformed("results", "another kind of item");
  return item as Item<"result">;
}

function list(raw: unknown, field: string, max: number): readonly unknown[] {
  if (!Array.isArray(raw) || raw.length > max) throw malformed(field, `not a list of at most ${max}`);
  return raw;
}

function whole(raw: unknown, field: string): number {
  if (typeof raw === "number" && Number.isSafeInteger(raw) && raw >= 1 && raw <= 26) return raw;
  throw malformed(field, "not a number of a participant");
}
