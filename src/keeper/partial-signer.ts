import {Worker} from "node:worker_threads";
import blst from "@chainsafe/blst";
import {type PubkeyHex, pubkeyHex} from "../core/bytes.js";
import {PleiadesError} from "../core/errors.js";
import {scaleShare} from "../core/threshold/polynomial.js";
import {Secret} from "./secret.js";

/** 192 bytes: partials travel uncompressed, which spares the coordinator a square root each. */
const UNCOMPRESSED = false;

/** A share ready to sign with: scaled once, when it is loaded. */
export interface LoadedShare {
  readonly key: blst.SecretKey;
  readonly scaled: Secret;
}

export function loadShare(secret: Uint8Array, quorum: {n: number; t: number}): LoadedShare {
  const scaled = scaleShare(secret, quorum);
  return {key: blst.SecretKey.fromBytes(scaled), scaled: new Secret(scaled)};
}

/** The compressed public key of an unscaled share. */
export const publicKeyOf = (secret: Uint8Array): PubkeyHex =>
  pubkeyHex(blst.SecretKey.fromBytes(secret).toPublicKey().toBytes(true));

export const signPartial = (key: blst.SecretKey, signingRoot: Uint8Array): Uint8Array =>
  key.sign(signingRoot).toBytes(UNCOMPRESSED);

interface Pending {
  readonly resolve: (partial: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Signs on worker threads, one signature at a time each. A round trip costs a fifth to a third of a signature, so it
 * pays only when several wait.
 */
export class SigningPool {
  readonly #workers: {worker: Worker; pending: Pending | null}[];

  constructor(threads: number) {
    this.#workers = Array.from({length: threads}, () => {
      const slot: {worker: Worker; pending: Pending | null} = {
        worker: new Worker(new URL("./signing-worker.js", import.meta.url)),
        pending: null,
      };
      slot.worker.on("message", (partial: Uint8Array) => {
        slot.pending?.resolve(partial);
        slot.pending = null;
      });
      slot.worker.on("error", (error) => {
        slot.pending?.reject(error);
        slot.pending = null;
      });
      slot.worker.unref();
      return slot;
    });
  }

  /** At most one more than there are free threads may be asked at a time. */
  sign(share: LoadedShare, signingRoot: Uint8Array): Promise<Uint8Array> {
    const slot = this.#workers.find(({pending}) => pending === null);
    if (slot === undefined) throw new PleiadesError({code: "KEEPER_OVERLOADED", what: "signing threads"});
    return new Promise((resolve, reject) => {
      slot.pending = {resolve, reject};
      slot.worker.postMessage({secret: share.scaled.reveal(), signingRoot});
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map(({worker}) => worker.terminate()));
  }
}
