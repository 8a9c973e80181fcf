import type {Argv} from "yargs";
import {systemClock} from "../../../adapters/clock/system.js";
import {loadConfig} from "../../config/load.js";
import {presetOf} from "../../config/network.js";
import type {Finding, FindingStatus} from "../../doctor/finding.js";
import type {OperatorReport} from "../../doctor/peers.js";
import {softwareName} from "../../version.js";
import type {CommandContext} from "../context.js";
import {toJsonLine} from "../io.js";
import {configOption, jsonOption} from "../options.js";
import {plural} from "../plural.js";

interface DoctorArgs {
  readonly config: string;
  readonly json: boolean;
}

const EPILOGUE = `On an operator it looks at this machine: configuration, permissions, disk, record store. On a signer it also connects to
every operator, beside a running signer, and asks each for every key with a request that nobody ever signs: the exit of a
validator that cannot exist. Operators log it as refused with POLICY_NOT_PERMITTED.

Exit code: 0 when nothing failed (warnings do not count), 1 when something did.`;

export const doctorCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command(
    "doctor",
    "Look for everything that keeps this node from doing its work",
    (command) =>
      jsonOption(configOption(command))
        .example("$0 doctor --config signer/lodestar.config.yaml", "the signer and its whole committee")
        .epilogue(EPILOGUE),
    async (args) => {
      await examine(args as unknown as DoctorArgs, context);
    },
  );

async function examine({config: path, json}: DoctorArgs, context: CommandContext): Promise<void> {
  const {io} = context;
  const loaded = await loadConfig(path);
  const {config} = loaded;
  // Frozen at the first import of the Lodestar packages.
  process.env.LODESTAR_PRESET = presetOf(config.network);
  const {examineHere} = await import("../../doctor/local.js");
  const here = await examineHere(loaded, systemClock.now());
  const findings = [...here.findings];
  let operators: readonly OperatorReport[] = [];
  const {identity, network} = here;
  if (config.signer !== undefined && identity !== null && network !== null && here.committees.length > 0) {
    const {connectAll} = await import("../../doctor/connections.js");
    const {examineOperators} = await import("../../doctor/peers.js");
    const {withAddresses} = await import("../../moved-operators.js");
    const committees = withAddresses(here.committees, config.signer.operatorAddresses);
    io.progress("connecting to the operators");
    const clock = systemClock;
    const {participantContext} = await import("../../participants/context.js");
    const participants = participantContext(config.signer.participants, {now: clock.now()});
    const {link, whyNot} = await connectAll({identity, clock}, {committees, software: softwareName(), participants});
    try {
      const progress = (done: number, all: number): void => {
        if (done % 100 === 0 || done === all) io.progress(`asked ${done} of ${all}`);
      };
      const seen = await examineOperators(
        {link, clock, whyNot, progress},
        {committees, network, ownSoftware: softwareName()},
      );
      findings.push(...seen.findings);
      operators = seen.operators;
    } finally {
      await link.close();
    }
  }
  const failures = findings.filter(({status}) => status === "fail").length;
  const warnings = findings.filter(({status}) => status === "warn").length;
  if (json) {
    io.out(toJsonLine({ok: failures === 0, failures, warnings, node: softwareName(), findings, operators}));
  } else {
    for (const line of table(findings)) io.out(line);
    io.out(verdict(failures, warnings));
  }
  if (failures > 0) context.exitCode = 1;
}

const MARKS: Readonly<Record<FindingStatus, string>> = {ok: "ok  ", warn: "WARN", fail: "FAIL"};

function table(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({check}) => check.length));
  return findings.flatMap(({check, status, detail, code, action}) => {
    const line = `${MARKS[status]}  ${check.padEnd(width)}  ${code === undefined ? "" : `${code}: `}${detail}`;
    return status === "ok" || action === undefined
      ? [line]
      : [line, `      ${" ".repeat(width)}  What to do: ${action}`];
  });
}

function verdict(failures: number, warnings: number): string {
  if (failures > 0) return `${plural(failures, "failure")}, ${plural(warnings, "warning")}`;
  return warnings > 0 ? `nothing failed, ${plural(warnings, "warning")}` : "all is well";
}
