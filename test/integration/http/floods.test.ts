import {once} from "node:events";
import {connect, type Socket} from "node:net";
import {networkInterfaces} from "node:os";
import {connect as connectTls} from "node:tls";
import {expect} from "chai";
import type {ServerTls} from "../../../src/ports/server-tls.js";
import type {RemoteSignerOptions} from "../../../src/remote-signer/server.js";
import {TestAuthority} from "../../support/certificates.js";
import {HeldService} from "../../support/held-service.js";
import {interopSecrets, SingleKeyService} from "../../support/single-key-service.js";
import {bodyFor, type Started, start, stopAll, until} from "./fixture.js";

/** Short, so that the tests are; each is still ten times what an honest client on this machine needs. */
const TIMEOUTS = {headers: 300, request: 600, check: 50, handshake: 300, stalled: 400};

/** One client connection: what it got, and whether it is over. */
class Wire {
  received = "";
  closed = false;
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.received += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
    });
  }
}

describe("slow clients and floods", function () {
  this.timeout(20_000);
  const wires: Wire[] = [];
  afterEach(async () => {
    for (const {socket} of wires.splice(0)) socket.destroy();
    await stopAll();
  });

  /** `from` is an address of this machine: all of 127.0.0.0/8 are, so one test can be many clients. */
  const open = (signer: Started, {from = "127.0.0.1"} = {}): Wire => {
    const wire = new Wire(connect({port: Number(new URL(signer.url).port), host: "127.0.0.1", localAddress: from}));
    wires.push(wire);
    return wire;
  };
  const opened = async (signer: Started, count: number, options: {from?: string} = {}): Promise<Wire[]> => {
    const all = Array.from({length: count}, () => open(signer, options));
    await Promise.all(all.map(({socket}) => once(socket, "connect")));
    return all;
  };
  const serves = async (signer: Started): Promise<void> => {
    expect((await signer.sign(bodyFor("RANDAO_REVEAL"))).status).to.equal(200);
  };
  const hasManyLoopbacks = Object.values(networkInterfaces()).some((all) =>
    all?.some(({cidr}) => cidr === "127.0.0.1/8"),
  );

  /** Asks until it is answered: `until` bounds that. */
  async function untilServed(signer: Started): Promise<void> {
    let served = false;
    let asking = false;
    await until(() => {
      if (!asking && !served) {
        asking = true;
        signer
          .get("/upcheck")
          .then(
            ({status}) => {
              served = status === 200;
            },
            () => {},
          )
          .finally(() => {
            asking = false;
          });
      }
      return served;
    }, "a place is free");
  }

  /** Sends one byte at a time for as long as the connection lives. */
  function dribble(wire: Wire, text: string): void {
    let at = 0;
    const timer = setInterval(() => {
      if (wire.closed) clearInterval(timer);
      else wire.socket.write(text[at++ % text.length] ?? "");
    }, 10);
    wire.socket.once("close", () => clearInterval(timer));
  }

  const slow = (options: Partial<RemoteSignerOptions> = {}) => start({}, {timeouts: TIMEOUTS, ...options});

  describe("a client is cut off that", () => {
    it("sends nothing at all", async () => {
      const signer = await slow();
      const all = await opened(signer, 20);
      await until(() => all.every(({closed}) => closed), "silent connections are closed");
      await serves(signer);
    });

    it("dribbles headers, with a code", async () => {
      const signer = await slow();
      const all = await opened(signer, 20);
      for (const wire of all) {
        wire.socket.write("GET /upcheck HTTP/1.1\r\nhost: localhost\r\n");
        dribble(wire, "x-a: b\r\n");
      }
      await serves(signer);
      await until(() => all.every(({closed}) => closed), "dribbling connections are closed");
      expect(all[0]!.received)
        .to.match(/^HTTP\/1\.1 408 /)
        .and.contain('"code":"HTTP_REQUEST_TIMEOUT"');
      await serves(signer);
    });

    it("dribbles a body, with a code", async () => {
      const signer = await slow();
      const all = await opened(signer, 20);
      for (const wire of all) {
        wire.socket.write(
          "POST /api/v1/eth2/sign HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n",
        );
        dribble(wire, '{"a":"bcd"}');
      }
      await serves(signer);
      await until(() => all.every(({closed}) => closed), "dribbling connections are closed");
      expect(all[0]!.received).to.match(/^HTTP\/1\.1 408 /);
      await serves(signer);
    });

    it("stops in the middle of a body", async () => {
      const signer = await slow();
      const [wire] = await opened(signer, 1);
      wire!.socket.write(
        'POST /api/v1/eth2/sign HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"',
      );
      await until(() => wire!.closed, "the connection is closed");
    });

    it("sends requests and never reads the answers", async () => {
      const signer = await slow();
      const [wire] = await opened(signer, 1);
      wire!.socket.pause();
      const request = "GET /api/v1/eth2/publicKeys HTTP/1.1\r\nhost: localhost\r\n\r\n";
      // More answers than all buffers between here and there hold: the server cannot send them off and must not keep them.
      const flood = setInterval(() => {
        if (wire!.socket.writableLength < 2 ** 20) wire!.socket.write(request.repeat(2000));
      }, 5);
      try {
        await until(() => wire!.socket.destroyed || wire!.closed, "the connection is cut");
      } finally {
        clearInterval(flood);
      }
      await serves(signer);
    });

    it("does not finish its TLS handshake", async () => {
      const {tls} = certified();
      const signer = await slow({tls});
      const all = await opened(signer, 20);
      // A client hello's first bytes, and no more.
      for (const {socket} of all) socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
      await until(() => all.every(({closed}) => closed), "unfinished handshakes are closed");
    });

    it("finishes its TLS handshake and sends nothing", async () => {
      const {tls, authority} = certified();
      const signer = await slow({tls});
      const socket = connectTls({port: Number(new URL(signer.url).port), host: "127.0.0.1", ca: authority.cert});
      const wire = new Wire(socket);
      wires.push(wire);
      await once(socket, "secureConnect");
      await until(() => wire.closed, "the silent connection is closed");
    });
  });

  it("a client that waits longer than that for the committee is not cut off", async () => {
    const service = new HeldService(new SingleKeyService(interopSecrets(0, 0)));
    const signer = await start({service}, {timeouts: {...TIMEOUTS, stalled: 60}});
    const answer = signer.sign(bodyFor("AGGREGATION_SLOT"));
    await until(() => service.reached.length === 1, "the request reaches the service");
    // Another connection that is cut for its silence shows that the time has passed.
    const [silent] = await opened(signer, 1);
    await until(() => silent!.closed, "a silent connection is closed");
    service.release();
    expect((await answer).status).to.equal(200);
  });

  describe("a flood of connections", () => {
    it("from one address leaves the validator client's address its places", async function () {
      if (!hasManyLoopbacks) this.skip();
      const signer = await start({}, {maxConnections: 40, maxConnectionsPerClient: 20});
      const flood = await opened(signer, 60, {from: "127.0.0.2"});
      await until(() => flood.filter(({closed}) => closed).length === 40, "all but twenty are refused");
      for (let i = 0; i < 10; i++) await serves(signer);
      expect(flood.filter(({closed}) => closed)).to.have.length(40);
      const [line, ...more] = signer.logger.lines.filter(({level}) => level !== "debug");
      expect(line).to.include({level: "warn", message: "connections refused: too many are open"});
      expect(line!.fields).to.include({maxConnections: 40, maxConnectionsPerClient: 20});
      expect(more, "one line for all of them").to.deep.equal([]);
    });

    it("from several addresses gives way to an address that holds fewer", async function () {
      if (!hasManyLoopbacks) this.skip();
      const signer = await start({}, {maxConnections: 30, maxConnectionsPerClient: 10});
      const flood = [
        ...(await opened(signer, 10, {from: "127.0.0.2"})),
        ...(await opened(signer, 10, {from: "127.0.0.3"})),
        ...(await opened(signer, 10, {from: "127.0.0.4"})),
      ];
      const mine = await opened(signer, 5);
      await until(() => flood.filter(({closed}) => closed).length === 5, "five of the flood made room");
      mine[0]!.socket.write("GET /upcheck HTTP/1.1\r\nhost: localhost\r\n\r\n");
      await until(() => mine[0]!.received.endsWith("OK"), "a newcomer is served");
      expect(mine.every(({closed}) => !closed)).to.equal(true);
    });

    it("does not cost anybody an answer that is under way", async function () {
      if (!hasManyLoopbacks) this.skip();
      const service = new HeldService(new SingleKeyService(interopSecrets(0, 0)));
      const signer = await start({service}, {maxConnections: 6, maxConnectionsPerClient: 6});
      const waiting = Array.from({length: 4}, () => signer.sign(bodyFor("RANDAO_REVEAL")));
      await until(() => service.reached.length === 4, "all are under way");
      const others = await opened(signer, 20, {from: "127.0.0.2"});
      await until(() => others.filter(({closed}) => closed).length === 18, "the rest of the flood is refused");
      service.release();
      for (const answer of waiting) expect((await answer).status).to.equal(200);
    });

    it("of unfinished TLS handshakes leaves room for a whole one from elsewhere", async function () {
      if (!hasManyLoopbacks) this.skip();
      const {tls, authority} = certified();
      const signer = await start({}, {tls, maxConnections: 20, maxConnectionsPerClient: 20});
      const flood = await opened(signer, 40, {from: "127.0.0.2"});
      for (const {socket} of flood) socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
      const socket = connectTls({port: Number(new URL(signer.url).port), host: "127.0.0.1", ca: authority.cert});
      const wire = new Wire(socket);
      wires.push(wire);
      socket.write("GET /upcheck HTTP/1.1\r\nhost: localhost\r\n\r\n");
      await until(() => wire.received.endsWith("OK"), "the whole handshake is served");
    });

    it("leaves no place taken when it is over", async () => {
      const signer = await start({}, {maxConnections: 10, maxConnectionsPerClient: 10});
      for (let round = 0; round < 5; round++) {
        const all = await opened(signer, 10);
        for (const {socket} of all) socket.destroy();
        await until(() => all.every(({closed}) => closed), "they are gone");
        // The server may hear of it a moment later; until then it refuses.
        await untilServed(signer);
      }
    });
  });
});

const authority = new TestAuthority();
function certified(): {tls: ServerTls; authority: TestAuthority} {
  const {cert, key} = authority.issue({name: "signer", names: ["127.0.0.1"]});
  return {authority, tls: {context: {cert, key, minVersion: "TLSv1.3"}, clients: null}};
}
