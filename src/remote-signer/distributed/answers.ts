import type {OperatorId, PubkeyHex, RootHex, SignatureHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import {REASONS} from "../../core/reasons/index.js";
import type {
  DistributedAccount,
  DistributedParticipant,
  ProfileCoordinator,
} from "../../ports/distributed-participant.js";
import type {SignOne} from "../signing.js";

/** `DistributedAccount` of the draft: integers are decimal strings. */
export const accountJson = ({
  participantId,
  publicKey,
  compositePublicKey,
  threshold,
  participants,
}: DistributedAccount) => ({
  participant_id: String(participantId),
  public_key: publicKey,
  composite_public_key: compositePublicKey,
  signing_threshold: String(threshold),
  participants: participants.map(({id, endpoint}) => ({id: String(id), endpoint})),
});

/** `PartialSigningResponse` of the draft. */
export interface PartialAnswer {
  readonly participant_id: string;
  readonly signing_root: RootHex;
  readonly signature: SignatureHex;
}

const partialJson = (id: OperatorId, signing_root: RootHex, signature: SignatureHex): PartialAnswer => ({
  participant_id: String(id),
  signing_root,
  signature,
});

/** What makes this participant's answer to one coordinator for one key. Rejects with the code of a refusal. */
export const partialOf =
  (participant: DistributedParticipant, coordinator: ProfileCoordinator): SignOne<PartialAnswer> =>
  async (key: PubkeyHex, request, signingRoot, signal, trace) => {
    const reply = await participant.sign(coordinator, key, request, signingRoot, {gone: signal, trace});
    if (reply.kind === "signed") return partialJson(reply.participantId, signingRoot, reply.signature);
    const reason = reply.message === REASONS[reply.code].meaning ? undefined : reply.message;
    throw new PleiadesError({code: reply.code, reason});
  };

/** The draft, unlike Web3Signer, has a 400 for a root that differs from the recomputed one. */
export function asProfileError(error: unknown): unknown {
  if (!(error instanceof PleiadesError) || error.code !== "CODEC_ROOT_MISMATCH") return error;
  return new PleiadesError({...error.data, code: "DISTRIBUTED_ROOT_MISMATCH"}, {cause: error});
}
