import {mkdtempSync, rmSync} from "node:fs";
import {request} from "node:http";
import {connect, type Socket} from "node:net";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {blstDkgGroup} from "../../../src/adapters/bls/blst.js";
import {MemoryCeremonyJournal, MemoryJournalDisk} from "../../../src/adapters/ceremony-journal/memory.js";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {MemoryPeerNetwork} from "../../../src/adapters/peer-messages/memory.js";
import {controlClient} from "../../../src/app/cli/control-client.js";
import {controlSocket, serveControl, shortEnough} from "../../../src/app/control-socket.js";
import {isReasonCode} from "../../../src/core/reasons/index.js";
import {dkgAsideHere} from "../../../src/plugin/dkg/jobs.js";
import {createDkgPlugin, type DkgService} from "../../../src/plugin/dkg/plugin.js";
import type {CeremonyReport} from "../../../src/plugin/dkg/report.js";
import type {ControlRoute} from "../../../src/ports/http-route.js";
import {testNode} from "../../support/dkg.js";
import {definitionText} from "../../support/dkg-operators.js";
import {storedVault} from "../../support/stored-vault.js";
import {waitFor} from "../../support/wait.js";

const UNKNOWN = `0x${"00".repeat(32)}`;
const ROUTES = ["/run", "/watch", "/abort", "/escrow"] as const;

