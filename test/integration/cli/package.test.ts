import {execFileSync} from "node:child_process";
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {cli, ROOT} from "../../support/cli.js";

describe("the package that is published", function () {
  this.timeout(60_000);
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), "pleiades-package-"));
  });
  after(() => rmSync(dir, {recursive: true}));

  it("holds all that the program and its docs need, nothing of the tests, and runs", async () => {
    // With npm's own path where npm started us: `npm` may be another one.
    const npm = process.env.npm_execpath;
    const [program, first] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
    const packed = execFileSync(program, [...first, "pack", "--ignore-scripts", "--json", "--pack-destination", dir], {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [{filename, files}] = JSON.parse(packed) as [{filename: string; files: {path: string}[]}];
    const paths = files.map(({path}) => path);
    expect(paths.filter((path) => /^(?:test|devnet|scripts|dist\/(?:test|devnet))\//.test(path))).to.deep.equal([]);
    expect(paths.filter((path) => /\.(?:key|password|pem)$|node_modules|\.pleiades/.test(path))).to.deep.equal([]);
    for (const path of ["docs/deploy.md", "deploy/systemd/pleiades-operator.service", "lodestar.config.yaml"]) {
      expect(paths).to.include(path);
    }
    execFileSync("tar", ["-xzf", join(dir, filename), "-C", dir]);
    // As an installer leaves it: packages beside, a link in a bin folder.
    symlinkSync(join(ROOT, "node_modules"), join(dir, "node_modules"));
    mkdirSync(join(dir, "bin"));
    const bin: string = JSON.parse(readFileSync(join(dir, "package/package.json"), "utf8")).bin.pleiades;
    symlinkSync(join(dir, "package", bin), join(dir, "bin/pleiades"));
    expect(existsSync(join(dir, "bin/pleiades"))).to.equal(true);
    const {code, stdout} = await cli(["init", "--network", "hoodi", "--dir", join(dir, "node")], {
      command: [process.execPath, join(dir, "bin/pleiades")],
      cwd: dir,
    });
    expect(code, stdout).to.equal(0);
    expect(existsSync(join(dir, "node/node.key"))).to.equal(true);
  });
});
