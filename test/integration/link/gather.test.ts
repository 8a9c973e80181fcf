import {Socket} from "node:net";
import {expect} from "chai";
import {gatherWrites} from "../../../src/adapters/libp2p/gather.js";
import {generateIdentity} from "../../../src/adapters/libp2p/identity.js";
import {createNode} from "../../../src/adapters/libp2p/node.js";
import type {Stream} from "../../../src/adapters/operator-link/channel.js";
import {waitFor} from "../../support/wait.js";

const PROTOCOL = "/test/gather/1.0.0";

/** Counts what sockets of this process hand to the system until `restore`. */
function countWrites(): {count: () => number; restore: () => void} {
  const names = ["_write", "_writev"] as const;
  const prototype = Socket.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
  const originals = names.map((name) => prototype[name]!);
  let writes = 0;
  names.forEach((name, i) => {
    prototype[name] = function (this: unknown, ...args: unknown[]) {
      writes++;
      return originals[i]!.apply(this, args);
    };
  });
  return {
    count: () => writes,
    restore: () =>
      names.forEach((name, i) => {
        prototype[name] = originals[i]!;
      }),
  };
}

describe("a connection's writes", () => {
  it("are one for each message, whatever pieces the libraries make of it", async () => {
    const [from, to] = await Promise.all([generateIdentity(), generateIdentity()]);
    const listener = await createNode({identity: to}, {listen: ["/ip4/127.0.0.1/tcp/0"], gater: {}});
    const dialer = await createNode({identity: from}, {listen: [], gater: {}});
    let received = 0;
    await listener.handle(PROTOCOL, (stream: Stream) => {
      stream.addEventListener("message", ({data}) => {
        received += data.byteLength;
      });
    });
    await Promise.all([listener.start(), dialer.start()]);
    const writes = countWrites();
    try {
      const connection = await dialer.dial(listener.getMultiaddrs()[0]!);
      const stream = await connection.newStream(PROTOCOL);
      stream.send(new Uint8Array(1000));
      await waitFor("the first message", () => received === 1000);
      const before = writes.count();
      for (let i = 2; i <= 51; i++) {
        stream.send(new Uint8Array(1000));
        await waitFor("a message", () => received === i * 1000);
      }
      // Each message, and the window given back for it.
      expect(writes.count() - before).to.be.within(50, 100);
    } finally {
      writes.restore();
      await Promise.all([listener.stop(), dialer.stop()]);
    }
  });

  it("go out together, also when the socket throws", () => {
    const calls: string[] = [];
    const socket = {cork: () => calls.push("cork"), uncork: () => calls.push("uncork")};
    const good = {socket, sendData: (data: unknown) => calls.push(`send ${data}`)};
    expect(gatherWrites(good)).to.equal(true);
    good.sendData("x");
    const bad = {
      socket,
      sendData: () => {
        throw new Error("closed");
      },
    };
    gatherWrites(bad);
    expect(() => bad.sendData()).to.throw("closed");
    expect(calls).to.deep.equal(["cork", "send x", "uncork", "cork", "uncork"]);
  });

  it("of something that is no TCP connection are left alone", () => {
    expect(gatherWrites({})).to.equal(false);
    expect(gatherWrites({socket: {}, sendData: () => {}})).to.equal(false);
  });
});
