import type {PeerIdText} from "../core/bytes.js";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import type {OperatorLink} from "../ports/operator-link.js";

/** What is known of one operator from its answers. */
export interface Standing {
  /** Smoothed time to answer, null before the first answer. */
  readonly latencyMs: number | null;
  /** Smoothed distance of single answers from it. */
  readonly deviationMs: number;
  /** Deadlines missed in a row; a timely answer makes it 0. */
  readonly consecutiveMisses: number;
  /** It once sent a partial that fails against its share public key. */
  readonly convicted: boolean;
}

export interface HealthOptions {
  /** Deadlines missed in a row from which an operator counts as down, however healthy its connection. */
  readonly downAfterMisses: number;
  /** An operator that was not asked for so long is asked besides the chosen ones, so that it is measured. */
  readonly probeIntervalMs: number;
}

/** The smoothing of TCP's retransmission timer: steady, yet it follows a change within some ten answers. @see RFC 6298 */
const LATENCY_WEIGHT = 1 / 8;
const DEVIATION_WEIGHT = 1 / 4;

const NEW = {latencyMs: null, deviationMs: 0, consecutiveMisses: 0, convicted: false, lastAskedMs: 0, turn: 0};
type State = {-readonly [K in keyof Standing]: Standing[K]} & {lastAskedMs: number; turn: number};

/**
 * Remembers how each operator answers and in which order to ask. Kept in memory, by peer id: an operator that lied in
 * one committee is asked last in all of them, until this process ends.
 */
export class OperatorHealth {
  readonly #states = new Map<PeerIdText, State>();
  readonly #link: Pick<OperatorLink, "peers">;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #logger: Logger;
  readonly #options: HealthOptions;
  #turn = 0;

  constructor(
    {link, clock, logger}: {link: Pick<OperatorLink, "peers">; clock: Pick<Clock, "monotonic">; logger: Logger},
    options: HealthOptions,
  ) {
    this.#link = link;
    this.#clock = clock;
    this.#logger = logger;
    this.#options = options;
  }

  asked(peerId: PeerIdText): void {
    const state = this.#state(peerId);
    state.lastAskedMs = this.#clock.monotonic();
    state.turn = ++this.#turn;
  }

  /**
   * Any answer counts, a refusal too; a late one tells the latency but does not make up for the missed deadline. A null
   * latency is one that tells nothing.
   */
  answered(peerId: PeerIdText, latencyMs: number | null, timely: boolean): void {
    const state = this.#state(peerId);
    if (latencyMs !== null) measure(state, latencyMs);
    if (!timely) return;
    if (this.#isDown(state)) this.#logger.info("operator answers in time again", {peerId});
    state.consecutiveMisses = 0;
  }

  missed(peerId: PeerIdText): void {
    const state = this.#state(peerId);
    state.consecutiveMisses++;
    if (state.consecutiveMisses !== this.#options.downAfterMisses) return;
    this.#logger.warn("operator counts as down", {peerId, missedDeadlines: state.consecutiveMisses});
  }

  convict(peerId: PeerIdText): void {
    this.#state(peerId).convicted = true;
  }

  standing(peerId: PeerIdText): Standing {
    return this.#state(peerId);
  }

  /** Without those that say themselves that they sign nothing: asking them is as good as asking nobody. */
  connectedPeers(): ReadonlySet<PeerIdText> {
    return new Set(
      this.#link
        .peers()
        .filter((peer) => peer.connected && peer.stopCode === null)
        .map((peer) => peer.peerId),
    );
  }

  /** Connected, answering in time and never convicted. */
  isHealthy(peerId: PeerIdText, connected: ReadonlySet<PeerIdText>): boolean {
    const state = this.#state(peerId);
    return connected.has(peerId) && !this.#isDown(state) && !state.convicted;
  }

  /**
   * Whom to ask first: healthy ones, then those that are down or disconnected, convicts last, and nobody left out. Among
   * equals the quicker first, where latencies within a factor of two count as equal and take turns, so that the work is
   * spread and everybody's participation is seen.
   */
  order<O extends {readonly peerId: PeerIdText}>(operators: readonly O[], connected: ReadonlySet<PeerIdText>): O[] {
    const rank = (operator: O): [number, number, number] => {
      const state = this.#state(operator.peerId);
      const standing = state.convicted ? 2 : this.isHealthy(operator.peerId, connected) ? 0 : 1;
      return [standing, Math.ceil(Math.log2(Math.max(state.latencyMs ?? 1, 1))), state.turn];
    };
    return operators
      .map((operator) => ({operator, rank: rank(operator)}))
      .sort(({rank: a}, {rank: b}) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])
      .map(({operator}) => operator);
  }

  /** The connected operator that waited longest to be asked, once that is longer than the probe interval. */
  dueForProbe<O extends {readonly peerId: PeerIdText}>(
    operators: readonly O[],
    connected: ReadonlySet<PeerIdText>,
  ): O | undefined {
    const since = (operator: O): number => this.#state(operator.peerId).lastAskedMs;
    const [stalest] = operators.filter(({peerId}) => connected.has(peerId)).sort((a, b) => since(a) - since(b));
    if (stalest === undefined) return undefined;
    return this.#clock.monotonic() - since(stalest) >= this.#options.probeIntervalMs ? stalest : undefined;
  }

  #isDown(state: Standing): boolean {
    return state.consecutiveMisses >= this.#options.downAfterMisses;
  }

  #state(peerId: PeerIdText): State {
    let state = this.#states.get(peerId);
    if (state === undefined) {
      // As if just asked, so that a start does not probe everybody at once.
      state = {...NEW, lastAskedMs: this.#clock.monotonic()};
      this.#states.set(peerId, state);
    }
    return state;
  }
}

function measure(state: State, latencyMs: number): void {
  if (state.latencyMs === null) {
    state.latencyMs = latencyMs;
    state.deviationMs = latencyMs / 2;
    return;
  }
  state.deviationMs += DEVIATION_WEIGHT * (Math.abs(latencyMs - state.latencyMs) - state.deviationMs);
  state.latencyMs += LATENCY_WEIGHT * (latencyMs - state.latencyMs);
}
