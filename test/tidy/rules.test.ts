import {expect} from "chai";
import * as imports from "./import-rules.js";
import {importsOf, type SourceFile, sourceFile, type Violation} from "./source.js";
import * as tables from "./table-rules.js";
import * as texts from "./text-rules.js";

/** Samples are put together so that this file does not break the rules it tests. */
const at = (path: string, ...lines: string[]): SourceFile => sourceFile(path, lines.join("\n"));
const where = (violations: readonly Violation[]): string[] => violations.map(({path, line}) => `${path}:${line}`);
const fr = (specifier: string, clause = "{a}") => `import ${clause} from "${specifier}";`;

describe("the scanner", () => {
  it("tells code from comments, strings, templates and regular expressions", () => {
    const file = at(
      "src/a.ts",
      'const a = "// not a comment"; // a comment',
      "/* b",
      "*/ const c = `text $" + "{inner(`deep $" + "{x}`) + {y: 1}.y} /* text */`;",
      "const d = /[/\"']\\//.test(e) / f; // g",
      "h();",
    );
    const lines = file.bare.split("\n").map((line) => line.trimEnd().replace(/ +/g, " "));
    expect(lines).to.deep.equal([
      "const a = ;",
      "",
      " const c = inner( x ) + {y: 1}.y ;",
      "const d = .test(e) / f;",
      "h();",
    ]);
    expect(file.bare).to.have.length(file.text.length);
    expect(file.code).to.include('"// not a comment"');
    expect(file.code).not.to.include("a comment\n");
  });

  it("finds every way to import, with its line", () => {
    const file = at(
      "src/core/duty/a.ts",
      'import "./b.js";',
      "import type {C} from '../c.js';",
      "import {",
      "  d,",
      '} from "@scope/d/sub";',
      'export * from "./e.js";',
      'export {type F} from "./f.js";',
      'const g = await import("g");',
      'const no = ["import", "h"]; // import "i"',
    );
    const found = importsOf(file).map((one) => [one.line, one.target ?? one.package, one.typeOnly]);
    expect(found).to.deep.equal([
      [1, "src/core/duty/b.ts", false],
      [2, "src/core/c.ts", true],
      [3, "@scope/d", false],
      [6, "src/core/duty/e.ts", false],
      [7, "src/core/duty/f.ts", false],
      [8, "g", false],
    ]);
  });
});

