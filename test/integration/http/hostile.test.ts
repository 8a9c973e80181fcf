import {once} from "node:events";
import {connect} from "node:net";
import {expect} from "chai";
import fc from "fast-check";
import {SIGN_TYPES} from "../../../src/core/duty/sign-request.js";
import {isReasonCode} from "../../../src/core/reasons/index.js";
import {attestation, bodyFor, expectError, type Started, start, stopAll} from "./fixture.js";

/** Sends bytes as they are and gives all that comes back until the server closes. */
async function raw(signer: Started, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(signer.url).port), "127.0.0.1");
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString();
  });
  socket.on("error", () => {});
  socket.write(bytes);
  await once(socket, "close");
  return received;
}

describe("hostile input", function () {
  // Seconds only on a very busy machine.
  this.timeout(30_000);
  let signer: Started;
  before(async () => {
    signer = await start({}, {bodyLimitBytes: 20_000});
  });
  after(stopAll);

  const stays = async (body: unknown): Promise<void> => {
    const answer = await signer.sign(body);
    if (answer.status === 200) {
      expect(answer.json.signature).to.match(/^0x[0-9a-f]{192}$/);
      return;
    }
    expect(isReasonCode(answer.json.code), answer.text).to.equal(true);
    expect(answer.json.code, answer.text).not.to.equal("INTERNAL");
    expectError(answer, answer.status, answer.json.code);
  };

  it("any JSON gets a JSON error with a stable code, never an internal one", async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({maxDepth: 5}), (body) => stays(body)),
      {numRuns: 150},
    );
  });

  it("any text gets a JSON error with a stable code", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({unit: "binary", maxLength: 200}), (body) => stays(body)),
      {numRuns: 100},
    );
  });

  it("a valid request with any one value replaced is signed or refused with a stable code", async () => {
    const odd = fc.oneof(
      fc.jsonValue({maxDepth: 2}),
      fc.constantFrom(
        "0x",
        "-1",
        "1e3",
        "0x0",
        "00",
        " 1",
        "NaN",
        2 ** 53,
        -0,
        1.5,
        String(2n ** 64n),
        "__proto__",
        [],
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...SIGN_TYPES), fc.nat(1000), odd, async (type, where, value) => {
        const body = structuredClone(bodyFor(type)) as Record<string, unknown>;
        const places: [Record<string, unknown>, string][] = [];
        const collect = (object: Record<string, unknown>): void => {
          for (const [key, inner] of Object.entries(object)) {
            places.push([object, key]);
            if (typeof inner === "object" && inner !== null) collect(inner as Record<string, unknown>);
          }
        };
        collect(body);
        const [object, key] = places[where % places.length]!;
        object[key] = value;
        await stays(body);
      }),
      {numRuns: 300},
    );
  });

  it("any JSON gets a stable answer from batch signing too", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({maxDepth: 3}), fc.jsonValue({maxDepth: 3}), async (identifiers, request) => {
        const answer = await signer.post("/api/v1/eth2/sign", {identifiers, signing_request: request});
        expect(isReasonCode(answer.json.code)).to.equal(true);
        expectError(answer, 400, answer.json.code);
      }),
      {numRuns: 60},
    );
  });

  it("a body beyond the limit is refused, with and without a length", async () => {
    const big = JSON.stringify({...attestation(1), padding: "x".repeat(30_000)});
    expectError(await signer.sign(big), 413, "HTTP_BODY_TOO_LARGE");
    const headers = {"transfer-encoding": "chunked"};
    expectError(await signer.sign(big, {headers}), 413, "HTTP_BODY_TOO_LARGE");
  });

  it("a body of another content type is refused", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "nonsense", "application/jsonp"]) {
      const answer = await signer.sign("{}", {headers: {"content-type": type}});
      expectError(answer, 415, "HTTP_UNSUPPORTED_MEDIA_TYPE");
    }
  });

  it("a URL part that is too long or not decodable is refused", async () => {
    expectError(await signer.sign({}, {key: "a".repeat(300)}), 414, "HTTP_URL_TOO_LONG");
    expectError(await signer.sign({}, {key: "%zz"}), 400, "HTTP_MALFORMED");
  });

  it("what is not HTTP gets a JSON error and a closed connection", async () => {
    const answer = await raw(signer, "SSH-2.0-OpenSSH_9.6\r\n\r\n");
    expect(answer).to.match(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).to.contain('{"code":"HTTP_MALFORMED"');
  });

  it("a request without a host gets a JSON error", async () => {
    const answer = await raw(signer, "GET /upcheck HTTP/1.1\r\nconnection: close\r\n\r\n");
    expect(answer).to.match(/^HTTP\/1\.1 400 /);
    expect(answer).to.contain('{"code":"HTTP_MALFORMED"');
  });

  it("an expectation that nobody knows is ignored, as HTTP allows", async () => {
    const answer = await raw(signer, "GET /no HTTP/1.1\r\nhost: localhost\r\nexpect: tea\r\nconnection: close\r\n\r\n");
    expect(answer).to.match(/^HTTP\/1\.1 404 /);
    expect(answer).to.contain('{"code":"HTTP_NOT_FOUND"');
  });

  it("headers beyond the limit are refused", async () => {
    const answer = await raw(signer, `GET /upcheck HTTP/1.1\r\nhost: a\r\nx-large: ${"x".repeat(20_000)}\r\n\r\n`);
    expect(answer).to.match(/^HTTP\/1\.1 431 /);
    expect(answer).to.contain('{"code":"HTTP_HEADERS_TOO_LARGE"');
  });

  it("two lengths that disagree, the trick of request smuggling, are refused", async () => {
    const head = `POST /api/v1/eth2/sign HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n`;
    const answer = await raw(signer, `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}`);
    expect(answer).to.contain('{"code":"HTTP_MALFORMED"');
  });

  it("leaves the signer working, and nothing unexpected in its log", async () => {
    expect((await signer.sign(bodyFor("RANDAO_REVEAL"))).status).to.equal(200);
    expect(signer.logger.lines.filter(({level}) => level === "error")).to.deep.equal([]);
  });
});
