import {expect} from "chai";
import {createLogger} from "../../../src/adapters/logger/pino.js";
import {formatForConsole, wantsColour} from "../../../src/app/console-log.js";
import type {Logger} from "../../../src/ports/logger.js";

function logged(write: (logger: Logger) => void, {colour = false} = {}): string {
  let text = "";
  const logger = createLogger({level: "debug"}, {write: (line: string) => (text += formatForConsole(line, {colour}))});
  write(logger);
  return text;
}

describe("logs for people", () => {
  it("have time, level, message and fields on one line", () => {
    const text = logged((logger) =>
      logger
        .child({role: "signer"})
        .warn("an operator is slow", {operatorId: 3, ms: 812.5, late: true, peers: [1, 2], none: null}),
    );
    expect(text).to.match(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARN {2}an operator is slow role=signer operatorId=3 ms=812\.5 late=true peers=\[1,2\] none=null\n$/,
    );
  });

  it("have levels of one width, so that messages stand in one column", () => {
    const text = logged((logger) => {
      for (const level of ["debug", "info", "warn", "error"] as const) logger[level]("message");
    });
    const columns = text
      .trimEnd()
      .split("\n")
      .map((line) => line.indexOf("message"));
    expect(new Set(columns).size).to.equal(1);
  });

  it("quote a value with spaces", () => {
    expect(logged((logger) => logger.info("m", {reason: "not there", code: "TLS_FILE"}))).to.include(
      'reason="not there" code=TLS_FILE',
    );
  });

  it("show a trace below its line, indented", () => {
    const lines = logged((logger) =>
      logger.error("unexpected", {code: "INTERNAL", error: "TypeError: x\n  at y"}),
    ).split("\n");
    expect(lines[0]).to.match(/unexpected code=INTERNAL$/);
    expect(lines.slice(1)).to.deep.equal(["    TypeError: x", "      at y", ""]);
  });

  it("let no value forge a line or command the terminal", () => {
    const hostile = "\r\n2026-01-01T00:00:00.000Z ERROR forged\u001b[2J\u009b1m";
    const text = logged((logger) => logger.info(`m${hostile}`, {[`k${hostile}`]: 1, value: hostile, list: [hostile]}));
    expect(text.split("\n").filter((line) => line.startsWith("2026-01-01"))).to.deep.equal([]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(text).not.to.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it("have colours only when asked for", () => {
    expect(logged((logger) => logger.error("m", {a: 1}), {colour: true})).to.include("\u001b[31mERROR\u001b[0m");
    expect(logged((logger) => logger.error("m", {a: 1}))).not.to.include("\u001b");
  });

  it("ask for colours on a terminal only, and not when NO_COLOR is set", () => {
    expect(wantsColour({isTTY: true}, {})).to.equal(true);
    expect(wantsColour({isTTY: true}, {NO_COLOR: ""})).to.equal(true);
    expect(wantsColour({isTTY: true}, {NO_COLOR: "1"})).to.equal(false);
    expect(wantsColour({isTTY: true}, {TERM: "dumb"})).to.equal(false);
    expect(wantsColour({}, {})).to.equal(false);
  });
});
