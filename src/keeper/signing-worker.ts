import {parentPort} from "node:worker_threads";
import blst from "@chainsafe/blst";
import {signPartial} from "./partial-signer.js";

parentPort?.on("message", ({secret, signingRoot}: {secret: Uint8Array; signingRoot: Uint8Array}) => {
  parentPort?.postMessage(signPartial(blst.SecretKey.fromBytes(secret), signingRoot));
});
