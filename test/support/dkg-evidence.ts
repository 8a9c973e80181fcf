import {existsSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {blstDkgGroup} from "../../src/adapters/bls/blst.js";
import {LmdbCeremonyJournal} from "../../src/adapters/ceremony-journal/lmdb.js";
import {systemClock} from "../../src/adapters/clock/system.js";
import {LmdbEnvironment} from "../../src/adapters/slashing-store/lmdb-environment.js";
import {namedNetwork} from "../../src/app/networks.js";
import type {RootHex} from "../../src/core/bytes.js";
import {ceremonyOf} from "../../src/core/dkg/ceremony.js";
import {parseDefinition} from "../../src/core/dkg/definition.js";
import {depositChecker} from "../../src/core/dkg/deposits.js";
import type {AnyItem} from "../../src/core/dkg/items.js";
import {placeOf} from "../../src/core/dkg/items.js";
import {decodeItem} from "../../src/core/dkg/items-codec.js";
import {verifyNodeSignature} from "../../src/core/dkg/node-signature.js";
import {verifyOutput} from "../../src/core/dkg/output.js";
import {parseOutputFile} from "../../src/core/dkg/output-file.js";
import {currentEpoch, forkVersionAt} from "../../src/core/duty/network.js";
import {StoredCeremonies} from "../../src/keeper/dkg/table.js";
import {ShareStore} from "../../src/keeper/share-store.js";
import {storePath} from "../../src/keeper/start.js";
import {TenureBook} from "../../src/keeper/tenure-book.js";
import {WithdrawalGuard} from "../../src/keeper/withdrawal-guard.js";

const SECRETS = ["state/", "definition/", "kept/", "summed/"];
const PASSWORD = "correct horse";

/** What an operator that does not run has on its disk: its keeper's names of a ceremony's values, and its journal's items. */
export interface Evidence {
  /** Names of values that the keeper keeps secret of ceremonies: seeds, dealt shares, sums. */
  readonly secrets: readonly string[];
  /** Names of ceremonies that have ended in it. */
  readonly ended: readonly string[];
  /** Shares that the keeper would sign with. */
  readonly shares: readonly string[];
  /** By ceremony, as far as it began. */
  readonly items: ReadonlyMap<RootHex, readonly AnyItem[]>;
}

/** @param dataDir of an operator whose keeper has ended */
export async function readEvidence(dataDir: string): Promise<Evidence> {
  const environment = await LmdbEnvironment.open(storePath(dataDir));
  try {
    const shares = await ShareStore.open({environment}, PASSWORD);
    const withdrawals = new WithdrawalGuard({environment, forgotten: () => false});
    const table = new StoredCeremonies({
      environment,
      shares,
      withdrawals,
      tenures: new TenureBook({environment}, {slotsPerEpoch: 32}),
    });
    const key = table.get("journal-key");
    const folder = join(dataDir, "plugins/dkg/journal");
    const items = new Map<RootHex, readonly AnyItem[]>();
    if (key !== null && existsSync(folder)) {
      const journal = await LmdbCeremonyJournal.open(folder, key);
      try {
        for (const {id, definition} of journal.ceremonies()) {
          const texts = journal.items(id);
          if (texts.length === 0) continue;
          const ceremony = ceremonyOf(parseDefinition(definition, verifyNodeSignature), verifyNodeSignature);
          items.set(
            id,
            texts.map((text) => decodeItem(ceremony, text)),
          );
        }
      } finally {
        await journal.close();
      }
    }
    return {
      secrets: SECRETS.flatMap((prefix) => [...table.names(prefix)]),
      ended: table.names("ended/"),
      shares: [...environment.shares.getKeys()].map(String),
      items,
    };
  } finally {
    await environment.close();
  }
}

/** Places at which somebody signed two different things, over all journals. */
export function doubleStatements(journals: readonly (readonly AnyItem[])[]): string[] {
  const said = new Map<string, Set<RootHex>>();
  for (const item of journals.flat()) {
    const hashes = said.get(placeOf(item)) ?? new Set();
    said.set(placeOf(item), hashes.add(item.hash));
  }
  return [...said].flatMap(([place, hashes]) => (hashes.size > 1 ? [`${place} was said twice`] : []));
}

export interface Left {
  readonly transcript: RootHex;
  readonly keys: readonly string[];
  readonly guilty: number;
  readonly missing: readonly number[];
  /** Contents of the files by name. */
  readonly files: ReadonlyMap<string, string>;
}

/** What a finished ceremony left on one operator, verified as `dkg verify` does. @throws what that throws */
export function readOutput(dataDir: string, id: RootHex): Left {
  const folder = join(dataDir, "plugins/dkg/ceremonies", id);
  const names = ["ceremony.json", "committee.json", "deposit-data.json"];
  const files = new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
  const {signed, ceremony, output} = parseOutputFile(files.get("ceremony.json")!, verifyNodeSignature);
  const {definition} = signed;
  const transcript = verifyOutput(blstDkgGroup, ceremony, output, depositChecker(blstDkgGroup, definition));
  const signers = new Set(output.results.map(({author}) => author));
  return {
    transcript,
    keys: output.keys.map(({groupPublicKey}) => groupPublicKey),
    guilty: output.guilty.length,
    missing: definition.operators.flatMap(({id}) => (signers.has(id) ? [] : [id])),
    files,
  };
}

/** The body of a request that any key of this committee may sign at any time. */
export async function randaoRequest(committeeFile: string): Promise<string> {
  const {genesis_validators_root} = JSON.parse(readFileSync(committeeFile, "utf8")) as Record<string, string>;
  const network = await namedNetwork("hoodi");
  const epoch = currentEpoch(network, systemClock.now())!;
  const version = forkVersionAt(network.forks!, epoch);
  return JSON.stringify({
    type: "RANDAO_REVEAL",
    randao_reveal: {epoch: String(epoch)},
    fork_info: {
      fork: {previous_version: version, current_version: version, epoch: String(epoch)},
      genesis_validators_root,
    },
  });
}
