/** A worker thread that opens keystores: their key derivation takes a second of CPU each and would block everything else. */
import {parentPort} from "node:worker_threads";
import {Keystore} from "@chainsafe/bls-keystore";
import type {DecryptJob, DecryptResult} from "./decrypt.js";

parentPort?.on("message", async (job: DecryptJob) => {
  parentPort?.postMessage(await open(job));
});

async function open({index, text, password}: DecryptJob): Promise<DecryptResult> {
  let keystore: Keystore;
  try {
    keystore = Keystore.parse(text);
  } catch {
    return {index, kind: "invalid", reason: "not an EIP-2335 keystore"};
  }
  try {
    const secret = await keystore.decrypt(password);
    return {index, kind: "opened", secret: new Uint8Array(secret), pubkey: keystore.pubkey};
  } catch (error) {
    // The library tells a wrong password only by this text.
    if (error instanceof Error && error.message === "Invalid password") return {index, kind: "password"};
    return {index, kind: "invalid", reason: error instanceof Error ? error.message.slice(0, 120) : "cannot be opened"};
  }
}
