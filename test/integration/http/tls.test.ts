import {X509Certificate} from "node:crypto";
import {once} from "node:events";
import {mkdtempSync, rmSync} from "node:fs";
import {Agent, request} from "node:https";
import {connect as connectPlain} from "node:net";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {type ConnectionOptions, connect, type TLSSocket} from "node:tls";
import {expect} from "chai";
import {parseClientRule} from "../../../src/adapters/tls/client-rule.js";
import {loadServerTls} from "../../../src/adapters/tls/server-tls.js";
import type {ServerTls} from "../../../src/ports/server-tls.js";
import {type MadeCertificate, TestAuthority, writePem} from "../../support/certificates.js";
import {type Started, start, stopAll, until} from "./fixture.js";

describe("TLS", function () {
  this.timeout(20_000);
  let dir: string;
  let authority: TestAuthority;
  let server: MadeCertificate;
  let renewed: MadeCertificate;
  let validator: MadeCertificate;
  let stranger: MadeCertificate;
  let serverOnly: MadeCertificate;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "pleiades-tls-"));
    authority = new TestAuthority();
    server = authority.issue({name: "signer", names: ["127.0.0.1", "localhost"]});
    renewed = authority.issue({name: "signer", names: ["127.0.0.1"]});
    validator = authority.issue({name: "validator-1", usage: ["client"]});
    serverOnly = authority.issue({name: "validator-1", usage: ["server"]});
    stranger = new TestAuthority("another authority").issue({name: "validator-1"});
  });
  afterEach(stopAll);
  after(() => rmSync(dir, {recursive: true}));

  const material = ({cert, key}: MadeCertificate, {clients}: {clients?: readonly string[]} = {}): ServerTls => {
    const paths = writePem(dir, {cert, key, ca: authority.cert});
    return loadServerTls(
      {
        cert: paths.cert!,
        key: {file: paths.key!},
        keyPassword: null,
        clientCa: clients === undefined ? null : paths.ca!,
        clients: (clients ?? []).map((raw) => parseClientRule(raw)!),
      },
      {now: Date.now()},
    );
  };

  const ask = (
    signer: Started,
    {
      path = "/upcheck",
      client,
      agent = new Agent(),
      ...more
    }: ConnectionOptions & {path?: string; client?: MadeCertificate; agent?: Agent} = {},
  ) =>
    new Promise<{status: number; text: string; shown: string; port: number | undefined}>((resolve, reject) => {
      const outgoing = request(
        signer.url + path,
        {ca: authority.cert, ...(client ?? {}), agent, ...(more as object)},
        (response) => {
          const shown = (response.socket as TLSSocket).getPeerCertificate().fingerprint256;
          const port = response.socket.localPort;
          let text = "";
          response.on("data", (chunk) => {
            text += chunk;
          });
          response.on("error", reject);
          response.on("end", () => resolve({status: response.statusCode ?? 0, text, shown, port}));
        },
      );
      outgoing.on("error", reject);
      outgoing.end();
    });
  const refused = (signer: Started, options: Parameters<typeof ask>[1] = {}) =>
    ask(signer, options).then(
      ({status}) => `answered ${status}`,
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    );

  it("the whole API is served over TLS 1.3, and the URL says so", async () => {
    const signer = await start({}, {tls: material(server)});
    expect(signer.url).to.match(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(await ask(signer)).to.include({status: 200, text: "OK"});
    expect((await ask(signer, {path: "/api/v1/eth2/publicKeys"})).text).to.equal(JSON.stringify(signer.keys));
    expect((await ask(signer, {path: "/nothing"})).text).to.contain("HTTP_NOT_FOUND");
  });

  it("a client that insists on TLS 1.2 gets no connection", async () => {
    const signer = await start({}, {tls: material(server)});
    expect(await refused(signer, {maxVersion: "TLSv1.2"})).to.match(/PROTOCOL_VERSION|EPROTO|ECONNRESET/);
  });

  it("a client that speaks plain HTTP to it is closed, and the server goes on", async () => {
    const signer = await start({}, {tls: material(server)});
    const socket = connectPlain(Number(new URL(signer.url).port), "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    socket.write("GET /upcheck HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await once(socket, "close");
    expect((await ask(signer)).status).to.equal(200);
  });

  describe("with client certificates", () => {
    it("a client of the authority is served; one without a certificate, of another authority or with a server's is not", async () => {
      const signer = await start({}, {tls: material(server, {clients: []})});
      expect((await ask(signer, {client: validator})).status).to.equal(200);
      expect(await refused(signer)).to.match(/CERTIFICATE_REQUIRED|ECONNRESET/);
      expect(await refused(signer, {client: stranger})).to.match(/UNKNOWN_CA|ECONNRESET/);
      expect(await refused(signer, {client: serverOnly})).to.match(/UNSUPPORTED_CERTIFICATE|ECONNRESET/);
    });

    it("the list of clients is held to by fingerprint and by name, with a code that says so", async () => {
      const {fingerprint256} = new X509Certificate(validator.cert);
      const other = authority.issue({name: "validator-2", names: ["backup.example"]});
      for (const [rule, first, second] of [
        [fingerprint256, 200, 403],
        ["validator-1", 200, 403],
        ["VALIDATOR-2", 403, 200],
        ["backup.example", 403, 200],
        ["example", 403, 403],
      ] as const) {
        const signer = await start({}, {tls: material(server, {clients: [rule]})});
        expect((await ask(signer, {client: validator})).status, rule).to.equal(first);
        const answer = await ask(signer, {client: other});
        expect(answer.status, rule).to.equal(second);
        if (second === 403) expect(answer.text).to.contain('"code":"HTTP_CLIENT_NOT_ALLOWED"');
      }
    });

    it("a wildcard certificate is no name of the list", async () => {
      const wild = authority.issue({name: "anybody", names: ["*.example"]});
      const signer = await start({}, {tls: material(server, {clients: ["backup.example"]})});
      expect((await ask(signer, {client: wild})).status).to.equal(403);
    });

    it("a session is never resumed, so every connection shows its certificate", async () => {
      const signer = await start({}, {tls: material(server, {clients: ["validator-1"]})});
      const visit = async (session?: Buffer): Promise<{sessions: Buffer[]; resumed: boolean}> => {
        const sessions: Buffer[] = [];
        const socket = connect({
          port: Number(new URL(signer.url).port),
          host: "127.0.0.1",
          ca: authority.cert,
          ...validator,
          ...(session === undefined ? {} : {session}),
        });
        let resumed = false;
        socket.once("secureConnect", () => {
          resumed = socket.isSessionReused();
        });
        socket.on("session", (given: Buffer) => sessions.push(given));
        socket.write("GET /upcheck HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        socket.resume();
        await once(socket, "close");
        return {sessions, resumed};
      };
      const [session] = (await visit()).sessions;
      expect(session, "there is a session to try").to.not.equal(undefined);
      expect((await visit(session)).resumed).to.equal(false);
    });
  });

  describe("when the files have changed", () => {
    it("new connections see the new certificate, open ones go on", async () => {
      const signer = await start({}, {tls: material(server)});
      const agent = new Agent({keepAlive: true, maxSockets: 1, maxCachedSessions: 0});
      const first = await ask(signer, {agent});
      signer.renewTls(material(renewed));
      const kept = await ask(signer, {agent});
      const anew = await ask(signer);
      agent.destroy();
      expect(first.shown).to.equal(new X509Certificate(server.cert).fingerprint256);
      expect(kept.port, "the connection was kept").to.equal(first.port);
      expect(kept.status).to.equal(200);
      expect(anew.shown).to.equal(new X509Certificate(renewed.cert).fingerprint256);
    });

    it("a client that was taken off the list is refused on its open connection too", async () => {
      const signer = await start({}, {tls: material(server, {clients: ["validator-1"]})});
      const agent = new Agent({keepAlive: true, maxSockets: 1});
      expect((await ask(signer, {client: validator, agent})).status).to.equal(200);
      signer.renewTls(material(server, {clients: ["validator-2"]}));
      expect((await ask(signer, {client: validator, agent})).status).to.equal(403);
      agent.destroy();
    });
  });

  it("closing does not wait for handshakes that never end", async () => {
    const signer = await start({}, {tls: material(server)});
    const sockets = Array.from({length: 5}, () => connectPlain(Number(new URL(signer.url).port), "127.0.0.1"));
    let closed = 0;
    for (const socket of sockets) {
      socket.on("error", () => {});
      socket.on("close", () => closed++);
      socket.resume();
    }
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    expect((await ask(signer)).status).to.equal(200);
    await signer.close();
    await until(() => closed === sockets.length, "the sockets close");
  });

  it("without certificates plain HTTP stays as it was", async () => {
    const signer = await start();
    expect(signer.url).to.match(/^http:/);
    const answer = await signer.get("/upcheck");
    expect(answer.status).to.equal(200);
  });
});
