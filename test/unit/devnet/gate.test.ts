import {once} from "node:events";
import {type AddressInfo, connect, createServer, type Server} from "node:net";
import {expect} from "chai";
import {type Gate, startGate} from "../../../devnet/src/gate.js";

describe("the gate before the eth1 node", () => {
  let server: Server;
  let gate: Gate;
  let reached: number;

  beforeEach(async () => {
    reached = 0;
    server = createServer((peer) => {
      reached++;
      peer.pipe(peer);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    gate = await startGate((server.address() as AddressInfo).port);
  });

  afterEach(async () => {
    await gate.close();
    await new Promise((resolve) => server.close(resolve));
  });

  it("lets nobody through until it is opened", async () => {
    const early = connect(gate.port, "127.0.0.1");
    early.on("error", () => {}); // closed by a reset or in order, as the system likes it
    await new Promise((resolve) => early.once("close", resolve));
    expect(reached).to.equal(0);
    gate.open();
    const socket = connect(gate.port, "127.0.0.1");
    socket.write("hello");
    expect(String((await once(socket, "data"))[0])).to.equal("hello");
    expect(reached).to.equal(1);
    socket.destroy();
  });

  it("closes what goes through it when it is closed", async () => {
    gate.open();
    const socket = connect(gate.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("hello");
    await once(socket, "data");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await gate.close();
    await closed;
  });
});
