/** A worker thread that verifies one ceremony: of a thousand validators that takes seconds, in which a signer has to sign. */
import {parentPort, workerData} from "node:worker_threads";
import {blstDkgGroup} from "../adapters/bls/blst.js";
import {committeeText} from "../core/dkg/committee.js";
import {verifyNodeSignature} from "../core/dkg/node-signature.js";
import {PleiadesError} from "../core/errors.js";
import type {CeremonyVerdict} from "./ceremony-file.js";

parentPort?.postMessage(verdict(String(workerData)));

function verdict(text: string): CeremonyVerdict {
  try {
    return {committee: committeeText(blstDkgGroup, verifyNodeSignature, text)};
  } catch (error) {
    const known = error instanceof PleiadesError ? error : new PleiadesError({code: "INTERNAL"}, {cause: error});
    return {code: known.code, data: known.data};
  }
}
