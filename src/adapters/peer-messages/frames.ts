import {PleiadesError} from "../../core/errors.js";
import {FrameCutter} from "../operator-link/frame.js";
import {MAX_BODY_BYTES} from "./limits.js";

/** What a frame is, in its first byte after the length. */
export const KIND = {
  /** The first of either side: this node names the peer and runs the plugin. */
  hello: 0,
  /** Nothing but a sign of life. */
  beat: 1,
  message: 2,
  request: 3,
  reply: 4,
  /** The body is a reason code in ASCII. */
  refusal: 5,
} as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

export interface Frame {
  readonly kind: Kind;
  /** Of a request, and of its reply; else 0. */
  readonly id: number;
  readonly body: Uint8Array;
}

/** Length of what follows (4 bytes, big endian), kind (1), id (4, big endian), body. */
const LENGTH_BYTES = 4;
const HEAD_BYTES = 5;
const KINDS: ReadonlySet<number> = new Set(Object.values(KIND));

/** @throws LINK_TOO_LARGE */
export function encodeFrame(kind: Kind, id: number, body: Uint8Array): Uint8Array {
  if (body.length > MAX_BODY_BYTES) throw new PleiadesError({code: "LINK_TOO_LARGE", bytes: body.length});
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + HEAD_BYTES + body.length);
  frame.writeUInt32BE(HEAD_BYTES + body.length, 0);
  frame.writeUInt8(kind, LENGTH_BYTES);
  frame.writeUInt32BE(id, LENGTH_BYTES + 1);
  frame.set(body, LENGTH_BYTES + HEAD_BYTES);
  return frame;
}

/** Cuts a stream of bytes into frames. @throws LINK_FRAME */
export const frameDecoder = (): FrameCutter<Frame> => new FrameCutter({maxBytes: HEAD_BYTES + MAX_BODY_BYTES, decode});

function decode(bytes: Buffer): Frame {
  const kind = bytes[0] ?? -1;
  if (bytes.length < HEAD_BYTES || !KINDS.has(kind)) {
    throw new PleiadesError({code: "LINK_FRAME", reason: "not a message of a plugin", length: bytes.length});
  }
  // A copy: what a plugin keeps must not keep the whole chunk that it came in.
  return {kind: kind as Kind, id: bytes.readUInt32BE(1), body: Uint8Array.from(bytes.subarray(HEAD_BYTES))};
}
