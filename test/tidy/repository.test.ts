import {existsSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {REASONS} from "../../src/core/reasons/index.js";
import * as imports from "./import-rules.js";
import {expectNone, importsOf, ROOT, readTree, type SourceFile} from "./source.js";
import * as tables from "./table-rules.js";
import * as texts from "./text-rules.js";

const SCRIPTS = [".ts", ".mts", ".js", ".mjs", ".cjs"];
const src = readTree(ROOT, "src", [".ts"]);
const tests = readTree(ROOT, "test", SCRIPTS);
const devnet = readTree(ROOT, "devnet", SCRIPTS);
const scripts = readTree(ROOT, "scripts", SCRIPTS);
const everything = readTree(ROOT, "", [...SCRIPTS, ".json", ".md", ".yaml", ".yml", ".npmrc", "run", ".sh", ".toml"]);
const codes: ReadonlySet<string> = new Set(Object.keys(REASONS));

/** A file that must be there. */
function file(path: string): SourceFile {
  const found = everything.find((one) => one.path === path);
  if (found === undefined) throw new Error(`${path} is missing`);
  return found;
}
const json = (path: string): tables.PackageJson => JSON.parse(file(path).text);

describe("the code's shape", () => {
  it("is read: the rules below see the source", () => {
    expect(src.length).to.be.above(20);
    expect(tests.length).to.be.above(10);
    expect(src.flatMap(importsOf).length).to.be.above(20);
  });

  it("imports only downwards, and nothing imports the application", () => expectNone(imports.importDirection(src)));
  it("keeps packages with I/O out of core", () => expectNone(imports.corePackages(src)));
  it("loads nothing into the keeper's process but core, the record store and blst", () =>
    expectNone(imports.keeperClosure(src)));
  it("registers and resolves only where objects are composed", () => expectNone(imports.containers(src)));
  it("imports only packages that package.json lists", () =>
    expectNone(imports.declaredPackages(src, new Set(Object.keys(json("package.json").dependencies ?? {})))));
  it("casts to branded types only in core/bytes.ts", () =>
    expectNone(texts.brandCasts(src, texts.brandsOf(file("src/core/bytes.ts").text))));
  it("keeps core pure and synchronous", () => expectNone(texts.impureCore(src)));
  it("takes time from the clock it is given", () => expectNone(texts.ownClock(src)));
  it("logs through the logger it is given", () => expectNone(texts.consoles(src)));
  it("leaves nothing unfinished", () => expectNone(texts.unfinished(src)));
  it("keeps files short", () => expectNone(texts.longFiles([...src, ...tests, ...scripts, ...devnet])));
  it("names no path of anybody's machine", () => expectNone(texts.homePaths(everything)));
  it("hides no test", () => expectNone(texts.hiddenTests(tests)));
});

describe("reason codes", () => {
  it("are all known where they are used", () => expectNone(tables.unknownCodes(src, codes)));
  it("are all used", () => expectNone(tables.unusedCodes(src, codes)));
  it("have a row each in docs/reasons.md, and no other has", () =>
    expectNone(tables.reasonRows(file("docs/reasons.md"), codes)));
  it("read in docs/reasons.md as in the source", async () => {
    const {renderReasons} = await import(join(ROOT, "scripts/docs-reasons.mjs"));
    const stale = file("docs/reasons.md").text !== renderReasons(REASONS);
    if (stale) throw new Error("docs/reasons.md is out of date: run node scripts/docs-reasons.mjs");
  });
});

describe("packages", () => {
  const roots = ["package.json", "devnet/package.json"];
  it("ask for exact versions", () =>
    expectNone(roots.flatMap((path) => tables.inexactVersions(file(path), json(path)))));
  it("are locked without anybody's registry address", () =>
    expectNone(
      ["package-lock.json", "devnet/package-lock.json"].flatMap((path) => tables.resolvedAddresses(file(path))),
    ));
  it("say in docs/dependencies.md why each dependency is there", () =>
    expectNone(tables.dependencyRows(file("docs/dependencies.md"), roots.map(json))));
});

describe("documentation", () => {
  it("links only to files that exist", () => {
    const pages = everything.filter(({path}) => path.endsWith(".md"));
    expectNone(texts.deadLinks(pages, (path) => existsSync(join(ROOT, path))));
  });
});
