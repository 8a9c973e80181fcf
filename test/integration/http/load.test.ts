import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {HeldService} from "../../support/held-service.js";
import {interopSecrets, SingleKeyService} from "../../support/single-key-service.js";
import {attestation, bodyFor, expectError, start, stopAll, until} from "./fixture.js";

const heldService = (options?: {ignoreSignals: boolean}) =>
  new HeldService(new SingleKeyService(interopSecrets(0, 0)), options);

describe("deadlines and load", function () {
  // Seconds only on a very busy machine.
  this.timeout(10_000);
  afterEach(stopAll);

  it("each duty type has its own deadline, and it can be configured", async () => {
    const clock = new ManualClock();
    const service = heldService();
    const signer = await start({clock, service}, {deadlinesMs: {ATTESTATION: 10}});
    const vote = signer.sign(attestation(1));
    const proof = signer.sign(bodyFor("AGGREGATION_SLOT"));
    await until(() => service.reached.length === 2, "both reach the service");
    clock.advance(10);
    expectError(await vote, 504, "COMMITTEE_TIMEOUT");
    expect(service.aborted).to.deep.equal(["ATTESTATION"]);
    clock.advance(11_989);
    expect(service.aborted).to.deep.equal(["ATTESTATION"]);
    clock.advance(1);
    expectError(await proof, 504, "COMMITTEE_TIMEOUT");
  });

  it("a service that ignores its signal does not make a client hang", async () => {
    const clock = new ManualClock();
    const service = heldService({ignoreSignals: true});
    const signer = await start({clock, service});
    const vote = signer.sign(attestation(1));
    await until(() => service.reached.length === 1, "the request reaches the service");
    clock.advance(4000);
    clock.advance(100);
    expectError(await vote, 504, "HTTP_DEADLINE");
    service.release();
  });

  it("a request whose deadline passes in the queue is a 504 and never reaches the service", async () => {
    const clock = new ManualClock();
    const service = heldService();
    const signer = await start({clock, service}, {maxConcurrent: 1});
    const first = signer.sign(bodyFor("AGGREGATION_SLOT"));
    await until(() => service.reached.length === 1, "the first reaches the service");
    const timers = clock.pending();
    const vote = signer.sign(attestation(1));
    await until(() => clock.pending() > timers, "the vote waits");
    clock.advance(4000);
    expectError(await vote, 504, "HTTP_DEADLINE");
    expect(service.reached).to.deep.equal(["AGGREGATION_SLOT"]);
    expect(signer.events[0]).to.include({outcome: "HTTP_DEADLINE", type: "ATTESTATION"});
    service.release();
    expect((await first).status).to.equal(200);
  });

  it("what waits is served in the order block, attestation, selection proof, rest", async () => {
    const clock = new ManualClock();
    const service = heldService();
    const signer = await start({clock, service}, {maxConcurrent: 1});
    const all = [signer.sign(bodyFor("RANDAO_REVEAL"))];
    for (const type of ["VALIDATOR_REGISTRATION", "AGGREGATION_SLOT", "ATTESTATION", "BLOCK_V2"] as const) {
      // Every request that waits has its deadline's timer.
      await until(() => clock.pending() === all.length, "the requests so far wait");
      all.push(signer.sign(bodyFor(type)));
    }
    await until(() => clock.pending() === 5, "all requests wait");
    service.release();
    expect((await Promise.all(all)).map(({status}) => status)).to.deep.equal([200, 200, 200, 200, 200]);
    expect(service.reached).to.deep.equal([
      "RANDAO_REVEAL",
      "BLOCK_V2",
      "ATTESTATION",
      "AGGREGATION_SLOT",
      "VALIDATOR_REGISTRATION",
    ]);
  });

  it("more than may wait is a 503, and the signer recovers", async () => {
    const service = heldService();
    const signer = await start({service}, {maxConcurrent: 2, maxQueued: 3});
    const all = Array.from({length: 12}, () => signer.sign(bodyFor("RANDAO_REVEAL")));
    let answered = 0;
    for (const answer of all) void answer.then(() => answered++);
    await until(() => answered === 7, "seven of twelve are refused");
    service.release();
    const answers = await Promise.all(all);
    for (const answer of answers) if (answer.status !== 200) expectError(answer, 503, "HTTP_OVERLOADED");
    expect(answers.filter(({status}) => status === 200)).to.have.length(5);
    expect((await signer.sign(bodyFor("RANDAO_REVEAL"))).status).to.equal(200);
  });

  it("a client that goes ends its request, and only its own", async () => {
    const service = heldService();
    const signer = await start({service});
    const abort = new AbortController();
    const gone = signer.sign(attestation(1), {signal: abort.signal}).catch((error: Error) => error.name);
    const stays = signer.sign(bodyFor("RANDAO_REVEAL"));
    await until(() => service.reached.length === 2, "both reach the service");
    abort.abort();
    expect(await gone).to.equal("AbortError");
    await until(() => service.aborted.length > 0, "the service hears of it");
    expect(service.aborted).to.deep.equal(["ATTESTATION"]);
    service.release();
    expect((await stays).status).to.equal(200);
    expect(signer.logger.lines.filter(({level}) => level !== "debug")).to.deep.equal([]);
  });

  it("an unexpected failure of the service is a bare 500, and its trace is in the log only", async () => {
    const service = Object.assign(new SingleKeyService(interopSecrets(0, 0)), {
      sign: () => Promise.reject(new TypeError("undefined is not a function")),
    });
    const signer = await start({service});
    const answer = await signer.sign(attestation(1));
    expectError(answer, 500, "INTERNAL");
    expect(answer.text).not.to.contain("undefined");
    expect(JSON.stringify(signer.logger.lines)).to.contain("undefined is not a function");
    const batch = await signer.post("/api/v1/eth2/sign", {identifiers: signer.keys, signing_request: attestation(1)});
    expect(batch.text).to.contain('"code":500').and.not.contain("undefined");
  });

  it("leaves no timer behind", async () => {
    const clock = new ManualClock();
    const signer = await start({clock});
    await signer.sign(attestation(1));
    await signer.sign({});
    await signer.get("/api/v1/eth2/highWatermark");
    await signer.post("/api/v1/eth2/sign", {identifiers: signer.keys, signing_request: attestation(1)});
    expect(clock.pending()).to.equal(0);
  });
});
