import {readFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {PLUGIN_TOKENS} from "../../src/plugin/contract.js";
import {tableRows} from "../support/markdown.js";
import {ROOT} from "./source.js";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

describe("the plugin author's guide", () => {
  const guide = read("docs/plugins.md");

  it("shows the example exactly as the tests load it", () => {
    const shown = /```js\n([\s\S]*?)```/.exec(guide)?.[1];
    expect(shown).to.equal(read("test/fixtures/plugins/example/index.js"));
  });

  it("lists the tokens of a plugin's container", () => {
    const listed = tableRows(guide, /^`"pleiades:/).map(([token]) => token!.slice(2, -2));
    expect(listed).to.have.members(Object.values(PLUGIN_TOKENS));
  });
});
