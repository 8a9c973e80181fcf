import type {Identity} from "../adapters/libp2p/identity.js";
import type {OperatorNode} from "../committee/operator-node.js";
import type {CommitteeSigningService} from "../committee/signing-service.js";
import type {Network} from "../core/duty/network.js";
import type {PluginHost} from "../plugin/host.js";
import type {Clock} from "../ports/clock.js";
import type {Keeper} from "../ports/keeper.js";
import type {Logger} from "../ports/logger.js";
import type {Observer} from "../ports/observer.js";
import type {OperatorLink} from "../ports/operator-link.js";
import type {OperatorServer} from "../ports/operator-server.js";
import type {Config} from "./config/schema.js";

declare const type: unique symbol;
/** A token that knows what it stands for. */
export type Token<T> = symbol & {readonly [type]: T};

const token = <T>(name: string): Token<T> => Symbol(`pleiades:${name}`) as Token<T>;

/** Everything that is injected: ports, configuration, and the few services built from them. */
export const TOKENS = {
  clock: token<Clock>("clock"),
  logger: token<Logger>("logger"),
  observer: token<Observer>("observer"),
  config: token<Config>("config"),
  network: token<Network>("network"),
  identity: token<Identity>("identity"),
  plugins: token<PluginHost>("plugins"),
  keeper: token<Keeper>("keeper"),
  operatorNode: token<OperatorNode>("operator-node"),
  operatorServer: token<OperatorServer>("operator-server"),
  operatorLink: token<OperatorLink>("operator-link"),
  signingService: token<CommitteeSigningService>("signing-service"),
} as const;
