import {mkdtemp, readdir, readFile, rm, stat} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {Keystore} from "@chainsafe/bls-keystore";
import {expect} from "chai";
import {publicKeyOf} from "../../../src/app/bls.js";
import {writeShareKeystores} from "../../../src/app/share/keystore-files.js";
import {decryptKeystores} from "../../../src/app/split/decrypt.js";
import {findKeystores} from "../../../src/app/split/keystore-files.js";
import {parsePubkeyHex, parseShareIndex, toHex} from "../../../src/core/bytes.js";
import {Secret} from "../../../src/keeper/secret.js";
import {
  encryptKeystore,
  readShareDescription,
  shareKeystore,
  shareKeystoreName,
} from "../../../src/keeper/share-keystore.js";
import {rejection} from "../../support/errors.js";
import {sharedDir} from "../../support/shared.js";

/** Of EIP-2335's own test cases. */
const PASSWORD = "𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑";
const SECRET = Buffer.from("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f", "hex");
const SHARE = {
  groupPublicKey: parsePubkeyHex("ab".repeat(48)),
  index: parseShareIndex(2),
  generation: 3,
  secret: new Secret(SECRET),
};

describe("a share's keystore", () => {
  const shared = sharedDir();
  for (const name of ["test0", "test1"]) {
    it(`is byte for byte the deposit tool's vector ${name}, given its randomness`, async function () {
      if (shared === null) return this.skip();
      const file = join(shared, `vectors/eip2333-2334-2335-deposit-cli/keystore_test_vectors/${name}.json`);
      const vector = JSON.parse(await readFile(file, "utf8"));
      const {kdf, cipher} = vector.crypto;
      const bytes = (hex: string) => Buffer.from(hex, "hex");
      const random = {salt: bytes(kdf.params.salt), iv: bytes(cipher.params.iv), uuid: vector.uuid};
      const made = await encryptKeystore(SHARE.secret, vector, {password: PASSWORD, kdf: kdf.function, random});
      expect(JSON.parse(made)).to.deep.equal(vector);
    });
  }

  for (const kdf of ["scrypt", "pbkdf2"] as const) {
    it(`is opened by another implementation: ${kdf}`, async () => {
      const text = await shareKeystore(SHARE, PASSWORD, kdf);
      const keystore = Keystore.parse(text);
      expect(toHex(await keystore.decrypt(PASSWORD))).to.equal(toHex(SECRET));
      expect(keystore.crypto.kdf.function).to.equal(kdf);
      expect([keystore.pubkey, keystore.path]).to.deep.equal([Buffer.from(publicKeyOf(SECRET)).toString("hex"), ""]);
      expect(text).to.not.contain(SECRET.toString("hex"));
      // As a person types it elsewhere: EIP-2335 drops control characters and takes NFKD.
      expect(await keystore.verifyPassword("testpassword🔑\u0007")).to.equal(true);
      expect(await keystore.verifyPassword("testpassword")).to.equal(false);
    });
  }

  it("names the key, the operator and the generation, and its file does", async () => {
    const {description} = Keystore.parse(await shareKeystore(SHARE, "p", "pbkdf2"));
    const {groupPublicKey, index, generation} = SHARE;
    expect(readShareDescription(description!)).to.deep.equal({groupPublicKey, index, generation});
    expect(readShareDescription("Pleiades share 2 of my key, generation 3")).to.equal(null);
    expect(shareKeystoreName(SHARE)).to.equal("share-keystore-abababababababab-operator-2-generation-3.json");
  });

  it("is another one each time", async () => {
    const [a, b] = await Promise.all([shareKeystore(SHARE, "p", "pbkdf2"), shareKeystore(SHARE, "p", "pbkdf2")]);
    const [one, other] = [JSON.parse(a), JSON.parse(b)];
    expect(one.uuid).to.not.equal(other.uuid);
    expect(one.crypto.kdf.params.salt).to.not.equal(other.crypto.kdf.params.salt);
    expect(one.crypto.cipher.params.iv).to.not.equal(other.crypto.cipher.params.iv);
    expect(one.crypto.cipher.message).to.not.equal(other.crypto.cipher.message);
  });

  it("is not made with a password that is empty or becomes so", async () => {
    for (const password of ["", "\u0007\n\u007f\u0085"]) {
      await rejection("KEEPER_PASSWORD", shareKeystore(SHARE, password, "pbkdf2"));
    }
  });

  describe("in a file", () => {
    let dir: string;
    before(async () => {
      dir = await mkdtemp(join(tmpdir(), "pleiades-share-backup-"));
    });
    after(() => rm(dir, {recursive: true, force: true}));

    it("is its owner's alone, is never overwritten, and is read back by the reader of `split`", async () => {
      const out = join(dir, "backup");
      const keystores = [{name: shareKeystoreName(SHARE), text: await shareKeystore(SHARE, "p", "pbkdf2")}];
      const [file] = await writeShareKeystores(out, keystores);
      expect((await stat(file!)).mode & 0o777).to.equal(0o600);
      expect((await stat(out)).mode & 0o777).to.equal(0o700);
      await rejection("CONFIG_EXISTS", writeShareKeystores(out, keystores));
      expect(await readdir(out)).to.have.length(1);
      const [key] = await decryptKeystores(await findKeystores([out]), {
        passwordOf: async () => "p",
        publicKeyOf,
        progress: () => {},
      });
      expect(toHex(key!.secret)).to.equal(toHex(SECRET));
    });
  });
});
