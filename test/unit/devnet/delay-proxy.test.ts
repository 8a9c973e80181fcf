import {once} from "node:events";
import {type AddressInfo, connect, createServer, type Server, type Socket} from "node:net";
import {expect} from "chai";
import {type DelayProxy, startDelayProxy} from "../../../devnet/src/delay-proxy.js";

describe("the proxy that makes an operator slow", () => {
  let server: Server;
  let proxy: DelayProxy;
  let socket: Socket;

  beforeEach(async () => {
    server = createServer((peer) => peer.pipe(peer)).listen(0, "127.0.0.1");
    await once(server, "listening");
    proxy = await startDelayProxy((server.address() as AddressInfo).port);
    socket = connect(proxy.port, "127.0.0.1");
    await once(socket, "connect");
  });

  afterEach(async () => {
    socket.destroy();
    await proxy.close();
    await new Promise((resolve) => server.close(resolve));
  });

  async function echo(text: string): Promise<number> {
    const began = performance.now();
    socket.write(text);
    let back = "";
    while (back.length < text.length) back += String((await once(socket, "data"))[0]);
    expect(back).to.equal(text);
    return performance.now() - began;
  }

  it("adds its delay to a round trip while the connection stays, and takes it away again", async () => {
    expect(await echo("a")).to.be.lessThan(60);
    proxy.setDelay(80);
    expect(await echo("b")).to.be.greaterThan(75);
    proxy.setDelay(0);
    expect(await echo("c")).to.be.lessThan(60);
  });

  it("keeps the order of what was sent before and after the delay ended", async () => {
    proxy.setDelay(60);
    socket.write("first ");
    let back = "";
    const whole = new Promise<void>((resolve) =>
      socket.on("data", (chunk) => {
        back += chunk;
        if (back.length >= 12) resolve();
      }),
    );
    proxy.setDelay(0);
    socket.write("second");
    await whole;
    expect(back).to.equal("first second");
  });

  it("closes the client's connection when the target's ends", async () => {
    const closed = once(socket, "close");
    socket.end();
    await closed;
  });
});
