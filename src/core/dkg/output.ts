import {fromHex, type RootHex} from "../bytes.js";
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

/** Partial signatures of the deposits are checked by whoever knows deposits; core's part of a ceremony only carries them. */
export type CheckDeposits = (keys: readonly ValidatorKeys[], recipient: number, result: Item<"result">) => boolean;

/** Whether a result is of this transcript and its author holds its shares. */
export function isResultOf(
  group: DkgGroup,
  outcomes: Outcomes,
  transcript: RootHex,
  {result, checkDeposits}: {result: Item<"result">; checkDeposits: CheckDeposits},
): boolean {
  const {author, body} = result;
  const sharePublicKeys = outcomes.keys.map((keys) => keys.sharePublicKeys[author - 1]!);
  return (
    body.transcript === transcript &&
    checkShareProof(group, {transcript, sharePublicKeys, proof: body.proof}) &&
    checkDeposits(outcomes.keys, author, result)
  );
}
