import {createHash} from "node:crypto";
import {availableParallelism} from "node:os";
import type {PubkeyHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import {type KeystoreKdf, shareKeystore, shareKeystoreName} from "../../keeper/share-keystore.js";
import {committeeName, requireNewFiles, writeShareKeystores} from "./keystore-files.js";
import {byHash, chosenKeys, withShareStore} from "./store.js";

export interface BackupOptions {
  readonly config: string;
  readonly out: string;
  readonly keys: readonly string[] | undefined;
  readonly kdf: KeystoreKdf;
  readonly storePassword: () => Promise<string> | string;
  readonly newPassword: () => Promise<string>;
  readonly progress: (done: number, all: number) => void;
}

export interface BackupReport {
  readonly keys: readonly PubkeyHex[];
  readonly files: readonly string[];
  readonly committeeFiles: readonly string[];
  /** Held, but no committee file at hand says what their shares are. */
  readonly skipped: readonly PubkeyHex[];
}

/** scrypt takes 256 MB for each. */
const MAX_AT_ONCE = 4;

/**
 * Writes the shares of a store as keystores, with the committee files they belong to. Nothing is written before every
 * share is encrypted. @throws SHARE_NOTHING_HELD · SHARE_COMMITTEE · CONFIG_EXISTS, and the codes of opening the store
 */
export function backUpShares(options: BackupOptions): Promise<BackupReport> {
  const {config, out, kdf, storePassword: password} = options;
  return withShareStore({config, password, create: false}, async ({shares, committees}) => {
    const chosen = chosenKeys(options.keys);
    const held = shares.all().filter(({groupPublicKey}) => chosen?.has(groupPublicKey) ?? true);
    const absent = [...(chosen ?? [])].find((key) => !held.some(({groupPublicKey}) => groupPublicKey === key));
    if (held.length === 0 || absent !== undefined) throw new PleiadesError({code: "SHARE_NOTHING_HELD", key: absent});
    const places = byHash(committees);
    const known = held.flatMap((share) => {
      const place = places.get(share.committeeHash);
      return place === undefined ? [] : [{...share, generation: place.at.committee.generation, text: place.at.text}];
    });
    const skipped = held.filter(({committeeHash}) => !places.has(committeeHash)).map((one) => one.groupPublicKey);
    if (known.length === 0 || (chosen !== null && skipped.length > 0)) {
      throw new PleiadesError({code: "SHARE_COMMITTEE", key: skipped[0]});
    }
    const texts = [...new Set(known.map(({text}) => text))];
    const committeeFiles = texts.map((text) => ({name: committeeName(digest(text)), text}));
    // Before the minutes that encrypting may take.
    await requireNewFiles(out, [
      ...known.map((share) => shareKeystoreName(share)),
      ...committeeFiles.map((f) => f.name),
    ]);
    const secret = await options.newPassword();
    const keystores: {name: string; text: string}[] = new Array(known.length);
    let next = 0;
    let done = 0;
    const worker = async (): Promise<void> => {
      for (let i = next++; i < known.length; i = next++) {
        const share = known[i]!;
        keystores[i] = {name: shareKeystoreName(share), text: await shareKeystore(share, secret, kdf)};
        options.progress(++done, known.length);
      }
    };
    const workers = Math.min(MAX_AT_ONCE, availableParallelism(), known.length);
    await Promise.all(Array.from({length: workers}, worker));
    const written = await writeShareKeystores(out, [...committeeFiles, ...keystores]);
    return {
      keys: known.map(({groupPublicKey}) => groupPublicKey),
      files: written.slice(committeeFiles.length),
      committeeFiles: written.slice(0, committeeFiles.length),
      skipped,
    };
  });
}

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