/** The plugin as in an operator, behind a real control socket; what is its owner's is said there by anybody who is its owner. */
describe("the control socket of ceremonies", function () {
  this.timeout(30_000);
  const nodes = [1, 2, 3, 4].map(testNode);
  const logger = new MemoryLogger();
  const closers: (() => unknown)[] = [];
  let dataDir: string;
  let path: string;
  let id: string;
  /** Followers that are being served. */
  let following = 0;

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "pleiades-dkg-control-"));
    closers.push(() => rmSync(dataDir, {recursive: true, force: true}));
    const {vault, environment} = await storedVault(join(dataDir, "vault"));
    closers.push(() => environment.close());
    const journal = new MemoryCeremonyJournal(new MemoryJournalDisk());
    const plugin = createDkgPlugin({
      group: blstDkgGroup,
      openJournal: async () => journal,
      openAside: () => dkgAsideHere(blstDkgGroup),
    });
    const {routes = [], service} = plugin.register({} as never, {
      patience: {announce: 1, deal: 1, settle: 1, result: 1, round: 1, maxRound: 1},
    }) as {routes?: readonly (ControlRoute & {control: true})[]; service: DkgService};
    const {watch} = service;
    service.watch = async function* (...of) {
      following++;
      try {
        yield* watch(...of);
      } finally {
        following--;
      }
    };
    await plugin.start?.({
      logger,
      clock: systemClock,
      node: {role: "operator", network: "test", preset: "mainnet"},
      signal: new AbortController().signal,
      peers: new MemoryPeerNetwork().join(nodes[0]!.peerId, {clock: systemClock, logger}),
      dataDir: join(dataDir, "dkg"),
      vault,
      sign: nodes[0]!.sign,
      committeesChanged: async () => [],
      use: () => ({}),
    });
    closers.push(() => plugin.stop?.());
    const own = routes.map((route) => ({...route, plugin: "dkg"}));
    const server = await serveControl({clock: systemClock, logger, routes: own}, {dataDir});
    closers.push(() => server?.close());
    path = shortEnough(controlSocket(dataDir));
    // The others never consent, so it goes on for as long as these tests.
    id = await service.run(definitionText(nodes, {signers: []}));
  });
  after(async () => {
    for (const close of closers.reverse()) await close();
  });

  /** What the socket answers to a body, whatever that is. */
  function post(route: string, body: string | Buffer): Promise<{status: number; code: unknown}> {
    return new Promise((resolve, reject) => {
      const headers = {host: "localhost", "content-type": "application/json"};
      const asked = request({socketPath: path, method: "POST", path: `/plugin/dkg${route}`, headers, agent: false});
      asked.once("error", reject).once("response", (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.once("end", () => resolve({status: response.statusCode!, code: JSON.parse(text).code}));
      });
      asked.end(body);
    });
  }
  const works = async (): Promise<void> => {
    const client = controlClient("dkg", {dataDir, signal: new AbortController().signal});
    const reports = (await client.ask("GET", "/ceremonies")) as CeremonyReport[];
    expect(reports.map((one) => [one.id, one.end])).to.deep.equal([[id, null]]);
  };
  /** A follower that has been answered. */
  async function follower(): Promise<Socket> {
    const socket = connect(path);
    closers.push(() => socket.destroy());
    const body = JSON.stringify({id});
    socket.write(
      `POST /plugin/dkg/watch HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    const head = await new Promise((resolve) => socket.once("data", resolve));
    expect(String(head)).to.match(/^HTTP\/1.1 200 /);
    return socket;
  }

  it("answers what is no request with a code, whatever it is, and goes on", async () => {
    const nothing = ["", "null", "7", '"x"', "[]", "{}", "[[[[]]]]"];
    const broken = ["{", "\u0000", '{"id":', Buffer.from([0xff, 0xfe]), `${"[".repeat(5_000)}`, '{"id":1,"id":2}'];
    const typed = [null, 7, true, [], {}, "", "0x", "x".repeat(1_000), UNKNOWN, "../../etc"].flatMap((value) => [
      JSON.stringify({id: value, definition: value, key: value, validator_index: value}),
      JSON.stringify({id: value, reason: "x", definition: JSON.stringify(value)}),
    ]);
    for (const route of ROUTES) {
      for (const body of [...nothing, ...broken, ...typed]) {
        const {status, code} = await post(route, body);
        const what = `${route} ${String(body).slice(0, 60)}: ${status} ${String(code)}`;
        expect(status, what).to.be.within(400, 599);
        expect(isReasonCode(code) && code !== "INTERNAL", what).to.equal(true);
      }
    }
    await works();
  });

  it("says which ceremony it does not know, and which body it does not read", async () => {
    const codes = async (route: string, ...bodies: string[]) =>
      Promise.all(bodies.map(async (body) => (await post(route, body)).code));
    const [unknown, short] = [UNKNOWN, "0x12"].map((text) => JSON.stringify({id: text, reason: "x"})) as [
      string,
      string,
    ];
    for (const route of ["/watch", "/abort"]) {
      expect(await codes(route, unknown, short, "{}")).to.deep.equal([
        "DKG_CEREMONY_UNKNOWN",
        "CODEC_HEX",
        "CODEC_HEX",
      ]);
      expect(await codes(route, " ".repeat(2 ** 21 + 1))).to.deep.equal(["HTTP_BODY_TOO_LARGE"]);
    }
    expect(await codes("/run", JSON.stringify({definition: 7}))).to.deep.equal(["DKG_DEFINITION_MALFORMED"]);
    expect(await codes("/nowhere", "{}")).to.deep.equal(["HTTP_NOT_FOUND"]);
    await works();
  });

  it("ends no ceremony for a reason that its others could not be told", async () => {
    const reasons = [7, null, ["x"], {}, "x".repeat(201), "geändert", "two\nlines", "\u001b[2J"];
    for (const reason of reasons) {
      expect((await post("/abort", JSON.stringify({id, reason}))).code, JSON.stringify(reason)).to.equal(
        "DKG_ABORT_REASON",
      );
    }
    await works();
  });

  it("lets go of half a request whose sender hangs up", async () => {
    const halves = [
      "POST /plugin/dkg/run",
      "POST /plugin/dkg/run HTTP/1.1\r\nhost: localhost\r\n",
      'POST /plugin/dkg/watch HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"id":',
      "POST /plugin/dkg/abort HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{",
      "\u0016\u0003\u0001garbage",
    ];
    // More than the socket takes at once: each must have been let go of.
    for (let i = 0; i < 100; i++) {
      const socket = connect(path).on("error", () => undefined);
      await new Promise((resolve) => socket.write(halves[i % halves.length]!, resolve));
      const gone = new Promise((resolve) => socket.once("close", resolve));
      if (i % 2 === 0) socket.destroy();
      else socket.end(() => socket.destroy());
      await gone;
    }
    await works();
    expect(following).to.equal(0);
  });

  it("forgets a follower that goes away, in whatever manner, and says nothing of it", async () => {
    const before = logger.lines.length;
    const followers = await Promise.all(Array.from({length: 30}, follower));
    expect(following).to.equal(30);
    for (const [i, socket] of followers.entries()) {
      if (i % 2 === 0) socket.destroy();
      else socket.pause().end(() => socket.destroy());
    }
    await waitFor("all are forgotten", () => following === 0);
    expect(logger.lines.slice(before).filter(({level}) => level === "warn" || level === "error")).to.deep.equal([]);
    await works();
  });

  it("forgets one that leaves before it is answered", async () => {
    for (let i = 0; i < 100; i++) {
      const socket = connect(path).on("error", () => undefined);
      const body = JSON.stringify({id});
      await new Promise((resolve) =>
        socket.write(
          `POST /plugin/dkg/watch HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
          resolve,
        ),
      );
      socket.destroy();
    }
    // Whoever came after them is served after them.
    const last = await follower();
    await waitFor("only one is left", () => following === 1);
    last.destroy();
    await waitFor("none is left", () => following === 0);
    await works();
  });
});
