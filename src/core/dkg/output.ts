import {fromHex, type RootHex} from "../bytes.js";
import {checkShareKeys} from "../committee/share-keys.js";
import {PleiadesError} from "../errors.js";
import {type Evaluation, encodeRefs, type VerdictRef} from "./blame.js";
import type {Ceremony} from "./ceremony.js";
import {digestHex, hexBytes} from "./digest.js";
import type {DkgGroup} from "./group.js";
import type {Item} from "./items.js";
import type {ValidatorKeys} from "./keys.js";
import {checkShareProof} from "./share-proof.js";

/** What a ceremony decided, before anybody has signed it. */
export interface Outcomes extends Evaluation {
  readonly verdicts: readonly VerdictRef[];
  /** By validator. */
  readonly keys: readonly ValidatorKeys[];
}

/** Names everything the ceremony decided; each operator that holds its shares signs it. */
export function transcriptHash({id}: Pick<Ceremony, "id">, outcomes: Outcomes): RootHex {
  const {verdicts, qualified, guilty, keys} = outcomes;
  const refs = encodeRefs(verdicts);
  const keyBytes = keys.flatMap(({groupPublicKey, sharePublicKeys}) =>
    [groupPublicKey, ...sharePublicKeys].map(fromHex),
  );
  return digestHex(
    "transcript v1",
    hexBytes(id),
    ...[refs.length, refs],
    ...[qualified.length, ...qualified.flatMap(({dealer, dealing}) => [dealer, hexBytes(dealing)])],
    ...[guilty.length, ...guilty.flatMap(({participant, offence}) => [participant, offence.length, offence])],
    ...[keys.length, ...keyBytes],
  );
}

/** Partial signatures of the deposits are checked by whoever knows deposits. */
export type CheckDeposits = (keys: readonly ValidatorKeys[], recipient: number, result: Item<"result">) => boolean;

/** Whether a result is of this transcript and its author holds its shares. */
export function isResultOf(
  group: DkgGroup,
  {keys}: Pick<Outcomes, "keys">,
  transcript: RootHex,
  {result, checkDeposits}: {result: Item<"result">; checkDeposits: CheckDeposits},
): boolean {
  const {author, body} = result;
  const sharePublicKeys = keys.map((one) => one.sharePublicKeys[author - 1]!);
  return (
    body.transcript === transcript &&
    checkShareProof(group, {transcript, sharePublicKeys, proof: body.proof}) &&
    checkDeposits(keys, author, result)
  );
}

/** What anybody can check who has nothing but the output: a definition, what was decided, and who signed it. */
export interface PublicOutput extends Outcomes {
  readonly results: readonly Item<"result">[];
}

/**
 * Checks a ceremony's public output offline: enough different recipients, none of them guilty, signed this very transcript
 * and proved their shares; the share public keys of each validator lie on one polynomial of degree t−1 with the group
 * key at 0; a key that lives on is the same as before. What it cannot show is how the dealings went: for that the results'
 * authors are trusted, of whom at most f lie. Deposits are checked beside it.
 *
 * @returns the transcript's hash
 * @throws DKG_OUTPUT_INVALID · COMMITTEE_SHARES_INCONSISTENT · THRESHOLD_BAD_POINT
 */
export function verifyOutput(
  group: DkgGroup,
  ceremony: Ceremony,
  output: PublicOutput,
  checkDeposits: CheckDeposits,
): RootHex {
  const {definition, plan} = ceremony;
  const {results, keys, guilty, verdicts, qualified} = output;
  if (keys.length !== plan.validators) throw invalid(`keys of ${keys.length} validators`);
  keys.forEach(({groupPublicKey, sharePublicKeys}, v) => {
    if (sharePublicKeys.length !== plan.recipients) throw invalid(`${sharePublicKeys.length} share public keys`);
    const before = plan.previous?.groupPublicKeys[v] ?? groupPublicKey;
    if (before !== groupPublicKey) throw invalid("another key than the one that was to live on");
    checkShareKeys(group, {groupPublicKey, sharePublicKeys}, plan.threshold);
  });
  if (new Set(keys.map(({groupPublicKey}) => groupPublicKey)).size !== keys.length) throw invalid("one key twice");
  if (qualified.length < plan.dealerThreshold) throw invalid(`${qualified.length} dealers`);
  const outcomes: Outcomes = {verdicts, qualified, guilty, keys};
  const transcript = transcriptHash(ceremony, outcomes);
  const liars = new Set(guilty.map(({participant}) => participant));
  const authors = new Set(results.map(({author}) => author));
  if (authors.size !== results.length || [...authors].some((author) => liars.has(author))) {
    throw invalid("results of one operator twice, or of a guilty one");
  }
  if (authors.size < definition.require) throw invalid(`${authors.size} results instead of ${definition.require}`);
  const wrong = results.find((result) => !isResultOf(group, outcomes, transcript, {result, checkDeposits}));
  if (wrong !== undefined) throw invalid(`the result of operator ${wrong.author} is not of this transcript`);
  return transcript;
}

const invalid = (reason: string): PleiadesError => new PleiadesError({code: "DKG_OUTPUT_INVALID", reason});
