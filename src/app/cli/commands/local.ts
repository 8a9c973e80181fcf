import type {Argv} from "yargs";
import {systemClock} from "../../../adapters/clock/system.js";
import {type AddressHex, type PubkeyHex, parseAddressHex} from "../../../core/bytes.js";
import {type Network, parseNetwork} from "../../../core/duty/network.js";
import {PleiadesError} from "../../../core/errors.js";
import {publicKeyOf} from "../../bls.js";
import {readText} from "../../files.js";
import {runUntilStopped} from "../../lifecycle.js";
import {type InteropRange, interopSecrets, parseInteropRange} from "../../local/interop.js";
import {LocalCommittee} from "../../local/local-committee.js";
import {noNetwork} from "../../local/no-network.js";
import type {LocalPlan, PlannedCeremony} from "../../local/plan.js";
import {type CeremonyKeys, ceremonyKeys, type LocalKeys, prepareLocal} from "../../local/prepare.js";
import {processLogger} from "../../logging.js";
import {namedNetwork, networkFromSpec, parseSpecText} from "../../networks.js";
import {decryptKeystores} from "../../split/decrypt.js";
import {findKeystores, passwordsFrom} from "../../split/keystore-files.js";
import {recordsFromInterchange} from "../../split/records.js";
import type {BundleRecords} from "../../split/split-keys.js";
import {validatorKeys} from "../../split/validator-keys.js";
import type {CommandContext} from "../context.js";
import {type Io, toJsonLine} from "../io.js";
import {jsonOption, type NetworkArgs, rootFlag, text, usage, whole} from "../options.js";
import {plural} from "../plural.js";
import {tolerancesLine} from "../tolerances.js";

interface LocalArgs extends NetworkArgs {
  readonly operators?: number | undefined;
  readonly threshold?: number | undefined;
  readonly unsafeThreshold: boolean;
  readonly signers?: number | undefined;
  readonly interop?: string | undefined;
  readonly keystores?: string | undefined;
  readonly passwords?: string | undefined;
  readonly slashingProtection?: string | undefined;
  readonly neverSigned: boolean;
  readonly dkg: boolean;
  readonly validators?: number | undefined;
  readonly withdrawalAddress?: string | undefined;
  readonly preset?: "mainnet" | "minimal" | undefined;
  readonly secondsPerSlot?: number | undefined;
  readonly feeRecipient?: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly json: boolean;
}

const COMMITTEE = "Committee:";
const KEYS = "Keys (--interop, --keystores or --dkg, for a new folder):";
const CHAIN = "The chain (all optional; what is left out is not checked, and said):";

export const localCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command(
    "local",
    "Run a whole committee on this machine, for tests: operators and signer as separate processes",
    (command) =>
      jsonOption(
        localOptions(command),
        "print one line of JSON when ready: url, signers and operators with pids, group public keys",
      )
        .example(
          "$0 local --interop 0..7 --preset minimal --port 0 --data-dir D --json",
          "a committee of four for eight interop keys",
        )
        .example("$0 local --operators 7 --keystores keys --passwords pw.txt --network hoodi", "your own keys on hoodi")
        .example(
          "$0 local --dkg --withdrawal-address 0x… --fee-recipient 0x… --network hoodi",
          "a key that nobody ever holds, made by the four operators",
        )
        .epilogue("Runs until SIGTERM or Ctrl-C, and takes every process it started with it, however it ends."),
    async (args) => {
      context.exitCode = await local(args as unknown as LocalArgs, context.io);
    },
  );

const localOptions = (cli: Argv): Argv =>
  cli
    .option("operators", whole("4, 7, 10 or 13 (default 4)", COMMITTEE))
    .option("threshold", whole("needs --unsafe-threshold", COMMITTEE))
    .option("unsafe-threshold", {
      type: "boolean",
      default: false,
      describe: "allow another threshold",
      group: COMMITTEE,
    })
    .option(
      "signers",
      whole("signers by rank: 1 to 4 (default 1); the second's port is the one after the first's", COMMITTEE),
    )
    .option("interop", text("interop keys, first..last, both included: 0..7 is eight keys", KEYS))
    .option("keystores", text("folder of EIP-2335 keystores", KEYS))
    .option("passwords", text("with --keystores: one file for all, or a folder with <keystore>.txt", KEYS))
    .option("slashing-protection", text("with --keystores: EIP-3076 file with their history", KEYS))
    .option("never-signed", {
      type: "boolean",
      default: false,
      describe: "with --keystores: these keys have never signed anything",
      group: KEYS,
    })
    .option("dkg", {
      type: "boolean",
      default: false,
      describe: "the operators make the keys in a ceremony, with the commands of docs/dkg.md; nobody ever holds one",
      group: KEYS,
    })
    .option("validators", whole("with --dkg: how many keys, 1 to 1000 (default 1)", KEYS))
    .option("withdrawal-address", text("with --dkg: execution address that withdrawals go to", KEYS))
    .option("preset", {
      choices: ["mainnet", "minimal"] as const,
      describe: "consensus preset (default mainnet)",
      group: CHAIN,
    })
    .option("network", text("a chain known by name: mainnet, hoodi, sepolia, …", CHAIN))
    .option("spec", text("file with the chain's specification: fork versions and schedule", CHAIN))
    .option("genesis-time", whole("genesis in unix seconds", CHAIN))
    .option("seconds-per-slot", whole("with --genesis-time, unless --spec says it", CHAIN))
    .option("genesis-validators-root", text("0x and 64 hex digits", CHAIN))
    .option(
      "fee-recipient",
      text("sign builder registrations with this fee recipient only; with --dkg that of the keys", CHAIN),
    )
    .option("host", {...text("address of the remote signer API", "Options:"), default: "127.0.0.1"})
    .option("port", {...whole("port of the remote signer API; 0 picks one", "Options:"), default: "9000"})
    .option("data-dir", {
      ...text("folder that keeps keys, shares and records between starts", "Options:"),
      default: ".pleiades/local",
    });

