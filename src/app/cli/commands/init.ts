import {mkdir} from "node:fs/promises";
import {join, resolve} from "node:path";
import type {Argv} from "yargs";
import type {Network} from "../../../core/duty/network.js";
import {PleiadesError} from "../../../core/errors.js";
import {networkSection} from "../../config/network.js";
import {renderTemplate} from "../../config/template.js";
import {isTcpMultiaddr} from "../../config/values.js";
import {exists, writeNew} from "../../files.js";
import {newPeerId} from "../../node-key.js";
import type {CommandContext} from "../context.js";
import {toJsonLine} from "../io.js";
import {jsonOption, type NetworkArgs, networkFrom, networkOptions, text, usage} from "../options.js";
import {promiseTable} from "../tolerances.js";

type Role = "operator" | "signer" | "both";

interface InitArgs extends NetworkArgs {
  readonly dir: string;
  readonly role: Role;
  readonly listen?: string | undefined;
  readonly json: boolean;
}

export const initCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command(
    "init",
    "Write an annotated lodestar.config.yaml and a node key, and pin the chain",
    (command) =>
      jsonOption(initOptions(networkOptions(command)))
        .example("$0 init --role operator --network mainnet", "an operator on mainnet")
        .example("$0 init --role signer --network hoodi --dir signer", "the machine the validator client talks to")
        .example("$0 init --beacon-node http://127.0.0.1:5052", "pin any chain from a node you trust"),
    async (args) => {
      await init(args as unknown as InitArgs, context);
    },
  );

const initOptions = (cli: Argv): Argv =>
  cli
    .option("dir", {...text("folder to write to; made if it is not there", "Options:"), default: "."})
    .option("role", {
      choices: ["operator", "signer", "both"] as const,
      default: "both" as const,
      describe: "what this machine will run",
      group: "Options:",
    })
    .option("listen", text("where signers reach this operator: /ip4/…/tcp/PORT", "Options:"));

async function init(args: InitArgs, {io}: CommandContext): Promise<void> {
  if (args.listen !== undefined && !isTcpMultiaddr(args.listen)) {
    throw usage("--listen is not a TCP multiaddr without /p2p, like /ip4/0.0.0.0/tcp/9100");
  }
  if (args.listen !== undefined && args.role === "signer") throw usage("--listen is for an operator");
  const network = await networkFrom(args);
  const dir = resolve(args.dir);
  const file = join(dir, "lodestar.config.yaml");
  const keyFile = join(dir, "node.key");
  await refuseExisting([file, keyFile]);
  await mkdir(dir, {recursive: true});
  const peerId = await newPeerId(keyFile);
  await writeNew(
    file,
    renderTemplate({
      network: args.network === undefined ? networkSection(network) : {name: network.name},
      operator: args.role === "signer" ? null : args.listen === undefined ? {} : {listen: [args.listen]},
      signer: args.role === "operator" ? null : {},
      // An operator can take part in key ceremonies and repairs; it does nothing until its owner consents to one.
      ...(args.role === "signer" ? {} : {plugins: {dkg: {}, share: {}}}),
    }),
    0o644,
  );
  if (args.json) {
    io.out(toJsonLine({peerId, config: file, nodeKey: keyFile, role: args.role, network: describe(network)}));
    return;
  }
  io.out(`peer id: ${peerId}`);
  io.out(`wrote ${file}`);
  io.out(`wrote ${keyFile} (mode 0600; keep a backup: it is this node's name to the others)`);
  for (const line of promiseTable()) io.err(line);
  io.err("");
  io.err(NEXT[args.role]);
}

const NEXT: {readonly [role in Role]: string} = {
  operator:
    "Next: for a new key, `pleiades operator` and then `pleiades dkg run` with the definition you get (docs/dkg.md). For a key that is split: give the peer id and a reachable address to whoever splits it, put the committee file and bundle you get under committees and operator.bundles; then `pleiades operator`.",
  signer:
    "Next: give the peer id to whoever splits the key (--coordinator); put the committee file you get under committees; then `pleiades signer`.",
  both: "Next: give the peer id to whoever splits the key; put the committee file and bundle you get under committees and operator.bundles; then `pleiades operator` and `pleiades signer`.",
};

const describe = (network: Network) => networkSection(network);

async function refuseExisting(files: readonly string[]): Promise<void> {
  for (const file of files) {
    if (await exists(file)) throw new PleiadesError({code: "CONFIG_EXISTS", file});
  }
}
