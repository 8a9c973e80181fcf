import {cpSync, mkdirSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {z} from "zod";
import type {Plugin} from "../../../src/plugin/contract.js";
import {loadPlugins} from "../../../src/plugin/host.js";
import {bench, FIXTURES, inTempDir, plugin, rejection, writeModule} from "./support.js";

const minimal = (name: string, more = "") =>
  `export default {name: ${JSON.stringify(name)}, apiVersion: 1, configSchema: {safeParse: (data) => ({success: true, data})},
   register: () => ({}), ${more}};`;

describe("loading plugins", () => {
  it("finds a module by a path relative to the configuration file", async () => {
    const host = await bench().load([{name: "example", module: "./example/index.js"}]);
    expect(host.names).to.deep.equal(["example"]);
  });

  it("finds a package by name beside the configuration file, also one that is ESM only", () =>
    inTempDir(async (dir) => {
      const folder = join(dir, "node_modules", "pleiades-plugin-example");
      cpSync(join(FIXTURES, "example"), folder, {recursive: true});
      const nested = join(dir, "etc", "pleiades");
      mkdirSync(nested, {recursive: true});
      const entry = {name: "example", module: "pleiades-plugin-example"};
      expect((await bench().load([entry], {baseDir: nested})).names).to.deep.equal(["example"]);
    }));

  it("finds a scoped package with subpath exports, and a CommonJS package", () =>
    inTempDir(async (dir) => {
      const scoped = join(dir, "node_modules", "@some", "tools");
      mkdirSync(scoped, {recursive: true});
      const exports = {".": "./no.js", "./plugin": {types: "./x.d.ts", import: {default: "./p.js"}}};
      writeFileSync(join(scoped, "package.json"), JSON.stringify({name: "@some/tools", type: "module", exports}));
      writeModule(scoped, "p.js", minimal("scoped"));
      const common = join(dir, "node_modules", "common");
      mkdirSync(common);
      writeFileSync(join(common, "package.json"), JSON.stringify({name: "common", main: "c.cjs"}));
      writeModule(
        common,
        "c.cjs",
        `exports.__esModule = true; ${minimal("common").replace("export default", "exports.default =")}`,
      );
      const entries = [
        {name: "scoped", module: "@some/tools/plugin"},
        {name: "common", module: "common"},
      ];
      expect((await bench().load(entries, {baseDir: dir})).names).to.deep.equal(["scoped", "common"]);
    }));

  it("names a module that is not there, whether path, package or built-in", async () => {
    const modules = [
      "./nowhere.js",
      "../nowhere.js",
      "/nowhere/at/all.js",
      "no-such-package-anywhere",
      "node:fs",
      undefined,
    ];
    for (const module of modules) {
      const error = await rejection("PLUGIN_NOT_FOUND", () => bench().load([{name: "ghost", module}]));
      expect(error.data.plugin).to.equal("ghost");
    }
  });

  it("keeps a package's exports inside its folder", () =>
    inTempDir(async (dir) => {
      writeModule(dir, "outside.js", minimal("climber"));
      const folder = join(dir, "node_modules", "climber");
      mkdirSync(folder, {recursive: true});
      writeFileSync(join(folder, "package.json"), JSON.stringify({name: "climber", exports: "./../../outside.js"}));
      await rejection("PLUGIN_NOT_FOUND", () => bench().load([{name: "climber", module: "climber"}], {baseDir: dir}));
    }));

  it("says which module threw while it was loaded", () =>
    inTempDir(async (dir) => {
      const module = writeModule(dir, "broken.mjs", `throw new Error("no database here");`);
      const load = () => bench().load([{name: "broken", module}], {baseDir: dir});
      const error = await rejection("PLUGIN_LOAD_FAILED", load);
      expect(error.data.reason).to.equal("no database here");
    }));

  it("refuses a module that exports no plugin", () =>
    inTempDir(async (dir) => {
      const shapes = [
        "export const nothing = 1;",
        "export default 7;",
        "export default null;",
        `export default {name: "odd"};`,
        `export default {name: "odd", apiVersion: 1};`,
        `export default {name: "odd", apiVersion: 1, configSchema: {safeParse() {}}};`,
        minimal("odd", "start: 1"),
        minimal("odd", "stop: true"),
        minimal("odd", `dependsOn: "example"`),
        minimal("odd", `dependsOn: ["Not Kebab"]`),
        minimal("odd", "summary: 1"),
        minimal("odd", `summary: "two\\nlines"`),
      ];
      for (const [i, source] of shapes.entries()) {
        const module = writeModule(dir, `odd-${i}.mjs`, source);
        await rejection("PLUGIN_SHAPE", () => bench().load([{name: "odd", module}], {baseDir: dir}));
      }
    }));

  it("refuses another version of the interface, naming both", async () => {
    const future = plugin("future", {}, {apiVersion: 2 as 1});
    const error = await rejection("PLUGIN_API_VERSION", () => bench().host(future));
    expect(error.data).to.include({plugin: "future", found: "2", supported: 1});
  });

  it("refuses a plugin under another name than its own", async () => {
    const load = () => bench().load([{name: "sample", module: "./example/index.js"}]);
    expect((await rejection("PLUGIN_NAME_MISMATCH", load)).data.calledItself).to.equal("example");
  });

  it("refuses names that are not kebab-case, and the same name twice", async () => {
    for (const name of ["Example", "-x", "a--b", "a_b", "", "a/b", "..", "x".repeat(41), "__proto__"]) {
      await rejection("PLUGIN_NAME", () => bench().load([{name}]));
    }
    await rejection("PLUGIN_DUPLICATE", () => bench().host(plugin("twice"), plugin("twice")));
  });

  it("orders plugins by what they depend on, otherwise as configured", async () => {
    const a = plugin("a", {}, {dependsOn: ["c"]});
    const d = plugin("d", {}, {dependsOn: ["a", "c"]});
    expect((await bench().host(d, a, plugin("b"), plugin("c"))).names).to.deep.equal(["c", "a", "d", "b"]);
  });

  it("names a dependency that is not configured, and a circle", async () => {
    const lonely = plugin("lonely", {}, {dependsOn: ["friend"]});
    expect((await rejection("PLUGIN_DEPENDENCY_MISSING", () => bench().host(lonely))).data.missing).to.equal("friend");
    const circle = [
      plugin("a", {}, {dependsOn: ["b"]}),
      plugin("b", {}, {dependsOn: ["c"]}),
      plugin("c", {}, {dependsOn: ["b"]}),
    ];
    const error = await rejection("PLUGIN_DEPENDENCY_CYCLE", () => bench().host(...circle));
    expect(error.data.circle).to.equal("b → c → b");
    await rejection("PLUGIN_DEPENDENCY_CYCLE", () => bench().host(plugin("me", {}, {dependsOn: ["me"]})));
  });

  it("registers nothing when any plugin's names, dependencies or configuration are wrong", async () => {
    let registered = 0;
    const register = () => {
      registered++;
      return {};
    };
    const good = plugin("good", {}, {register});
    const strict = plugin("strict", {}, {register, configSchema: z.strictObject({port: z.number()})});
    await rejection("PLUGIN_DEPENDENCY_MISSING", () => bench().host(good, plugin("bad", {}, {dependsOn: ["gone"]})));
    await rejection("PLUGIN_CONFIG", () => bench().host(good, strict));
    expect(registered).to.equal(0);
  });

  it("accepts no container but one made for plugins", async () => {
    const {container} = await import("tsyringe");
    const {logger} = bench();
    const load = () =>
      loadPlugins([], {container: container.createChildContainer(), logger, baseDir: FIXTURES, builtins: []});
    await rejection("INTERNAL", load);
  });
});

describe("a plugin's configuration", () => {
  const load = (configSchema: Plugin["configSchema"], config: unknown) => {
    let seen: unknown;
    const register = (_: unknown, parsed: unknown) => {
      seen = parsed;
      return {};
    };
    const one = plugin("one", {}, {configSchema, register});
    return bench()
      .load([{name: "one", config}], {builtins: [one]})
      .then(() => seen);
  };
  const schema = {
    interval: z.number().default(5),
    nested: z.object({list: z.array(z.object({a: z.string()}))}).optional(),
  };

  it("arrives parsed, with defaults, also when nothing is configured", async () => {
    expect(await load(z.strictObject(schema), undefined)).to.deep.equal({interval: 5});
    expect(await load(z.object(schema), {interval: 7})).to.deep.equal({interval: 7});
  });

  it("may turn values into others", async () => {
    const big = z.object({amount: z.string().transform((text) => BigInt(text))});
    expect(await load(big, {amount: "12"})).to.deep.equal({amount: 12n});
  });

  it("is refused with the path of the wrong field", async () => {
    const error = await rejection("PLUGIN_CONFIG", () => load(z.strictObject(schema), {interval: "often"}));
    expect(error.data.key).to.equal("plugins.one.config.interval");
    await rejection("PLUGIN_CONFIG", () => load(z.strictObject(schema), ["a list"]));
  });

  it("is refused when it has an unknown key, whether the schema is strict or drops it", async () => {
    for (const kind of [z.strictObject(schema), z.object(schema)]) {
      const error = await rejection("PLUGIN_CONFIG_UNKNOWN_KEY", () => load(kind, {intervall: 7}));
      expect(error.data.key).to.equal("plugins.one.config.intervall");
    }
    const deep = {nested: {list: [{a: "x"}, {a: "y", b: "z"}]}};
    const error = await rejection("PLUGIN_CONFIG_UNKNOWN_KEY", () => load(z.object(schema), deep));
    expect(error.data.key).to.equal("plugins.one.config.nested.list.1.b");
  });

  it("is refused when its schema throws", async () => {
    const throwing = {
      safeParse: () => {
        throw new Error("schema bug");
      },
    };
    await rejection("PLUGIN_CONFIG", () => load(throwing, {}));
  });
});
