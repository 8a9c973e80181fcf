import {createHash} from "node:crypto";
import type {AddressHex, Bytes4Hex, Gwei, OperatorId, PeerIdText, PubkeyHex, RootHex} from "../bytes.js";
import {rootHex} from "../bytes.js";
import type {Permit} from "../duty/policy-config.js";
import {PleiadesError} from "../errors.js";
import {checkDefinition, definitionJson, readDefinition} from "./definition-shape.js";
import type {VerifyNodeSignature} from "./node-signature.js";
import type {CeremonyKind, Plan} from "./plan.js";

export interface DefinedOperator {
  readonly id: OperatorId;
  readonly peerId: PeerIdText;
  /** Not part of the ceremony's id: an operator may move house. */
  readonly addresses: readonly string[];
}

/** The committee whose keys live on, for refresh and reshare. Its keys are in the definition, so everybody means the same. */
export interface PreviousCommittee {
  readonly generation: number;
  readonly threshold: number;
  /** The dealers of a reshare, numbered as in the old committee; of a refresh the operators again. */
  readonly operators: readonly DefinedOperator[];
  readonly validators: readonly {
    readonly groupPublicKey: PubkeyHex;
    readonly sharePublicKeys: readonly PubkeyHex[];
  }[];
  /** The last epoch of the old shares: what is later is signed with the new ones. */
  readonly handoverEpoch: bigint;
}

/** Where the stake goes when it is withdrawn. */
export type WithdrawalTarget =
  | {readonly kind: "address"; readonly address: AddressHex}
  /** 0x00 of the validator's own key; the committee signs a change to this address and no other. */
  | {readonly kind: "dkg-key"; readonly changeTo: AddressHex};

/** Who may be given exits of the keys, sealed: whoever holds the whole of one can let the validator leave at will. */
export interface EscrowHolder {
  /** X25519. */
  readonly publicKey: RootHex;
  /** For people. */
  readonly name: string;
}

/** What a ceremony is about; everybody signs its id. */
export interface Definition {
  readonly version: 1;
  readonly kind: CeremonyKind;
  /** Random, so that no two ceremonies have one id. */
  readonly nonce: RootHex;
  readonly threshold: number;
  readonly unsafeThreshold: boolean;
  /** Who gets shares, numbered 1…n. */
  readonly operators: readonly DefinedOperator[];
  /** How many validators: 1…1000. */
  readonly validators: number;
  readonly network: {
    readonly name: string;
    readonly genesisValidatorsRoot: RootHex;
    readonly genesisForkVersion: Bytes4Hex;
  };
  readonly withdrawal: WithdrawalTarget;
  readonly feeRecipient: AddressHex;
  /** Absent or null: nobody. */
  readonly escrow?: EscrowHolder | null;
  /** Fresh only: one deposit per validator and amount. */
  readonly depositAmounts: readonly Gwei[];
  /** How many operators have to take part to the end and sign the result; at least t. */
  readonly require: number;
  /** Unix time in seconds at which it ends unfinished. */
  readonly deadline: number;
  readonly coordinators: readonly PeerIdText[];
  readonly previous: PreviousCommittee | null;
  /** One-off messages of keys that live on which the new shares may sign, beside what each operator's policy permits. */
  readonly permits?: readonly Permit[];
}

/** By participant, ascending: see {@link participantsOf}. 0x and 64 bytes in hex. */
export type DefinitionSignatures = ReadonlyMap<number, string>;

export interface SignedDefinition {
  readonly definition: Definition;
  readonly signatures: DefinitionSignatures;
}

const ID_DOMAIN = "pleiades ceremony definition v1\n";
const SIGNING_DOMAIN = "pleiades ceremony consent v1\n";

/** Names the ceremony: SHA-256 of the canonical definition without addresses and signatures. */
export function ceremonyId(definition: Definition): RootHex {
  const canonical = JSON.stringify(definitionJson(definition, {addresses: false}));
  return rootHex(createHash("sha256").update(ID_DOMAIN).update(canonical).digest());
}

/** What a participant signs with its node key before it takes part. */
export const consentMessage = (id: RootHex): Uint8Array => new Uint8Array(Buffer.from(`${SIGNING_DOMAIN}${id}`));

