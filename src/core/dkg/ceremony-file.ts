import {parseHexBytes, parsePubkeyHex, parseRootHex, type RootHex, toHex} from "../bytes.js";
import {formatCommitteeFile} from "../committee/committee-file.js";
import {checkShareKeys} from "../committee/share-keys.js";
import {strictObject} from "../duty/strict-object.js";
import {PleiadesError} from "../errors.js";
import type {Deposit} from "../mini-pool/deposit-data.js";
import {decodeRefs, encodeRefs, type Guilty, type Offence, type QualifiedDealing} from "./blame.js";
import {type Ceremony, ceremonyOf, participant} from "./ceremony.js";
import {formatDefinition, parseDefinition, type SignedDefinition} from "./definition.js";
import {combineDeposits, depositChecker} from "./deposits.js";
import type {DkgGroup} from "./group.js";
import {type Item, isItem} from "./items.js";
import {decodeItem} from "./items-codec.js";
import {encodeItem} from "./items-json.js";
import type {ValidatorKeys} from "./keys.js";
import type {VerifyNodeSignature} from "./node-signature.js";
import {isResultOf, type Outcomes, transcriptHash} from "./output.js";

/** 1,000 validators of 13 operators, one deposit each: 13 results of 200 characters a deposit, 14 keys of a hundred each. */
const MAX_CHARACTERS = 2 ** 24;
const CODE = "DKG_FILE_MALFORMED";
const OFFENCES: readonly Offence[] = ["equivocation", "wrong share", "malformed dealing", "false accusation"];

/** All that a ceremony leaves to the public. Whoever has it needs nobody's word for the keys in it. */
export interface CeremonyRecord {
  readonly signed: SignedDefinition;
  readonly outcomes: Outcomes;
  readonly transcript: RootHex;
  /** By operator: that this is what it saw, and that it holds its shares. At least as many as the definition requires. */
  readonly results: readonly Item<"result">[];
}

/** A record that was checked, and what follows from it. */
export interface VerifiedRecord extends CeremonyRecord {
  readonly ceremony: Ceremony;
  /** Operators that have not proved their shares. */
  readonly missing: readonly number[];
  /** By validator, then by amount; none unless the keys are fresh. */
  readonly deposits: readonly Deposit[];
}

/** The text of a ceremony file, ending with a newline. */
export function formatCeremonyFile({signed, outcomes, transcript, results}: CeremonyRecord): string {
  const {verdicts, qualified, guilty, keys} = outcomes;
  const json = {
    version: 1,
    definition: JSON.parse(formatDefinition(signed)) as unknown,
    verdicts: toHex(encodeRefs(verdicts)),
    qualified,
    guilty,
    validators: keys.map(({groupPublicKey, sharePublicKeys}) => ({
      group_public_key: groupPublicKey,
      share_public_keys: sharePublicKeys,
    })),
    transcript,
    results: results.map((item) => JSON.parse(encodeItem(item)) as unknown),
  };
  return `${JSON.stringify(json, null, 1)}\n`;
}

/**
 * Reads and verifies a ceremony file from nothing but itself: that all operators have signed the definition, that the share
 * public keys of each validator lie on one polynomial with its group public key, that enough operators have signed this very
 * transcript and each of those holds its shares, and that their partial signatures make the deposits.
 *
 * What it cannot show is that operators did not conspire: t of them together can make any key look dealt.
 * @throws DKG_FILE_MALFORMED · DKG_FILE_VERSION · DKG_FILE_TRANSCRIPT · DKG_FILE_RESULT · DKG_FILE_INCOMPLETE, and the codes of
 *   definitions, items, share public keys and deposits
 */
export function verifyCeremonyFile(
  text: string,
  {group, verify}: {group: DkgGroup; verify: VerifyNodeSignature},
): VerifiedRecord {
  const raw = readFile(text);
  const signed = parseDefinition(JSON.stringify(raw.definition), verify);
  const {definition} = signed;
  const ceremony = ceremonyOf(signed, verify);
  const outcomes = readOutcomes(ceremony, raw);
  for (const keys of outcomes.keys) checkShareKeys(group, keys, definition.threshold);
  const transcript = parseRootHex(raw.transcript, "transcript");
  const computed = transcriptHash(ceremony, outcomes);
  if (computed !== transcript) throw new PleiadesError({code: "DKG_FILE_TRANSCRIPT", claimed: transcript, computed});
  const results = readResults(ceremony, raw.results);
  const checkDeposits = depositChecker(group, definition);
  for (const result of results) {
    if (!isResultOf(group, outcomes, transcript, {result, checkDeposits})) {
      throw new PleiadesError({code: "DKG_FILE_RESULT", operatorId: result.author});
    }
  }
  const missing = definition.operators
    .map(({id}) => id as number)
    .filter((id) => !results.some((r) => r.author === id));
  if (results.length < definition.require) {
    throw new PleiadesError({code: "DKG_FILE_INCOMPLETE", required: definition.require, missing: missing.join(", ")});
  }
  const partials = new Map(results.map(({author, body}) => [author, body.deposits]));
  const deposits = combineDeposits(group, definition, {keys: outcomes.keys, partials});
  return {signed, ceremony, outcomes, transcript, results, missing, deposits};
}

