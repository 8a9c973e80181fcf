import type {PeerIdText} from "../core/bytes.js";
import type {ReasonCode} from "../core/errors.js";
import {REASONS} from "../core/reasons/index.js";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import type {OperatorLink, PeerStatus} from "../ports/operator-link.js";

/**
 * Milliseconds from which a clock counts as wrong. A vote is due a third into its slot, 4 s on mainnet: half a second is
 * an eighth of that, and ten times what NTP leaves between healthy machines. No signature depends on it: keepers allow a
 * whole epoch.
 */
export const CLOCK_SKEW_MS = 500;
/** As often as operators are pinged. */
const INTERVAL_MS = 5_000;

export interface ClockVerdict {
  /** All operators agree that it is this node's clock that is wrong. */
  readonly own: boolean;
  /** Operators whose clock is wrong; none when it is this node's. */
  readonly peers: ReadonlySet<PeerIdText>;
}

/**
 * Whose clock is off by more than the bound, beyond what the round trip leaves open.
 * @param bound milliseconds
 */
export function judgeClocks(peers: readonly PeerStatus[], bound: number = CLOCK_SKEW_MS): ClockVerdict {
  const known = peers.flatMap(({peerId, connected, clockOffsetMs, roundTripMs}) =>
    connected && clockOffsetMs !== null && roundTripMs !== null ? [{peerId, clockOffsetMs, roundTripMs}] : [],
  );
  const off = known.filter(({clockOffsetMs, roundTripMs}) => Math.abs(clockOffsetMs) - roundTripMs / 2 > bound);
  const sameSide = new Set(off.map(({clockOffsetMs}) => Math.sign(clockOffsetMs))).size === 1;
  // One operator alone could be the one that is wrong.
  const own = known.length >= 2 && off.length === known.length && sameSide;
  return {own, peers: new Set(own ? [] : off.map(({peerId}) => peerId))};
}

/** Says, once per episode, which operator's clock (or this node's) is wrong, and which operator says that it signs nothing. */
export class OperatorWatch {
  readonly #link: Pick<OperatorLink, "peers">;
  readonly #clock: Pick<Clock, "after">;
  readonly #logger: Logger;
  readonly #open = new Map<string, ReasonCode>();
  #cancel: () => void = () => {};

  constructor({link, clock, logger}: {link: Pick<OperatorLink, "peers">; clock: Pick<Clock, "after">; logger: Logger}) {
    this.#link = link;
    this.#clock = clock;
    this.#logger = logger;
    this.#schedule();
  }

  stop(): void {
    this.#cancel();
  }

  /** One look; what the timer does. */
  look(): void {
    const peers = this.#link.peers();
    const clocks = judgeClocks(peers);
    // An episode ends well below the bound at which it began, so that a clock at the bound is not a hundred lines.
    const still = judgeClocks(peers, CLOCK_SKEW_MS / 2);
    const offset = (peer: PeerStatus | undefined) => ({clockOffsetMs: Math.round(peer?.clockOffsetMs ?? 0)});
    this.#episode("own clock", clocks.own, still.own, "SIGNER_CLOCK_SKEW", offset(peers[0]));
    for (const peer of peers) {
      const {peerId, stopCode} = peer;
      const wrong = clocks.peers.has(peerId);
      this.#episode(`clock ${peerId}`, wrong, still.peers.has(peerId), "LINK_CLOCK_SKEW", {peerId, ...offset(peer)});
      this.#episode(`stop ${peerId}`, stopCode !== null, stopCode !== null, stopCode ?? "KEEPER_NOT_SIGNING", {peerId});
    }
  }

  #episode(what: string, begins: boolean, goesOn: boolean, code: ReasonCode, fields: {[key: string]: unknown}): void {
    const open = this.#open.get(what);
    if (begins && open !== code) {
      this.#open.set(what, code);
      const {meaning, action} = REASONS[code];
      this.#logger.warn(meaning, {code, ...fields, action});
    } else if (open !== undefined && !goesOn) {
      this.#open.delete(what);
      this.#logger.info("that is over", {code: open, ...fields});
    }
  }

  #schedule(): void {
    this.#cancel = this.#clock.after(INTERVAL_MS, () => {
      this.look();
      this.#schedule();
    });
  }
}
