import {once} from "node:events";
import {Agent} from "node:http";
import {connect} from "node:net";
import {networkInterfaces} from "node:os";
import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {HeldService} from "../../support/held-service.js";
import {interopSecrets, SingleKeyService} from "../../support/single-key-service.js";
import {ask, attestation, expectError, start, stopAll, until} from "./fixture.js";

const codeOfStart = (started: Promise<unknown>): Promise<{code: string; message: string}> =>
  started.then(
    () => ({code: "started", message: ""}),
    (error) => error,
  );

describe("the remote signer's life", function () {
  // Seconds only on a very busy machine.
  this.timeout(10_000);
  afterEach(stopAll);

  it("listens on loopback unless told otherwise, and says which port it got", async () => {
    const signer = await start();
    expect(signer.url).to.match(/^http:\/\/127\.0\.0\.1:[1-9][0-9]*$/);
    expect(signer.logger.lines).to.deep.equal([]);
    expect((await start({}, {host: "localhost"})).url).to.match(/^http:\/\/127\.0\.0\.1:/);
  });

  it("refuses a port that is taken, naming the address", async () => {
    const signer = await start();
    const port = Number(new URL(signer.url).port);
    const {code, message} = await codeOfStart(start({}, {port}));
    expect(code).to.equal("HTTP_ADDRESS_IN_USE");
    expect(message).to.contain(`127.0.0.1:${port}`);
    expect((await signer.get("/upcheck")).status).to.equal(200);
  });

  it("refuses an address that is not this machine's", async () => {
    // TEST-NET-1 of RFC 5737 is nobody's.
    const {code, message} = await codeOfStart(start({}, {host: "192.0.2.1"}));
    expect(code).to.equal("HTTP_LISTEN_FAILED");
    expect(message).to.contain("192.0.2.1:0");
  });

  it("warns when it can be reached from other machines", async () => {
    const signer = await start({}, {host: "0.0.0.0"});
    const [line] = signer.logger.lines;
    expect(line).to.include({level: "warn"});
    expect(line!.message).to.contain("beyond this machine");
  });

  it("serves IPv6 loopback with a URL that works, without a warning", async function () {
    const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({address}) => address === "::1"));
    if (!hasIPv6) this.skip();
    const signer = await start({}, {host: "::1"});
    expect(signer.url).to.match(/^http:\/\/\[::1\]:/);
    expect((await signer.get("/upcheck")).text).to.equal("OK");
    expect(signer.logger.lines).to.deep.equal([]);
  });

  it("lets what is being answered finish before it closes, and takes nothing new", async () => {
    const service = new HeldService(new SingleKeyService(interopSecrets(0, 0)));
    const signer = await start({service});
    const agent = new Agent({keepAlive: true, maxSockets: 1});
    // A connection that has been used before is open when the signer closes.
    await ask(`${signer.url}/upcheck`, {method: "GET", agent});
    const vote = signer.sign(attestation(1));
    await until(() => service.reached.length === 1, "the request reaches the service");
    const closed = signer.close();
    const refused = await signer.get("/upcheck").then(
      () => "answered",
      (error) => error.code,
    );
    expect(refused).to.be.oneOf(["ECONNREFUSED", "ECONNRESET"]);
    service.release();
    const answer = await vote;
    expect(answer.status).to.equal(200);
    expect(answer.headers.connection).to.equal("close");
    await closed;
    agent.destroy();
  });

  it("answers 503 to what arrives on an open connection while it closes", async () => {
    const service = new HeldService(new SingleKeyService(interopSecrets(0, 0)));
    const signer = await start({service});
    const socket = connect(Number(new URL(signer.url).port), "127.0.0.1");
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
    // Half a request keeps the connection from being idle.
    socket.write("GET /upcheck HTTP/1.1\r\nhost: a\r\n");
    const vote = signer.sign(attestation(1));
    await until(() => service.reached.length === 1, "the request reaches the service");
    const closed = signer.close();
    socket.write("\r\n");
    await until(() => received.includes("HTTP_SHUTTING_DOWN"), "the half request is refused");
    expect(received).to.match(/^HTTP\/1\.1 503 /);
    service.release();
    expect((await vote).status).to.equal(200);
    await closed;
    socket.destroy();
  });

  it("ends what does not finish within the bound with a 503, then closes every connection", async () => {
    const clock = new ManualClock();
    const service = new HeldService(new SingleKeyService(interopSecrets(0, 0)));
    const signer = await start({service, clock}, {closeGraceMs: 1000});
    const idle = connect(Number(new URL(signer.url).port), "127.0.0.1");
    await once(idle, "connect");
    const vote = signer.sign(attestation(1));
    await until(() => service.reached.length === 1, "the request reaches the service");
    const closed = signer.close();
    clock.advance(999);
    expect(service.aborted).to.deep.equal([]);
    const idleClosed = once(idle, "close");
    clock.advance(1);
    expectError(await vote, 503, "HTTP_SHUTTING_DOWN");
    await closed;
    await idleClosed;
    expect(clock.pending()).to.equal(0);
  });

  it("can be closed twice, and frees its port", async () => {
    const signer = await start();
    const port = Number(new URL(signer.url).port);
    await Promise.all([signer.close(), signer.close()]);
    await signer.close();
    expect((await (await start({}, {port})).get("/upcheck")).status).to.equal(200);
  });

  it("keeps connections for Lodestar's next slot", async () => {
    const signer = await start();
    const answer = await signer.get("/upcheck", {connection: "keep-alive"});
    expect(Number(/timeout=(\d+)/.exec(String(answer.headers["keep-alive"]))?.[1])).to.be.at.least(60);
  });

  it("refuses connections beyond its bound and says so once", async () => {
    const signer = await start({}, {maxConnections: 2});
    const port = Number(new URL(signer.url).port);
    const first = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
    await Promise.all(first.map((socket) => once(socket, "connect")));
    const beyond = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
    for (const socket of beyond) socket.on("error", () => {});
    await Promise.all(beyond.map((socket) => once(socket, "close")));
    expect(signer.logger.lines.map(({message}) => message)).to.deep.equal(["connections refused: too many are open"]);
    for (const socket of first) socket.destroy();
  });
});
