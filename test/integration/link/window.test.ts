import {expect} from "chai";
import {generateIdentity} from "../../../src/adapters/libp2p/identity.js";
import {createNode} from "../../../src/adapters/libp2p/node.js";
import {acknowledgeByHalves} from "../../../src/adapters/libp2p/window.js";
import type {Stream} from "../../../src/adapters/operator-link/channel.js";
import {waitFor} from "../../support/wait.js";

const PROTOCOL = "/test/window/1.0.0";

describe("a stream's receive window", () => {
  it("is given back when half of it is used, not after each message, and a flood still passes", async () => {
    const [from, to] = await Promise.all([generateIdentity(), generateIdentity()]);
    const listener = await createNode({identity: to}, {listen: ["/ip4/127.0.0.1/tcp/0"], gater: {}});
    const dialer = await createNode({identity: from}, {listen: [], gater: {}});
    let [received, updates] = [0, 0];
    let known = false;
    await listener.handle(PROTOCOL, (stream: Stream) => {
      const spied = stream as unknown as {sendFrame: (...args: unknown[]) => unknown};
      const sendFrame = spied.sendFrame.bind(stream);
      spied.sendFrame = (...args) => {
        updates++;
        return sendFrame(...args);
      };
      known = acknowledgeByHalves(stream);
      stream.addEventListener("message", ({data}) => {
        received += data.byteLength;
      });
    });
    await Promise.all([listener.start(), dialer.start()]);
    try {
      const connection = await dialer.dial(listener.getMultiaddrs()[0]!);
      const stream = await connection.newStream(PROTOCOL);
      for (let i = 1; i <= 100; i++) {
        stream.send(new Uint8Array(100));
        await waitFor("a message", () => received === i * 100);
      }
      expect(known).to.equal(true);
      // The first one tells that the stream is open.
      expect(updates).to.be.at.most(1);
      const flood = 2 ** 22;
      for (let sent = 0; sent < flood; sent += 2 ** 16) {
        if (!stream.send(new Uint8Array(2 ** 16))) {
          await new Promise((resolve) => stream.addEventListener("drain", resolve, {once: true}));
        }
      }
      await waitFor("the flood", () => received === 10_000 + flood);
    } finally {
      await Promise.all([listener.stop(), dialer.stop()]);
    }
  });

  it("of something that is no yamux stream is left alone", () => {
    expect(acknowledgeByHalves({})).to.equal(false);
  });
});
