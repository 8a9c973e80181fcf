import {Agent} from "node:http";
import {networkInterfaces} from "node:os";
import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {AccessTokens} from "../../../src/remote-signer/access-token.js";
import {ask, attestation, bodyFor, expectError, type Started, start, stopAll} from "./fixture.js";

const TOKEN = "5eed".repeat(16);
const ROTATED = "beef".repeat(16);
const bearer = (token: string) => ({authorization: `Bearer ${token}`});

describe("who is let in", function () {
  this.timeout(10_000);
  afterEach(stopAll);

  describe("with a token", () => {
    it("every path but the upcheck wants it, also those that do not exist and methods that are not taken", async () => {
      const signer = await start({}, {tokens: new AccessTokens([TOKEN])});
      expect((await signer.get("/upcheck")).text).to.equal("OK");
      for (const path of [
        "/healthcheck",
        "/api/v1/eth2/publicKeys",
        "/api/v1/eth2/highWatermark",
        "/reload",
        "/nothing",
      ]) {
        const answer = await signer.get(path);
        expectError(answer, 401, "HTTP_TOKEN");
        expect(answer.headers["www-authenticate"], path).to.equal('Bearer realm="pleiades"');
      }
      for (const path of ["/api/v1/eth2/sign", `/api/v1/eth2/sign/${signer.keys[0]}`, "/reload", "/upcheck/x"]) {
        expectError(await signer.post(path, {}), 401, "HTTP_TOKEN");
      }
    });

    it("the right one signs, as Bearer and as the password of the URL", async () => {
      const signer = await start({}, {tokens: new AccessTokens([TOKEN])});
      const body = bodyFor("RANDAO_REVEAL");
      expect((await signer.sign(body, {headers: bearer(TOKEN)})).status).to.equal(200);
      const basic = {authorization: `Basic ${Buffer.from(`lodestar:${TOKEN}`).toString("base64")}`};
      expect((await signer.sign(body, {headers: basic})).status).to.equal(200);
      expectError(await signer.sign(body, {headers: bearer(ROTATED)}), 401, "HTTP_TOKEN");
    });

    it("one is replaced by another without a moment in which none is right", async () => {
      const signer = await start({}, {tokens: new AccessTokens([TOKEN])});
      const works = async (token: string) => (await signer.get("/healthcheck", bearer(token))).status === 200;
      signer.renewTokens(new AccessTokens([TOKEN, ROTATED]));
      expect([await works(TOKEN), await works(ROTATED)]).to.deep.equal([true, true]);
      signer.renewTokens(new AccessTokens([ROTATED]));
      expect([await works(TOKEN), await works(ROTATED)]).to.deep.equal([false, true]);
    });

    it("neither it nor what was sent in its place is in an answer or in the log", async () => {
      const signer = await start({}, {tokens: new AccessTokens([TOKEN])});
      const answers = [
        await signer.get("/healthcheck", bearer(ROTATED)),
        await signer.get("/healthcheck", bearer(TOKEN)),
      ];
      const seen = JSON.stringify([answers, signer.logger.lines]);
      expect(seen).not.to.contain(TOKEN).and.not.to.contain(ROTATED);
    });
  });

  describe("by the Host header", () => {
    it("a page whose name was pointed at this machine gets nothing, not even the upcheck", async () => {
      const signer = await start();
      for (const path of ["/upcheck", "/api/v1/eth2/publicKeys", "/nothing"]) {
        expectError(await signer.get(path, {host: "evil.example:9000"}), 421, "HTTP_HOST_NOT_ALLOWED");
      }
      const vote = await signer.sign(attestation(1), {headers: {host: "evil.example", accept: "*/*"}});
      expectError(vote, 421, "HTTP_HOST_NOT_ALLOWED");
    });

    it("localhost, addresses, the configured host and further names are served", async () => {
      const signer = await start({}, {allowedHosts: ["signer"]});
      for (const host of ["localhost", "127.0.0.1", "[::1]:9000", "signer:9000"]) {
        expect((await signer.get("/upcheck", {host})).status, host).to.equal(200);
      }
    });

    it("a request that a page of another origin sent is refused", async () => {
      const signer = await start();
      expectError(await signer.post("/reload", "", {origin: "http://evil.example"}), 403, "HTTP_ORIGIN_NOT_ALLOWED");
      expectError(await signer.post("/reload", "", {origin: "null"}), 403, "HTTP_ORIGIN_NOT_ALLOWED");
      expect((await signer.get("/reload")).json.status, "nothing was reloaded").to.equal("idle");
    });
  });

  describe("by how often it asks", () => {
    const limited = (clock: ManualClock): Promise<Started> =>
      start({clock}, {rateLimits: {sign: {perSecond: 2, burst: 3}, batch: {perSecond: 0.1, burst: 1}, other: null}});

    it("a client beyond its limit is told when to come back, and may then", async () => {
      const clock = new ManualClock();
      const signer = await limited(clock);
      const statuses = [];
      for (let i = 0; i < 5; i++) statuses.push((await signer.sign(bodyFor("RANDAO_REVEAL"))).status);
      expect(statuses).to.deep.equal([200, 200, 200, 429, 429]);
      const refused = await signer.sign(bodyFor("RANDAO_REVEAL"));
      expectError(refused, 429, "HTTP_RATE_LIMITED");
      expect(refused.headers["retry-after"]).to.equal("1");
      clock.advance(1000);
      expect((await signer.sign(bodyFor("RANDAO_REVEAL"))).status).to.equal(200);
    });

    it("batches that are refused leave selection proofs theirs, and the other way round", async () => {
      const signer = await limited(new ManualClock());
      const batch = () =>
        signer.post("/api/v1/eth2/sign", {identifiers: signer.keys, signing_request: bodyFor("AGGREGATION_SLOT")});
      expect((await batch()).status).to.equal(200);
      for (let i = 0; i < 10; i++) {
        const refused = await batch();
        expectError(refused, 429, "HTTP_RATE_LIMITED");
        expect(refused.headers["retry-after"]).to.equal("10");
      }
      expect((await signer.sign(bodyFor("AGGREGATION_SLOT"))).status).to.equal(200);
      expect((await signer.get("/upcheck")).status).to.equal(200);
    });

    it("another address has its own limit", async function () {
      const loopbacks = Object.values(networkInterfaces()).some((all) => all?.some(({cidr}) => cidr === "127.0.0.1/8"));
      if (!loopbacks) this.skip();
      const signer = await start({clock: new ManualClock()}, {rateLimits: {other: {perSecond: 1, burst: 1}}});
      const from = async (localAddress: string) =>
        (await ask(`${signer.url}/upcheck`, {method: "GET", agent: new Agent({localAddress})})).status;
      expect(await from("127.0.0.1")).to.equal(200);
      expect(await from("127.0.0.1")).to.equal(429);
      expect(await from("127.0.0.2")).to.equal(200);
    });

    it("signing is not limited by default", async () => {
      const signer = await start({clock: new ManualClock()});
      const answers = await Promise.all(Array.from({length: 300}, () => signer.sign(bodyFor("RANDAO_REVEAL"))));
      expect(new Set(answers.map(({status}) => status))).to.deep.equal(new Set([200]));
    });
  });
});
