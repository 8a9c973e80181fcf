import type {Argv} from "yargs";
import {blstGroup} from "../../../adapters/bls/blst.js";
import type {PeerIdText} from "../../../core/bytes.js";
import type {Committee} from "../../../core/committee/committee.js";
import {formatCommitteeFile} from "../../../core/committee/committee-file.js";
import {thresholdOf} from "../../../core/committee/quorum.js";
import {readCommitteeFile} from "../../ceremony-file.js";
import {writeNew} from "../../files.js";
import {parseCoordinators} from "../../split/operators.js";
import type {CommandContext} from "../context.js";
import {type Io, toJsonLine} from "../io.js";
import {jsonOption, text, usage} from "../options.js";

interface CoordinatorsArgs {
  readonly committee: string;
  readonly set?: readonly string[] | undefined;
  readonly out?: string | undefined;
  readonly json: boolean;
}

export const coordinatorsCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command(
    "coordinators",
    "Show which signers a committee has, by rank, or name others; keys and shares stay as they are",
    (command) =>
      jsonOption(
        command
          .option("committee", {
            ...text("the committee file, or a ceremony's public file (ceremony.json)", "Options:"),
            demandOption: true,
          })
          .option("set", {
            type: "string",
            array: true,
            requiresArg: true,
            describe: "peer id of a signer; repeated, the first has the first rank. Replaces the whole list",
            group: "Options:",
          })
          .option("out", text("with --set: the new committee file, which takes the old file's place", "Options:")),
      )
        .example("$0 coordinators --committee committee.json", "who may ask the operators, and in which order")
        .example(
          "$0 coordinators --committee committee.json --set 12D3…1 --set 12D3…2 --out new.json",
          "a second signer",
        )
        .epilogue(
          "Give the new file to every operator and signer, operators first, and let each read it again (SIGHUP). Until all have it, an operator with the old file refuses the new signer.",
        ),
    async (args) => {
      await coordinators(args as unknown as CoordinatorsArgs, context.io);
    },
  );

async function coordinators({committee: file, set, out, json}: CoordinatorsArgs, io: Io): Promise<void> {
  // All have signed a ceremony's public output, so it cannot be edited; the committee that follows from it can.
  const committee = await readCommitteeFile(file);
  if ((set === undefined) !== (out === undefined)) throw usage("--set and --out belong together");
  const ranked = set === undefined ? committee.coordinators : parseCoordinators(set);
  if (out !== undefined) await writeNew(out, withCoordinators(committee, ranked), 0o644);
  if (json) return io.out(toJsonLine({coordinators: ranked, ...(out === undefined ? {} : {committee: out})}));
  for (const [rank, peerId] of ranked.entries()) io.out(`${rank}  ${peerId}`);
  if (out !== undefined) io.out(`wrote ${out}`);
}

function withCoordinators(committee: Committee, ranked: readonly PeerIdText[]): string {
  // The consent to another threshold stands in the file already, or it would not have been read.
  const unsafeThreshold = committee.threshold !== thresholdOf(committee.operators.length);
  return formatCommitteeFile({...committee, coordinators: ranked}, blstGroup, {unsafeThreshold});
}