describe("rules about imports find", () => {
  it("imports against the direction", () => {
    const files = [
      at("src/core/a.ts", fr("../ports/b.js")),
      at("src/ports/a.ts", fr("../core/b.js"), fr("../adapters/b.js")),
      at("src/committee/a.ts", fr("../remote-signer/b.js"), fr("../ports/c.js")),
      at("src/keeper/a.ts", fr("../adapters/slashing-store/b.js"), fr("../adapters/libp2p/b.js")),
      at("src/adapters/keeper/a.ts", fr("../../keeper/channel.js"), fr("../../app/b.js")),
      at("src/adapters/libp2p/a.ts", fr("../../keeper/channel.js")),
      at("src/plugin/a.ts", "", fr("../main.js"), fr("../../test/a.js")),
      at("src/app/a.ts", fr("../plugin/b.js"), fr("../main.js")),
      at("src/main.ts", fr("./app/a.js")),
      at("src/misc/a.ts", fr("../core/a.js")),
    ];
    expect(where(imports.importDirection(files))).to.deep.equal([
      "src/core/a.ts:1",
      "src/ports/a.ts:2",
      "src/committee/a.ts:1",
      "src/keeper/a.ts:2",
      "src/adapters/keeper/a.ts:2",
      "src/adapters/libp2p/a.ts:1",
      "src/plugin/a.ts:2",
      "src/plugin/a.ts:3",
      "src/misc/a.ts:1",
    ]);
  });

  it("packages that core may not use, and randomness from node:crypto", () => {
    const file = at(
      "src/core/a.ts",
      fr("node:fs"),
      fr("node:crypto", "{createHash}"),
      fr("node:crypto", "{createHash, randomBytes}"),
      fr("@chainsafe/ssz"),
      fr("lmdb"),
    );
    expect(where(imports.corePackages([file]))).to.deep.equal([
      "src/core/a.ts:1",
      "src/core/a.ts:3",
      "src/core/a.ts:5",
    ]);
  });

  it("what reaches the keeper's process by a detour", () => {
    const files = [
      at("src/keeper/entry.ts", fr("../adapters/slashing-store/a.js"), fr("pino", "type {Logger}"), fr("node:fs")),
      at("src/adapters/slashing-store/a.ts", fr("lmdb"), fr("../net/b.js")),
      at("src/adapters/net/b.ts", fr("libp2p")),
      at("src/adapters/other/c.ts", fr("fastify")),
    ];
    const found = imports.keeperClosure(files);
    expect(where(found)).to.deep.equal(["src/adapters/net/b.ts:0", "src/adapters/net/b.ts:1"]);
  });

  it("containers outside their two places", () => {
    const files = [
      at(
        "src/committee/a.ts",
        fr("tsyringe", "{container}"),
        "container.resolve(X);",
        "childContainer.registerInstance(1);",
      ),
      at("src/plugin/contract.ts", fr("tsyringe", "type {DependencyContainer}")),
      at("src/plugin/host.ts", fr("tsyringe", "{container}"), "container.resolve(X);", "registry.registerMetric(m);"),
      at("src/app/compose/signer.ts", fr("tsyringe", "{container}"), "@" + "singleton()"),
    ];
    expect(where(imports.containers(files))).to.deep.equal([
      "src/committee/a.ts:1",
      "src/committee/a.ts:2",
      "src/committee/a.ts:3",
      "src/app/compose/signer.ts:2",
    ]);
  });

  it("packages that are only there by accident", () => {
    const files = [at("src/app/a.ts", fr("zod"), fr("ms"), fr("node:os"), fr("./b.js"), fr("@x/y/z"))];
    expect(where(imports.declaredPackages(files, new Set(["zod", "@x/y"])))).to.deep.equal(["src/app/a.ts:2"]);
  });
});

describe("rules about text find", () => {
  it("casts to brands, also inside other types, but no renamed imports", () => {
    const file = at(
      "src/app/a.ts",
      'import {x as Slot} from "./x.js";',
      "const a = raw as Slot;",
      "const b = raw as unknown as readonly Slot[];",
      "const c = raw as ReadonlyMap<string, Slot>;",
      "const d = raw as const, e: Slot = f;",
      "// as Slot",
    );
    expect(where(texts.brandCasts([file, at("src/core/bytes.ts", "x as Slot")], ["Slot"]))).to.deep.equal([
      "src/app/a.ts:2",
      "src/app/a.ts:3",
      "src/app/a.ts:4",
    ]);
    expect(texts.brandsOf('export type Slot = Brand<bigint, "Slot">;\ntype B = 1;')).to.deep.equal(["Slot"]);
  });

  it("impurity in core, clocks outside adapters and app, and the console", () => {
    const core = at(
      "src/core/a.ts",
      "async () => {};",
      "Date.now();",
      "Math.random();",
      "job.process; // await",
      '"await"',
    );
    expect(where(texts.impureCore([core]))).to.deep.equal(["src/core/a.ts:1", "src/core/a.ts:2", "src/core/a.ts:3"]);
    const others = ["committee", "adapters/clock", "app"].map((dir) =>
      at(`src/${dir}/a.ts`, "setTimeout(f, 1); new Date(1);"),
    );
    expect(where(texts.ownClock(others))).to.deep.equal(["src/committee/a.ts:1"]);
    expect(where(texts.consoles([at("src/app/a.ts", "", "console.log(1);")]))).to.deep.equal(["src/app/a.ts:2"]);
  });

  it("unfinished work, in comments too", () => {
    const file = at("src/a.ts", "// TO" + "DO later", "ok();", '"not ' + 'implemented yet"', "// FIX" + "ME");
    expect(where(texts.unfinished([file]))).to.have.members(["src/a.ts:1", "src/a.ts:4", "src/a.ts:3"]);
  });

  it("long files, paths of a machine and hidden tests", () => {
    const lines = (count: number) => `${"x;\n".repeat(count)}`;
    const files = [at("src/a.ts", lines(451)), at("src/b.ts", lines(450))];
    expect(where(texts.longFiles(files))).to.deep.equal(["src/a.ts:451"]);
    const doc = at(
      "docs/a.md",
      "see /etc/pleiades, /eth/v1/states/head/root/x",
      `cd ${"/ho" + "me"}/alice/x`,
      "(" + "/wo" + "rk/x)",
    );
    expect(where(texts.homePaths([doc]))).to.deep.equal(["docs/a.md:2", "docs/a.md:3"]);
    const hidden = at("test/a.ts", "it" + ".only('x', f);", "x" + "it('y', f);", "this.skip();", "describe('z', f);");
    expect(where(texts.hiddenTests([hidden]))).to.deep.equal(["test/a.ts:1", "test/a.ts:2"]);
  });

  it("links that lead nowhere", () => {
    const there = new Set(["docs/b.md", "README.md"]);
    const doc = at("docs/a.md", "[b](b.md) [b](b.md#x) [up](../README.md) [w](https://x.y/z) [h](#h)", "[c](c.md)");
    const exists = (path: string) => there.has(new URL(path, "file:///").pathname.slice(1));
    expect(where(texts.deadLinks([doc], exists))).to.deep.equal(["docs/a.md:2"]);
  });
});

