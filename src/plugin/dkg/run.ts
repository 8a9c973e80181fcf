import {ceremonyId, parseDefinition} from "../../core/dkg/definition.js";
import {verifyNodeSignature} from "../../core/dkg/node-signature.js";
import {codeOf, PleiadesError} from "../../core/errors.js";
import type {Command, CommandIo} from "../contract.js";
import {readTextFile} from "./files.js";
import {type CeremonyReport, endLines, lostLines, progressLine, reportLines, tableLines} from "./report.js";
import {definitionLines} from "./show.js";

/** `dkg run`: this operator's consent, then the ceremony until it ends. */
export const runCommand: Command = {
  name: "dkg run",
  describe: "consent to a definition and take part; the running operator goes on when this command is stopped",
  options: {
    definition: {type: "string", required: true, describe: "the definition file that everybody got"},
    yes: {type: "boolean", default: false, describe: "consent without being asked"},
    detach: {type: "boolean", default: false, describe: "don't wait for the end"},
  },
  async run(args, io) {
    const text = await readTextFile(String(args.definition));
    const {definition} = parseDefinition(text, verifyNodeSignature);
    const expected = ceremonyId(definition);
    if (args.yes !== true) {
      for (const line of definitionLines(definition)) io.note(line);
      const consent = await io.confirm("This operator consents to exactly this.");
      if (consent !== true) {
        const reason = consent === null ? "there is no terminal to ask on; give --yes" : "not confirmed";
        throw new PleiadesError({code: "DKG_CONSENT_REFUSED", reason});
      }
    }
    const {id} = (await io.control.ask("POST", "/run", {definition: text})) as {id: string};
    if (id !== expected) throw new PleiadesError({code: "DKG_DEFINITION_CHANGED", expected, id});
    if (args.detach === true) {
      io.print(io.json ? JSON.stringify({id}) : `Takes part in ${id}; see it with: pleiades dkg status --follow`);
      return 0;
    }
    return followToEnd(id, io);
  },
};

/**
 * Exit code 0 when it made keys, 130 when the command was stopped, which the ceremony does not notice.
 * @throws DKG_CEREMONY_FAILED
 */
export async function followToEnd(id: string, io: CommandIo): Promise<number> {
  let last: CeremonyReport | null = null;
  let shown = "";
  for await (const value of io.control.follow("POST", "/watch", {id})) {
    last = value as CeremonyReport;
    const line = last.halted === null ? progressLine(last) : `stands still: ${last.halted}`;
    const table = tableLines(last);
    const whole = [line, ...table].join("\n");
    if (last.end === null && whole !== shown) io.progress(line, table);
    shown = whole;
  }
  if (last === null || last.end === null) {
    io.note("Stopped watching. The operator goes on; see it with: pleiades dkg status --follow");
    return 130;
  }
  if (io.json) io.print(JSON.stringify(last));
  else for (const line of [id, ...endLines(last, last.end)]) io.print(line);
  if (last.end.outcome === "finished") return 0;
  const {reason, step, missing} = last.end.failure;
  throw new PleiadesError({code: "DKG_CEREMONY_FAILED", reason, step, missing: missing.join(", ")});
}

/** `dkg status`: what goes on, and what ended how. */
export const statusCommand: Command = {
  name: "dkg status",
  describe: "how far this operator's ceremonies are, by step and operator",
  options: {
    ceremony: {type: "string", describe: "only this one, by id"},
    follow: {type: "boolean", default: false, describe: "go on until it ends (with several, name one)"},
  },
  async run(args, io) {
    const all = (await io.control.ask("GET", "/ceremonies")) as readonly CeremonyReport[];
    const lost = await lostOnes(io);
    const isChosen = (id: string): boolean => args.ceremony === undefined || id === args.ceremony;
    const chosen = all.filter(({id}) => isChosen(id));
    const stuck = lost.filter(isChosen);
    if (args.ceremony !== undefined && chosen.length + stuck.length === 0) {
      throw new PleiadesError({code: "DKG_CEREMONY_UNKNOWN", ceremony: String(args.ceremony)});
    }
    if (args.follow === true) {
      const going = chosen.filter(({end}) => end === null);
      const [one, ...others] = args.ceremony === undefined ? going : chosen;
      // Nothing of it can be followed any more.
      if (one === undefined && stuck.length > 0)
        throw new PleiadesError({code: "DKG_JOURNAL_LOST", ceremony: stuck[0]!});
      if (one === undefined || others.length > 0) {
        const reason = one === undefined ? "none is going on" : "several are going on; name one with --ceremony";
        throw new PleiadesError({code: "DKG_CEREMONY_UNKNOWN", reason});
      }
      return followToEnd(one.id, io);
    }
    if (io.json) io.print(JSON.stringify([...chosen, ...stuck.map((id) => ({id, halted: "DKG_JOURNAL_LOST"}))]));
    else if (chosen.length + stuck.length === 0) io.print("No ceremonies.");
    else for (const line of [...chosen.flatMap(reportLines), ...stuck.flatMap(lostLines)]) io.print(line);
    return 0;
  },
};

/** A keeper that is away must not hide what the operator knows by itself. */
async function lostOnes(io: CommandIo): Promise<readonly string[]> {
  try {
    return (await io.control.ask("GET", "/lost")) as readonly string[];
  } catch (error) {
    io.note(`The keeper does not say which ceremonies only it knows: ${codeOf(error)}`);
    return [];
  }
}

/** `dkg abort`: this operator wants no part in it any more; without it a ceremony of all operators ends. */
export const abortCommand: Command = {
  name: "dkg abort",
  describe: "end a ceremony, for this operator and where all are required for everybody",
  options: {
    ceremony: {type: "string", required: true, describe: "its id"},
    reason: {
      type: "string",
      default: "aborted by its operator",
      describe: "what the others are told (at most 200 characters)",
    },
  },
  async run(args, io) {
    await io.control.ask("POST", "/abort", {id: args.ceremony, reason: args.reason});
    io.print(io.json ? JSON.stringify({id: args.ceremony, aborted: true}) : `Aborted ${args.ceremony}.`);
    return 0;
  },
};
