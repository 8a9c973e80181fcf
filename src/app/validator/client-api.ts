/** What is used of Lodestar 1.5.1, as types: its packages are not there when Pleiades is built. */

/** @see @lodestar/utils 1.5.1, ILogger */
export interface ClientLogger {
  error(message: string, context?: unknown, error?: unknown): void;
  warn(message: string, context?: unknown, error?: unknown): void;
  info(message: string, context?: unknown, error?: unknown): void;
  verbose(message: string, context?: unknown, error?: unknown): void;
  debug(message: string, context?: unknown, error?: unknown): void;
  child(options: {module: string}): ClientLogger;
}

export interface ClientSigner {
  readonly type: unknown;
  readonly url: string;
  readonly pubkey: string;
}

export interface ProposerDefaults {
  readonly graffiti?: string;
  readonly feeRecipient?: string;
}

interface Database {
  start(): Promise<void>;
  stop(): Promise<void>;
}
export type ClientDb = new (options: {name: string}, modules: {metrics: null}) => Database;

interface DatabaseOptions {
  readonly config: unknown;
  readonly controller: Database;
}

/** A validator client that does its duties until it is closed. */
export interface ClientValidator {
  readonly validatorStore: {
    addSigner(signer: ClientSigner, proposers: {defaultConfig: ProposerDefaults; proposerConfig: object}): void;
    removeSigner(pubkey: string): boolean;
  };
  removeDutiesForKey(pubkey: string): void;
  close(): Promise<void>;
}

export interface ClientModules {
  readonly version: string;
  readonly SignerType: {readonly Remote: unknown};
  readonly SlashingProtection: new (options: DatabaseOptions) => object;
  readonly Validator: {
    initializeFromBeaconNode(options: {
      dbOps: DatabaseOptions;
      slashingProtection: object;
      api: readonly string[];
      logger: ClientLogger;
      signers: readonly ClientSigner[];
      processShutdownCallback: (error: Error) => void;
      abortController: AbortController;
      doppelgangerProtectionEnabled: boolean;
      valProposerConfig: {defaultConfig: ProposerDefaults; proposerConfig: object};
    }): Promise<ClientValidator>;
  };
  readonly LevelDbController: ClientDb;
  createIChainForkConfig(config: object): unknown;
  chainConfigFromJson(spec: {readonly [key: string]: string}): object;
}
