import {randomBytes} from "node:crypto";
import {parse as parseYaml} from "yaml";
import {type AddressHex, parseAddressHex, rootHex} from "../../core/bytes.js";
import type {Committee} from "../../core/committee/committee.js";
import {parseCommitteeFile} from "../../core/committee/committee-file.js";
import {isStandardQuorum, thresholdOf} from "../../core/committee/quorum.js";
import {committeeFileOf} from "../../core/dkg/committee.js";
import type {Definition, EscrowHolder, WithdrawalTarget} from "../../core/dkg/definition.js";
import {depositChecker} from "../../core/dkg/deposits.js";
import type {DkgGroup} from "../../core/dkg/group.js";
import {verifyNodeSignature} from "../../core/dkg/node-signature.js";
import {verifyOutput} from "../../core/dkg/output.js";
import {parseOutputFile} from "../../core/dkg/output-file.js";
import {parsePermit} from "../../core/duty/policy-config.js";
import {PleiadesError} from "../../core/errors.js";
import {checkHandoverEpoch, firstHandoverEpoch} from "../../core/handover/bounds.js";
import type {Clock} from "../../ports/clock.js";
import type {Command, CommandArguments, CommandIo, CommandOption} from "../contract.js";
import {chainOf, deadlineOf, ESCROW_OPTIONS, escrowOf, withdrawalOf, writeDefinition} from "./create.js";
import {readTextFile} from "./files.js";
import {parseMembers} from "./members-file.js";

interface Modules {
  readonly clock: Pick<Clock, "now">;
  readonly group: DkgGroup;
}

const COMMON: {readonly [name: string]: CommandOption} = {
  committee: {
    type: "string",
    required: true,
    describe: "the keys' ceremony.json; or their committee.json, then with withdrawal target and fee recipient",
  },
  "withdrawal-address": {type: "string", describe: "with committee.json: execution address of withdrawals (0x01)"},
  "withdrawal-dkg-key": {
    type: "string",
    describe: "with committee.json: withdrawals to the validator's own key (0x00), changeable to this address",
  },
  "fee-recipient": {type: "string", describe: "with committee.json: execution address of fees and tips"},
  ...ESCROW_OPTIONS,
  "handover-epoch": {
    type: "number",
    describe: "last epoch that is signed with the old shares (default: the one after the deadline)",
  },
  permits: {
    type: "string",
    describe: "YAML file with a list as in policy.permits: one-off messages that the new shares may sign besides",
  },
  require: {
    type: "string",
    default: "all",
    describe: "operators that must finish: all, or a number from the threshold on",
  },
  hours: {type: "number", default: 1, describe: "until the ceremony ends unfinished"},
  out: {type: "string", default: "definition.json", describe: "file to write"},
};

/** `refresh`: the definition of a ceremony that gives the same operators new shares of the same keys. */
export const refreshCommand = ({clock, group}: Modules): Command => ({
  name: "refresh",
  describe: "write the definition of a ceremony that gives a committee's operators new shares of the same keys",
  options: COMMON,
  async run(args, io) {
    const {committee, terms, previous} = await previousOf(args, io, {clock, group});
    const {operators, threshold, coordinators} = committee;
    const n = operators.length;
    const definition: Definition = {
      ...terms,
      kind: "refresh",
      threshold,
      unsafeThreshold: !isStandardQuorum({n, t: threshold}),
      operators,
      require: args.require === "all" ? n : Number(args.require),
      coordinators,
      previous,
    };
    return writeDefinition(definition, args, io);
  },
});

/** `reshare`: the same for other operators. */
export const reshareCommand = ({clock, group}: Modules): Command => ({
  name: "reshare",
  describe: "write the definition of a ceremony that gives a committee's keys to other operators",
  options: {
    ...COMMON,
    operators: {
      type: "string",
      required: true,
      describe: "operators file (YAML) of all who hold shares afterwards, who stays included",
    },
    threshold: {type: "number", describe: "of the new operators, how many sign together (default 2f+1 of 3f+1)"},
    "unsafe-threshold": {
      type: "boolean",
      default: false,
      describe: "consent to another size or threshold than 2f+1 of 3f+1",
    },
  },
  async run(args, io) {
    const {committee, terms, previous} = await previousOf(args, io, {clock, group});
    const {operators, coordinators} = parseMembers(await readTextFile(String(args.operators)));
    const n = operators.length;
    const threshold = args.threshold === undefined ? thresholdOf(n) : Number(args.threshold);
    const definition: Definition = {
      ...terms,
      kind: "reshare",
      threshold,
      unsafeThreshold: args["unsafe-threshold"] === true && !isStandardQuorum({n, t: threshold}),
      operators,
      require: args.require === "all" ? n : Number(args.require),
      // The signers stay the same unless the file names others.
      coordinators: coordinators.length > 0 ? coordinators : committee.coordinators,
      previous,
    };
    return writeDefinition(definition, args, io);
  },
});

