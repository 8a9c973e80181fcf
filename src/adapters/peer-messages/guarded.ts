import type {PeerIdText} from "../../core/bytes.js";
import {codeOf, PleiadesError} from "../../core/errors.js";
import type {Logger} from "../../ports/logger.js";
import type {PeerHandler} from "../../ports/peer-messages.js";
import {MAX_BODY_BYTES} from "./limits.js";

/** A plugin's handler as sessions need it: one that fails with known codes and disturbs nobody. */
export class GuardedHandler {
  readonly #logger: Logger;
  current: PeerHandler = {};

  constructor({logger}: {logger: Logger}) {
    this.#logger = logger;
  }

  async message(peer: PeerIdText, body: Uint8Array): Promise<void> {
    try {
      await this.current.message?.(peer, body);
    } catch (error) {
      this.#failed(peer, error);
    }
  }

  /** @throws PEER_FAILED · what the handler refuses with */
  async request(peer: PeerIdText, body: Uint8Array): Promise<Uint8Array> {
    try {
      const answer: unknown = await this.current.request?.(peer, body);
      if (!(answer instanceof Uint8Array)) throw new TypeError("no answer of bytes");
      if (answer.length > MAX_BODY_BYTES) throw new RangeError(`an answer of ${answer.length} bytes`);
      return answer;
    } catch (error) {
      if (error instanceof PleiadesError) throw error;
      this.#failed(peer, error);
      throw new PleiadesError({code: "PEER_FAILED"}, {cause: error});
    }
  }

  connected(peer: PeerIdText): void {
    this.#tell(peer, () => this.current.connected?.(peer));
  }
  disconnected(peer: PeerIdText): void {
    this.#tell(peer, () => this.current.disconnected?.(peer));
  }

  #tell(peer: PeerIdText, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#failed(peer, error);
    }
  }

  #failed(peer: PeerIdText, error: unknown): void {
    const message = error instanceof Error ? error.message.slice(0, 200) : "no error";
    const reason = codeOf(error);
    this.#logger.error("a plugin failed with a peer's message", {code: "PEER_FAILED", peer, reason, message});
  }
}
