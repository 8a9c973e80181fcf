import type {RootHex} from "../bytes.js";
import {
  ceremonyId,
  checkConsent,
  type Definition,
  type Participant,
  participantsOf,
  planOf,
  type SignedDefinition,
} from "./definition.js";
import type {VerifyNodeSignature} from "./node-signature.js";
import type {Plan} from "./plan.js";

/** A definition that may run, and what follows from it. */
export interface Ceremony {
  readonly id: RootHex;
  readonly definition: Definition;
  readonly plan: Plan;
  readonly participants: readonly Participant[];
  readonly verify: VerifyNodeSignature;
  /** Announces found right before: each comes again in every dealing, and checking one costs n multiplications. */
  readonly checked: Set<string>;
}

/** @throws DKG_DEFINITION_UNSIGNED */
export function ceremonyOf(signed: SignedDefinition, verify: VerifyNodeSignature): Ceremony {
  checkConsent(signed);
  const {definition} = signed;
  return {
    id: ceremonyId(definition),
    definition,
    plan: planOf(definition),
    participants: participantsOf(definition),
    verify,
    checked: new Set(),
  };
}

/** @param number of a participant that was checked to exist */
export const participant = ({participants}: Ceremony, number: number): Participant => participants[number - 1]!;
/** The participant who is this dealer. */
export const dealerParticipant = ({participants}: Ceremony, dealer: number): Participant =>
  participants.find((one) => one.dealer === dealer)!;
/** Recipients have the same number as participants. */
export const recipientParticipant = participant;
