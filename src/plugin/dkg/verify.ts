import {committeeFileOf} from "../../core/dkg/committee.js";
import {combineDeposits, depositChecker} from "../../core/dkg/deposits.js";
import type {DkgGroup} from "../../core/dkg/group.js";
import {verifyNodeSignature} from "../../core/dkg/node-signature.js";
import {verifyOutput} from "../../core/dkg/output.js";
import {parseOutputFile} from "../../core/dkg/output-file.js";
import {PleiadesError} from "../../core/errors.js";
import {parseDepositFile} from "../../core/mini-pool/deposit-file.js";
import type {Command} from "../contract.js";
import {readTextFile} from "./files.js";
import {definitionLines, guiltyLines} from "./show.js";

/** `dkg verify`: everything that can be known of a ceremony from its public file, without a network and without trust. */
export const verifyCommand = (group: DkgGroup): Command => ({
  name: "dkg verify",
  describe: "check what a key ceremony left, offline and from its public file alone",
  options: {
    file: {type: "string", required: true, describe: "the ceremony's public output, ceremony.json"},
    committee: {type: "string", describe: "also: whether this committee file is the one that follows from it"},
    deposits: {type: "string", describe: "also: whether this deposit data is what its operators signed"},
  },
  async run(args, io) {
    io.progress("checking signatures, keys and proofs");
    const {signed, ceremony, output} = parseOutputFile(await readTextFile(String(args.file)), verifyNodeSignature);
    const {definition} = signed;
    const transcript = verifyOutput(group, ceremony, output, depositChecker(group, definition));
    const {guilty, qualified, keys, results} = output;
    const deposits = combineDeposits(group, definition, {keys, results});
    if (args.committee !== undefined) {
      const file = String(args.committee);
      const expected = checksumOf(committeeFileOf(group, definition, keys));
      if (checksumOf(await readTextFile(file)) !== expected) {
        throw new PleiadesError({code: "DKG_FILE_OTHER", file, what: "committee file"});
      }
    }
    if (args.deposits !== undefined) {
      const file = String(args.deposits);
      const {name, genesisForkVersion} = definition.network;
      const given = parseDepositFile(await readTextFile(file), {network: {name, genesisForkVersion}, bls: group});
      if (given.map(textOf).join() !== deposits.map(textOf).join()) {
        throw new PleiadesError({code: "DKG_FILE_OTHER", file, what: "deposit data"});
      }
    }
    const signers = new Set(results.map(({author}) => author));
    const missing = definition.operators.flatMap(({id}) => (signers.has(id) ? [] : [id]));
    if (io.json) {
      const validators = keys.map(({groupPublicKey}) => groupPublicKey);
      const report = {valid: true, id: ceremony.id, transcript, validators, guilty, missing, deposits: deposits.length};
      io.print(JSON.stringify(report));
      return 0;
    }
    for (const line of definitionLines(definition)) io.print(line);
    io.print(`transcript     ${transcript}`);
    io.print(`dealers        ${qualified.map(({dealer}) => dealer).join(", ")}`);
    for (const line of guiltyLines(guilty)) io.print(line);
    if (missing.length > 0) io.print(`without proof  operators ${missing.join(", ")}`);
    for (const {groupPublicKey} of keys.slice(0, SHOWN)) io.print(`validator      ${groupPublicKey}`);
    if (keys.length > SHOWN) io.print(`               and ${keys.length - SHOWN} more`);
    if (deposits.length > 0) io.print(`deposits       ${deposits.length}, each with a valid signature`);
    io.print("");
    const of = definition.operators.length;
    io.print(`Valid: ${results.length} of ${of} operators signed this and proved that they hold their shares.`);
    return 0;
  },
});

/** A thousand keys are for programs. */
const SHOWN = 10;

const textOf = (deposit: object): string =>
  JSON.stringify(deposit, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));

/** Addresses may have been edited; the checksum covers all else. */
function checksumOf(committeeFile: string): unknown {
  try {
    return (JSON.parse(committeeFile) as {checksum?: unknown}).checksum ?? null;
  } catch {
    return null;
  }
}
