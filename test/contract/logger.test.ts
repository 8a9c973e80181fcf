import {expect} from "chai";
import {MemoryLogger} from "../../src/adapters/logger/memory.js";
import {createLogger} from "../../src/adapters/logger/pino.js";
import {Secret} from "../../src/keeper/secret.js";
import type {Logger} from "../../src/ports/logger.js";

interface Line {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** What every logger must do; `lines` gives what was logged. */
function loggerContract(open: () => {logger: Logger; lines: () => Line[]}): void {
  it("keeps level, message and fields", () => {
    const {logger, lines} = open();
    logger.debug("one", {a: 1});
    logger.info("two");
    logger.warn("three", {b: "x"});
    logger.error("four", {c: true});
    expect(lines().map(({level, message}) => [level, message])).to.deep.equal([
      ["debug", "one"],
      ["info", "two"],
      ["warn", "three"],
      ["error", "four"],
    ]);
    expect(lines()[0]).to.include({a: 1});
    expect(lines()[2]).to.include({b: "x"});
    expect(lines()[3]).to.include({c: true});
  });

  it("adds a child's fields to each of its lines, and to nobody else's", () => {
    const {logger, lines} = open();
    const child = logger.child({peer: "p"}).child({key: "k"});
    child.info("from the child", {x: 1});
    logger.info("from the parent");
    expect(lines()[0]).to.include({peer: "p", key: "k", x: 1});
    expect(lines()[1]).to.not.have.any.keys("peer", "key");
  });

  it("never shows a secret", () => {
    const {logger, lines} = open();
    logger.info("loaded", {share: new Secret(new Uint8Array(32).fill(0xab))});
    expect(JSON.stringify(lines())).to.not.match(/abab|171,171/);
    expect(JSON.stringify(lines())).to.include("[secret]");
  });
}

describe("the pino logger", () => {
  const LEVELS: {[level: number]: string} = {20: "debug", 30: "info", 40: "warn", 50: "error"};
  loggerContract(() => {
    const written: string[] = [];
    const logger = createLogger({level: "debug"}, {write: (line) => void written.push(line)});
    const lines = (): Line[] =>
      written.map((line) => {
        const {level, msg, ...fields} = JSON.parse(line) as {level: number; msg: string};
        return {...fields, level: LEVELS[level] ?? "?", message: msg};
      });
    return {logger, lines};
  });
});

describe("the logger in memory", () => {
  loggerContract(() => {
    const logger = new MemoryLogger();
    return {logger, lines: () => logger.lines.map(({level, message, fields}) => ({...fields, level, message}))};
  });
});
