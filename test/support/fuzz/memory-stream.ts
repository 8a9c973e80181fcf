import type {Stream} from "../../../src/adapters/operator-link/channel.js";
import {FrameDecoder} from "../../../src/adapters/operator-link/frame.js";

/** The part of a libp2p stream that sessions use, without a network: thousands of hostile streams each second. */
export class MemoryStream extends EventTarget {
  readonly heard: unknown[] = [];
  status = "open";
  readonly writableNeedsDrain = false;
  readonly #decoder = new FrameDecoder();

  /** What the product sends; it must be frames, whatever it was sent. */
  send(bytes: Uint8Array): boolean {
    for (const text of this.#decoder.push(bytes)) this.heard.push(JSON.parse(text));
    return true;
  }
  abort(error: Error): void {
    this.#end(error);
  }
  async close(): Promise<void> {
    this.#end(undefined);
  }

  /** What the peer sends. */
  hear(data: Uint8Array): void {
    this.dispatchEvent(Object.assign(new Event("message"), {data}));
  }

  get asStream(): Stream {
    return this as unknown as Stream;
  }

  #end(error: Error | undefined): void {
    if (this.status !== "open") return;
    this.status = "closed";
    queueMicrotask(() => this.dispatchEvent(Object.assign(new Event("close"), {error})));
  }
}
