/** Several operators' exports into the one file that a single client can go on from. */
import type {PeerIdText, PubkeyHex} from "../bytes.js";
import type {Committee} from "../committee/committee.js";
import {PleiadesError} from "../errors.js";
import {raise} from "./decide.js";
import type {Interchange} from "./interchange.js";
import type {SlashingRecord} from "./record.js";

/** One operator's export, and the name of its file for people. */
export interface OperatorExport {
  readonly file: string;
  readonly interchange: Interchange;
}

/** An operator whose record is below the merged one: it took no part in what the others signed last. */
export interface Behind {
  readonly file: string;
  readonly key: PubkeyHex;
  readonly block: boolean;
  readonly attestation: boolean;
}

export interface Merged {
  readonly interchange: Interchange;
  readonly behind: readonly Behind[];
}

/**
 * The highest of each watermark per key, out of the exports of at least t different operators of each key's committee.
 *
 * Why t. A completed signature has t signers, so any t exporters share 2t−n = f+1 operators with them: one at least is
 * honest and has it in its record. And t operators that were disabled leave too few, even with f liars, to complete
 * anything afterwards. With fewer exports either may fail.
 * @throws SLASHING_WRONG_CHAIN · SLASHING_MERGE_ANONYMOUS · SLASHING_MERGE_TWICE · SLASHING_MERGE_STRANGER ·
 *   SLASHING_MERGE_TOO_FEW
 */
export function mergeExports(exports: readonly OperatorExport[], committees: readonly Committee[]): Merged {
  const [first] = exports;
  if (first === undefined) throw new PleiadesError({code: "SLASHING_MERGE_TOO_FEW", exports: 0});
  const {genesisValidatorsRoot} = first.interchange;
  refuseOtherChains(exports, committees);
  const operators = operatorsOf(exports);
  const records = new Map<PubkeyHex, SlashingRecord>();
  for (const {interchange} of exports) {
    for (const [key, record] of interchange.records) {
      const before = records.get(key);
      records.set(key, before === undefined ? record : raise(before, record));
    }
  }
  for (const key of records.keys()) requireEnough(key, operators, committees);
  return {interchange: {genesisValidatorsRoot, records}, behind: behindOf(exports, records)};
}

function refuseOtherChains(exports: readonly OperatorExport[], committees: readonly Committee[]): void {
  const chain = exports[0]!.interchange.genesisValidatorsRoot;
  for (const {file, interchange} of exports) {
    const {genesisValidatorsRoot: given} = interchange;
    if (given !== chain) throw new PleiadesError({code: "SLASHING_WRONG_CHAIN", file, given, others: chain});
  }
  for (const {genesisValidatorsRoot: pinned} of committees) {
    if (pinned !== null && pinned !== chain)
      throw new PleiadesError({code: "SLASHING_WRONG_CHAIN", given: chain, pinned});
  }
}

/** Who wrote which file. Two operators may write the same bytes, so it is the name in the file that tells them apart. */
function operatorsOf(exports: readonly OperatorExport[]): ReadonlyMap<PeerIdText, OperatorExport> {
  const operators = new Map<PeerIdText, OperatorExport>();
  for (const one of exports) {
    const {exportedBy} = one.interchange;
    if (exportedBy == null) throw new PleiadesError({code: "SLASHING_MERGE_ANONYMOUS", file: one.file});
    const other = operators.get(exportedBy);
    if (other !== undefined) {
      throw new PleiadesError({code: "SLASHING_MERGE_TWICE", files: [other.file, one.file], peerId: exportedBy});
    }
    operators.set(exportedBy, one);
  }
  return operators;
}

/** A key may be in committees of two generations; then t operators of each have to be there. */
function requireEnough(
  key: PubkeyHex,
  operators: ReadonlyMap<PeerIdText, OperatorExport>,
  committees: readonly Committee[],
): void {
  const having = [...operators].filter(([, {interchange}]) => interchange.records.has(key));
  const own = committees.filter(({validators}) => validators.some(({groupPublicKey}) => groupPublicKey === key));
  const members = new Set(own.flatMap(({operators: all}) => all.map(({peerId}) => peerId)));
  for (const [peerId, {file}] of having) {
    if (!members.has(peerId)) throw new PleiadesError({code: "SLASHING_MERGE_STRANGER", file, key, peerId});
  }
  for (const committee of own) {
    const exported = having.filter(([peerId]) => committee.operators.some((operator) => operator.peerId === peerId));
    if (exported.length < committee.threshold) {
      const missing = committee.operators.filter(({peerId}) => !exported.some(([exporter]) => exporter === peerId));
      throw new PleiadesError({
        code: "SLASHING_MERGE_TOO_FEW",
        key,
        exports: exported.length,
        needed: committee.threshold,
        missingOperators: missing.map(({id}) => id),
      });
    }
  }
}

function behindOf(
  exports: readonly OperatorExport[],
  merged: ReadonlyMap<PubkeyHex, SlashingRecord>,
): readonly Behind[] {
  return exports.flatMap(({file, interchange}) =>
    [...interchange.records].flatMap(([key, {block, attestation}]) => {
      const highest = merged.get(key)!;
      const lower = {
        block: block?.slot !== highest.block?.slot,
        attestation:
          attestation?.target !== highest.attestation?.target || attestation?.source !== highest.attestation?.source,
      };
      return lower.block || lower.attestation ? [{file, key, ...lower}] : [];
    }),
  );
}
