import type {RootHex} from "../core/bytes.js";
import type {Committee} from "../core/committee/committee.js";
import type {Network} from "../core/duty/network.js";
import type {KnownCeremonies} from "./ceremony-file.js";
import {type CommitteeOrigins, loadCommittees} from "./committee-files.js";

/** Takes what was read over, or throws to keep what was there. Returns the committees that concern this node. */
export type Accept = (committees: readonly Committee[]) => readonly Committee[];

/**
 * The committees of a node, as last read. The array stays the same while nothing was read anew, so that readers may
 * index it once.
 */
export class CommitteeBook {
  #origins: CommitteeOrigins;
  readonly #network: Network;
  readonly #accept: Accept;
  #committees: readonly Committee[] = [];
  readonly #ceremonies: KnownCeremonies = new Map();

  constructor({origins, network, accept}: {origins: CommitteeOrigins; network: Network; accept: Accept}) {
    this.#origins = origins;
    this.#network = network;
    this.#accept = accept;
  }

  /** From the next reading on, these files instead. */
  readFrom(files: readonly string[]): void {
    this.#origins = {...this.#origins, files};
  }

  current(): readonly Committee[] {
    return this.#committees;
  }

  /** The first reading: anything wrong with any file stops the start, by its own code. */
  async open(): Promise<readonly Committee[]> {
    const {committees, errors} = await loadCommittees(this.#origins, this.#network, {ceremonies: this.#ceremonies});
    const [first] = errors;
    if (first !== undefined) throw first;
    this.#committees = this.#accept(committees);
    return this.#committees;
  }

  /**
   * Reads again. A file that cannot be used any more keeps nothing alive and stops nothing: the others are taken over, and
   * `errors` names it. When nothing at all can be used, what was there stays.
   */
  async reload(): Promise<{errors: readonly string[]}> {
    const verified = new Set<RootHex>(
      this.#committees.flatMap(({validators}) => validators.map((validator) => validator.committeeHash)),
    );
    const {committees, errors} = await loadCommittees(this.#origins, this.#network, {
      verified,
      ceremonies: this.#ceremonies,
    });
    const words = errors.map((error) => `${error.code}: ${error.message}`);
    if (committees.length === 0 && errors.length > 0) return {errors: words};
    try {
      this.#committees = this.#accept(committees);
    } catch (error) {
      words.push(error instanceof Error ? error.message : String(error));
    }
    return {errors: words};
  }
}
