import {z} from "zod";
import {FORK_NAMES} from "../../core/duty/network.js";
import {SIGN_TYPES, type SignType} from "../../core/duty/sign-request.js";
import {distributed, participants} from "./distributed.js";
import {key} from "./docs.js";
import {listenerKeys} from "./listener.js";
import {
  address,
  bytes4,
  epoch,
  genericDomainType,
  milliseconds,
  multiaddr,
  operatorAddress,
  path,
  peerId,
  permit,
  port,
  pubkey,
  root,
} from "./values.js";

/**
 * Every key of lodestar.config.yaml, its type, default, unit and comment: the one source of the loader, of `pleiades
 * init` and of the annotated file of the release. Unknown keys are refused everywhere; below plugins.<name>.config the
 * plugin's own schema decides.
 */
const network = z.strictObject({
  name: key(z.string().min(1), {
    about:
      "The chain. A known name (mainnet, hoodi, sepolia, …) is enough by itself. Any other name is only a label, and the keys below pin the chain.",
    unit: "name",
    example: "mainnet",
  }),
  preset: key(z.enum(["mainnet", "minimal"]).nullable().default(null), {
    about: "Consensus-spec preset of a pinned chain.",
    unit: "mainnet or minimal",
  }),
  genesisTime: key(z.int().min(0).nullable().default(null), {
    about: "Genesis of a pinned chain.",
    unit: "unix seconds",
  }),
  secondsPerSlot: key(z.number().min(0.001).nullable().default(null), {
    about: "Length of a slot of a pinned chain.",
    unit: "seconds",
  }),
  genesisValidatorsRoot: key(root.nullable().default(null), {
    about: "genesis_validators_root of a pinned chain; part of every signing domain.",
    unit: "hex, 32 bytes",
  }),
  forks: key(
    z
      .array(z.strictObject({name: z.enum(FORK_NAMES), version: bytes4, epoch}))
      .min(1)
      .nullable()
      .default(null),
    {
      about: "Fork schedule of a pinned chain, ascending by epoch, the first at epoch 0.",
      unit: "list of {name, version: hex of 4 bytes, epoch}",
    },
  ),
  unpinned: key(z.boolean().default(false), {
    about:
      "Written by `pleiades local` only: take what is not pinned above from the requests. An operator with this set listens on loopback only.",
    unit: "true or false",
  }),
});

const registration = z.strictObject({
  feeRecipient: key(address.nullable().default(null), {
    about:
      "VALIDATOR_REGISTRATION is signed only with this fee recipient. null refuses it for validators not listed below.",
    unit: "address or null",
  }),
  maxGasLimit: key(z.int().min(1).default(200_000_000), {
    about: "Highest gas limit a VALIDATOR_REGISTRATION may ask for.",
    unit: "gas",
  }),
  validators: key(
    z
      .record(
        pubkey as unknown as z.ZodType<string, string>,
        z.strictObject({feeRecipient: address, maxGasLimit: z.int().min(1).optional()}),
      )
      .default({}),
    {
      about: "Validators with a fee recipient (and gas limit) of their own, by group public key.",
      unit: "map of public key to {feeRecipient, maxGasLimit}",
    },
  ),
});

const policy = z.strictObject({
  permits: key(z.array(permit).default([]), {
    about:
      'Exits, deposits and credential changes are signed only if exactly this message stands here, as in {type: VOLUNTARY_EXIT, pubkey: "0x…", epoch: "1", validator_index: "2"}; DEPOSIT names withdrawal_credentials and amount, BLS_TO_EXECUTION_CHANGE validator_index, from_bls_pubkey and to_execution_address.',
    unit: "list of {type, pubkey, the message's fields}",
  }),
  genericDomainTypes: key(z.array(genericDomainType).default([]), {
    about:
      "4-byte domain types the GENERIC request may use. Those of the consensus and builder specs are refused here.",
    unit: "list of hex, 4 bytes",
  }),
  registration: key(registration.prefault({}), {about: "What a block builder registration may say."}),
});

const operatorHttp = z.strictObject({
  enabled: key(z.boolean().default(false), {
    about: "Serve the routes of this operator's plugins.",
    unit: "true or false",
  }),
  host: key(z.string().min(1).default("127.0.0.1"), {
    about: "Address to listen on; beyond loopback only with tls and a token or client certificates.",
    unit: "host",
  }),
  port: key(port.default(9200), {about: "Port to listen on; 0 picks a free one.", unit: "port"}),
  ...listenerKeys,
});

const operator = z.strictObject({
  listen: key(z.array(multiaddr).min(1).default(["/ip4/0.0.0.0/tcp/9100"]), {
    about: "Where signers reach this operator over libp2p.",
    unit: "list of TCP multiaddrs",
  }),
  bundles: key(z.array(path).default([]), {
    about:
      "Share bundles of `pleiades split` to add at the start; one that was added before is skipped and may be taken out here.",
    unit: "list of paths",
  }),
  passwordFile: key(path.nullable().default(null), {
    about:
      "File whose first line opens the shares and bundles, mode 0600; credential:name is one the service manager hands over. null asks on the terminal.",
    unit: "path, credential:name or null",
  }),
  signingThreads: key(z.int().min(0).max(64).default(0), {
    about:
      "Worker threads that sign. 0 signs in the keeper's main thread, the fastest for one request at a time; more pay off when a machine with free cores holds hundreds of keys.",
    unit: "threads",
  }),
  startEmpty: key(z.boolean().default(false), {
    about:
      "Written by `pleiades local` only, for keys that never signed: new shares start with empty records. An operator with this set listens on loopback only.",
    unit: "true or false",
  }),
  policy: key(policy.prefault({}), {about: "What this operator signs beyond the ordinary duties: nothing by default."}),
  http: key(operatorHttp.prefault({}), {about: "An HTTP listener for routes of plugins, off by default."}),
  distributed,
});

