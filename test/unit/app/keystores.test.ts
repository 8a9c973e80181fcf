import {mkdir, mkdtemp, readFile, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {publicKeyOf} from "../../../src/app/bls.js";
import {interopSecret} from "../../../src/app/local/interop.js";
import {decryptKeystores, type ValidatorKey} from "../../../src/app/split/decrypt.js";
import {findKeystores, passwordsFrom} from "../../../src/app/split/keystore-files.js";
import {toHex} from "../../../src/core/bytes.js";
import {codeOf, PleiadesError} from "../../../src/core/errors.js";
import {makeKeystore} from "../../support/keystore.js";
import {sharedDir} from "../../support/shared.js";

describe("keystores", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-keystores-"));
  });
  afterEach(() => rm(dir, {recursive: true, force: true}));

  const write = async (name: string, text: string): Promise<string> => {
    await mkdir(join(dir, "keys"), {recursive: true});
    const file = join(dir, "keys", name);
    await writeFile(file, text);
    return file;
  };
  const open = async (
    passwords: string,
    progress: (done: number, all: number) => void = () => {},
  ): Promise<ValidatorKey[]> =>
    decryptKeystores(await findKeystores([join(dir, "keys")]), {
      passwordOf: await passwordsFrom(passwords),
      publicKeyOf,
      progress,
    });
  const passwordFile = async (password = "correct horse"): Promise<string> => {
    const file = join(dir, "password.txt");
    await writeFile(file, `${password}\n`, {mode: 0o600});
    return file;
  };
  const refusal = async (task: Promise<unknown>): Promise<PleiadesError> =>
    task.then(
      () => {
        throw new Error("accepted");
      },
      (error: unknown) => {
        if (error instanceof PleiadesError) return error;
        throw error;
      },
    );

  it("of a folder are opened in order, with progress after each, one password for all", async () => {
    for (const i of [0, 1, 2]) await write(`keystore-${i}.json`, await makeKeystore(interopSecret(i), "correct horse"));
    await write("deposit_data-1.json", "[]");
    await write("notes.txt", "not a keystore");
    const progress: string[] = [];
    const keys = await open(await passwordFile(), (done, all) => progress.push(`${done}/${all}`));
    expect(keys.map(({secret}) => toHex(secret))).to.deep.equal([0, 1, 2].map((i) => toHex(interopSecret(i))));
    expect(keys.map(({publicKey}) => publicKey)).to.deep.equal(
      [0, 1, 2].map((i) => toHex(publicKeyOf(interopSecret(i)))),
    );
    expect(progress).to.deep.equal(["1/3", "2/3", "3/3"]);
  });

  it("take a password each from a folder in Web3Signer's layout", async () => {
    const passwords = join(dir, "passwords");
    await mkdir(passwords);
    for (const i of [0, 1]) {
      await write(`k${i}.json`, await makeKeystore(interopSecret(i), `password ${i}`));
      await writeFile(join(passwords, `k${i}.txt`), `password ${i}`, {mode: 0o600});
    }
    expect(await open(passwords)).to.have.length(2);
    await rm(join(passwords, "k1.txt"));
    const error = await refusal(open(passwords));
    expect(error.code).to.equal("SPLIT_PASSWORD_MISSING");
    expect(error.data.expected).to.equal(join(passwords, "k1.txt"));
  });

  it("of the deposit tool's vectors open with their password", async function () {
    const shared = sharedDir();
    if (shared === null) this.skip();
    this.timeout(30_000);
    const vectors = join(shared, "vectors/eip2333-2334-2335-deposit-cli/keystore_test_vectors");
    for (const name of ["test0.json", "test1.json"]) await write(name, await readFile(join(vectors, name), "utf8"));
    // The password of EIP-2335: normalisation and control characters included.
    const password =
      "\u{1d531}\u{1d522}\u{1d530}\u{1d531}\u{1d52d}\u{1d51e}\u{1d530}\u{1d530}\u{1d534}\u{1d52c}\u{1d52f}\u{1d521}\u{1f511}";
    // Both vectors hold the same secret, which is what a split must notice.
    const error = await refusal(open(await passwordFile(password)));
    expect(error.code).to.equal("SPLIT_KEYSTORE_DUPLICATE");
    await rm(join(dir, "keys", "test1.json"));
    const [key] = await open(await passwordFile(password));
    expect(toHex(key?.secret ?? new Uint8Array())).to.equal(
      "0x000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    );
  });

  it("with a wrong password are named", async () => {
    const file = await write("a.json", await makeKeystore(interopSecret(0), "another"));
    const error = await refusal(open(await passwordFile()));
    expect(error).to.include({code: "SPLIT_KEYSTORE_PASSWORD"});
    expect(error.data.file).to.equal(file);
  });

  it("that are cut short, empty, or something else are refused", async () => {
    const whole = await makeKeystore(interopSecret(0), "correct horse");
    const wrongs = [
      whole.slice(0, 200),
      "",
      "{}",
      '{"version": 4}',
      "x".repeat(70_000),
      whole.replace("aes-128-ctr", "rot13"),
    ];
    for (const text of wrongs) {
      await write("a.json", text);
      expect((await refusal(open(await passwordFile()))).code, text.slice(0, 20)).to.equal("SPLIT_KEYSTORE_INVALID");
    }
  });

  it("whose key derivation cannot be done are refused and take nothing down", async () => {
    const text = JSON.parse(await makeKeystore(interopSecret(0), "correct horse"));
    text.crypto.kdf = {
      function: "scrypt",
      params: {dklen: 32, n: 2 ** 40, r: 8, p: 1, salt: "00".repeat(32)},
      message: "",
    };
    await write("a.json", JSON.stringify(text));
    expect((await refusal(open(await passwordFile()))).code).to.equal("SPLIT_KEYSTORE_INVALID");
  });

  it("that name another public key than their secret's are refused", async () => {
    const other = publicKeyOf(interopSecret(1));
    await write("a.json", await makeKeystore(interopSecret(0), "correct horse", other));
    const error = await refusal(open(await passwordFile()));
    expect(error.code).to.equal("SPLIT_KEYSTORE_MISMATCH");
    expect(error.data.named).to.equal(toHex(other));
  });

  it("with the same key twice are refused, naming both files", async () => {
    for (const name of ["a.json", "b.json"]) await write(name, await makeKeystore(interopSecret(0), "correct horse"));
    const error = await refusal(open(await passwordFile()));
    expect(error.code).to.equal("SPLIT_KEYSTORE_DUPLICATE");
    expect(error.data.files).to.deep.equal(["a.json", "b.json"].map((name) => join(dir, "keys", name)));
  });

  it("never show a secret or a password in an error", async () => {
    const secret = interopSecret(0);
    await write("a.json", await makeKeystore(secret, "correct horse", publicKeyOf(interopSecret(1))));
    const shown = JSON.stringify(await refusal(open(await passwordFile())));
    expect(shown).to.not.include(Buffer.from(secret).toString("hex"));
    expect(shown).to.not.include("correct horse");
  });

  it("must be there", async () => {
    await mkdir(join(dir, "keys"));
    expect((await refusal(open(await passwordFile()))).code).to.equal("SPLIT_NO_KEYSTORES");
    expect(await findKeystores([join(dir, "nowhere")]).catch(codeOf)).to.equal("CLI_FILE");
    expect(await passwordsFrom(join(dir, "nowhere")).catch(codeOf)).to.equal("CLI_PASSWORD_FILE");
    expect(await passwordsFrom(await passwordFile("")).catch(codeOf)).to.equal("CLI_PASSWORD_FILE");
  });
});
