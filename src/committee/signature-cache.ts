import type {PubkeyHex, RootHex, SignatureHex} from "../core/bytes.js";

/**
 * Verified signatures by key and signing root, the least recently asked forgotten first. Lodestar repeats RANDAO reveals
 * and selection proofs; a repeat of something already released can do no harm.
 */
export class SignatureCache {
  readonly #max: number;
  readonly #signatures = new Map<string, SignatureHex>();

  constructor(max: number) {
    this.#max = max;
  }

  get(key: PubkeyHex, signingRoot: RootHex): SignatureHex | undefined {
    const id = key + signingRoot;
    const signature = this.#signatures.get(id);
    if (signature === undefined) return undefined;
    // A Map keeps the order of insertion: put it at the end again.
    this.#signatures.delete(id);
    this.#signatures.set(id, signature);
    return signature;
  }

  set(key: PubkeyHex, signingRoot: RootHex, signature: SignatureHex): void {
    this.#signatures.set(key + signingRoot, signature);
    if (this.#signatures.size <= this.#max) return;
    const oldest = this.#signatures.keys().next();
    if (!oldest.done) this.#signatures.delete(oldest.value);
  }
}
