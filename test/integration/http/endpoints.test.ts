import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {parseOperatorId, parsePeerIdText} from "../../../src/core/bytes.js";
import type {CommitteeHealth, SigningService} from "../../../src/ports/signing-service.js";
import {interopSecrets, SingleKeyService} from "../../support/single-key-service.js";
import {attestation, bodyFor, expectError, start, stopAll, until} from "./fixture.js";

/** Four operators, of which the ids in `down` have no connection and those in `slow` miss their deadlines. */
function committee({down = [], slow = []}: {down?: number[]; slow?: number[]}): CommitteeHealth {
  const operators = [1, 2, 3, 4].map((id) => ({
    operatorId: parseOperatorId(id),
    peerId: parsePeerIdText(`12D3KooW${String(id).repeat(44)}`),
    connected: !down.includes(id),
    software: "pleiades/0.1.0",
    roundTripMs: 1,
    clockOffsetMs: 0,
    stopCode: null,
    healthy: !down.includes(id) && !slow.includes(id),
    convicted: id === 4,
    latencyMs: 3,
    consecutiveMisses: slow.includes(id) ? 5 : 0,
  }));
  return {keys: 8, n: 4, threshold: 3, healthyOperators: operators.filter(({healthy}) => healthy).length, operators};
}

const withHealth = (health: CommitteeHealth[]): SigningService =>
  Object.assign(new SingleKeyService(interopSecrets(0, 0)), {health: () => health});

