import {availableParallelism} from "node:os";
import {Worker} from "node:worker_threads";
import {type PubkeyHex, parsePubkeyHex, pubkeyHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {KeystoreFile, PasswordOf} from "./keystore-files.js";

export interface DecryptJob {
  readonly index: number;
  readonly text: string;
  readonly password: string;
}
export type DecryptResult =
  | {readonly index: number; readonly kind: "opened"; readonly secret: Uint8Array; readonly pubkey: string}
  | {readonly index: number; readonly kind: "password"}
  | {readonly index: number; readonly kind: "invalid"; readonly reason: string};

/** A full validator key in memory. Fill `secret` with zeros when done. */
export interface ValidatorKey {
  readonly publicKey: PubkeyHex;
  /** 32 bytes, big-endian. */
  readonly secret: Uint8Array;
}

/** One scrypt of the deposit tool holds 256 MB. */
const MAX_WORKERS = 4;

/**
 * Opens keystores on worker threads, and checks that each secret belongs to the public key its file names and that no
 * key comes twice. Keys are in the order of the files. `progress` is told after each.
 * @throws SPLIT_KEYSTORE_INVALID · SPLIT_KEYSTORE_PASSWORD · SPLIT_KEYSTORE_MISMATCH · SPLIT_KEYSTORE_DUPLICATE · SPLIT_PASSWORD_MISSING
 */
export async function decryptKeystores(
  files: readonly KeystoreFile[],
  {
    passwordOf,
    publicKeyOf,
    progress,
  }: {
    passwordOf: PasswordOf;
    /** Compressed public key of a secret. */
    publicKeyOf: (secret: Uint8Array) => Uint8Array;
    progress: (done: number, all: number) => void;
  },
): Promise<ValidatorKey[]> {
  refuseTruncated(files);
  const jobs = await Promise.all(
    files.map(async ({file, text}, index) => ({index, text, password: await passwordOf(file)})),
  );
  const results = await runJobs(jobs, (done) => progress(done, jobs.length));
  const keys: ValidatorKey[] = [];
  try {
    const seen = new Map<PubkeyHex, string>();
    for (const [index, {file}] of files.entries()) {
      const result = results[index];
      if (result === undefined) throw new Error("a keystore has no result");
      const key = checked(file, result, publicKeyOf);
      keys.push(key);
      const other = seen.get(key.publicKey);
      if (other !== undefined) {
        throw new PleiadesError({code: "SPLIT_KEYSTORE_DUPLICATE", key: key.publicKey, files: [other, file]});
      }
      seen.set(key.publicKey, file);
    }
    return keys;
  } catch (error) {
    for (const result of results) if (result?.kind === "opened") result.secret.fill(0);
    throw error;
  }
}

/** Cheap checks before a second of CPU is spent on each file. */
function refuseTruncated(files: readonly KeystoreFile[]): void {
  for (const {file, text} of files) {
    try {
      JSON.parse(text);
    } catch (error) {
      // The parser's message may quote the text.
      throw new PleiadesError({code: "SPLIT_KEYSTORE_INVALID", file, reason: "not JSON, or cut short"}, {cause: error});
    }
  }
}

function checked(file: string, result: DecryptResult, publicKeyOf: (secret: Uint8Array) => Uint8Array): ValidatorKey {
  if (result.kind === "password") throw new PleiadesError({code: "SPLIT_KEYSTORE_PASSWORD", file});
  if (result.kind === "invalid") {
    throw new PleiadesError({code: "SPLIT_KEYSTORE_INVALID", file, reason: result.reason});
  }
  let actual: PubkeyHex;
  let named: PubkeyHex;
  try {
    named = parsePubkeyHex(result.pubkey);
    actual = pubkeyHex(publicKeyOf(result.secret));
  } catch (error) {
    throw new PleiadesError({code: "SPLIT_KEYSTORE_INVALID", file, reason: "not a BLS key"}, {cause: error});
  }
  if (named !== actual) throw new PleiadesError({code: "SPLIT_KEYSTORE_MISMATCH", file, named, actual});
  return {publicKey: actual, secret: result.secret};
}

async function runJobs(jobs: readonly DecryptJob[], onDone: (done: number) => void): Promise<DecryptResult[]> {
  const results: DecryptResult[] = new Array(jobs.length);
  const queue = [...jobs];
  const size = Math.min(jobs.length, MAX_WORKERS, availableParallelism());
  let done = 0;
  await Promise.all(
    Array.from({length: size}, async () => {
      const worker = new Worker(new URL("./decrypt-worker.js", import.meta.url));
      try {
        for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
          const result = await ask(worker, job);
          results[result.index] = result;
          onDone(++done);
        }
      } finally {
        await worker.terminate();
      }
    }),
  );
  return results;
}

function ask(worker: Worker, job: DecryptJob): Promise<DecryptResult> {
  return new Promise((resolve) => {
    const settle = (result: DecryptResult): void => {
      worker.off("message", settle).off("error", onError).off("exit", onExit);
      resolve(result);
    };
    // A derivation that asks for more memory than there is takes its thread down; the file is to blame.
    const onError = (): void => settle({index: job.index, kind: "invalid", reason: "its key derivation failed"});
    const onExit = onError;
    worker.on("message", settle).on("error", onError).on("exit", onExit);
    worker.postMessage(job);
  });
}
