import {execFile} from "node:child_process";
import {existsSync} from "node:fs";
import {rm} from "node:fs/promises";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {promisify} from "node:util";
import {isStandardQuorum} from "../../core/committee/quorum.js";
import {codeOf, PleiadesError} from "../../core/errors.js";
import {FILE_NAMES} from "../../plugin/dkg/ceremony-files.js";
import {type CeremonyReport, endLines, progressLine} from "../../plugin/dkg/report.js";
import type {Clock} from "../../ports/clock.js";
import {controlClient} from "../cli/control-client.js";
import {readText, replaceFile} from "../files.js";
import type {LocalPlan, PlannedCeremony, PlannedOperator} from "./plan.js";

const MAIN = fileURLToPath(new URL("../../main.js", import.meta.url));
/** Of a person who stops every operator to start them again by hand. */
const SILENCE_BOUND_MS = 300_000;
const ASK_AGAIN_MS = 500;
/** From the end of the first operator's part to that of the others. */
const OTHERS_BOUND_MS = 30_000;
const HOURS = "24";

interface Surroundings {
  readonly clock: Pick<Clock, "now" | "after">;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/**
 * Has the operators of this machine, which run, make their keys by the commands that people would give: `dkg create` once
 * and `dkg run` for each. A ceremony that is under way goes on. Leaves its files in the folder, the committee file last.
 * @throws CLI_LOCAL_CHILD · DKG_CEREMONY_FAILED · CONTROL_*
 */
export async function holdCeremony(
  plan: LocalPlan,
  ceremony: PlannedCeremony,
  surroundings: Surroundings,
): Promise<void> {
  const {operators, threshold, committeeFile} = plan;
  const {definitionFile} = ceremony;
  const {progress} = surroundings;
  if (!existsSync(definitionFile)) {
    const unsafe = isStandardQuorum({n: plan.n, t: threshold}) ? [] : ["--unsafe-threshold"];
    const terms = [
      ...["--operators", ceremony.operatorsFile, "--validators", String(ceremony.validators)],
      ...["--threshold", String(threshold), ...unsafe, "--hours", HOURS],
      ...["--withdrawal-address", ceremony.withdrawalAddress, "--fee-recipient", ceremony.feeRecipient],
    ];
    await dkg(operators[0]!, ["create", ...terms, "--out", definitionFile], surroundings);
  }
  progress("every operator consents");
  const run = ["run", "--definition", definitionFile, "--yes", "--detach", "--json"];
  const [first] = await Promise.all(operators.map((operator) => dkg(operator, run, surroundings)));
  const {id} = JSON.parse(first!) as {id: string};
  const last = await untilOver(operators, id, surroundings);
  const {end} = last;
  if (end?.outcome !== "finished") {
    // The next start begins another.
    await rm(definitionFile, {force: true});
    const reason = end === null ? "no end" : endLines(last, end).join("; ");
    throw new PleiadesError({code: "DKG_CEREMONY_FAILED", ceremony: id, reason});
  }
  await othersToo(operators, id, surroundings);
  for (const [name, to] of [
    [FILE_NAMES.ceremony, ceremony.ceremonyFile],
    [FILE_NAMES.deposits, ceremony.depositsFile],
    [FILE_NAMES.committee, committeeFile],
  ] as const) {
    await replaceFile(to, await readText(join(end.folder, name)), 0o644);
  }
}

/** One command of an operator's owner; resolves with its standard output. @throws CLI_LOCAL_CHILD with what it said */
async function dkg(
  {id, configFile, logFile}: PlannedOperator,
  args: readonly string[],
  {env, signal}: Surroundings,
): Promise<string> {
  try {
    const command = [MAIN, "dkg", ...args, "--config", configFile];
    return (await promisify(execFile)(process.execPath, command, {env, signal})).stdout;
  } catch (error) {
    const {stderr, message} = error as {stderr?: string; message: string};
    const name = `dkg ${args[0]} of operator ${id}`;
    throw new PleiadesError({code: "CLI_LOCAL_CHILD", process: name, reason: stderr || message, log: logFile});
  }
}

const controlOf = ({configFile}: PlannedOperator, signal: AbortSignal) =>
  controlClient("dkg", {dataDir: join(dirname(configFile), "data"), signal});

/** Watches one operator, and another when that one ends: it may be killed, and started again by hand, as any may. */
async function untilOver(
  operators: readonly PlannedOperator[],
  id: string,
  {clock, signal, progress}: Surroundings,
): Promise<CeremonyReport> {
  let heard = clock.now();
  for (let at = 0; ; at++) {
    signal.throwIfAborted();
    try {
      for await (const value of controlOf(operators[at % operators.length]!, signal).follow("POST", "/watch", {id})) {
        const report = value as CeremonyReport;
        heard = clock.now();
        if (report.end !== null) return report;
        progress(report.halted === null ? progressLine(report) : `stands still: ${report.halted}`);
      }
    } catch (error) {
      if (!codeOf(error).startsWith("CONTROL_") || clock.now() - heard > SILENCE_BOUND_MS) throw error;
    }
    signal.throwIfAborted();
    await new Promise<void>((resolve) => clock.after(ASK_AGAIN_MS, resolve));
  }
}

/** Waits for the others, so that all can sign; one that is down learns of the end when it comes back. */
async function othersToo(operators: readonly PlannedOperator[], id: string, {signal}: Surroundings): Promise<void> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(OTHERS_BOUND_MS)]);
  await Promise.all(
    operators.map(async (operator) => {
      try {
        for await (const _ of controlOf(operator, bounded).follow("POST", "/watch", {id}));
      } catch {
        // Nobody is there to wait for.
      }
    }),
  );
  signal.throwIfAborted();
}