describe("rules about tables find", () => {
  const codes = new Set(["A_ONE", "A_TWO"]);
  const reasons = at("src/core/reasons/a.ts", "export const a = {", "  A_ONE: {},", "  A_TWO: {},", "};");

  it("codes that are unknown, and codes that nobody uses", () => {
    const user = at("src/a.ts", 'throw new PleiadesError({code: "A_ONE"});', 'return {kind: "deny", code: "A_THREE"};');
    const other = at("src/b.ts", 'const type = "BLOCK_V2"; if (error.code === "ERR_STREAM") x(); // code: "A_TWO"');
    expect(where(tables.unknownCodes([reasons, user, other], codes))).to.deep.equal(["src/a.ts:2"]);
    expect(where(tables.unusedCodes([reasons, user, other], codes))).to.deep.equal(["src/core/reasons/a.ts:3"]);
  });

  it("rows of docs/reasons.md that are missing, unknown or doubled", () => {
    const doc = at(
      "docs/reasons.md",
      "| code | x |",
      "|---|---|",
      "| `A_ONE` | x |",
      "| `A_ONE` | x |",
      "| `A_OLD` | x |",
    );
    const found = tables.reasonRows(doc, codes);
    expect(found.map(({what}) => /A_\w+/.exec(what)?.[0])).to.deep.equal(["A_TWO", "A_ONE", "A_OLD"]);
  });

  it("ranges, and addresses in lock files", () => {
    const json = {dependencies: {a: "^1.0.0", b: "1.0.0"}, overrides: {c: {d: "1"}, e: "1.2.3-rc.1"}};
    const file = at("package.json", "{", '"a": "^1.0.0",', '"d": "1"');
    expect(where(tables.inexactVersions(file, json))).to.deep.equal(["package.json:2", "package.json:3"]);
    const lock = at("package-lock.json", '"url": "https://x.y"', '"resolved": "https://x.y/z.tgz"');
    expect(where(tables.resolvedAddresses(lock))).to.deep.equal(["package-lock.json:2"]);
  });

  it("dependencies without a row, rows without a dependency, and other versions", () => {
    const rows = [
      "| `a` | 1.0.0 | why | how |",
      "| `b` | 1.0.0 | why | how |",
      "| `gone` | 1.0.0 | why | how |",
      "| `c` | 1.0.0 | | |",
    ];
    const doc = at("docs/dependencies.md", ...rows);
    const json = {dependencies: {a: "1.0.0", b: "2.0.0"}, devDependencies: {c: "1.0.0", d: "1.0.0"}};
    const lines = tables.dependencyRows(doc, [json]).map(({line}) => line);
    expect(lines).to.deep.equal([2, 3, 4, 0]);
  });
});
