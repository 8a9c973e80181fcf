import {setHasher} from "@chainsafe/persistent-merkle-tree";
import {hasher} from "@chainsafe/persistent-merkle-tree/hasher/as-sha256";

/**
 * Makes SSZ hashing in this process use the WebAssembly sha256, which halves the time of a signing root (see
 * docs/operations); the library's default is plain JavaScript. Called once by each process entry, before it signs or
 * serves anything; the roots are the same either way, so nothing depends on it.
 */
export function installFastHasher(): void {
  setHasher(hasher);
}
