import type {PeerIdText} from "../core/bytes.js";
import type {Committee} from "../core/committee/committee.js";
import type {SignType} from "../core/duty/sign-request.js";
import {isRanked} from "../core/ranking/claim.js";
import {holdMs} from "../core/ranking/delay.js";

/** What a coordinator knows of its own turn with one request. */
export interface Turn {
  /** Another signer may ask for another message for the same duty. */
  readonly contested: boolean;
  /** How long operators hold this signer's request at most. */
  readonly holdMs: number;
}

export const UNCONTESTED: Turn = {contested: false, holdMs: 0};

/** `self` is null for a coordinator that does not know its own peer id: it takes itself for the only one. */
export function turnOf(
  {coordinators}: Committee,
  type: SignType,
  {self, signerDelayMs}: {self: PeerIdText | null; signerDelayMs: number},
): Turn {
  const rank = self === null ? -1 : coordinators.indexOf(self);
  if (rank === -1 || coordinators.length < 2 || !isRanked(type)) return UNCONTESTED;
  return {contested: true, holdMs: holdMs(rank, signerDelayMs)};
}