async function local(args: LocalArgs, io: Io): Promise<number> {
  const logger = processLogger({level: "warn", format: "text"});
  const network = await networkOfLocal(args);
  const feeRecipient = addressFlag("--fee-recipient", args.feeRecipient);
  return runUntilStopped(
    async () => {
      const plan = await prepareLocal({
        dataDir: args.dataDir,
        operators: args.operators,
        threshold: args.threshold,
        unsafeThreshold: args.unsafeThreshold,
        signers: signersFlag(args.signers),
        network,
        keys: keysOf(args, network, io),
        feeRecipient,
      });
      io.err(`${plan.reused ? "reusing" : "prepared"} ${plan.dataDir}`);
      io.err(tolerancesLine({n: plan.n, t: plan.threshold}));
      for (const note of plan.notes) io.err(`note: ${note}`);
      io.err(
        `starting ${plan.n} operators and ${signersInWords(plan.signers.length)} for ${plural(plan.ceremony?.validators ?? plan.groupPublicKeys.length, "key")}`,
      );
      const committee = await LocalCommittee.start(
        plan,
        {logger, clock: systemClock},
        {
          host: args.host,
          port: args.port,
          onCeremony: (up) => {
            for (const {id, pid} of up) {
              const {configFile} = plan.operators.find((one) => one.id === id)!;
              io.err(`operator ${id}: process ${pid}; by hand: pleiades operator --config ${configFile}`);
            }
            io.err("the operators make the keys; kill one and start it again, and it goes on where it was");
          },
          onProgress: (line) => io.progress(line),
        },
      );
      const operators = committee.operators().map(({id, pid}) => ({id, pid}));
      const {url, groupPublicKeys} = committee;
      const signers = committee.signers();
      const ceremony = plan.ceremony === null ? undefined : ceremonyFiles(plan, plan.ceremony);
      if (args.json) io.out(toJsonLine({ready: true, url, signers, operators, groupPublicKeys, ceremony}));
      else {
        io.out(`ready: ${signers.map((signer) => signer.url).join(" ")}`);
        for (const {id, pid} of operators)
          io.out(`operator ${id}: ${pid === null ? "no process of this program" : `process ${pid}`}`);
        if (ceremony !== undefined) {
          io.out(`ceremony: ${ceremony.file}`);
          io.out(`verify it offline: ${ceremony.verify}`);
        }
      }
      return {failed: committee.failed, stop: () => committee.stop()};
    },
    {logger, watchParent: true},
  );
}

/** Where a finished ceremony's files are, and the command that checks them. */
function ceremonyFiles({committeeFile}: LocalPlan, {ceremonyFile, depositsFile}: PlannedCeremony) {
  return {
    file: ceremonyFile,
    committee: committeeFile,
    deposits: depositsFile,
    verify: `pleiades dkg verify --file ${ceremonyFile} --committee ${committeeFile} --deposits ${depositsFile}`,
  };
}

/** undefined when no option speaks of the chain: then a folder that is there decides. */
async function networkOfLocal(args: LocalArgs): Promise<Network | undefined> {
  const {network: name, spec, preset, genesisTime, genesisValidatorsRoot} = args;
  if (name !== undefined) {
    if ([spec, preset, genesisTime, args.secondsPerSlot, genesisValidatorsRoot].some((value) => value !== undefined)) {
      throw usage("--network knows preset, schedule and genesis by itself");
    }
    return namedNetwork(name);
  }
  const root = genesisValidatorsRoot === undefined ? null : rootFlag(genesisValidatorsRoot);
  if (spec !== undefined) {
    const found = networkFromSpec(parseSpecText(await readText(spec)), {
      genesisTime: genesisTime ?? null,
      genesisValidatorsRoot: root,
    });
    if (preset !== undefined && preset !== found.preset.name) {
      throw usage(`--preset ${preset} contradicts --spec, which says ${found.preset.name}`);
    }
    const {clock} = found;
    return clock === null || args.secondsPerSlot === undefined
      ? found
      : {...found, clock: {...clock, secondsPerSlot: args.secondsPerSlot}};
  }
  if ((genesisTime === undefined) !== (args.secondsPerSlot === undefined)) {
    throw usage("--genesis-time and --seconds-per-slot belong together");
  }
  if (preset === undefined && genesisTime === undefined && root === null) return undefined;
  const clock = genesisTime === undefined ? null : {genesisTime, secondsPerSlot: args.secondsPerSlot};
  return parseNetwork({
    name: "local",
    preset: noNetwork(preset ?? "mainnet").preset.name,
    forks: null,
    genesisValidatorsRoot: root,
    clock,
  });
}

