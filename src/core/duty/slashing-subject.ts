import {asEpoch, asSlot, type Epoch, type Slot} from "../bytes.js";
import type {SignRequest} from "./sign-request.js";

/** What slashing protection has to record of a message. */
export type SlashingSubject =
  | {readonly kind: "block"; readonly slot: Slot}
  | {readonly kind: "attestation"; readonly source: Epoch; readonly target: Epoch};

/** Null for messages that cannot be slashed. @see consensus-specs phase0/beacon-chain.md, "is_slashable_attestation_data" */
export function slashingSubject(request: SignRequest): SlashingSubject | null {
  switch (request.type) {
    case "BLOCK_V2":
      return {kind: "block", slot: asSlot(request.message.slot)};
    case "ATTESTATION": {
      const {source, target} = request.message;
      return {kind: "attestation", source: asEpoch(source.epoch), target: asEpoch(target.epoch)};
    }
    default:
      return null;
  }
}
