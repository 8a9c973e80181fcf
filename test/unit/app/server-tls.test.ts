import {chmodSync, mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {inspect} from "node:util";
import {expect} from "chai";
import {parseClientRule} from "../../../src/adapters/tls/client-rule.js";
import {loadServerTls, type ServerTlsFiles} from "../../../src/adapters/tls/server-tls.js";
import type {ReasonCode} from "../../../src/core/errors.js";
import {encryptedKey, type MadeCertificate, TestAuthority, writePem} from "../../support/certificates.js";
import {failure} from "../../support/errors.js";

describe("certificates of a listener", () => {
  let dir: string;
  let authority: TestAuthority;
  let server: MadeCertificate;
  let other: MadeCertificate;
  let paths: {[name: string]: string};

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "pleiades-tls-"));
    authority = new TestAuthority();
    server = authority.issue({name: "signer", names: ["localhost"]});
    other = authority.issue({name: "other"});
    const expired = authority.issue({name: "old", fromDays: -9, toDays: -2});
    const future = authority.issue({name: "new", fromDays: 2, toDays: 9});
    const oldAuthority = new TestAuthority("old authority", {fromDays: -9, toDays: -2});
    paths = writePem(dir, {
      cert: server.cert,
      key: server.key,
      ca: authority.cert,
      otherKey: other.key,
      lockedKey: encryptedKey(server.key, "open sesame"),
      password: "open sesame\n",
      wrongPassword: "open\n",
      expiredCert: expired.cert,
      expiredKey: expired.key,
      futureCert: future.cert,
      futureKey: future.key,
      oldCa: oldAuthority.cert,
      bothCas: oldAuthority.cert + authority.cert,
      text: "this is no certificate\n",
      broken: server.cert.replace(/\n[^\n]{8}/, "\nAAAAAAAA"),
    });
  });
  after(() => rmSync(dir, {recursive: true}));

  const load = (change: {[key: string]: string | null} = {}) => {
    const {cert = "cert", key = "key", password = null, ca = null} = change;
    const at = (name: string | null) => paths[name ?? ""] ?? join(dir, name ?? "");
    const files: ServerTlsFiles = {
      cert: at(cert),
      key: {file: at(key)},
      keyPassword: password === null ? null : {file: at(password)},
      clientCa: ca === null ? null : at(ca),
      clients: [],
    };
    return loadServerTls(files, {now: Date.now()});
  };

  it("a certificate and its key give TLS 1.3 and nothing older", () => {
    const tls = load();
    expect(tls.context.minVersion).to.equal("TLSv1.3");
    expect(tls.clients).to.equal(null);
    expect(load({ca: "ca"}).clients).to.deep.equal([]);
  });

  it("an encrypted key opens with its password and with no other", () => {
    expect(load({key: "lockedKey", password: "password"}).context.key).to.equal(server.key);
    failure("TLS_KEY_INVALID", () => load({key: "lockedKey", password: "wrongPassword"}));
    failure("TLS_KEY_INVALID", () => load({key: "lockedKey"}));
    failure("TLS_KEY_FILE", () => load({key: "lockedKey", password: "absent"}));
  });

  it("every mistake has its code", () => {
    const cases: [{[key: string]: string}, ReasonCode][] = [
      [{cert: "absent"}, "TLS_FILE"],
      [{cert: "."}, "TLS_FILE"],
      [{cert: "text"}, "TLS_CERT_INVALID"],
      [{cert: "broken"}, "TLS_CERT_INVALID"],
      [{key: "absent"}, "TLS_KEY_FILE"],
      [{key: "text"}, "TLS_KEY_INVALID"],
      [{key: "otherKey"}, "TLS_KEY_MISMATCH"],
      [{cert: "expiredCert", key: "expiredKey"}, "TLS_CERT_EXPIRED"],
      [{cert: "futureCert", key: "futureKey"}, "TLS_CERT_EXPIRED"],
      [{ca: "absent"}, "TLS_FILE"],
      [{ca: "text"}, "TLS_CERT_INVALID"],
      [{ca: "oldCa"}, "TLS_CERT_EXPIRED"],
    ];
    for (const [change, code] of cases) failure(code, () => load(change));
  });

  it("an expired authority does no harm beside one that is valid", () => {
    expect(load({ca: "bothCas"}).clients).to.deep.equal([]);
  });

  it("a key that others may read is refused", () => {
    chmodSync(paths.key!, 0o640);
    failure("TLS_KEY_FILE", () => load());
    chmodSync(paths.key!, 0o600);
    expect(load().clients).to.equal(null);
  });

  it("does not show its key when printed or serialised", () => {
    const secret = server.key.split("\n")[1]!;
    expect(load().context.key).to.contain(secret);
    expect(inspect(load(), {depth: 9}) + JSON.stringify(load())).not.to.contain(secret);
  });
});

describe("rules for clients", () => {
  const hex = "0123456789abcdef".repeat(4);

  it("take a fingerprint with and without colons, in upper and lower case", () => {
    const expected = {kind: "certificate", sha256: hex};
    const colons = hex.match(/../g)!.join(":").toUpperCase();
    for (const raw of [hex, hex.toUpperCase(), colons, `sha256:${hex}`, `SHA256:${colons}`]) {
      expect(parseClientRule(raw), raw).to.deep.equal(expected);
    }
  });

  it("take a name, and neither a wildcard nor a distinguished name", () => {
    expect(parseClientRule("Validator-1.example")).to.deep.equal({kind: "name", name: "validator-1.example"});
    for (const raw of ["", "*.example", "CN=validator", "a b", "-a", "a/b"])
      expect(parseClientRule(raw), raw).to.equal(null);
  });
});
