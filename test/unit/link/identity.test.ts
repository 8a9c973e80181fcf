import {chmod, mkdtemp, readdir, readFile, rm, stat, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {inspect} from "node:util";
import {expect} from "chai";
import {
  generateIdentity,
  loadOrCreateIdentity,
  peerIdText,
  readIdentity,
} from "../../../src/adapters/libp2p/identity.js";
import {codeFrom} from "../../support/link.js";

describe("the node key file", () => {
  let dir: string;
  let path: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-identity-"));
    path = join(dir, "node.key");
  });
  afterEach(() => rm(dir, {recursive: true}));

  it("is created once, for its owner alone, and gives the same peer id ever after", async () => {
    const first = await loadOrCreateIdentity(path);
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    expect((await loadOrCreateIdentity(path)).peerId).to.equal(first.peerId);
    expect((await readIdentity(path)).peerId).to.equal(first.peerId);
    expect(await readdir(dir)).to.deep.equal(["node.key"]);
  });

  it("is the same for all who create it at once", async () => {
    const all = await Promise.all(Array.from({length: 8}, () => loadOrCreateIdentity(path)));
    expect(new Set(all.map(({peerId}) => peerId)).size).to.equal(1);
    expect(await readdir(dir)).to.deep.equal(["node.key"]);
  });

  it("is missing when only read and not there", async () => {
    expect(await codeFrom(readIdentity(path))).to.equal("LINK_IDENTITY_MISSING");
    expect(await readdir(dir)).to.deep.equal([]);
  });

  for (const mode of [0o640, 0o604, 0o644]) {
    it(`is refused when others may read it: mode ${mode.toString(8)}`, async () => {
      await loadOrCreateIdentity(path);
      await chmod(path, mode);
      expect(await codeFrom(readIdentity(path))).to.equal("LINK_IDENTITY_PERMISSIONS");
      expect(await codeFrom(loadOrCreateIdentity(path))).to.equal("LINK_IDENTITY_PERMISSIONS");
    });
  }

  it("is refused, and left alone, when it is empty, cut short, too long or something else", async () => {
    await loadOrCreateIdentity(path);
    const good = await readFile(path, "utf8");
    for (const text of ["", good.slice(0, 40), "hello", `${good}${" ".repeat(2000)}`]) {
      await writeFile(path, text);
      expect(await codeFrom(loadOrCreateIdentity(path))).to.equal("LINK_IDENTITY_INVALID");
      expect(await readFile(path, "utf8")).to.equal(text);
    }
  });

  it("fails when its folder does not exist, and is refused when it is a folder itself", async () => {
    expect(await codeFrom(loadOrCreateIdentity(join(dir, "no", "node.key")))).to.equal("LINK_IDENTITY_FAILED");
    expect(await codeFrom(loadOrCreateIdentity(dir))).to.equal("LINK_IDENTITY_INVALID");
  });

  it("is never printed", async () => {
    const identity = await loadOrCreateIdentity(path);
    const secret = (await readFile(path, "utf8")).trim();
    const raw = Buffer.from(identity.privateKey().raw);
    for (const text of [inspect(identity, {depth: 9, showHidden: true}), JSON.stringify({identity}), `${identity}`]) {
      expect(text).to.include(identity.peerId);
      for (const hidden of [secret, raw.toString("hex"), raw.toString("base64")]) expect(text).not.to.include(hidden);
    }
  });
});

describe("a peer id", () => {
  it("is checked as a whole, not only by its letters", async () => {
    const {peerId} = await generateIdentity();
    expect(peerIdText(peerId)).to.equal(peerId);
    const typo = peerId.slice(0, -1) + (peerId.endsWith("1") ? "2" : "1");
    const shorter = peerId.slice(0, -1);
    expect(() => peerIdText(shorter)).to.throw(/peer id/);
    expect(() => peerIdText("not a peer id")).to.throw(/peer id/);
    // A key has no checksum: one letter off is another node, and noise will say so.
    expect(peerIdText(typo)).not.to.equal(peerId);
  });
});
