import {isUtf8} from "node:buffer";
import {PleiadesError} from "../../core/errors.js";
import {MAX_FRAME_BYTES} from "./limits.js";

/** Four bytes, big endian: the number of bytes of JSON that follow. */
const HEADER_BYTES = 4;

/** One frame with `text` (UTF-8 JSON of at most MAX_FRAME_BYTES bytes). @throws LINK_TOO_LARGE */
export function encodeFrame(text: string): Uint8Array {
  const length = Buffer.byteLength(text);
  if (length > MAX_FRAME_BYTES) throw new PleiadesError({code: "LINK_TOO_LARGE", bytes: length});
  const frame = Buffer.allocUnsafe(HEADER_BYTES + length);
  frame.writeUInt32BE(length);
  frame.write(text, HEADER_BYTES, "utf8");
  return frame;
}

/**
 * Cuts a stream of bytes into frames, each a length (4 bytes, big endian) and as many bytes. Holds at most one frame,
 * whatever the chunks look like, and reserves memory for a frame only up to the bound.
 */
export class FrameCutter<T> {
  readonly #maxBytes: number;
  readonly #decode: (body: Buffer) => T;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  #body: Buffer | null = null;
  #bodyFilled = 0;

  constructor({maxBytes, decode}: {maxBytes: number; decode: (body: Buffer) => T}) {
    this.#maxBytes = maxBytes;
    this.#decode = decode;
  }

  /** What the frames that `chunk` completes hold, in order. @throws LINK_FRAME: too long or empty; what `decode` throws */
  *push(chunk: Uint8Array): Generator<T> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    while (at < bytes.length) {
      if (this.#body === null) {
        const taken = bytes.copy(this.#header, this.#headerFilled, at, at + HEADER_BYTES - this.#headerFilled);
        at += taken;
        this.#headerFilled += taken;
        if (this.#headerFilled < HEADER_BYTES) return;
        const length = this.#length(this.#header.readUInt32BE());
        if (bytes.length - at >= length) {
          // The usual case: the chunk holds the whole frame, nothing is copied.
          this.#headerFilled = 0;
          at += length;
          yield this.#decode(bytes.subarray(at - length, at));
          continue;
        }
        this.#body = Buffer.allocUnsafe(length);
        this.#bodyFilled = 0;
      }
      const taken = bytes.copy(this.#body, this.#bodyFilled, at);
      at += taken;
      this.#bodyFilled += taken;
      if (this.#bodyFilled === this.#body.length) {
        const body = this.#body;
        this.#body = null;
        this.#headerFilled = 0;
        yield this.#decode(body);
      }
    }
  }

  #length(length: number): number {
    if (length > 0 && length <= this.#maxBytes) return length;
    throw new PleiadesError({code: "LINK_FRAME", reason: "frame length out of bounds", length});
  }
}

/** Frames of UTF-8. LINK_FRAME also for what is not. */
export class FrameDecoder extends FrameCutter<string> {
  constructor() {
    super({maxBytes: MAX_FRAME_BYTES, decode: decodeText});
  }
}

function decodeText(body: Buffer): string {
  if (!isUtf8(body)) throw new PleiadesError({code: "LINK_FRAME", reason: "not UTF-8"});
  return body.toString("utf8");
}