type Terms = Pick<
  Definition,
  | "version"
  | "nonce"
  | "validators"
  | "network"
  | "withdrawal"
  | "feeRecipient"
  | "escrow"
  | "depositAmounts"
  | "deadline"
  | "permits"
>;

/** What lives on. @throws DKG_RENEW_TERMS · DKG_CHAIN_UNKNOWN and the codes of the file */
async function previousOf(
  args: CommandArguments,
  io: CommandIo,
  {clock, group}: Modules,
): Promise<{committee: Committee; terms: Terms; previous: NonNullable<Definition["previous"]>}> {
  io.progress("reading the committee's keys");
  const {committee, made} = readCommittee(await readTextFile(String(args.committee)), group);
  const {chain, network} = await chainOf(io);
  const root = committee.genesisValidatorsRoot;
  if (root !== null && root !== network.genesisValidatorsRoot) {
    throw new PleiadesError({code: "CONFIG_WRONG_CHAIN", committee: root, network: network.genesisValidatorsRoot});
  }
  const deadline = deadlineOf(args, clock);
  const now = chain.epochAt(Math.floor(clock.now() / 1000));
  const atDeadline = chain.epochAt(deadline);
  if (now === null || atDeadline === null) throw new PleiadesError({code: "DKG_CHAIN_UNKNOWN", network: chain.name});
  const epochs = {now, deadline: atDeadline};
  const given = args["handover-epoch"];
  if (given !== undefined && !Number.isSafeInteger(given)) {
    throw new PleiadesError({code: "DKG_HANDOVER_EPOCH", reason: "no whole number"});
  }
  const handoverEpoch = given === undefined ? firstHandoverEpoch(epochs) : BigInt(Number(given));
  checkHandoverEpoch(handoverEpoch, epochs);
  const {generation, threshold, operators, validators} = committee;
  return {
    committee,
    terms: {
      version: 1,
      nonce: rootHex(randomBytes(32)),
      validators: validators.length,
      network,
      ...termsOf(args, made),
      ...(args.permits === undefined ? {} : {permits: parsePermits(await readTextFile(String(args.permits)))}),
      depositAmounts: [],
      deadline,
    },
    previous: {
      generation,
      threshold,
      operators,
      validators: validators.map(({groupPublicKey, sharePublicKeys}) => ({groupPublicKey, sharePublicKeys})),
      handoverEpoch,
    },
  };
}

/** Of the ceremony that made the keys, or as the flags say: of a split nobody knows. */
function termsOf(
  args: CommandArguments,
  made: Definition | null,
): {withdrawal: WithdrawalTarget; feeRecipient: AddressHex; escrow: EscrowHolder | null} {
  const escrow = escrowOf(args);
  if (made !== null) {
    const {withdrawal, feeRecipient} = made;
    const given = ["withdrawal-address", "withdrawal-dkg-key"].some((name) => args[name] !== undefined);
    if (given) throw new PleiadesError({code: "DKG_RENEW_TERMS", reason: "the ceremony names the withdrawal target"});
    // The holder that the keys were made with goes on: operators would begin no ceremony for another one.
    if (escrow !== null && made.escrow != null) {
      throw new PleiadesError({code: "DKG_RENEW_TERMS", reason: "the ceremony names the escrow holder"});
    }
    const fees = args["fee-recipient"];
    return {
      withdrawal,
      feeRecipient: fees === undefined ? feeRecipient : parseAddressHex(fees, "--fee-recipient"),
      escrow: made.escrow ?? escrow,
    };
  }
  if (args["fee-recipient"] === undefined) {
    throw new PleiadesError({code: "DKG_RENEW_TERMS", reason: "a committee file does not name the fee recipient"});
  }
  const feeRecipient = parseAddressHex(args["fee-recipient"], "--fee-recipient");
  return {withdrawal: withdrawalOf(args), feeRecipient, escrow};
}

/** @throws DKG_RENEW_TERMS · POLICY_CONFIG · CODEC_* */
function parsePermits(text: string): NonNullable<Definition["permits"]> {
  let raw: unknown;
  try {
    raw = parseYaml(text, {maxAliasCount: 0, logLevel: "error"});
  } catch {
    throw new PleiadesError({code: "DKG_RENEW_TERMS", reason: "the permits are neither YAML nor JSON"});
  }
  if (!Array.isArray(raw)) throw new PleiadesError({code: "DKG_RENEW_TERMS", reason: "the permits are not a list"});
  return raw.map((one, i) => parsePermit(one, `permits[${i}]`));
}

function readCommittee(text: string, group: DkgGroup): {committee: Committee; made: Definition | null} {
  if (!isCeremonyFile(text)) return {committee: parseCommitteeFile(text, group), made: null};
  const {signed, ceremony, output} = parseOutputFile(text, verifyNodeSignature);
  const {definition} = signed;
  verifyOutput(group, ceremony, output, depositChecker(group, definition));
  return {committee: parseCommitteeFile(committeeFileOf(group, definition, output.keys), group), made: definition};
}

function isCeremonyFile(text: string): boolean {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null && "definition" in json;
  } catch {
    return false;
  }
}
