/** `pleiades slashing-protection export --merge`. */
import {resolve} from "node:path";
import type {Committee} from "../../../core/committee/committee.js";
import {PleiadesError} from "../../../core/errors.js";
import {formatInterchange, parseInterchange} from "../../../core/slashing/interchange.js";
import {type Behind, mergeExports, type OperatorExport} from "../../../core/slashing/merge.js";
import {loadCommittees} from "../../committee-files.js";
import {exists, readText, writeNew} from "../../files.js";
import {type Io, toJsonLine} from "../io.js";
import {plural} from "../plural.js";

export interface MergeArgs {
  readonly files: readonly string[];
  readonly committee: readonly string[];
  readonly out: string;
  readonly json: boolean;
}

/** Writes the merged file, and says what each operator's file knew. @throws CONFIG_EXISTS · CLI_FILE, and the codes of a merge */
export async function mergeRecords({files, committee, out: path, json}: MergeArgs, io: Io): Promise<void> {
  const out = resolve(path);
  if (await exists(out)) throw new PleiadesError({code: "CONFIG_EXISTS", file: out});
  const {committees, errors} = await loadCommittees({files: committee, sources: []}, {genesisValidatorsRoot: null});
  if (errors[0] !== undefined) throw errors[0];
  const exports = await Promise.all(files.map(readExport));
  const {interchange, behind} = mergeExports(exports, committees);
  await writeNew(out, formatInterchange(interchange), 0o600);
  const rows = exports.map((one) => rowOf(one, behind, committees));
  if (json) {
    io.out(toJsonLine({out, keys: [...interchange.records.keys()], exports: rows}));
    return;
  }
  for (const row of rows) io.out(lineOf(row));
  io.out(
    `wrote ${out}: ${plural(interchange.records.size, "key")}, the highest records of ${plural(files.length, "operator")}`,
  );
  io.out("import it into an empty client before you give that client the keystores");
}

async function readExport(file: string): Promise<OperatorExport> {
  try {
    return {file, interchange: parseInterchange(await readText(file))};
  } catch (error) {
    if (!(error instanceof PleiadesError)) throw error;
    throw new PleiadesError({...error.data, code: error.code, file}, {cause: error});
  }
}

interface Row {
  readonly file: string;
  /** Ids of the operator that wrote it, in the given committees. */
  readonly operators: readonly number[];
  readonly keys: number;
  readonly highestSlot: bigint | null;
  readonly highestTarget: bigint | null;
  readonly behind: readonly Omit<Behind, "file">[];
}

function rowOf({file, interchange}: OperatorExport, behind: readonly Behind[], committees: readonly Committee[]): Row {
  const records = [...interchange.records.values()];
  const members = committees.flatMap(({operators}) => operators);
  const own = members.filter(({peerId}) => peerId === interchange.exportedBy);
  return {
    file,
    operators: [...new Set(own.map(({id}) => Number(id)))],
    keys: records.length,
    highestSlot: highest(records.flatMap(({block}) => (block === null ? [] : [block.slot]))),
    highestTarget: highest(records.flatMap(({attestation}) => (attestation === null ? [] : [attestation.target]))),
    behind: behind.filter((one) => one.file === file).map(({file: _, ...rest}) => rest),
  };
}

const highest = (values: readonly bigint[]): bigint | null =>
  values.reduce<bigint | null>((most, value) => (most === null || value > most ? value : most), null);

/** The two heights let a person see an operator that is far ahead of the others as well as one that is behind. */
function lineOf({file, operators, keys, highestSlot, highestTarget, behind}: Row): string {
  const heights = `highest block slot ${highestSlot ?? "none"}, highest target epoch ${highestTarget ?? "none"}`;
  const verdict =
    behind.length === 0
      ? "as high as the others"
      : `behind the others for ${plural(behind.length, "key")}: it took no part in their last signatures`;
  return `operator ${operators.join(", ")} (${file}): ${plural(keys, "key")}, ${heights}; ${verdict}`;
}
