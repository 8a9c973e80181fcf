import type {Network} from "../../core/duty/network.js";
import type {Clock} from "../../ports/clock.js";
import type {DistributedParticipant, ProfileCoordinator} from "../../ports/distributed-participant.js";
import type {Logger} from "../../ports/logger.js";
import type {ClientRule} from "../../ports/server-tls.js";
import {Admission} from "../admission.js";
import * as bounds from "../bounds.js";
import {Calls} from "../call.js";
import {deadlinesFor} from "../deadlines.js";
import {createFullBlockReader} from "../full-block.js";
import {type HttpServer, openHttpServer, type ServerOptions} from "../http-server.js";
import {Signing} from "../signing.js";
import {isAllowedClient} from "../tls.js";
import {type PartialAnswer, partialOf} from "./answers.js";
import {registerDistributedApi} from "./routes.js";

/** What the keeper holds before it says that it is overloaded; the rest waits here, the most urgent first. */
const MAX_CONCURRENT = 4096;

export interface DistributedServerModules {
  readonly participant: DistributedParticipant;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** `tls` must ask for client certificates. */
export interface DistributedServerOptions extends ServerOptions {
  readonly network: Network;
  readonly coordinators: readonly (ProfileCoordinator & {readonly client: ClientRule})[];
}

/**
 * Serves the participant's side of the distributed profile on a listener of its own, to coordinators that show a
 * certificate of the configured authority. Who shows another ends in the handshake; who is not listed gets 403.
 * @throws HTTP_ADDRESS_IN_USE · HTTP_LISTEN_FAILED
 * @see remote signing API PR 29, distributed-signing.md
 */
export function createDistributedServer(
  {participant, clock, ...modules}: DistributedServerModules,
  {network, coordinators, ...server}: DistributedServerOptions,
): Promise<HttpServer> {
  if ((server.tls?.clients ?? null) === null) {
    throw new Error("the distributed profile is served to client certificates only");
  }
  const logger = modules.logger.child({component: "distributed"});
  const calls = new Calls({clock});
  const shared = {
    admission: new Admission({maxConcurrent: MAX_CONCURRENT, maxQueued: bounds.MAX_QUEUED}),
    calls,
    readBlock: createFullBlockReader(network.preset),
    clock,
    logger,
    // The node and the keeper tell observers; what did not get that far is no request of a client.
    observer: () => {},
  };
  const options = {network, deadlines: deadlinesFor(network), maxBatchKeys: bounds.MAX_BATCH_KEYS};
  const lines = coordinators.map((coordinator) => ({
    coordinator,
    signing: new Signing<PartialAnswer>({...shared, sign: partialOf(participant, coordinator)}, options),
  }));
  return openHttpServer({clock, logger, calls}, server, (app) =>
    registerDistributedApi(app, {
      participant,
      identify: ({raw}) => lines.find(({coordinator}) => isAllowedClient(raw.socket, [coordinator.client])) ?? null,
    }),
  );
}
