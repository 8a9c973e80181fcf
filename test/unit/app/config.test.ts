import {readFile} from "node:fs/promises";
import {join} from "node:path";
import {expect} from "chai";
import {parse} from "yaml";
import {formatError} from "../../../src/app/cli/errors.js";
import {parseConfig} from "../../../src/app/config/load.js";
import {editDistance, nearest} from "../../../src/app/config/nearest.js";
import type {ConfigProblem} from "../../../src/app/config/problems.js";
import {renderTemplate} from "../../../src/app/config/template.js";
import {PleiadesError} from "../../../src/core/errors.js";

const ROOT = join(import.meta.dirname, "../../../..");
const MINIMAL = "network:\n  name: mainnet\n";

function problems(text: string): readonly ConfigProblem[] {
  try {
    parseConfig(text, "lodestar.config.yaml");
  } catch (error) {
    if (error instanceof PleiadesError && Array.isArray(error.data.problems)) return error.data.problems;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

function refusal(text: string): PleiadesError {
  try {
    parseConfig(text, "lodestar.config.yaml");
  } catch (error) {
    if (error instanceof PleiadesError) return error;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

describe("lodestar.config.yaml", () => {
  it("in the root of the release is what the schema renders", async () => {
    const written = await readFile(join(ROOT, "lodestar.config.yaml"), "utf8");
    expect(written).to.equal(renderTemplate({network: {name: "mainnet"}}));
  });

  it("written by the template says nothing but the defaults", () => {
    const rendered = parseConfig(renderTemplate({network: {name: "mainnet"}}), "a");
    const short = parseConfig(`${MINIMAL}operator: {}\nsigner: {}\n`, "b");
    expect(rendered).to.deep.equal(short);
  });

  it("has a comment with unit and default before every key", () => {
    const lines = renderTemplate({network: {name: "mainnet"}}).split("\n");
    const keys = lines.flatMap((line, i) => (/^\s*[a-zA-Z]+:/.test(line) ? [i] : []));
    expect(keys.length).to.be.greaterThan(30);
    for (const i of keys) {
      let first = i;
      while (/^\s*#/.test(lines[first - 1] ?? "")) first--;
      const comment = lines
        .slice(first, i)
        .join(" ")
        .replaceAll(/\s*#\s*/g, " ");
      expect(comment, lines[i]).to.not.equal("");
      const section = /:$/.test(lines[i] ?? "") && !/^\s*-/.test(lines[i + 1] ?? "");
      if (!section) expect(comment, lines[i]).to.match(/Unit: .+\. (?:Default: .+|No default)\./);
    }
  });

  it("leaves a section out that is null", () => {
    const text = renderTemplate({network: {name: "hoodi"}, signer: null});
    expect(Object.keys(parse(text)))
      .to.include("operator")
      .and.not.include("signer");
  });

  it("names the line and the nearest key of a mistyped one", () => {
    expect(problems(`${MINIMAL}signer:\n  host: 127.0.0.1\n  prot: 9000\n`)).to.deep.equal([
      {
        code: "CONFIG_UNKNOWN_KEY",
        file: "lodestar.config.yaml",
        line: 5,
        key: "signer.prot",
        detail: 'did you mean "port"?',
      },
    ]);
  });

  it("says where a key belongs that stands in the wrong section", () => {
    const [problem] = problems(`${MINIMAL}hedgeDelayMs: 50\n`);
    expect(problem).to.include({line: 3, detail: 'this key stands in "signer"'});
  });

  it("lists the keys there are when none is near", () => {
    const [problem] = problems(`${MINIMAL}logging:\n  zzzzzzzzzz: 1\n`);
    expect(problem?.detail).to.equal("valid here: level, format");
  });

  it("says the expected type of a wrong one", () => {
    const found = problems(`${MINIMAL}signer:\n  port: "9000"\n  host: 3\noperator:\n  listen: /ip4/127.0.0.1/tcp/1\n`);
    expect(found.map(({code, line, detail}) => [code, line, detail])).to.deep.equal([
      ["CONFIG_WRONG_TYPE", 4, "expected a number"],
      ["CONFIG_WRONG_TYPE", 5, "expected text"],
      ["CONFIG_WRONG_TYPE", 7, "expected a list"],
    ]);
  });

  it("reports every problem, in the order of the file, under the code of the first", () => {
    const error = refusal("network:\n  nam: mainnet\nsinger: {}\nlogging:\n  level: loud\n");
    expect(error.code).to.equal("CONFIG_MISSING_KEY");
    const lines = (error.data.problems as ConfigProblem[]).map(({line, key}) => `${line} ${key}`);
    expect(lines).to.deep.equal(["1 network.name", "2 network.nam", "3 singer", "5 logging.level"]);
    expect(formatError(error)).to.match(
      /^CONFIG_MISSING_KEY: .+\n( {2}lodestar\.config\.yaml:\d+ .+\n){4}What to do: /,
    );
  });

  it("names the line of a syntax error and of a key that comes twice", () => {
    expect(refusal("network:\n  name: a\n bad: 1\n")).to.have.property("code", "CONFIG_SYNTAX");
    const twice = refusal(`${MINIMAL}dataDir: a\ndataDir: b\n`);
    expect(twice.code).to.equal("CONFIG_SYNTAX");
    expect(twice.data.line).to.equal(4);
  });

  it("refuses an alias of nothing, and aliases that would become millions of values", () => {
    expect(refusal(`${MINIMAL}dataDir: *nothing\n`).code).to.equal("CONFIG_SYNTAX");
    const bomb = Array.from({length: 9}, (_, i) => {
      const list = Array.from({length: 9}, () => (i === 0 ? "x" : `*a${i - 1}`)).join(", ");
      return `a${i}: &a${i} [${list}]\n`;
    });
    expect(refusal(MINIMAL + bomb.join("")).code).to.equal("CONFIG_SYNTAX");
  });

  it("says that an empty file lacks its network", () => {
    expect(problems("")[0]).to.include({code: "CONFIG_MISSING_KEY", key: "network"});
  });

  it("keeps every digit of hex that is not quoted", () => {
    const recipient = `0x${"00".repeat(19)}1f`;
    const text = `${MINIMAL}operator:\n  policy:\n    registration:\n      feeRecipient: ${recipient}\n`;
    expect(parseConfig(text, "a").operator?.policy.registration.feeRecipient).to.equal(recipient);
  });

  it("turns a permit into the root of exactly that message", () => {
    const key = `0x${"a1".repeat(48)}`;
    const permit = (epoch: number) =>
      `${MINIMAL}operator:\n  policy:\n    permits:\n      - {type: VOLUNTARY_EXIT, pubkey: ${key}, epoch: "${epoch}", validator_index: "7"}\n`;
    const [one] = parseConfig(permit(1), "a").operator?.policy.permits ?? [];
    const [two] = parseConfig(permit(2), "a").operator?.policy.permits ?? [];
    expect(one).to.include({key, type: "VOLUNTARY_EXIT"});
    expect(one?.objectRoot)
      .to.match(/^0x[0-9a-f]{64}$/)
      .and.not.equal(two?.objectRoot);
  });

  it("refuses a permit with a missing or an additional field, naming the line", () => {
    const text = `${MINIMAL}operator:\n  policy:\n    permits:\n      - {type: VOLUNTARY_EXIT, pubkey: 0x${"a1".repeat(48)}, epoch: "1"}\n`;
    expect(problems(text)[0]).to.include({code: "CONFIG_INVALID_VALUE", line: 6, key: "operator.policy.permits.0"});
  });

  it("refuses the domain types of the consensus specs for generic messages", () => {
    const text = `${MINIMAL}operator:\n  policy:\n    genericDomainTypes: [0x00000000]\n`;
    expect(problems(text)[0]?.detail).to.match(/never signed as a generic message/);
  });

  it("serves the distributed profile only to named coordinators with certificates", () => {
    const tls = "tls: {cert: a, key: b, clientCa: c}";
    const who = `coordinators: [{name: one, client: one.example, keys: all}]`;
    const text = (...lines: string[]) => `${MINIMAL}operator:\n  distributed: {enabled: true, ${lines.join(", ")}}\n`;
    const {distributed} = parseConfig(text(tls, who), "a").operator!;
    expect(distributed).to.include({enabled: true, host: "127.0.0.1", port: 9300});
    expect(distributed.coordinators[0]?.client).to.deep.equal({kind: "name", name: "one.example"});
    expect(problems(text(who))[0]).to.include({key: "operator.distributed.tls"});
    expect(problems(text("tls: {cert: a, key: b}", who))[0]).to.include({key: "operator.distributed.tls"});
    expect(problems(text(tls))[0]).to.include({key: "operator.distributed.coordinators"});
    const twice = "coordinators: [{name: a, client: a, keys: all}, {name: a, client: b, keys: all}]";
    expect(problems(text(tls, twice))[0]).to.include({key: "operator.distributed.coordinators"});
    const peer = "12D3KooWCwcwtUhCaHfb44WYSXYS8JCyMdH6zchrGGXUeLDDjCRp";
    for (const origin of [
      "http://a.example",
      "https://a.example/",
      "https://a.example/x",
      "https://u@a.example",
      "a",
    ]) {
      expect(problems(text(tls, who, `participants: {${peer}: "${origin}"}`)), origin).to.have.length(1);
    }
    const known = parseConfig(text(tls, who, `participants: {${peer}: "https://a.example:9300"}`), "a").operator!;
    expect(known.distributed.participants).to.deep.equal({[peer]: "https://a.example:9300"});
  });

  it("refuses an address with a peer id in it", () => {
    const text = `${MINIMAL}operator:\n  listen: [/ip4/127.0.0.1/tcp/1/p2p/12D3KooWxyz]\n`;
    expect(problems(text)[0]).to.include({line: 4, key: "operator.listen.0"});
  });
});

describe("the nearest name", () => {
  it("counts inserted, lost, replaced and swapped letters", () => {
    expect(editDistance("port", "prot")).to.equal(1);
    expect(editDistance("port", "pot")).to.equal(1);
    expect(editDistance("", "abc")).to.equal(3);
    expect(editDistance("kitten", "sitting")).to.equal(3);
  });

  it("is none when nothing is near", () => {
    expect(nearest("frobnicate", ["port", "host"])).to.equal(null);
    expect(nearest("HOST", ["port", "host"])).to.equal("host");
  });
});
