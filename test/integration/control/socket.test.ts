import {mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync} from "node:fs";
import {createServer} from "node:net";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {controlClient} from "../../../src/app/cli/control-client.js";
import {controlSocket, serveControl, shortEnough} from "../../../src/app/control-socket.js";
import {PleiadesError} from "../../../src/core/errors.js";
import type {ControlRequest, ControlRoute} from "../../../src/ports/http-route.js";
import type {HttpServer} from "../../../src/remote-signer/http-server.js";
import {failure} from "../../support/errors.js";
import {codeFrom} from "../../support/link.js";
import {waitFor} from "../../support/wait.js";

const json = (value: unknown, status = 200) => ({status, contentType: "application/json", body: JSON.stringify(value)});

describe("the control socket", function () {
  this.timeout(20_000);
  let dataDir: string;
  let server: HttpServer | null = null;
  const logger = new MemoryLogger();
  const stop = new AbortController();

  const serve = async (routes: Partial<Record<string, ControlRoute["handler"]>>) => {
    const all = Object.entries(routes).map(([path, handler]) => ({
      plugin: "test",
      method: "POST" as const,
      path,
      handler: handler!,
    }));
    server = await serveControl({clock: systemClock, logger, routes: all}, {dataDir});
    return server;
  };
  const client = (signal = stop.signal) => controlClient("test", {dataDir, signal});
  const all = async (values: AsyncIterable<unknown>): Promise<unknown[]> => {
    const got: unknown[] = [];
    for await (const value of values) got.push(value);
    return got;
  };

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "pleiades-control-"));
  });
  afterEach(async () => {
    await server?.close();
    server = null;
    rmSync(dataDir, {recursive: true, force: true});
  });

  it("is not there when no plugin has a control route", async () => {
    expect(await serve({})).to.equal(null);
    expect(() => statSync(controlSocket(dataDir))).to.throw("ENOENT");
    expect(await codeFrom(client().ask("POST", "/x"))).to.equal("CONTROL_NO_OPERATOR");
  });

  it("can be opened by its owner alone, also when the folder was open before", async () => {
    mkdirSync(join(dataDir, "control"), {mode: 0o755});
    await serve({"/x": async () => json(1)});
    expect(statSync(controlSocket(dataDir)).mode & 0o777).to.equal(0o600);
    expect(statSync(join(dataDir, "control")).mode & 0o777).to.equal(0o700);
  });

  it("passes on a body and brings back the answer", async () => {
    await serve({"/x": async ({body}) => json({got: body})});
    expect(await client().ask("POST", "/x", {n: [1, "two", null]})).to.deep.equal({got: {n: [1, "two", null]}});
    expect(await client().ask("POST", "/x")).to.deep.equal({got: null});
  });

  it("brings back an answer in lines as they come", async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    async function* lines() {
      yield {n: 1};
      await gate;
      yield {big: 2n ** 63n};
      yield "a\nb";
    }
    await serve({"/x": async () => ({lines: lines()})});
    const values = client().follow("POST", "/x")[Symbol.asyncIterator]();
    expect((await values.next()).value).to.deep.equal({n: 1});
    release();
    expect((await values.next()).value).to.deep.equal({big: "9223372036854775808"});
    expect((await values.next()).value).to.equal("a\nb");
    expect((await values.next()).done).to.equal(true);
  });

  it("brings back by its code what the operator refuses, before and in the middle of an answer, and no more of the unknown", async () => {
    async function* breaks(error: Error) {
      yield 1;
      throw error;
    }
    const known = new PleiadesError({code: "PEER_TIMEOUT"});
    await serve({
      "/known": async () => {
        throw known;
      },
      "/unknown": async () => {
        throw new Error("a secret");
      },
      "/known-lines": async () => ({lines: breaks(known)}),
      "/unknown-lines": async () => ({lines: breaks(new Error("a secret"))}),
      "/own": async () => json({code: "MY_OWN", message: "in my own words"}, 409),
    });
    expect(await codeFrom(client().ask("POST", "/known"))).to.equal("PEER_TIMEOUT");
    expect(await codeFrom(all(client().follow("POST", "/known")))).to.equal("PEER_TIMEOUT");
    expect(await codeFrom(all(client().follow("POST", "/known-lines")))).to.equal("PEER_TIMEOUT");
    for (const answer of [client().ask("POST", "/unknown"), all(client().follow("POST", "/unknown-lines"))]) {
      const error: unknown = await answer.catch((caught: unknown) => caught);
      expect(error).to.have.property("code", "INTERNAL");
      expect(String(error)).not.to.contain("secret");
    }
    const own: unknown = await client()
      .ask("POST", "/own")
      .catch((caught: unknown) => caught);
    expect(own).to.have.property("code", "CONTROL_ANSWER");
    expect(own).to.have.deep.property("data", {status: 409, answered: "MY_OWN", reason: "in my own words"});
    expect(await codeFrom(client().ask("POST", "/nowhere"))).to.equal("CONTROL_NO_OPERATOR");
  });

  it("tells the plugin when whoever watched has gone, and ends what it was saying", async () => {
    let seen: ControlRequest | undefined;
    let ended = false;
    async function* endless() {
      try {
        yield 1;
        await new Promise(() => undefined);
      } finally {
        ended = true;
      }
    }
    const silent = endless();
    await serve({
      "/x": async (request) => {
        seen = request;
        return {lines: silent};
      },
    });
    const watcher = new AbortController();
    const values = client(watcher.signal).follow("POST", "/x")[Symbol.asyncIterator]();
    await values.next();
    watcher.abort();
    // To the command it is an end like any other: it knows that it was stopped.
    expect((await values.next()).done).to.equal(true);
    await waitFor("told", () => seen?.signal.aborted === true);
    expect(ended).to.equal(false); // a generator that hangs cannot be ended, and nobody waits for it
  });

  it("tells who watches that the operator stops, without waiting for the plugin", async () => {
    async function* hangs() {
      yield 1;
      await new Promise(() => undefined);
    }
    const open = await serve({"/x": async () => ({lines: hangs()})});
    const values = client().follow("POST", "/x")[Symbol.asyncIterator]();
    await values.next();
    await open?.close();
    expect(await codeFrom(values.next())).to.equal("HTTP_SHUTTING_DOWN");
  });

  it("bounds bodies and lines", async () => {
    async function* wide() {
      yield "x".repeat(2 ** 21);
    }
    await serve({"/x": async () => json(1), "/wide": async () => ({lines: wide()})});
    expect(await codeFrom(client().ask("POST", "/x", "x".repeat(2 ** 21)))).to.equal("HTTP_BODY_TOO_LARGE");
    expect(await codeFrom(all(client().follow("POST", "/wide")))).to.equal("CONTROL_ANSWER");
  });

  it("takes the place of a socket that nobody holds, and of nothing else", async () => {
    await serve({"/x": async () => json("first")});
    expect(await codeFrom(serveControl({clock: systemClock, logger, routes: [route]}, {dataDir}))).to.equal(
      "CONTROL_IN_USE",
    );
    expect(await client().ask("POST", "/x")).to.equal("first");
    await server?.close();

    // A socket whose process is gone: moved away under its listener, which then takes down only its own path.
    const path = controlSocket(dataDir);
    const old = createServer();
    await new Promise<void>((resolve) => void old.listen(`${path}.old`, resolve));
    renameSync(`${path}.old`, path);
    await new Promise((resolve) => void old.close(resolve));
    expect(await codeFrom(client().ask("POST", "/x"))).to.equal("CONTROL_NO_OPERATOR");
    await serve({"/x": async () => json("second")});
    expect(await client().ask("POST", "/x")).to.equal("second");
    await server?.close();
    server = null;

    writeFileSync(path, "somebody's file");
    expect(await codeFrom(serveControl({clock: systemClock, logger, routes: [route]}, {dataDir}))).to.equal(
      "CONTROL_SOCKET",
    );
  });
  const route: ControlRoute = {plugin: "test", method: "GET", path: "", handler: async () => json(1)};

  it("says when its path is longer than the system takes, unless it is short from where the program runs", () => {
    const deep = `/${"a".repeat(60)}/${"b".repeat(60)}/data/control/socket`;
    expect(failure("CONTROL_PATH", () => shortEnough(deep, "/elsewhere")).data).to.include({path: deep});
    expect(shortEnough(deep, `/${"a".repeat(60)}/${"b".repeat(60)}`)).to.equal("data/control/socket");
    expect(shortEnough("/data/control/socket", "/a/folder/far/away")).to.equal("/data/control/socket");
  });
});
