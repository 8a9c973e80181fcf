import {expect} from "chai";
import fc from "fast-check";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {fullBucket, take} from "../../../src/core/token-bucket.js";
import {AccessTokens, isToken} from "../../../src/remote-signer/access-token.js";
import {clientAddress, isLoopback} from "../../../src/remote-signer/addresses.js";
import {MAX_RATE_LIMITED_CLIENTS} from "../../../src/remote-signer/bounds.js";
import {exposureWarning} from "../../../src/remote-signer/exposure.js";
import {HostNames, hostOf, isForeignOrigin} from "../../../src/remote-signer/host-names.js";
import {RateLimiter} from "../../../src/remote-signer/rate-limiter.js";

describe("the token bucket", () => {
  const limit = {perSecond: 2, burst: 3};

  it("gives the burst at once, then says how long to wait", () => {
    let bucket = fullBucket(limit, 0);
    const waits = Array.from({length: 4}, () => {
      const taken = take(bucket, limit, 0);
      bucket = taken.bucket;
      return taken.waitMs;
    });
    expect(waits).to.deep.equal([null, null, null, 500]);
    expect(take(bucket, limit, 499).waitMs).to.be.closeTo(1, 1e-9);
    expect(take(bucket, limit, 500).waitMs).to.equal(null);
  });

  it("never gives more than the burst and the rate together, whatever the times, and never less to who waits as told", () => {
    fc.assert(
      fc.property(
        fc.record({perSecond: fc.integer({min: 1, max: 50}), burst: fc.integer({min: 1, max: 20})}),
        fc.array(fc.integer({min: 0, max: 3000}), {minLength: 1, maxLength: 200}),
        (one, pauses) => {
          let now = 0;
          let given = 0;
          let bucket = fullBucket(one, 0);
          for (const pause of pauses) {
            now += pause;
            const taken = take(bucket, one, now);
            bucket = taken.bucket;
            if (taken.waitMs === null) given++;
            else expect(take(bucket, one, now + Math.ceil(taken.waitMs) + 1).waitMs).to.equal(null);
            expect(given).to.be.at.most(one.burst + (now * one.perSecond) / 1000 + 1e-6);
          }
        },
      ),
    );
  });

  it("a clock that stands still or a time before the last changes nothing", () => {
    const {bucket} = take(fullBucket(limit, 1000), limit, 1000);
    expect(take(bucket, limit, 0).bucket.tokens).to.equal(1);
  });
});

describe("rate limits per client", () => {
  it("one client's requests cost another nothing", () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter({clock}, {perSecond: 1, burst: 2});
    expect([limiter.check("a"), limiter.check("a"), limiter.check("a")]).to.deep.equal([null, null, 1000]);
    expect(limiter.check("b")).to.equal(null);
    clock.advance(1000);
    expect(limiter.check("a")).to.equal(null);
  });

  it("memory stays bounded with ever new clients, and those heard of lately are remembered", () => {
    const limiter = new RateLimiter({clock: new ManualClock()}, {perSecond: 1, burst: 1});
    for (let i = 0; i < 3 * MAX_RATE_LIMITED_CLIENTS; i++) limiter.check(`client ${i}`);
    expect(limiter.size).to.equal(MAX_RATE_LIMITED_CLIENTS);
    expect(limiter.check(`client ${3 * MAX_RATE_LIMITED_CLIENTS - 1}`)).to.equal(1000);
    expect(limiter.check("client 0")).to.equal(null);
  });
});

describe("addresses of clients", () => {
  it("are whole for IPv4, one network of 64 bits for IPv6", () => {
    for (const [raw, expected] of [
      ["192.0.2.7", "192.0.2.7"],
      ["::ffff:192.0.2.7", "192.0.2.7"],
      ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
      ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
      ["2001:db8::1", "2001:db8:0:0::/64"],
      ["fe80::1%eth0", "fe80:0:0:0::/64"],
      ["::1", "::1"],
      ["::5", "0:0:0:0::/64"],
      [undefined, "gone"],
    ] as const) {
      expect(clientAddress(raw), raw).to.equal(expected);
    }
  });

  it("of this machine are known as such", () => {
    for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost"]) expect(isLoopback(host), host).to.equal(true);
    for (const host of ["0.0.0.0", "::", "10.0.0.1", "signer", "localhost.example"]) {
      expect(isLoopback(host), host).to.equal(false);
    }
  });
});