function keysOf(args: LocalArgs, network: Network | undefined, io: Io): LocalKeys | CeremonyKeys | undefined {
  if (args.dkg) return ceremonyOf(args, network);
  if ((args.validators ?? args.withdrawalAddress) !== undefined) {
    throw usage("--validators and --withdrawal-address belong to --dkg");
  }
  const {interop, keystores, passwords, slashingProtection, neverSigned} = args;
  if (interop !== undefined && keystores !== undefined) throw usage("--interop and --keystores exclude each other");
  if (keystores === undefined && (passwords ?? slashingProtection) !== undefined) {
    throw usage("--passwords and --slashing-protection belong to --keystores");
  }
  if (interop !== undefined) return interopKeys(parseInteropRange(interop));
  if (keystores === undefined) return undefined;
  if (passwords === undefined) throw usage("--keystores needs --passwords");
  if (slashingProtection !== undefined && neverSigned) {
    throw usage("--slashing-protection and --never-signed exclude each other");
  }
  return {
    label: "keystores",
    load: async () => {
      const records = historyOf(args, network, io);
      const files = await findKeystores([keystores]);
      const keys = await decryptKeystores(files, {
        passwordOf: await passwordsFrom(passwords),
        publicKeyOf,
        progress: (done, all) => io.progress(`opened ${done} of ${plural(all, "keystore")}`),
      });
      return {keys, records: await records(keys.map((key) => key.publicKey))};
    },
  };
}

/** @throws CLI_USAGE */
function ceremonyOf(args: LocalArgs, network: Network | undefined): CeremonyKeys {
  const {interop, keystores, validators = 1} = args;
  if ((interop ?? keystores) !== undefined) throw usage("--dkg makes keys; --interop and --keystores bring some");
  const withdrawalAddress = addressFlag("--withdrawal-address", args.withdrawalAddress);
  const feeRecipient = addressFlag("--fee-recipient", args.feeRecipient);
  if (withdrawalAddress === undefined || feeRecipient === undefined) {
    throw usage("--dkg needs --withdrawal-address and --fee-recipient: the operators consent to both");
  }
  if (validators < 1 || validators > MAX_CEREMONY)
    throw usage(`--validators is not a number from 1 to ${MAX_CEREMONY}`);
  if (network === undefined || network.genesisValidatorsRoot === null || network.forks === null) {
    throw usage("--dkg needs the chain: --network, or --spec with --genesis-validators-root");
  }
  return ceremonyKeys({validators, withdrawalAddress, feeRecipient});
}

const interopKeys = (range: InteropRange): LocalKeys => ({
  label: `interop ${range.first}..${range.last}`,
  // Known to everybody and only good for test chains: the one case besides fresh keys that starts with nothing recorded.
  load: async () => ({keys: validatorKeys(interopSecrets(range)), records: "never-signed"}),
});

/**
 * How the records of keystores begin. A floor needs the chain's clock, and so does telling whether records are current.
 * @throws CLI_LOCAL_NO_CLOCK · CLI_USAGE
 */
function historyOf(
  {slashingProtection, neverSigned}: LocalArgs,
  network: Network | undefined,
  io: Io,
): (keys: readonly PubkeyHex[]) => Promise<BundleRecords> {
  if (neverSigned) return async () => "never-signed";
  if (network === undefined || network.clock === null) throw new PleiadesError({code: "CLI_LOCAL_NO_CLOCK"});
  if (slashingProtection === undefined) return async () => "floor";
  if (network.genesisValidatorsRoot === null) {
    throw usage("--slashing-protection needs the chain it belongs to: --network or --genesis-validators-root");
  }
  return async (keys) => {
    const {records, missing} = await recordsFromInterchange(slashingProtection, {
      network,
      keys,
      nowMs: systemClock.now(),
    });
    for (const key of missing)
      io.err(`note: ${slashingProtection} says nothing about ${key}, which starts at the floor`);
    return records;
  };
}

/** What a definition may have. */
const MAX_CEREMONY = 1_000;

/** More stand-ins than that would be one machine pretending to be many. */
const MAX_SIGNERS = 4;

function signersFlag(raw: number | undefined): number | undefined {
  if (raw === undefined || (raw >= 1 && raw <= MAX_SIGNERS)) return raw;
  throw usage(`--signers is not a number from 1 to ${MAX_SIGNERS}`);
}

const signersInWords = (count: number): string => (count === 1 ? "the signer" : `${count} signers`);

function addressFlag(name: string, raw: string | undefined): AddressHex | undefined {
  if (raw === undefined) return undefined;
  try {
    return parseAddressHex(raw);
  } catch {
    throw usage(`${name} is not 0x and 40 hex digits`);
  }
}
