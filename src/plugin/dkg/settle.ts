import {join} from "node:path";
import type {RootHex} from "../../core/bytes.js";
import type {Ceremony} from "../../core/dkg/ceremony.js";
import type {SignedDefinition} from "../../core/dkg/definition.js";
import {codeOf} from "../../core/errors.js";
import type {CeremonyVault} from "../../ports/ceremony-vault.js";
import type {Logger} from "../../ports/logger.js";
import {FILE_NAMES} from "./ceremony-files.js";
import type {Ending} from "./ending.js";
import {makeFolder, replaceFile} from "./files.js";
import type {DkgAside} from "./jobs.js";

export const folderOf = (dataDir: string, id: RootHex): string => join(dataDir, "ceremonies", id);

export interface SettlerModules {
  readonly vault: CeremonyVault;
  readonly aside: DkgAside;
  readonly logger: Logger;
  readonly committeesChanged: () => Promise<readonly string[]>;
}

/** Puts keys to use, or throws secrets away. Every step may find itself done already. */
export class Settler {
  readonly #modules: SettlerModules;
  readonly #dataDir: string;

  /** @param options.dataDir of the plugin */
  constructor(modules: SettlerModules, {dataDir}: {dataDir: string}) {
    this.#modules = modules;
    this.#dataDir = dataDir;
  }

  /** @param of.self this operator's number @throws DKG_FILE_WRITE and what the vault throws: it is to be tried again */
  async settle(
    {ceremony, signed, self}: {ceremony: Ceremony; signed: SignedDefinition; self: number},
    ending: Ending,
  ): Promise<void> {
    const {id} = ceremony;
    const {output} = ending;
    if (output === null) return this.#forget(id);
    const files = await this.#modules.aside.run("files", {signed, output});
    const folder = folderOf(this.#dataDir, id);
    await makeFolder(folder);
    for (const kind of ["ceremony", "committee", "deposits"] as const) {
      const text = files[kind];
      if (text !== null) await replaceFile(join(folder, FILE_NAMES[kind]), text);
    }
    // An operator of the old committee alone gets no share; what is left for it to do is to retire.
    if (self > ceremony.plan.recipients) return;
    // An operator whose share was not proved to the others has none that is of use.
    if (output.missing.includes(self)) return this.#forget(id);
    await this.#modules.vault.activate(id, files.committee);
    const errors = await this.#modules.committeesChanged();
    for (const error of errors) this.#modules.logger.warn("a committee file could not be used", {error});
  }

  async #forget(id: RootHex): Promise<void> {
    try {
      await this.#modules.vault.abort(id);
    } catch (error) {
      // It never came so far, or it was forgotten before a crash.
      if (codeOf(error) !== "KEEPER_CEREMONY_UNKNOWN") throw error;
    }
  }
}
