import {committeeFileOf, verifyCeremonyFile} from "../../core/dkg/ceremony-file.js";
import type {DkgGroup} from "../../core/dkg/group.js";
import {verifyNodeSignature} from "../../core/dkg/node-signature.js";
import {PleiadesError} from "../../core/errors.js";
import {parseDepositFile} from "../../core/mini-pool/deposit-file.js";
import type {Command} from "../contract.js";
import {readTextFile} from "./files.js";
import {definitionLines} from "./show.js";

/** `dkg verify`: everything that can be known of a ceremony from its public file, without a network and without trust. */
export const verifyCommand = (group: DkgGroup): Command => ({
  name: "dkg verify",
  describe: "check what a key ceremony left, offline and from its public file alone",
  options: {
    file: {type: "string", required: true, describe: "the ceremony file, ceremony.json"},
    committee: {type: "string", describe: "also: whether this committee file is the one that follows from it"},
    deposits: {type: "string", describe: "also: whether this deposit data is what its operators signed"},
  },
  async run(args, io) {
    io.progress("checking signatures and keys");
    const record = verifyCeremonyFile(await readTextFile(String(args.file)), {group, verify: verifyNodeSignature});
    const {definition} = record.signed;
    if (args.committee !== undefined) {
      const [given, own] = [await readTextFile(String(args.committee)), committeeFileOf(group, record)];
      if (checksumOf(given) !== checksumOf(own)) {
        throw new PleiadesError({code: "DKG_FILE_OTHER", file: String(args.committee), what: "committee file"});
      }
    }
    if (args.deposits !== undefined) {
      const {name, genesisForkVersion} = definition.network;
      const text = await readTextFile(String(args.deposits));
      const given = parseDepositFile(text, {network: {name, genesisForkVersion}, bls: group});
      if (JSON.stringify(given.map(textOf)) !== JSON.stringify(record.deposits.map(textOf))) {
        throw new PleiadesError({code: "DKG_FILE_OTHER", file: String(args.deposits), what: "deposit data"});
      }
    }
    const {guilty, qualified, keys} = record.outcomes;
    const {ceremony, transcript, missing, deposits} = record;
    if (io.json) {
      const validators = keys.map(({groupPublicKey}) => groupPublicKey);
      io.print(
        JSON.stringify({valid: true, id: ceremony.id, transcript, validators, guilty, missing, deposits: deposits.length}),
      );
      return 0;
    }
    for (const line of definitionLines(definition)) io.print(line);
    io.print(`transcript     ${transcript}`);
    io.print(`dealers        ${qualified.map(({dealer}) => dealer).join(", ")}`);
    for (const {participant, offence} of guilty) io.print(`guilty         participant ${participant}: ${offence}`);
    if (missing.length > 0) io.print(`without proof  operators ${missing.join(", ")}`);
    for (const {groupPublicKey} of keys.slice(0, SHOWN)) io.print(`validator      ${groupPublicKey}`);
    if (keys.length > SHOWN) io.print(`               and ${keys.length - SHOWN} more`);
    io.print(`deposits       ${deposits.length}, each with a valid signature`);
    io.print("");
    io.print(`Valid: ${record.results.length} of ${definition.operators.length} operators signed this and proved that they hold their shares.`);
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
