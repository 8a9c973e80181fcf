import {parsePeerIdText, parsePubkeyHex} from "../../../core/bytes.js";
import {PleiadesError} from "../../../core/errors.js";
import type {ControlClient} from "../../../plugin/contract.js";
import {SHARE_PLUGIN} from "../../../plugin/share/plugin.js";
import type {RepairEvent} from "../../../plugin/share/repairer.js";
import {loadConfig} from "../../config/load.js";
import {confirmOnTerminal} from "../confirm.js";
import type {CommandContext} from "../context.js";
import {controlClient} from "../control-client.js";
import {EXIT} from "../errors.js";
import {type Io, toJsonLine} from "../io.js";
import {usage} from "../options.js";
import {plural} from "../plural.js";

export interface RepairArgs {
  readonly config: string;
  readonly key?: readonly string[] | undefined;
  readonly helpOperator?: string | undefined;
  readonly minutes: number;
  readonly yes: boolean;
  readonly json: boolean;
}

export async function repairOrHelp(args: RepairArgs, context: CommandContext): Promise<void> {
  if (args.helpOperator !== undefined && args.key !== undefined)
    throw usage("--key and --help-operator exclude each other");
  const {config} = await loadConfig(args.config);
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const control = controlClient(SHARE_PLUGIN, {dataDir: config.dataDir, signal: abort.signal});
    if (args.helpOperator !== undefined) await help(args, {io: context.io, control, signal: abort.signal});
    else context.exitCode = await repair(args, context.io, control);
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

async function help(
  {helpOperator, minutes, yes, json}: RepairArgs,
  {io, control, signal}: {io: Io; control: ControlClient; signal: AbortSignal},
): Promise<void> {
  const owner = parsePeerIdText(helpOperator, "--help-operator");
  if (!yes && minutes > 0) {
    const said = await confirmOnTerminal(
      `For ${minutes} minutes this operator helps the node ${owner} to get its shares back. Have you spoken with its owner, and are you sure who that was?`,
      signal,
    );
    if (said !== true) throw new PleiadesError({code: "SHARE_NO_ANSWER", peerId: owner});
  }
  const answer = await control.ask("POST", "/help", {owner, minutes});
  if (json) return io.out(toJsonLine(answer));
  const {operatorId, keys, until} = answer as {operatorId: number; keys: readonly string[]; until: number};
  if (minutes === 0) return io.out(`operator ${operatorId} is not helped any more`);
  io.out(`helps operator ${operatorId} with ${plural(keys.length, "key")} until ${new Date(until).toISOString()}`);
}

async function repair({key, json}: RepairArgs, io: Io, control: ControlClient): Promise<number> {
  const keys = key?.map((raw) => parsePubkeyHex(raw, "--key"));
  const rebuilt: string[] = [];
  const unhelpful: Extract<RepairEvent, {kind: "unhelpful"}>[] = [];
  let ended = false;
  for await (const value of control.follow("POST", "/repair", keys === undefined ? {} : {keys})) {
    const event = value as RepairEvent;
    if (event.kind === "progress") io.progress(`${event.done} of ${plural(event.all, "share")}: ${event.step}`);
    if (event.kind === "rebuilt") rebuilt.push(...event.keys);
    if (event.kind === "done") ended = true;
    if (event.kind !== "unhelpful") continue;
    unhelpful.push(event);
    io.err(`operator ${event.operatorId} ${event.lied ? "LIED" : "did not help"}: ${event.reason} (${event.code})`);
  }
  if (!ended) {
    io.err("stopped; what was rebuilt is kept, and the command goes on with the rest when it is run again");
    return EXIT.interrupted;
  }
  if (json) io.out(toJsonLine({rebuilt, unhelpful}));
  else
    io.out(`rebuilt ${plural(rebuilt.length, "share")}; their records start at the floor, two epochs at most from now`);
  return EXIT.ok;
}
