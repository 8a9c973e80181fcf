import {Worker} from "node:worker_threads";
import blst from "@chainsafe/blst";
import {type PubkeyHex, pubkeyHex} from "../core/bytes.js";
import {PleiadesError} from "../core/errors.js";
import {scaleShare} from "../core/threshold/polynomial.js";
import {Secret} from "./secret.js";

/** 192 bytes: partials travel uncompressed, which spares the coordinator a square root each. */
const UNCOMPRESSED = false;

/** What signing takes of blst's secret key. A simulation of whole committees has keys of a cheaper group. */
export interface SigningKey {
  sign(message: Uint8Array): {toBytes(compressed: boolean): Uint8Array};
}

/** A share ready to sign with: scaled once, when it is loaded. */
export interface LoadedShare {
  readonly key: SigningKey;
  readonly scaled: Secret;
}

export function loadShare(secret: Uint8Array, quorum: {n: number; t: number}): LoadedShare {
  const scaled = scaleShare(secret, quorum);
  return {key: blst.SecretKey.fromBytes(scaled), scaled: new Secret(scaled)};
}

/** The compressed public key of an unscaled share. */
export const publicKeyOf = (secret: Uint8Array): PubkeyHex =>
  pubkeyHex(blst.SecretKey.fromBytes(secret).toPublicKey().toBytes(true));

export const signPartial = (key: SigningKey, signingRoot: Uint8Array): Uint8Array =>
  key.sign(signingRoot).toBytes(UNCOMPRESSED);

interface Pending {
  readonly resolve: (partial: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}
interface Slot {
  readonly worker: Worker;
  pending: Pending | null;
}

/**
 * Signs on worker threads, one signature at a time each. A round trip costs a fifth to a third of a signature, so it
 * pays only when several wait.
 */
export class SigningPool {
  readonly #workers: Worker[] = [];
  /** Slots of threads that live; one that died signs nothing more and is not waited for. */
  #slots: readonly Slot[];

  constructor(threads: number) {
    this.#slots = Array.from({length: threads}, () => this.#open());
  }

  /** Null when no thread is free: sign it yourself. */
  sign(share: LoadedShare, signingRoot: Uint8Array): Promise<Uint8Array> | null {
    const slot = this.#slots.find(({pending}) => pending === null);
    if (slot === undefined) return null;
    return new Promise((resolve, reject) => {
      slot.pending = {resolve, reject};
      slot.worker.postMessage({secret: share.scaled.reveal(), signingRoot});
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #open(): Slot {
    const worker = new Worker(new URL("./signing-worker.js", import.meta.url));
    const slot: Slot = {worker, pending: null};
    const end = (error: unknown): void => {
      this.#slots = this.#slots.filter((one) => one !== slot);
      slot.pending?.reject(error);
      slot.pending = null;
    };
    worker.on("message", (partial: Uint8Array) => {
      const pending = slot.pending;
      slot.pending = null;
      pending?.resolve(partial);
    });
    worker.on("error", end);
    worker.on("exit", () => end(new PleiadesError({code: "KEEPER_NOT_SIGNING", what: "a signing thread ended"})));
    worker.unref();
    this.#workers.push(worker);
    return slot;
  }
}
