/**
 * A mocha reporter for `npm test`: one line per file for people, one JSON line per event in the file named by
 * PLEIADES_TEST_EVENTS for scripts/test.mjs. Events are written as they happen, so that a process that dies still says
 * which test it died in.
 */
import {appendFileSync} from "node:fs";
import {relative} from "node:path";
import Mocha from "mocha";

const eventsFile = process.env.PLEIADES_TEST_EVENTS;
const SLOW_MS = 2_000;
const MAX_ERROR = 6_000;

export default class Reporter {
  #file = null;
  #counts = {passed: 0, failed: 0, skipped: 0, ms: 0};

  constructor(runner) {
    runner.on("test", (test) => this.#write({kind: "begin", title: test.fullTitle(), file: sourceOf(test)}));
    runner.on("pass", (test) => {
      this.#turnTo(test);
      this.#counts.passed++;
      this.#counts.ms += test.duration ?? 0;
      this.#write({kind: "pass"});
      if (test.duration > SLOW_MS) console.log(`    ${(test.duration / 1000).toFixed(1)} s  ${test.fullTitle()}`);
    });
    runner.on("pending", (test) => {
      this.#turnTo(test);
      this.#counts.skipped++;
      this.#write({kind: "skip", title: test.fullTitle(), file: sourceOf(test)});
    });
    // Hooks that fail come here too, as tests of their own.
    runner.on("fail", (test, error) => {
      this.#turnTo(test);
      this.#counts.failed++;
      const failure = {kind: "fail", title: test.fullTitle(), file: sourceOf(test), error: describe(error)};
      this.#write(failure);
      console.log(`  FAILED ${failure.title}\n${indent(failure.error)}`);
    });
    runner.once("end", () => {
      this.#closeFile();
      this.#write({kind: "end"});
    });
  }

  #turnTo(test) {
    const file = sourceOf(test);
    if (file === this.#file) return;
    this.#closeFile();
    this.#file = file;
  }

  #closeFile() {
    const {passed, failed, skipped, ms} = this.#counts;
    if (this.#file !== null) {
      const extra = `${failed > 0 ? `, ${failed} FAILED` : ""}${skipped > 0 ? `, ${skipped} skipped` : ""}`;
      console.log(`  ${failed > 0 ? "✖" : "✔"} ${this.#file}: ${passed} passed${extra}, ${Math.round(ms)} ms`);
    }
    this.#counts = {passed: 0, failed: 0, skipped: 0, ms: 0};
  }

  #write(event) {
    if (eventsFile !== undefined) appendFileSync(eventsFile, `${JSON.stringify(event)}\n`);
  }
}

function sourceOf(test) {
  const built = test.file ?? test.parent?.file ?? "";
  return relative(process.cwd(), built)
    .replace(/^dist\//, "")
    .replace(/\.js$/, ".ts");
}

function describe(error) {
  const {showDiff, expected, actual} = error;
  const wanted = showDiff !== false && expected !== undefined && typeof expected === typeof actual;
  const text = error.stack ?? error.message ?? String(error);
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack}` : "";
  const diff = wanted ? `\n${Mocha.reporters.Base.generateDiff(printed(actual), printed(expected))}` : "";
  return `${text}${cause}${diff}`.slice(0, MAX_ERROR);
}

function printed(value) {
  if (typeof value === "string") return value;
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner), 2) ?? String(value);
}

const indent = (text) => text.replace(/^/gm, "    ");
