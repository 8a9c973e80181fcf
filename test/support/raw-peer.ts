import {multiaddr} from "@multiformats/multiaddr";
import {generateIdentity, type Identity} from "../../src/adapters/libp2p/identity.js";
import {createNode} from "../../src/adapters/libp2p/node.js";
import type {Stream} from "../../src/adapters/operator-link/channel.js";
import {encodeFrame, FrameDecoder} from "../../src/adapters/operator-link/frame.js";
import {PROTOCOL_ID, PROTOCOL_VERSION, signItemText} from "../../src/adapters/operator-link/messages.js";
import type {PartialRequest} from "../../src/ports/operator-link.js";

/** One end of a stream that says exactly what a test wants, and keeps what it hears. */
export class RawStream {
  readonly heard: unknown[] = [];
  readonly #stream: Stream;
  readonly #decoder = new FrameDecoder();
  ended = false;

  constructor(stream: Stream) {
    this.#stream = stream;
    stream.addEventListener("message", ({data}) => {
      for (const chunk of data instanceof Uint8Array ? [data] : data) {
        for (const text of this.#decoder.push(chunk)) this.heard.push(JSON.parse(text));
      }
    });
    this.ended = stream.status !== "open";
    for (const kind of ["close", "remoteCloseWrite"] as const) {
      stream.addEventListener(kind, () => {
        this.ended = true;
      });
    }
  }

  bytes(bytes: Uint8Array): void {
    if (!this.ended) this.#stream.send(bytes);
  }
  say(message: unknown): void {
    this.bytes(encodeFrame(JSON.stringify(message)));
  }
  hello(protocol = PROTOCOL_VERSION): void {
    this.say({type: "hello", protocol, software: "test/raw", own: null, told: []});
  }
  stopReading(): void {
    this.#stream.pause();
  }
  abort(): void {
    this.#stream.abort(new Error("test"));
  }
}

export const signItem = (id: number, request: PartialRequest): unknown =>
  JSON.parse(`{"id":${id},${signItemText(request, JSON.stringify(request.request))}`);

/** A coordinator made by hand. */
export async function rawCoordinator(identity?: Identity) {
  const self = identity ?? (await generateIdentity());
  const node = await createNode({identity: self}, {listen: [], gater: {}});
  await node.start();
  return {
    peerId: self.peerId,
    async dial(address: string, peerId: string) {
      const connection = await node.dial(multiaddr(`${address}/p2p/${peerId}`), {force: true});
      return {
        connection,
        open: async () => new RawStream(await connection.newStream(PROTOCOL_ID)),
      };
    },
    close: async () => node.stop(),
  };
}

/** An operator made by hand: `onStream` is called for every stream; without it the protocol is unknown here. */
export async function rawOperator(onStream?: (stream: RawStream) => void) {
  const identity = await generateIdentity();
  const node = await createNode({identity}, {listen: ["/ip4/127.0.0.1/tcp/0"], gater: {}});
  if (onStream !== undefined) await node.handle(PROTOCOL_ID, (stream) => onStream(new RawStream(stream)));
  await node.start();
  return {
    peerId: identity.peerId,
    addresses: node.getMultiaddrs().map(String),
    close: async () => node.stop(),
  };
}