describe("the remote signer's other endpoints", function () {
  // Seconds only on a very busy machine.
  this.timeout(10_000);
  afterEach(stopAll);

  describe("GET /healthcheck", () => {
    it("is 200 in Web3Signer's schema while every committee has t healthy operators", async () => {
      const signer = await start({service: withHealth([committee({}), committee({down: [2]})])});
      const answer = await signer.get("/healthcheck");
      expect(answer.status).to.equal(200);
      expect(answer.headers["content-type"]).to.equal("application/json");
      expect(answer.json).to.include({status: "UP", outcome: "UP"});
      expect(answer.json.checks.map(({id, status}: {id: string; status: string}) => [id, status])).to.deep.equal([
        ["committee-1", "UP"],
        ["committee-2", "UP"],
      ]);
    });

    it("is 503 when one committee has fewer, with the reason per operator", async () => {
      const signer = await start({service: withHealth([committee({}), committee({down: [2], slow: [3]})])});
      const answer = await signer.get("/healthcheck");
      expect(answer.status).to.equal(503);
      expect(answer.json).to.include({status: "DOWN", outcome: "DOWN"});
      const [up, down] = answer.json.checks;
      expect([up.status, down.status]).to.deep.equal(["UP", "DOWN"]);
      expect(down.data).to.deep.include({threshold: 3, healthyOperators: 2, keys: 8, operators: 4});
      expect(down.data.reasons).to.deep.equal([
        {operatorId: 1, status: "UP", reason: "answers in time"},
        {operatorId: 2, status: "DOWN", reason: "connection lost"},
        {operatorId: 3, status: "DOWN", reason: "connected, but missed its last 5 deadlines"},
        {operatorId: 4, status: "UP", reason: "answers, but sent a wrong partial signature before; asked last"},
      ]);
    });
  });

  describe("GET /api/v1/eth2/highWatermark", () => {
    it("is an empty object when nothing is recorded", async () => {
      const signer = await start();
      const answer = await signer.get("/api/v1/eth2/highWatermark");
      expect([answer.status, answer.text]).to.deep.equal([200, "{}"]);
      expect(answer.headers["content-type"]).to.equal("application/json");
    });

    it("gives the highest slot and epoch as decimal strings, each only when there is one", async () => {
      const signer = await start();
      const far = String(2n ** 63n);
      await signer.sign(attestation(1, 7), {key: signer.keys[0]!});
      await signer.sign(attestation(1, 9), {key: signer.keys[1]!});
      expect((await signer.get("/api/v1/eth2/highWatermark")).json).to.deep.equal({epoch: "9"});
      await signer.sign({
        ...bodyFor("BLOCK_V2", {slot: far}),
      });
      expect((await signer.get("/api/v1/eth2/highWatermark")).json).to.deep.equal({epoch: "9", slot: far});
    });

    it("does not hang on operators that do not answer", async () => {
      const clock = new ManualClock();
      const service = Object.assign(new SingleKeyService([]), {highWatermark: () => new Promise<never>(() => {})});
      const signer = await start({service, clock});
      const asked = signer.get("/api/v1/eth2/highWatermark");
      await until(() => clock.pending() > 0, "the watermark is asked for");
      clock.advance(3000);
      clock.advance(100);
      expectError(await asked, 504, "HTTP_DEADLINE");
    });
  });

  describe("/reload", () => {
    it("accepts one reload at a time and tells how it goes", async () => {
      const clock = new ManualClock(Date.UTC(2026, 0, 2));
      let finish: (result: {errors: string[]}) => void = () => {};
      const reload = () => new Promise<{errors: string[]}>((resolve) => (finish = resolve));
      const signer = await start({reload, clock});
      expect((await signer.get("/reload")).json).to.deep.equal({status: "idle"});

      const accepted = await signer.post("/reload");
      expect(accepted.status).to.equal(202);
      expect(accepted.json).to.have.property("status", "accepted");
      expect(accepted.json.message).to.be.a("string");
      const running = {status: "running", lastOperationTime: "2026-01-02T00:00:00.000Z"};
      expect((await signer.get("/reload")).json).to.deep.equal(running);

      const conflict = await signer.post("/reload");
      expectError(conflict, 409, "HTTP_RELOAD_RUNNING");
      expect(conflict.json.status).to.equal("error");

      clock.advance(1500);
      finish({errors: []});
      const completed = {status: "completed", lastOperationTime: "2026-01-02T00:00:01.500Z"};
      expect((await signer.get("/reload")).json).to.deep.equal(completed);
      expect((await signer.post("/reload")).status).to.equal(202);
      finish({errors: []});
    });

    it("counts what could not be loaded, and keeps names and paths in the log", async () => {
      const signer = await start({reload: async () => ({errors: ["/etc/a.json: broken", "/etc/b.json: broken"]})});
      await signer.post("/reload");
      const {json} = await signer.get("/reload");
      expect(json.status).to.equal("completed_with_errors");
      expect(json.lastError).to.contain("2 loading error(s)").and.not.contain("/etc");
      expect(JSON.stringify(signer.logger.lines)).to.contain("/etc/b.json");
    });

    it("survives a reload that fails, and can be asked again", async () => {
      const signer = await start({reload: () => Promise.reject(new Error("disk /dev/sda on fire"))});
      await signer.post("/reload");
      const {json} = await signer.get("/reload");
      expect(json.status).to.equal("failed");
      expect(json.lastError).to.equal("Reload failed: INTERNAL");
      expect((await signer.post("/reload")).status).to.equal(202);
    });

    it("takes the empty form that curl -d '' sends", async () => {
      const signer = await start();
      const headers = {"content-type": "application/x-www-form-urlencoded", "content-length": "0"};
      expect((await signer.post("/reload", undefined, headers)).status).to.equal(202);
    });
  });

  describe("paths and methods", () => {
    it("that do not exist are 404 and 405, with the methods that do", async () => {
      const signer = await start();
      for (const path of ["/", "/api/v1/eth2", "/api/v2/eth2/publicKeys", "/api/v1/eth2/sign/a/b", "/plugin/none"]) {
        expectError(await signer.get(path), 404, "HTTP_NOT_FOUND");
      }
      const wrong = await signer.post("/api/v1/eth2/publicKeys", {});
      expectError(wrong, 405, "HTTP_METHOD_NOT_ALLOWED");
      expect(wrong.headers.allow).to.equal("GET");
      const read = await signer.get(`/api/v1/eth2/sign/${signer.keys[0]}`);
      expectError(read, 405, "HTTP_METHOD_NOT_ALLOWED");
      expect(read.headers.allow).to.equal("POST");
    });
  });

  describe("/plugin/<name>", () => {
    it("serves a plugin's routes with query, headers and parsed body", async () => {
      const seen: unknown[] = [];
      const signer = await start({
        routes: [
          {
            plugin: "star-map",
            method: "GET",
            path: "",
            handler: async ({query, headers, body}) => {
              seen.push([query, headers["x-star"], body]);
              return {status: 200, contentType: "text/plain; version=0.0.4", body: "stars ✦"};
            },
          },
          {
            plugin: "star-map",
            method: "POST",
            path: "/stars",
            handler: async ({body}) => ({status: 201, contentType: "application/json", body: JSON.stringify({body})}),
          },
        ],
      });
      const read = await signer.get("/plugin/star-map?a=1&a=2&b=", {"x-star": "Maia"});
      expect([read.status, read.text]).to.deep.equal([200, "stars ✦"]);
      expect(read.headers["content-type"]).to.equal("text/plain; version=0.0.4");
      expect(seen).to.deep.equal([[{a: "2", b: ""}, "Maia", null]]);
      const written = await signer.post("/plugin/star-map/stars", {name: "Electra"});
      expect([written.status, written.json]).to.deep.equal([201, {body: {name: "Electra"}}]);
      expectError(await signer.get("/plugin/star-map/stars"), 405, "HTTP_METHOD_NOT_ALLOWED");
      expectError(await signer.post("/plugin/star-map/stars", "{"), 400, "CODEC_JSON");
    });

    it("turns a handler that throws, rejects or answers nonsense into one stable code", async () => {
      const handlers: (() => never | Promise<never>)[] = [
        () => {
          throw new Error("secret path");
        },
        () => Promise.reject(new Error("secret path")),
        async () => ({status: 42, contentType: "text/plain", body: ""}) as never,
        async () => ({status: 200, contentType: "text/plain\r\nx-evil: 1", body: ""}) as never,
        async () => null as never,
      ];
      const signer = await start({
        routes: handlers.map((handler, i) => ({plugin: "broken", method: "GET", path: `/${i}`, handler})),
      });
      for (const i of handlers.keys()) {
        const answer = await signer.get(`/plugin/broken/${i}`);
        expectError(answer, 500, "HTTP_PLUGIN_ROUTE_FAILED");
        expect(answer.text).not.to.contain("secret");
      }
      expect((await signer.get("/upcheck")).status).to.equal(200);
    });

    it("does not hang on a handler that hangs", async () => {
      const clock = new ManualClock();
      const signer = await start({
        clock,
        routes: [{plugin: "slow", method: "GET", path: "", handler: () => new Promise<never>(() => {})}],
      });
      const asked = signer.get("/plugin/slow");
      await until(() => clock.pending() > 0, "the handler is called");
      clock.advance(10_000);
      clock.advance(100);
      expectError(await asked, 504, "HTTP_DEADLINE");
    });

    for (const [what, route] of [
      ["a parameter in its path", {plugin: "a", path: "/:everything"}],
      ["a wildcard in its path", {plugin: "a", path: "/*"}],
      ["a name that leaves its folder", {plugin: "../api", path: ""}],
    ] as const) {
      it(`stops the start for a route with ${what}`, async () => {
        const handler = async () => ({status: 200, contentType: "text/plain", body: ""});
        const code = await start({routes: [{...route, method: "GET", handler}]}).then(
          () => "started",
          (error) => error.code,
        );
        expect(code).to.equal("HTTP_ROUTE_INVALID");
      });
    }

    it("stops the start for a route given twice", async () => {
      const handler = async () => ({status: 200, contentType: "text/plain", body: ""});
      const route = {plugin: "a", method: "GET", path: "/b", handler} as const;
      const code = await start({routes: [route, route]}).then(
        () => "started",
        (error) => error.code,
      );
      expect(code).to.equal("HTTP_ROUTE_INVALID");
    });
  });
});
