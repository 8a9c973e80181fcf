import {execFileSync} from "node:child_process";
import {chmodSync, mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join, resolve} from "node:path";
import {expect} from "chai";
import {readSecretFile, readSecretLine} from "../../../src/adapters/secret-file/read.js";
import {readPasswordFile} from "../../../src/app/cli/password.js";
import {secretFile, secretPath} from "../../../src/app/credentials.js";
import {listenerTokens} from "../../../src/app/listener.js";
import {readPassword} from "../../../src/keeper/password.js";
import {failure} from "../../support/errors.js";

describe("files with secrets", () => {
  let dir: string;
  const before = process.env.CREDENTIALS_DIRECTORY;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "pleiades-secrets-"));
    process.env.CREDENTIALS_DIRECTORY = dir;
  });
  afterEach(() => {
    rmSync(dir, {recursive: true});
    if (before === undefined) delete process.env.CREDENTIALS_DIRECTORY;
    else process.env.CREDENTIALS_DIRECTORY = before;
  });
  const write = (name: string, text: string, mode = 0o600): string => {
    const file = join(dir, name);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };

  it("are refused when others may read them, and a pipe, a folder or a large file are no secrets", () => {
    for (const mode of [0o640, 0o604, 0o644, 0o660, 0o666, 0o601]) {
      const content = readSecretFile({file: write(`m${mode}`, "secret", mode)});
      expect(content).to.deep.equal({reason: `mode is ${mode.toString(8)}, not 600`});
    }
    for (const mode of [0o600, 0o400, 0o700]) {
      expect(readSecretFile({file: write(`g${mode}`, "secret", mode)})).to.deep.equal({text: "secret"});
    }
    execFileSync("mkfifo", ["-m", "600", join(dir, "pipe")]);
    expect(readSecretFile({file: join(dir, "pipe")})).to.deep.equal({reason: "not a file"});
    expect(readSecretFile({file: dir})).to.deep.equal({reason: "not a file"});
    expect(readSecretFile({file: write("large", "x".repeat(70_000))})).to.deep.equal({
      reason: "larger than 65536 bytes",
    });
    expect(readSecretFile({file: join(dir, "absent")})).to.deep.equal({reason: "ENOENT"});
  });

  it("give their first line with its spaces, and an empty one is none", () => {
    expect(readSecretLine({file: write("a", " pass word \r\nsecond\n")})).to.deep.equal({text: " pass word "});
    expect(readSecretLine({file: write("b", "\n")})).to.deep.equal({reason: "empty"});
  });

  it("named credential:… are those of the service manager's folder, and nothing outside it", () => {
    expect(secretPath("credential:share-password", "/etc/pleiades")).to.equal(join(dir, "share-password"));
    expect(secretPath("./share-password", "/etc/pleiades")).to.equal(resolve("/etc/pleiades/share-password"));
    for (const name of ["", "..", "../x", "a/b", "/etc/shadow", ".hidden", "-a", "a b"]) {
      failure("CONFIG_CREDENTIAL", () => secretPath(`credential:${name}`, "/"));
    }
    delete process.env.CREDENTIALS_DIRECTORY;
    failure("CONFIG_CREDENTIAL", () => secretPath("credential:share-password", "/"));
  });

  it("of the service manager may have the group bits its access list shows up in, and no others", () => {
    for (const mode of [0o400, 0o440]) {
      const file = write(`credential-${mode}`, "swordfish\n", mode);
      expect(readPassword(secretFile(file))).to.equal("swordfish");
      expect(readPasswordFile(`credential:credential-${mode}`)).to.equal("swordfish");
    }
    for (const mode of [0o444, 0o460, 0o404]) {
      const file = write(`bad-${mode}`, "swordfish\n", mode);
      failure("KEEPER_PASSWORD", () => readPassword(secretFile(file)));
      failure("CLI_PASSWORD_FILE", () => readPasswordFile(`credential:bad-${mode}`));
    }
    delete process.env.CREDENTIALS_DIRECTORY;
    failure("CLI_PASSWORD_FILE", () => readPasswordFile(join(dir, "credential-288")));
  });

  it("of the command line are refused when others may read them", () => {
    failure("CLI_PASSWORD_FILE", () => readPasswordFile(write("pw", "swordfish\n", 0o644)));
    expect(readPasswordFile(write("pw2", "swordfish\n"))).to.equal("swordfish");
  });

  it("with tokens have one per line; a mistake is named by its line and never quoted", () => {
    const token = "ab".repeat(32);
    const old = "cd".repeat(32);
    const tokens = listenerTokens(write("tokens", `# since May\n${token}\n\n${old}\n`));
    expect([token, old, "# since May"].map((one) => tokens?.accept(`Bearer ${one}`))).to.deep.equal([
      true,
      true,
      false,
    ]);
    expect(listenerTokens(null)).to.equal(null);
    for (const [text, reason] of [
      ["", "empty"],
      ["# nothing\n", "empty"],
      [`${token}\nshort\n`, "line 2 is no token"],
      [`${token} \n`, "line 1 is no token"],
      [`${token}\n`.repeat(17), "more than 16 tokens"],
    ] as const) {
      const error = failure("CONFIG_TOKEN_FILE", () => listenerTokens(write("bad", text)));
      expect(error.data.reason).to.equal(reason);
      expect(JSON.stringify(error)).not.to.contain(token);
    }
    failure("CONFIG_TOKEN_FILE", () => listenerTokens(write("open", `${token}\n`, 0o644)));
  });
});
