import {existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {UsageError} from "../../../devnet/src/faults.js";
import {openRunFolder} from "../../../devnet/src/run-folder.js";

describe("the folder of a devnet run", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "pleiades-run-folder-"));
  });
  afterEach(() => rmSync(root, {recursive: true, force: true}));

  it("is a new one below .pleiades without a name, and goes when it is discarded", () => {
    const {path, discard} = openRunFolder({root, dataDir: null});
    expect(path.startsWith(join(root, ".pleiades", "devnet", "run-"))).to.equal(true);
    discard();
    expect(existsSync(path)).to.equal(false);
  });

  it("takes away what killed runs left", () => {
    const killed = join(root, ".pleiades", "devnet", "run-1");
    mkdirSync(killed, {recursive: true});
    writeFileSync(join(killed, ".pleiades-devnet"), "999999999\n");
    openRunFolder({root, dataDir: null});
    expect(readdirSync(join(root, ".pleiades", "devnet"))).to.deep.equal([`run-${process.pid}`]);
  });

  it("is emptied when it has a name and a run made it, and stays when it is discarded", () => {
    const dataDir = join(root, "mine");
    writeFileSync(join(openRunFolder({root, dataDir}).path, "old"), "");
    const {path, discard} = openRunFolder({root, dataDir});
    expect(existsSync(join(path, "old"))).to.equal(false);
    discard();
    expect(existsSync(path)).to.equal(true);
  });

  it("is refused when it has files that no run made, and they are left alone", () => {
    writeFileSync(join(root, "precious"), "");
    expect(() => openRunFolder({root, dataDir: root})).to.throw(UsageError, "no devnet made");
    expect(existsSync(join(root, "precious"))).to.equal(true);
  });
});
