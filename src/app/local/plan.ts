import {join} from "node:path";
import type {AddressHex, OperatorId, PeerIdText, PubkeyHex} from "../../core/bytes.js";
import type {Network} from "../../core/duty/network.js";
import {networkSection} from "../config/network.js";
import {renderTemplate} from "../config/template.js";
import {replaceFile} from "../files.js";
import {type CeremonyTerms, treeOf} from "./state.js";

export interface PlannedOperator {
  readonly id: OperatorId;
  readonly peerId: PeerIdText;
  /** Loopback TCP multiaddr. */
  readonly address: string;
  readonly configFile: string;
  readonly logFile: string;
}

export interface PlannedSigner {
  /** Said in errors: "the signer", "signer 2". */
  readonly name: string;
  readonly configFile: string;
  readonly logFile: string;
}

/** A ceremony of the operators of this machine, and its files. */
export interface PlannedCeremony extends CeremonyTerms {
  readonly operatorsFile: string;
  readonly definitionFile: string;
  /** Everything public of it, once it is over. */
  readonly ceremonyFile: string;
  readonly depositsFile: string;
}

/** A data folder that is ready to be started. */
export interface LocalPlan {
  readonly dataDir: string;
  readonly n: number;
  readonly threshold: number;
  readonly network: Network;
  /** None before the ceremony that makes them. */
  readonly groupPublicKeys: readonly PubkeyHex[];
  readonly operators: readonly PlannedOperator[];
  /** By rank; one at least. */
  readonly signers: readonly PlannedSigner[];
  /** There once the keys are. */
  readonly committeeFile: string;
  /** Null where keys were split. */
  readonly ceremony: PlannedCeremony | null;
  readonly feeRecipient: AddressHex | null;
  /** The keys never signed, and there may be no clock to tell by: their records start empty. */
  readonly startEmpty: boolean;
  /** True when the folder was there already. */
  readonly reused: boolean;
  /** What this committee cannot check for want of a network or an option; one sentence each, for people. */
  readonly notes: readonly string[];
}

export const operatorDir = (tree: string, id: number): string => join(tree, "operators", String(id));
/** `rank` counts from 0. */
export const signerDir = (tree: string, rank: number): string =>
  join(tree, rank === 0 ? "signer" : `signer-${rank + 1}`);

const HEADING = (what: string): string[] => [
  `Configuration of ${what}, written by \`pleiades local\` at every start: changes made here are lost.`,
];

/** Writes the configuration of one operator; the same keys a person would set. */
export async function writeOperatorConfig(
  plan: LocalPlan,
  operator: PlannedOperator,
  plugins?: {readonly [name: string]: unknown},
  permits: readonly unknown[] = [],
): Promise<void> {
  const dir = operatorDir(treeOf(plan.dataDir), operator.id);
  const text = renderTemplate(
    {
      dataDir: "./data",
      network: networkOfPlan(plan),
      // Of a ceremony the operator has both already.
      committees: plan.ceremony === null ? ["../../committee.json"] : [],
      operator: {
        listen: [operator.address],
        bundles: plan.ceremony === null ? [`./operator-${operator.id}.bundle.json`] : [],
        passwordFile: `./operator-${operator.id}.password`,
        startEmpty: plan.startEmpty,
        policy: {permits, registration: {feeRecipient: plan.feeRecipient}},
      },
      signer: null,
      ...(plan.ceremony === null ? (plugins === undefined ? {} : {plugins}) : {plugins: {dkg: {}, ...plugins}}),
    },
    HEADING(`operator ${operator.id}`),
  );
  await replaceFile(join(dir, "lodestar.config.yaml"), text, 0o644);
}

/** A chain that is wholly known is pinned like any other; only what is not known needs the consent of `unpinned`. */
const networkOfPlan = ({network}: LocalPlan): {[key: string]: unknown} => {
  const {forks, genesisValidatorsRoot, clock} = network;
  return networkSection(network, {unpinned: forks === null || genesisValidatorsRoot === null || clock === null});
};

export interface SignerSettings {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Where the signer reaches an operator instead of its own address: a proxy put between the two. */
  readonly operatorAddresses: ReadonlyMap<OperatorId, readonly string[]>;
}

/** Writes the configuration of one signer. */
export async function writeSignerConfig(
  plan: LocalPlan,
  signer: PlannedSigner,
  settings: SignerSettings,
): Promise<void> {
  const addresses = plan.operators.map(({id, peerId, address}) => [
    peerId,
    settings.operatorAddresses.get(id) ?? [address],
  ]);
  const text = renderTemplate(
    {
      dataDir: "./data",
      network: networkOfPlan(plan),
      committees: ["../committee.json"],
      operator: null,
      signer: {host: settings.host, port: settings.port, operatorAddresses: Object.fromEntries(addresses)},
      // What a test or a devnet wants to see; on loopback like everything else here.
      plugins: {metrics: {}},
    },
    HEADING(signer.name),
  );
  await replaceFile(signer.configFile, text, 0o644);
}

/** What a network that is not (wholly) known leaves unchecked, and what follows. */
export function notesFor(
  network: Network,
  {feeRecipient, interop}: {feeRecipient: AddressHex | null; interop: boolean},
): string[] {
  const notes: string[] = [];
  if (interop) notes.push("The interop keys are known to everybody: for tests only.");
  if (network.forks === null) {
    notes.push(
      "No fork schedule (--network or --spec): fork versions are taken from each request's fork_info and not checked; messages without fork_info, exits and credential changes are refused.",
    );
  }
  if (network.genesisValidatorsRoot === null) {
    notes.push(
      "No genesis_validators_root (--genesis-validators-root): the first one that is asked for is pinned in each operator's store, unchecked.",
    );
  }
  if (network.clock === null) {
    notes.push(
      "No chain clock (--genesis-time and --seconds-per-slot): slots and epochs have no upper bound, so one far-future request can stop a key for ever.",
    );
  }
  if (feeRecipient === null) notes.push("No fee recipient (--fee-recipient): validator registrations are refused.");
  return notes;
}