describe("Host headers", () => {
  const names = new HostNames(["127.0.0.1", "Signer.example"]);

  it("with localhost, a configured name or an IP address are answered, with and without port", () => {
    for (const header of [
      "localhost",
      "LOCALHOST:9000",
      "localhost.",
      "signer.example",
      "SIGNER.example:9000",
      "127.0.0.1:9000",
      "192.0.2.9",
      "[::1]:9000",
      "[2001:db8::1]",
    ]) {
      expect(names.accepts(header), header).to.equal(true);
    }
  });

  it("with any other name or no name at all are not", () => {
    for (const header of [
      undefined,
      "",
      " ",
      "evil.example",
      "localhost.evil.example",
      "evil.example:9000",
      "signer.example.evil",
      "localhost@evil.example",
      "localhost/evil",
      "[localhost]",
      "127.0.0.1.evil.example",
      "localhost:port",
      "localhost,evil.example",
      "1.2.3.4.5",
    ]) {
      expect(names.accepts(header), header).to.equal(false);
    }
  });

  it("any text is a host or is not, without a throw", () => {
    fc.assert(
      fc.property(fc.string({unit: "binary", maxLength: 60}), (text) => {
        const host = hostOf(text);
        expect(host === null || host === host.toLowerCase()).to.equal(true);
      }),
    );
  });

  it("an origin is foreign unless it is the host itself", () => {
    expect(isForeignOrigin(undefined, "localhost:9000")).to.equal(false);
    expect(isForeignOrigin("http://localhost:9000", "localhost:9000")).to.equal(false);
    for (const origin of [
      "null",
      "http://evil.example",
      "http://localhost.evil.example",
      "",
      "file://",
      "http://127.0.0.1",
    ]) {
      expect(isForeignOrigin(origin, "localhost:9000"), origin).to.equal(true);
    }
  });
});

describe("access tokens", () => {
  const token = "0123456789abcdef".repeat(4);
  const other = "fedcba9876543210".repeat(2);
  const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

  it("are taken as Bearer and as the password of Basic, the scheme in any case", () => {
    const tokens = new AccessTokens([other, token]);
    for (const header of [
      `Bearer ${token}`,
      `bearer  ${other}`,
      basic(`lodestar:${token}`),
      basic(`:${token}`),
      basic(`a:${other}`),
    ]) {
      expect(tokens.accept(header), header).to.equal(true);
    }
  });

  it("are refused when anything about them differs", () => {
    const tokens = new AccessTokens([token]);
    for (const header of [
      undefined,
      "",
      token,
      "Bearer",
      "Bearer ",
      `Bearer ${token.slice(1)}`,
      `Bearer ${token}0`,
      `Bearer ${token.toUpperCase()}`,
      `Bearer ${token} ${token}`,
      `Digest ${token}`,
      basic(`${token}:`),
      basic(`a:${token}:`),
      "Basic %%%",
      `Bearer ${other}`,
    ]) {
      expect(tokens.accept(header), header).to.equal(false);
    }
  });

  it("are long and made of characters that can be sent", () => {
    for (const good of [token, other, `${"Aa0._~+/-".repeat(4)}==`]) expect(isToken(good), good).to.equal(true);
    for (const bad of ["", "a".repeat(31), "a".repeat(513), `${other} `, `${other}:a`, `${other}é`, `${other}=a`]) {
      expect(isToken(bad), bad).to.equal(false);
    }
  });
});

describe("a listener other machines can reach", () => {
  const plain = {host: "0.0.0.0", tls: false, clientCertificates: false, token: false};

  it("is warned of until it has TLS and a way to know its clients", () => {
    expect(exposureWarning(plain)).to.contain("add tls, and");
    expect(exposureWarning({...plain, token: true})).to.contain("the token crosses the network");
    expect(exposureWarning({...plain, tls: true})).to.contain("add tls.clientCa or tokenFile");
    expect(exposureWarning({...plain, tls: true, token: true})).to.equal(null);
    expect(exposureWarning({...plain, tls: true, clientCertificates: true})).to.equal(null);
    expect(exposureWarning({...plain, host: "signer.example"})).to.contain("whoever reaches");
  });

  it("is not one on loopback", () => {
    for (const host of ["127.0.0.1", "::1", "localhost"]) expect(exposureWarning({...plain, host})).to.equal(null);
  });
});