/** The committee file of the keys a ceremony made. @throws what parseCommitteeFile throws */
export function committeeFileOf(
  group: DkgGroup,
  {signed, outcomes}: Pick<CeremonyRecord, "signed" | "outcomes">,
): string {
  const {threshold, unsafeThreshold, operators, network, coordinators, previous} = signed.definition;
  const draft = {
    generation: previous === null ? 0 : previous.generation + 1,
    genesisValidatorsRoot: network.genesisValidatorsRoot,
    threshold,
    operators,
    coordinators,
    validators: outcomes.keys,
  };
  return formatCommitteeFile(draft, group, {unsafeThreshold});
}

const malformed = (field: string, reason: string): PleiadesError => new PleiadesError({code: CODE, field, reason});

const FIELDS = [
  "version",
  "definition",
  "verdicts",
  "qualified",
  "guilty",
  "validators",
  "transcript",
  "results",
] as const;
type RawFile = {readonly [K in (typeof FIELDS)[number]]: unknown};

function readFile(text: string): RawFile {
  if (text.length > MAX_CHARACTERS) throw malformed("file", `more than ${MAX_CHARACTERS} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw malformed("file", "not JSON, or cut short");
  }
  // Version first: a later one may have any other fields.
  if (typeof json === "object" && json !== null && "version" in json && json.version !== 1) {
    throw new PleiadesError({code: "DKG_FILE_VERSION", version: String(json.version).slice(0, 32), known: 1});
  }
  return strictObject(json, FIELDS, "file", CODE);
}

function readOutcomes(ceremony: Ceremony, raw: RawFile): Outcomes {
  const {plan, definition, participants} = ceremony;
  const refs = decodeRefs(ceremony, parseHexBytes(raw.verdicts, {min: 0, max: 512}, "verdicts"));
  if (refs === null || refs.length < plan.threshold)
    throw malformed("verdicts", "not a set of enough operators' verdicts");
  const qualified = list(raw.qualified, "qualified", plan.dealers).map((one): QualifiedDealing => {
    const {dealer, dealing} = strictObject(one, ["dealer", "dealing"], "qualified", CODE);
    return {
      dealer: number(dealer, "qualified.dealer", plan.dealers),
      dealing: parseRootHex(dealing, "qualified.dealing"),
    };
  });
  if (qualified.length < plan.dealerThreshold || !isRising(qualified.map(({dealer}) => dealer))) {
    throw malformed("qualified", `not ${plan.dealerThreshold} or more dealers in order`);
  }
  const guilty = list(raw.guilty, "guilty", participants.length).map((one): Guilty => {
    const {participant: whom, offence} = strictObject(one, ["participant", "offence"], "guilty", CODE);
    const known = OFFENCES.find((each) => each === offence);
    if (known === undefined) throw malformed("guilty.offence", "unknown");
    return {participant: number(whom, "guilty.participant", participants.length), offence: known};
  });
  const dealing = new Set(qualified.map(({dealer}) => dealer));
  const both = guilty.find(({participant: whom}) => dealing.has(participant(ceremony, whom).dealer ?? 0));
  if (both !== undefined) throw malformed("qualified", `participant ${both.participant} is guilty`);
  const keys = list(raw.validators, "validators", definition.validators).map((one, i): ValidatorKeys => {
    const field = `validators[${i}]`;
    const {group_public_key, share_public_keys} = strictObject(
      one,
      ["group_public_key", "share_public_keys"],
      field,
      CODE,
    );
    const shares = list(share_public_keys, `${field}.share_public_keys`, plan.recipients);
    if (shares.length !== plan.recipients) throw malformed(`${field}.share_public_keys`, `not ${plan.recipients}`);
    return {
      groupPublicKey: parsePubkeyHex(group_public_key, `${field}.group_public_key`),
      sharePublicKeys: shares.map((key) => parsePubkeyHex(key, `${field}.share_public_keys`)),
    };
  });
  if (keys.length !== definition.validators) throw malformed("validators", `not ${definition.validators}`);
  definition.previous?.validators.forEach(({groupPublicKey}, i) => {
    if (keys[i]!.groupPublicKey !== groupPublicKey) throw malformed(`validators[${i}]`, "another key than before");
  });
  return {verdicts: refs, qualified, guilty, keys};
}

function readResults(ceremony: Ceremony, raw: unknown): Item<"result">[] {
  const results = list(raw, "results", ceremony.plan.recipients).map((one) => {
    const item = decodeItem(ceremony, JSON.stringify(one));
    if (!isItem(item, "result")) throw malformed("results", "not a result");
    return item;
  });
  if (!isRising(results.map(({author}) => author))) throw malformed("results", "not one of each operator, in order");
  return results;
}

const isRising = (numbers: readonly number[]): boolean => numbers.every((one, i) => i === 0 || one > numbers[i - 1]!);

function number(raw: unknown, field: string, max: number): number {
  if (!Number.isInteger(raw) || (raw as number) < 1 || (raw as number) > max) throw malformed(field, `not 1 to ${max}`);
  return raw as number;
}

function list(raw: unknown, field: string, max: number): readonly unknown[] {
  if (!Array.isArray(raw)) throw malformed(field, "not a list");
  if (raw.length > max) throw malformed(field, `more than ${max} entries`);
  return raw;
}
