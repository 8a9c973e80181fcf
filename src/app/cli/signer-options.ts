import type {Argv} from "yargs";
import {systemClock} from "../../adapters/clock/system.js";
import {withoutCredentials} from "../config/beacon-node.js";
import {resolveNetwork} from "../config/network.js";
import type {SignerConfig} from "../config/schema.js";
import type {ExitChain} from "../exit/exit.js";
import type {SignExit} from "../exit/signers.js";
import {refuseOtherChain} from "../validator/chain.js";
import {loadFor} from "./commands/services.js";
import {text, usage} from "./options.js";
import {readPasswordFile} from "./password.js";

/** How a command that is not a service reaches a committee, and the chain it is about. */
export interface SignerArgs {
  readonly beaconNode: string;
  readonly signer?: string | undefined;
  readonly signerTokenFile?: string | undefined;
  readonly config?: string | undefined;
}

const GROUP = "Options:";

/** Adds them; read as {@link SignerArgs}. */
export const signerOptions = <T>(cli: Argv<T>) =>
  cli
    .option("beacon-node", {...text("URL of a beacon node of the validator's chain", GROUP), demandOption: true})
    .option("signer", text("URL of a running signer; or give --config", GROUP))
    .option("signer-token-file", text("with --signer: file (or credential:name) with its access token", GROUP))
    .option("config", text("a signer's configuration file: its committee is asked without the signer", GROUP));

/** @throws CLI_USAGE */
export function checkSignerArgs(args: SignerArgs): void {
  if ((args.signer === undefined) === (args.config === undefined)) throw usage("give one of --signer and --config");
  if (args.signerTokenFile !== undefined && args.signer === undefined)
    throw usage("--signer-token-file belongs to --signer");
}

export async function signerOf(
  args: SignerArgs,
  {network}: ExitChain,
): Promise<{sign: SignExit; close: () => Promise<void>}> {
  const {signerAt, committeeOf} = await import("../exit/signers.js");
  if (args.signer !== undefined) {
    const token = args.signerTokenFile === undefined ? null : readPasswordFile(args.signerTokenFile);
    return {sign: signerAt(args.signer, {network, token}), close: async () => {}};
  }
  const loaded = await loadFor("signer", args.config ?? "");
  const pinned = await resolveNetwork(loaded.config.network);
  refuseOtherChain(network, pinned, withoutCredentials(args.beaconNode));
  return committeeOf(loaded, {signer: loaded.config.signer as SignerConfig, network, clock: systemClock});
}
