import {connect} from "node:net";
import type {Identity} from "../../adapters/libp2p/identity.js";
import {readIdentity} from "../../adapters/libp2p/identity.js";
import type {PeerIdText} from "../../core/bytes.js";
import type {Committee} from "../../core/committee/committee.js";
import {currentEpoch, type Network} from "../../core/duty/network.js";
import {storePath} from "../../keeper/start.js";
import {ceremonySources} from "../ceremony-committees.js";
import {plural} from "../cli/plural.js";
import {tolerancesLine} from "../cli/tolerances.js";
import {committeesOfOperator, loadCommittees, requireCoordinator} from "../committee-files.js";
import type {LoadedConfig} from "../config/load.js";
import {resolveNetwork} from "../config/network.js";
import {dataFolder, ownFile, secretFile} from "./files.js";
import {type Finding, failed, look, ok, warn} from "./finding.js";
import {keeperStore} from "./store.js";

/** What a node's own machine shows, and what the look at its peers needs. */
export interface LocalReport {
  readonly findings: readonly Finding[];
  readonly network: Network | null;
  readonly identity: Identity | null;
  readonly committees: readonly Committee[];
}

/** Everything that can be seen without asking another machine. Nothing is written and no secret is read. */
export async function examineHere({file, config}: LoadedConfig, nowMs: number): Promise<LocalReport> {
  const findings: Finding[] = [];
  const add = async (check: string, task: () => Promise<readonly Finding[] | Finding>): Promise<void> => {
    findings.push(...(await look(check, task)));
  };

  await add("configuration", () => ownFile("configuration", file));
  let network: Network | null = null;
  await add("network", async () => {
    network = await resolveNetwork(config.network);
    return describeNetwork(network, nowMs);
  });
  let identity: Identity | null = null;
  await add("node key", async () => {
    identity = await readIdentity(config.node.keyFile);
    return ok("node key", `peer id ${identity.peerId}`);
  });

  const root = (network as Network | null)?.genesisValidatorsRoot ?? null;
  const {committees, errors} = await loadCommittees(
    // Sources of other plugins work only in a program that has started them.
    {files: config.committees, sources: ceremonySources(config)},
    {genesisValidatorsRoot: root},
  );
  findings.push(...errors.map((error) => failed("committee files", error)));
  const peerId = (identity as Identity | null)?.peerId ?? null;
  await add("committee files", async () => membership(committees, peerId, config));

  if (config.operator !== undefined) {
    const {bundles, passwordFile, listen} = config.operator;
    if (passwordFile !== null) await add("password file", () => secretFile("password file", passwordFile));
    for (const bundle of bundles) await add("share bundle", () => secretFile("share bundle", bundle));
    await add("data folder", () => dataFolder(config.dataDir));
    await add("record store", () => keeperStore(storePath(config.dataDir), {committees, bundles}));
    for (const address of listen) await add("listening", () => listeningOn(address));
  }
  if (config.signer !== undefined) {
    const {host, port} = config.signer;
    await add("listening", () => listening(host, port, "pleiades signer"));
  }
  return {findings, network, identity, committees};
}

function describeNetwork(network: Network, nowMs: number): Finding {
  const epoch = currentEpoch(network, nowMs);
  if (epoch === null) {
    const action = "Pin the network: `pleiades init` writes genesis time and slot length.";
    return warn("network", `${network.name}, without a clock: epochs are not bounded`, action);
  }
  return ok("network", `${network.name}, epoch ${epoch} by this machine's clock`);
}

function membership(
  committees: readonly Committee[],
  peerId: PeerIdText | null,
  config: LoadedConfig["config"],
): Finding[] {
  const check = "committee files";
  if (committees.length === 0) {
    return [warn(check, "there are none: nothing can be signed", NO_COMMITTEES)];
  }
  if (peerId !== null) {
    if (config.signer !== undefined) requireCoordinator(committees, peerId);
    else if (config.operator !== undefined) committeesOfOperator(committees, peerId);
  }
  return committees.map(({operators, coordinators, threshold, validators}) => {
    const seat = operators.find((operator) => operator.peerId === peerId);
    const rank = peerId === null ? -1 : coordinators.indexOf(peerId);
    const roles = [
      ...(seat === undefined ? [] : [`this node is operator ${seat.id}`]),
      ...(rank === -1 ? [] : [`this node is signer ${rank + 1} of ${coordinators.length}`]),
    ];
    const promise = tolerancesLine({n: operators.length, t: threshold});
    return ok(check, [plural(validators.length, "key"), promise, ...roles].join("; "));
  });
}

const NO_COMMITTEES =
  "Name the files of `pleiades split` in committees, or make keys that nobody ever holds: `pleiades dkg create`.";

/** Long for a connection to this machine. */
const CONNECT_MS = 2_000;

/** /ip4/0.0.0.0/tcp/9100, and the like. */
function listeningOn(address: string): Promise<Finding> {
  const [, , host = "", , port = ""] = address.split("/");
  return listening(host, Number(port), "pleiades operator");
}

/** Whether somebody listens where this node should. Only looked at from here: a firewall may still be in between. */
async function listening(host: string, port: number, command: string): Promise<Finding> {
  if (port === 0) return ok("listening", "the port is chosen at each start");
  const at = `${host}:${port}`;
  const local = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return (await accepts(local, port))
    ? ok("listening", `${at} accepts connections`)
    : warn("listening", `nobody listens at ${at}`, `Start it: ${command} --config FILE.`);
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({host, port});
    const settle = (open: boolean) => () => {
      socket.destroy();
      resolve(open);
    };
    socket.setTimeout(CONNECT_MS);
    socket.once("connect", settle(true));
    socket.once("timeout", settle(false));
    socket.once("error", settle(false));
  });
}