const deadlinesMs = z.strictObject(
  Object.fromEntries(SIGN_TYPES.map((type) => [type, milliseconds.optional()])) as {
    [type in SignType]: z.ZodOptional<typeof milliseconds>;
  },
);

const signer = z.strictObject({
  host: key(z.string().min(1).default("127.0.0.1"), {
    about:
      "Address of the remote signer API. Whoever reaches it can ask for signatures: beyond loopback only with tls and a token or client certificates.",
    unit: "host",
  }),
  port: key(port.default(9000), {
    about: "Port of the remote signer API, the one in the client's --externalSigner.url; 0 picks a free one.",
    unit: "port",
  }),
  ...listenerKeys,
  bodyLimitBytes: key(z.int().min(1024).default(2_097_152), {
    about: "Largest request body; a BLOCK_V2 before Bellatrix carries its whole body.",
    unit: "bytes",
  }),
  maxConcurrent: key(z.int().min(1).default(512), {
    about: "Requests in progress at one time; more wait for a place, the most urgent first.",
    unit: "requests",
  }),
  deadlinesMs: key(deadlinesMs.default({}), {
    about:
      "Longest time from a request to its answer, for types that need another than the default: a whole slot for AGGREGATION_SLOT and what no slot waits for, a third of a slot for the rest.",
    unit: "map of request type to milliseconds",
  }),
  hedgeDelayMs: key(z.union([z.int().min(0).max(60_000), z.literal("adaptive")]).default("adaptive"), {
    about:
      "How long the first t operators have before the others are asked too; adaptive follows how fast they have been, between 25 and 500.",
    unit: "milliseconds or adaptive",
  }),
  operatorAddresses: key(
    z.record(peerId as unknown as z.ZodType<string, string>, z.array(operatorAddress).min(1)).default({}),
    {
      about:
        "Other addresses for operators than the committee file has, by peer id: for one that moved, or a tunnel. With an https origin it is asked over the distributed profile. Read again on SIGHUP and POST /reload.",
      unit: "map of peer id to list of TCP multiaddrs or https origins",
    },
  ),
  participants,
});

export const configSchema = z.strictObject({
  dataDir: key(path.default("./data"), {
    about:
      "Folder of this node's durable data: shares and slashing protection records. Never copy it to a second machine.",
    unit: "path",
  }),
  network: key(network, {about: "The chain this node signs for. Requests must agree with it."}),
  node: key(
    z
      .strictObject({
        keyFile: key(path.default("./node.key"), {
          about: "Private key of this node's libp2p identity, mode 0600. Its peer id is what other nodes know.",
          unit: "path",
        }),
      })
      .prefault({}),
    {about: "The identity of this node."},
  ),
  committees: key(z.array(path).default([]), {
    about:
      "Committee files of `pleiades split` or a key generation, or its ceremony.json, which is then verified completely. Read again on SIGHUP and POST /reload.",
    unit: "list of paths",
  }),
  signerDelayMs: key(milliseconds.nullable().default(null), {
    about:
      "How long operators hold a block or attestation of a later-ranked signer of one committee, per rank, for an earlier one's to come first. The same on every node. Longer than two clients usually differ, well below a third of a slot; null is a 24th of a slot, at least 200.",
    unit: "milliseconds or null",
  }),
  operator: key(operator.optional(), {about: "For `pleiades operator`: this node holds one share per validator."}),
  signer: key(signer.optional(), {about: "For `pleiades signer`: the Web3Signer API for the validator client."}),
  plugins: key(
    z
      .record(
        z.string().regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, {message: "expected a plugin name in kebab-case"}),
        z.strictObject({module: z.string().min(1).optional(), config: z.record(z.string(), z.unknown()).default({})}),
      )
      .default({}),
    {
      about:
        "Plugins by name. `module` is a path (starting with ./, ../ or /) or a package; a built-in plugin needs none. `config` is the plugin's own.",
      unit: "map of name to {module, config}",
    },
  ),
  logging: key(
    z
      .strictObject({
        level: key(z.enum(["debug", "info", "warn", "error"]).default("info"), {
          about: "Least severe level that is logged.",
          unit: "debug, info, warn or error",
        }),
        format: key(z.enum(["json", "text"]).default("json"), {
          about: "One JSON object per line, or text for people. Logs go to standard error.",
          unit: "json or text",
        }),
      })
      .prefault({}),
    {about: "Logging."},
  ),
});

export type Config = z.output<typeof configSchema>;
export type OperatorConfig = NonNullable<Config["operator"]>;
export type SignerConfig = NonNullable<Config["signer"]>;
export type PolicySection = OperatorConfig["policy"];
export type NetworkSection = Config["network"];
