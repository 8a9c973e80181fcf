import {randomBytes} from "node:crypto";
import {availableParallelism} from "node:os";
import {resolve} from "node:path";
import type {Argv} from "yargs";
import {systemClock} from "../../../adapters/clock/system.js";
import {parseOperatorId} from "../../../core/bytes.js";
import type {Network} from "../../../core/duty/network.js";
import {FRESH_BUNDLE_MS} from "../../../keeper/add-bundle.js";
import {publicKeyOf} from "../../bls.js";
import {chooseThreshold} from "../../split/choose-threshold.js";
import {decryptKeystores, type ValidatorKey} from "../../split/decrypt.js";
import {findKeystores, type PasswordOf, passwordsFrom} from "../../split/keystore-files.js";
import {
  checkMembers,
  type Members,
  parseCoordinators,
  parseOperatorFlag,
  readMembersFile,
} from "../../split/operators.js";
import {refuseExisting, writeSplit} from "../../split/output.js";
import {recordsFromInterchange} from "../../split/records.js";
import {type BundleRecords, splitKeys} from "../../split/split-keys.js";
import type {CommandContext} from "../context.js";
import {type Io, toJsonLine} from "../io.js";
import {jsonOption, type NetworkArgs, networkFrom, networkOptions, text, usage, whole} from "../options.js";
import {promptPassword, readPasswordFile} from "../password.js";
import {plural} from "../plural.js";
import {tolerancesLine} from "../tolerances.js";

interface SplitArgs extends NetworkArgs {
  readonly keystores: readonly string[];
  readonly passwords?: string | undefined;
  readonly operator?: readonly string[] | undefined;
  readonly operators?: string | undefined;
  readonly coordinator?: readonly string[] | undefined;
  readonly threshold?: number | undefined;
  readonly unsafeThreshold: boolean;
  readonly slashingProtection?: string | undefined;
  readonly floor: boolean;
  readonly neverSigned: boolean;
  readonly operatorPassword?: readonly string[] | undefined;
  readonly out: string;
  readonly json: boolean;
}

export const splitCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command(
    "split",
    "Split validator keystores into one encrypted share bundle per operator",
    (command) =>
      jsonOption(outputOptions(historyOptions(networkOptions(committeeOptions(keyOptions(command))))))
        .example(
          "$0 split --keystores keys --passwords pw.txt --network mainnet --operators operators.yaml --slashing-protection protection.json --out committee",
          "four machines of operators.yaml take over from a running client (stop it first)",
        )
        .example(
          "$0 split --keystores keys --network hoodi --never-signed --operator 1=12D3…@/ip4/10.0.0.1/tcp/9100 --operator 2=… --operator 3=… --operator 4=… --coordinator 12D3… --out committee",
          "fresh keys, everything on the command line",
        )
        .epilogue(
          "Everything is checked in memory before anything is written; the full keys are never written. Sharing out the files is up to you: a bundle is useless without its password, so send them by different ways.",
        ),
    async (args) => {
      await split(args as unknown as SplitArgs, context.io);
    },
  );

const keyOptions = (cli: Argv): Argv =>
  cli
    .option("keystores", {
      ...many("folder of EIP-2335 keystores, or a keystore; may be repeated", "Keys:"),
      demandOption: true,
    })
    .option(
      "passwords",
      text(
        "one file (or credential:name) with the password of all, or a folder with <keystore>.txt each, mode 0600; asked for if left out",
        "Keys:",
      ),
    );

const committeeOptions = (cli: Argv): Argv =>
  cli
    .option("operator", many("ID=PEERID@MULTIADDR[,MULTIADDR]; one per operator", "Committee:"))
    .option("operators", text("instead of --operator: YAML or JSON file with operators and coordinators", "Committee:"))
    .option("coordinator", many("peer id of a signer that may ask for signatures; may be repeated", "Committee:"))
    .option("threshold", whole("operators that make a signature; default 2f+1 of n = 3f+1", "Committee:"))
    .option("unsafe-threshold", flag("allow another threshold", "Committee:"));

const HISTORY = "History (one of three):";
const historyOptions = (cli: Argv): Argv =>
  cli
    .option("slashing-protection", text("EIP-3076 file of the client that has signed with these keys", HISTORY))
    .option("floor", flag("no file at hand: sign nothing before the end of the next epoch (the default)", HISTORY))
    .option("never-signed", flag("these keys have never signed anything: start with empty records", HISTORY));

const outputOptions = (cli: Argv): Argv =>
  cli
    .option("out", {...text("new folder for the committee file and the bundles", "Output:"), demandOption: true})
    .option(
      "operator-password",
      many("ID=FILE with the password of that operator's bundle; generated into a file if left out", "Output:"),
    );

const flag = (describe: string, group: string) => ({type: "boolean", default: false, describe, group}) as const;

const SOON = `within ${FRESH_BUNDLE_MS / 60_000} minutes; later it starts at a floor beyond the present`;

const many = (describe: string, group: string) =>
  ({type: "string", array: true, requiresArg: true, describe, group}) as const;

