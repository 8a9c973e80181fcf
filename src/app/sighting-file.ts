import {mkdir, readFile, rename} from "node:fs/promises";
import {join} from "node:path";
import type {BookEntry} from "../committee/sighting-book.js";
import type {CoordinatorSightings} from "../committee/sightings.js";
import {parsePeerIdText} from "../core/bytes.js";
import {isJsonObject} from "../core/duty/strict-object.js";
import {codeOf, PleiadesError} from "../core/errors.js";
import {formatSighting, parseSighting} from "../core/slashing/sighting.js";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import {errnoOf} from "./config/load.js";
import {replaceFile} from "./files.js";

/**
 * A crash of the signer loses at most this much. It matters only if an operator is rolled back to before the same moment,
 * and the other coordinators and operators do not remember either.
 */
const WRITE_INTERVAL_MS = 5_000;
/** 13 tellers with 4 lives of each of 100 operators are 2 MB. */
const MAX_FILE_BYTES = 2 ** 23;
const FORMAT = "pleiades-sightings";
const VERSION = 1;

interface SightingFileModules {
  readonly sightings: CoordinatorSightings;
  readonly clock: Pick<Clock, "after">;
  readonly logger: Logger;
}

/**
 * What a signer remembers of its operators, in `sightings.json` of its dataDir, replaced as a whole. A signer whose file
 * cannot be read or written still signs: it only remembers less, and says so.
 */
export class SightingFile {
  readonly #file: string;
  readonly #modules: SightingFileModules;
  #written: number;
  #warned = false;
  #cancel: () => void = () => {};
  #writing: Promise<void> = Promise.resolve();

  static async open(modules: SightingFileModules, {dataDir}: {dataDir: string}): Promise<SightingFile> {
    const file = join(dataDir, "sightings.json");
    try {
      await mkdir(dataDir, {recursive: true, mode: 0o700});
      modules.sightings.restore(parse(await readFile(file)));
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") await putAside(file, error, modules.logger);
    }
    return new SightingFile(file, modules);
  }

  private constructor(file: string, modules: SightingFileModules) {
    this.#file = file;
    this.#modules = modules;
    this.#written = modules.sightings.written;
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#cancel();
    await this.#writing;
    await this.#write();
  }

  #schedule(): void {
    this.#cancel = this.#modules.clock.after(WRITE_INTERVAL_MS, () => {
      this.#writing = this.#write().then(() => this.#schedule());
    });
  }

  async #write(): Promise<void> {
    const {sightings, logger} = this.#modules;
    const {written} = sightings;
    if (written === this.#written) return;
    const entries = sightings.entries().map(({subject, teller, sighting}) => ({
      of: subject,
      from: teller,
      sighting: formatSighting(sighting),
    }));
    try {
      const json = {format: FORMAT, version: VERSION, sightings: entries};
      await replaceFile(this.#file, `${JSON.stringify(json, null, 1)}\n`, 0o600);
      this.#written = written;
      this.#warned = false;
    } catch (error) {
      // Once per episode: it is tried again every few seconds.
      if (!this.#warned) logger.warn("cannot keep what is known of the operators", describe(this.#file, error));
      this.#warned = true;
    }
  }
}

function parse(bytes: Buffer): BookEntry[] {
  if (bytes.length > MAX_FILE_BYTES) throw new Error("larger than 8 MiB");
  const json: unknown = JSON.parse(bytes.toString("utf8"));
  if (!isJsonObject(json) || json.format !== FORMAT || json.version !== VERSION || !Array.isArray(json.sightings)) {
    throw new Error("not a file of sightings of this version");
  }
  return json.sightings.map((raw: unknown) => {
    if (!isJsonObject(raw)) throw new Error("not a sighting");
    return {
      subject: parsePeerIdText(raw.of),
      teller: parsePeerIdText(raw.from),
      sighting: parseSighting(raw.sighting),
    };
  });
}

/** Kept for whoever wants to look, and out of the way of the next one. */
async function putAside(file: string, cause: unknown, logger: Logger): Promise<void> {
  logger.warn("cannot read what was known of the operators; starting without", describe(file, cause));
  await rename(file, `${file}.damaged`).catch(() => {});
}

const describe = (file: string, error: unknown): {[key: string]: unknown} => {
  const reason = error instanceof PleiadesError ? `${codeOf(error)}: ${error.message}` : String(error).slice(0, 200);
  return {code: "SIGNER_MEMORY_FILE", file, reason};
};
