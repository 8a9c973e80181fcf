import {randomBytes} from "node:crypto";
import {type Gwei, parseAddressHex, parseGwei, parseRootHex, rootHex} from "../../core/bytes.js";
import {isStandardQuorum, thresholdOf} from "../../core/committee/quorum.js";
import {
  ceremonyId,
  type Definition,
  type EscrowHolder,
  formatDefinition,
  type WithdrawalTarget,
} from "../../core/dkg/definition.js";
import {PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {Command, CommandArguments, CommandIo, CommandOption, PublicChain} from "../contract.js";
import {checkDeadline} from "./deadline.js";
import {readTextFile, writeNewFile} from "./files.js";
import {parseMembers} from "./members-file.js";
import {definitionLines} from "./show.js";

const HOUR_S = 3600;

export const ESCROW_OPTIONS: {readonly [name: string]: CommandOption} = {
  escrow: {
    type: "string",
    describe: "public key (pleiades escrow init) of who may be given the validators' exits, sealed",
  },
  "escrow-name": {type: "string", describe: "with --escrow: who that is, for people"},
};

/** `dkg create`: a definition, which every operator then reads and consents to. Needs no operator running. */
export const createCommand = (clock: Pick<Clock, "now">): Command => ({
  name: "dkg create",
  describe: "write the definition of a key ceremony for operators to read and join",
  options: {
    operators: {type: "string", required: true, describe: "operators file (YAML): id, peerId and addresses of each"},
    validators: {type: "number", default: 1, describe: "how many validators' keys to make, 1 to 1000"},
    threshold: {type: "number", describe: "operators that sign together (default 2f+1 of 3f+1)"},
    "unsafe-threshold": {
      type: "boolean",
      default: false,
      describe: "consent to another size or threshold than 2f+1 of 3f+1",
    },
    "withdrawal-address": {type: "string", describe: "execution address all withdrawals go to (0x01)"},
    "withdrawal-dkg-key": {
      type: "string",
      describe:
        "instead: withdrawals to the validator's own key (0x00), which the committee may change to this address",
    },
    "fee-recipient": {type: "string", required: true, describe: "execution address of fees and tips"},
    ...ESCROW_OPTIONS,
    amounts: {type: "string", default: "32", describe: "deposits for each validator in ETH, as in 32 or 1,31"},
    require: {
      type: "string",
      default: "all",
      describe: "operators that must finish: all, or a number from the threshold on",
    },
    hours: {type: "number", default: 24, describe: "until the ceremony ends unfinished"},
    out: {type: "string", default: "definition.json", describe: "file to write"},
  },
  async run(args, io) {
    const {network} = await chainOf(io);
    const {operators, coordinators} = parseMembers(await readTextFile(String(args.operators)));
    const n = operators.length;
    const unsafe = args["unsafe-threshold"] === true;
    const threshold = args.threshold === undefined ? thresholdOf(n) : Number(args.threshold);
    const definition: Definition = {
      version: 1,
      kind: "fresh",
      nonce: rootHex(randomBytes(32)),
      threshold,
      unsafeThreshold: unsafe && !isStandardQuorum({n, t: threshold}),
      operators,
      validators: Number(args.validators),
      network,
      withdrawal: withdrawalOf(args),
      feeRecipient: parseAddressHex(args["fee-recipient"], "--fee-recipient"),
      escrow: escrowOf(args),
      depositAmounts: String(args.amounts).split(",").map(gweiOf),
      require: args.require === "all" ? n : Number(args.require),
      deadline: deadlineOf(args, clock),
      coordinators,
      previous: null,
    };
    return writeDefinition(definition, args, io);
  },
});

/** The configured chain, as definitions name it. @throws DKG_CHAIN_UNKNOWN */
export async function chainOf(io: CommandIo): Promise<{chain: PublicChain; network: Definition["network"]}> {
  const chain = await io.chain();
  const {name, genesisValidatorsRoot, genesisForkVersion} = chain;
  if (genesisValidatorsRoot === null || genesisForkVersion === null) {
    throw new PleiadesError({code: "DKG_CHAIN_UNKNOWN", network: name});
  }
  return {chain, network: {name, genesisValidatorsRoot, genesisForkVersion}};
}

/** Unix seconds. @throws DKG_DEADLINE_PASSED · DKG_DEADLINE_FAR */
export function deadlineOf(args: CommandArguments, clock: Pick<Clock, "now">): number {
  const deadline = Math.floor(clock.now() / 1000) + Math.round(Number(args.hours) * HOUR_S);
  checkDeadline({deadline}, clock.now());
  return deadline;
}

/** Checks it, writes it to --out and says what it says. @throws DKG_DEFINITION_* · DKG_FILE_WRITE */
export async function writeDefinition(definition: Definition, args: CommandArguments, io: CommandIo): Promise<number> {
  await writeNewFile(String(args.out), formatDefinition({definition, signatures: new Map()}));
  if (io.json) {
    io.print(JSON.stringify({id: ceremonyId(definition), file: args.out}));
    return 0;
  }
  for (const line of definitionLines(definition)) io.print(line);
  io.print("");
  const who = definition.kind === "reshare" ? "every old and new operator" : "every operator";
  io.print(`Wrote ${args.out}. Send it to ${who}; each runs: pleiades dkg run --definition ${args.out}`);
  return 0;
}

/** Null: nobody. @throws DKG_ESCROW · CODEC_HEX */
export function escrowOf({escrow, "escrow-name": name}: CommandArguments): EscrowHolder | null {
  if ((escrow === undefined) !== (name === undefined)) throw new PleiadesError({code: "DKG_ESCROW"});
  return escrow === undefined ? null : {publicKey: parseRootHex(escrow, "--escrow"), name: String(name)};
}

export function withdrawalOf(args: CommandArguments): WithdrawalTarget {
  const [address, changeTo] = [args["withdrawal-address"], args["withdrawal-dkg-key"]];
  if ((address === undefined) === (changeTo === undefined)) throw new PleiadesError({code: "DKG_WITHDRAWAL"});
  return address !== undefined
    ? {kind: "address", address: parseAddressHex(address, "--withdrawal-address")}
    : {kind: "dkg-key", changeTo: parseAddressHex(changeTo, "--withdrawal-dkg-key")};
}

/** @throws CODEC_UINT64 for what is no amount of ether with at most nine decimals */
export function gweiOf(text: string): Gwei {
  const match = /^(\d{1,9})(?:\.(\d{1,9}))?$/.exec(text.trim());
  const gwei = match === null ? text : `${match[1]}${(match[2] ?? "").padEnd(9, "0")}`.replace(/^0+(?=\d)/, "");
  return parseGwei(gwei, "--amounts");
}