async function split(args: SplitArgs, io: Io): Promise<void> {
  const out = resolve(args.out);
  await refuseExisting(out);
  const members = await membersFrom(args);
  const {n, t} = chooseThreshold({n: members.operators.length, t: args.threshold, unsafe: args.unsafeThreshold});
  const network = await networkFrom(args);
  const {genesisValidatorsRoot} = network;
  if (genesisValidatorsRoot === null) throw usage("the chain's genesis_validators_root is not known");
  const given = await passwordsGiven(args.operatorPassword ?? [], n);
  io.err(tolerancesLine({n, t}));

  const keys = await openKeystores(args, io);
  try {
    const records = await historyFrom(args, {keys, network, io});
    io.err(`splitting ${plural(keys.length, "key")}, sealing and checking ${n} bundles`);
    const passwords = members.operators.map(({id}) => given.get(id) ?? generatePassword());
    const {committeeFile, bundles} = await splitKeys({
      keys,
      members,
      threshold: t,
      unsafeThreshold: args.unsafeThreshold,
      genesisValidatorsRoot,
      records,
      createdAt: systemClock.now(),
      passwords,
    });
    const groupPublicKeys = keys.map((key) => key.publicKey);
    const written = await writeSplit(out, {
      committeeFile,
      bundles: members.operators.map(({id}, i) => ({
        id,
        bundle: bundles[i] ?? "",
        password: given.has(id) ? null : (passwords[i] ?? ""),
      })),
    });
    if (args.json) {
      io.out(toJsonLine({out, ...written, operators: n, threshold: t, network: network.name, groupPublicKeys}));
      return;
    }
    io.out(`wrote ${written.committeeFile}`);
    for (const {id, bundle, passwordFile} of written.bundles) {
      io.out(`wrote ${bundle}${passwordFile === null ? "" : ` and its password ${passwordFile}`} for operator ${id}`);
    }
    io.err("");
    io.err(
      "Next: bring each operator the committee file and its own bundle, and the password by another way; bring the signer the committee file. Before you start them, stop every client that has these keystores, for good, and store the keystores offline: a key that signs in two places gets slashed.",
    );
  } finally {
    for (const key of keys) key.secret.fill(0);
  }
}

async function membersFrom(args: SplitArgs): Promise<Members> {
  if ((args.operator === undefined) === (args.operators === undefined)) {
    throw usage("name the operators either by --operator, once for each, or by --operators FILE");
  }
  const listed: Members =
    args.operators !== undefined
      ? await readMembersFile(args.operators)
      : {operators: (args.operator ?? []).map(parseOperatorFlag), coordinators: []};
  const coordinators = parseCoordinators([...listed.coordinators, ...(args.coordinator ?? [])]);
  return checkMembers({operators: listed.operators, coordinators});
}

async function passwordsGiven(flags: readonly string[], n: number): Promise<Map<number, string>> {
  const given = new Map<number, string>();
  for (const flag of flags) {
    const match = /^(\d+)=(.+)$/.exec(flag);
    const id = Number(match?.[1]);
    if (match === null || id < 1 || id > n) throw usage("--operator-password is ID=FILE with the id of an operator");
    if (given.has(id)) throw usage(`--operator-password names operator ${id} twice`);
    given.set(parseOperatorId(id), readPasswordFile(match[2] ?? ""));
  }
  return given;
}

async function openKeystores(args: SplitArgs, io: Io): Promise<ValidatorKey[]> {
  const files = await findKeystores(args.keystores);
  let passwordOf: PasswordOf;
  if (args.passwords !== undefined) {
    passwordOf = await passwordsFrom(args.passwords);
  } else {
    const password = await promptPassword(`password of ${plural(files.length, "keystore")}`);
    passwordOf = async () => password;
  }
  io.err(`opening ${plural(files.length, "keystore")} on ${Math.min(files.length, availableParallelism())} threads`);
  return decryptKeystores(files, {
    passwordOf,
    publicKeyOf,
    progress: (done, all) => io.progress(`opened ${done} of ${all}`),
  });
}

async function historyFrom(
  args: SplitArgs,
  {keys, network, io}: {keys: readonly ValidatorKey[]; network: Network; io: Io},
): Promise<BundleRecords> {
  const named = [args.slashingProtection !== undefined, args.floor, args.neverSigned].filter(Boolean).length;
  if (named > 1) throw usage("--slashing-protection, --floor and --never-signed exclude each other");
  if (args.slashingProtection !== undefined) {
    const {records, missing} = await recordsFromInterchange(args.slashingProtection, {
      network,
      keys: keys.map((key) => key.publicKey),
      nowMs: systemClock.now(),
    });
    io.err(`every operator starts with the records of ${args.slashingProtection}, if it adds its bundle ${SOON}`);
    for (const key of missing) io.err(`note: the file says nothing about ${key}, which starts at the floor`);
    return records;
  }
  if (args.neverSigned) {
    io.err(`records start empty, as these keys have never signed anything, if the bundle is added ${SOON}`);
    return "never-signed";
  }
  io.err(
    `records start at a floor${args.floor ? "" : " (no --slashing-protection was given)"}: an operator signs no attestation before the epoch after next, and no block before that`,
  );
  return "floor";
}

/** 192 bits, in characters that survive every way of copying. */
const generatePassword = (): string => randomBytes(24).toString("base64url");