/** A node of a ceremony, which may deal, receive, or both. */
export interface Participant {
  /** Its number in this ceremony, from 1: the operators in order, then dealers that are not among them. */
  readonly number: number;
  readonly peerId: PeerIdText;
  readonly dealer: number | null;
  readonly recipient: number | null;
}

export function participantsOf({kind, operators, previous}: Definition): readonly Participant[] {
  const dealers = kind === "reshare" ? previous!.operators : operators;
  const dealerOf = (peer: PeerIdText): number | null => dealers.find(({peerId}) => peerId === peer)?.id ?? null;
  const peers = operators.map(({peerId, id}) => ({peerId, dealer: dealerOf(peerId), recipient: id as number | null}));
  const others = dealers.filter(({peerId}) => !operators.some((one) => one.peerId === peerId));
  const all = [...peers, ...others.map(({peerId, id}) => ({peerId, dealer: id as number | null, recipient: null}))];
  return all.map((one, i) => ({number: i + 1, ...one}));
}

/** The numbers a ceremony is computed from. */
export function planOf(definition: Definition): Plan {
  const {kind, operators, threshold, validators, previous} = definition;
  return {
    id: new Uint8Array(Buffer.from(ceremonyId(definition).slice(2), "hex")),
    kind,
    dealers: kind === "reshare" ? previous!.operators.length : operators.length,
    dealerThreshold: kind === "reshare" ? previous!.threshold : threshold,
    recipients: operators.length,
    threshold,
    validators,
    previous:
      previous === null
        ? null
        : {
            groupPublicKeys: previous.validators.map(({groupPublicKey}) => groupPublicKey),
            sharePublicKeys: previous.validators.map(({sharePublicKeys}) => sharePublicKeys),
          },
  };
}

/**
 * Reads a definition file; every signature in it must be right, but some may still be missing.
 * @throws DKG_DEFINITION_MALFORMED · DKG_DEFINITION_VERSION · DKG_DEFINITION_SIGNATURE · COMMITTEE_SIZE ·
 *   COMMITTEE_THRESHOLD · COMMITTEE_OPERATOR_IDS · COMMITTEE_DUPLICATE_PEER · COMMITTEE_DUPLICATE_KEY, and CODEC_* with the field
 */
export function parseDefinition(text: string, verify: VerifyNodeSignature): SignedDefinition {
  const {definition, signatures} = readDefinition(text);
  checkDefinition(definition);
  const message = consentMessage(ceremonyId(definition));
  const participants = participantsOf(definition);
  for (const [number, signature] of signatures) {
    const peerId = participants[number - 1]?.peerId;
    if (peerId === undefined || !verify(peerId, message, Buffer.from(signature.slice(2), "hex"))) {
      throw new PleiadesError({code: "DKG_DEFINITION_SIGNATURE", participant: number, peerId});
    }
  }
  return {definition, signatures};
}

/** The text of a definition file, ending with a newline. @throws what {@link parseDefinition} does but for signatures */
export function formatDefinition({definition, signatures}: SignedDefinition): string {
  checkDefinition(definition);
  const sorted = [...signatures].sort(([a], [b]) => a - b);
  const json = {
    ...definitionJson(definition, {addresses: true}),
    signatures: sorted.map(([participant, signature]) => ({participant, signature})),
  };
  const text = `${JSON.stringify(json, null, 1)}\n`;
  readDefinition(text);
  return text;
}

/**
 * Whether enough have signed for it to run: all recipients, and all dealers but those a reshare may do without because
 * they are what is being replaced.
 * @throws DKG_DEFINITION_UNSIGNED with the participants' numbers
 */
export function checkConsent({definition, signatures}: SignedDefinition): void {
  const participants = participantsOf(definition);
  const missing = participants.filter(({number}) => !signatures.has(number));
  const recipients = missing.filter(({recipient}) => recipient !== null);
  const {dealers, dealerThreshold} = planOf(definition);
  const dealersMissing = missing.filter(({dealer}) => dealer !== null).length;
  if (recipients.length === 0 && dealers - dealersMissing >= dealerThreshold) return;
  throw new PleiadesError({
    code: "DKG_DEFINITION_UNSIGNED",
    participants: missing.map(({number}) => number).join(),
    peers: missing.map(({peerId}) => peerId),
  });
}
