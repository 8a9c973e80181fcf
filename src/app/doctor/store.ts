import {inspectStore} from "../../adapters/slashing-store/inspect.js";
import {SCHEMA_VERSION} from "../../adapters/slashing-store/lmdb-environment.js";
import type {PubkeyHex} from "../../core/bytes.js";
import type {Committee} from "../../core/committee/committee.js";
import {plural} from "../cli/plural.js";
import {type Finding, fail, ok, warn} from "./finding.js";

const CHECK = "record store";

/** Whether the keeper's store can be read, and has a share and a record for every key of this operator's committees. */
export async function keeperStore(
  path: string,
  {committees, bundles}: {committees: readonly Committee[]; bundles: readonly string[]},
): Promise<Finding[]> {
  const content = await inspectStore(path);
  const wanted = committees.flatMap(({validators}) => validators.map(({groupPublicKey}) => groupPublicKey));
  if (content === null) {
    if (wanted.length === 0 || bundles.length > 0) return [ok(CHECK, "none yet; the first start makes it")];
    return [fail(CHECK, "none, and no share bundle is named", "Name this operator's bundle in operator.bundles.")];
  }
  const {schema, records, shares} = content;
  const findings: Finding[] = [];
  if (schema !== null && schema > SCHEMA_VERSION) {
    const action = "Run the version of Pleiades that wrote it, or a newer one.";
    return [fail(CHECK, `schema ${schema}, this version knows ${SCHEMA_VERSION}`, action)];
  }
  findings.push(
    ok(CHECK, `schema ${schema ?? "none"}, ${plural(shares.size, "share")}, ${plural(records.size, "record")}`),
  );
  findings.push(
    ...missing(
      "share",
      wanted.filter((key) => !shares.has(key)),
      bundles,
    ),
  );
  const lost = wanted.filter((key) => shares.has(key) && !records.has(key));
  if (lost.length > 0) {
    const action =
      "Without a record nothing is signed. Empty the data folder and add the bundle again: it starts at the floor.";
    findings.push(fail(CHECK, `${plural(lost.length, "share")} without a record, as ${lost[0]}`, action));
  }
  const disabled = wanted.filter((key) => records.get(key)?.disabled === true);
  if (disabled.length > 0) {
    const action = "Exported keys never sign here again. Take their committee file out once they sign elsewhere.";
    findings.push(warn(CHECK, `${plural(disabled.length, "key")} disabled by an export, as ${disabled[0]}`, action));
  }
  return findings;
}

function missing(what: string, keys: readonly PubkeyHex[], bundles: readonly string[]): Finding[] {
  if (keys.length === 0) return [];
  const detail = `no ${what} for ${plural(keys.length, "key")}, as ${keys[0]}`;
  return bundles.length > 0
    ? [warn(CHECK, detail, "The bundles named in operator.bundles are added at the next start.")]
    : [fail(CHECK, detail, "Name this operator's bundle for that committee in operator.bundles.")];
}
