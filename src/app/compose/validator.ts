import {randomBytes} from "node:crypto";
import {setMaxListeners} from "node:events";
import {mkdir} from "node:fs/promises";
import {join} from "node:path";
import {PleiadesError} from "../../core/errors.js";
import type {Logger} from "../../ports/logger.js";
import type {LoadedConfig} from "../config/load.js";
import {resolveNetwork} from "../config/network.js";
import type {SignerConfig} from "../config/schema.js";
import {withResolvers} from "../lifecycle.js";
import {agreeWithBeaconNodes} from "../validator/chain.js";
import type {ClientModules, ClientSigner, ClientValidator, ProposerDefaults} from "../validator/client-api.js";
import {clientLogger} from "../validator/client-logger.js";
import {type RunningService, Stops} from "./base.js";
import {composeSigner} from "./signer.js";

export interface ValidatorOptions {
  readonly config: SignerConfig;
  readonly client: ClientModules;
  readonly beaconNodes: readonly string[];
  readonly proposers: ProposerDefaults;
  readonly doppelgangerProtection: boolean;
  readonly logger: Logger;
}

export interface RunningValidator extends RunningService {
  /** Of the plugins' routes; null when there are none. */
  readonly url: string | null;
  /** Resolves when the client asks to be stopped, with the reason. */
  readonly failed: Promise<PleiadesError>;
}

/** Bits enough that no neighbour on this machine finds the path by trying. */
const TOKEN_BYTES = 32;

/**
 * A signer and Lodestar's validator client in one process. The client asks the signer at a loopback port of this process,
 * below a path that nobody else knows: it can be given a URL, and nothing else. @see docs/adr/0016
 * @throws the codes of a signer · VALIDATOR_CLIENT_TOO_OLD · VALIDATOR_OTHER_CHAIN · VALIDATOR_DATABASE ·
 *   VALIDATOR_CLIENT_START · CONFIG_BEACON_NODE
 */
export async function composeValidator(loaded: LoadedConfig, options: ValidatorOptions): Promise<RunningValidator> {
  const {client, beaconNodes} = options;
  const spec = await agreeWithBeaconNodes(beaconNodes, await resolveNetwork(loaded.config.network));
  const pathToken = randomBytes(TOKEN_BYTES).toString("hex");
  const logger = options.logger.child({role: "validator", client: `lodestar/${client.version}`});
  const stops = new Stops();
  try {
    const database = await openDatabase(client, join(loaded.config.dataDir, "validator-db"));
    stops.push(() => database.stop());
    const signer = await composeSigner(loaded, {config: options.config, logger: options.logger, pathToken});
    stops.push(() => signer.stop());
    const keys = (): Set<string> =>
      new Set(signer.committees().flatMap(({validators}) => validators.map(({groupPublicKey}) => groupPublicKey)));
    const signerOf = (pubkey: string): ClientSigner => ({
      type: client.SignerType.Remote,
      url: `${signer.url}/${pathToken}`,
      pubkey,
    });
    const dbOps = {
      config: client.createIChainForkConfig(client.chainConfigFromJson(spec)),
      controller: database,
    };
    const abortController = new AbortController();
    setMaxListeners(0, abortController.signal); // each of its services listens, as in Lodestar's own command
    const {promise: failed, resolve: fail} = withResolvers<PleiadesError>();
    const valProposerConfig = {defaultConfig: options.proposers, proposerConfig: {}};
    const served = keys();
    const validator = await initialize(client, {
      dbOps,
      slashingProtection: new client.SlashingProtection(dbOps),
      api: beaconNodes,
      logger: clientLogger(logger, {secret: pathToken, ending: () => abortController.signal.aborted}),
      signers: [...served].map(signerOf),
      processShutdownCallback: (error) =>
        fail(new PleiadesError({code: "VALIDATOR_CLIENT_STOPPED", reason: error.message}, {cause: error})),
      abortController,
      doppelgangerProtectionEnabled: options.doppelgangerProtection,
      valProposerConfig,
    });
    stops.push(() => validator.close());
    return {
      peerId: signer.peerId,
      url: signer.pluginsUrl,
      committees: signer.committees,
      failed,
      async reload() {
        const result = await signer.reload();
        const wanted = keys();
        for (const key of served) {
          if (wanted.has(key)) continue;
          validator.validatorStore.removeSigner(key);
          validator.removeDutiesForKey(key);
          served.delete(key);
        }
        for (const key of wanted) {
          if (served.has(key)) continue;
          validator.validatorStore.addSigner(signerOf(key), valProposerConfig);
          served.add(key);
        }
        return result;
      },
      stop: () => stops.run(logger),
    };
  } catch (error) {
    await stops.run(logger);
    throw error;
  }
}

async function initialize(
  client: ClientModules,
  options: Parameters<ClientModules["Validator"]["initializeFromBeaconNode"]>[0],
): Promise<ClientValidator> {
  try {
    return await client.Validator.initializeFromBeaconNode(options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PleiadesError({code: "VALIDATOR_CLIENT_START", reason}, {cause: error});
  }
}

/** The client's own record of what it asked for: a second guard beside the operators', and what its export is made of. */
async function openDatabase(client: ClientModules, path: string) {
  try {
    await mkdir(path, {recursive: true, mode: 0o700});
    const database = new client.LevelDbController({name: path}, {metrics: null});
    await database.start();
    return database;
  } catch (error) {
    const {cause, message} = error as Error & {cause?: {code?: unknown; message?: unknown}};
    const reason = String(cause?.message ?? message);
    throw new PleiadesError({code: "VALIDATOR_DATABASE", path, reason}, {cause: error});
  }
}
