import type {FastifyInstance, FastifyReply, FastifyRequest} from "fastify";
import {parsePubkeyHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {DistributedParticipant, ProfileCoordinator} from "../../ports/distributed-participant.js";
import type {RateClass} from "../guard.js";
import {sendJson} from "../replies.js";
import {bodyOf, clientOf, type Method, serve} from "../routes.js";
import type {Signing} from "../signing.js";
import {accountJson, asProfileError, type PartialAnswer} from "./answers.js";

/** A coordinator that this listener answers, and the line its requests take. */
export interface Admitted {
  readonly coordinator: ProfileCoordinator;
  readonly signing: Signing<PartialAnswer>;
}

type Handler = (request: FastifyRequest, reply: FastifyReply, admitted: Admitted) => unknown;

const PREFIX = "/api/v1/eth2/distributed";

/**
 * The participant's side of the draft distributed profile; nothing else is served on its listener.
 * @param identify whose certificate this connection showed; null for one that is no coordinator here
 * @see remote signing API PR 29, distributed/paths
 */
export function registerDistributedApi(
  app: FastifyInstance,
  {
    participant,
    identify,
  }: {participant: DistributedParticipant; identify: (request: FastifyRequest) => Admitted | null},
): void {
  const forCoordinators = (request: FastifyRequest): Admitted => {
    const admitted = identify(request);
    if (admitted === null) throw new PleiadesError({code: "DISTRIBUTED_NOT_COORDINATOR"});
    return admitted;
  };
  // Before anything of the body is read.
  app.addHook("onRequest", async (request) => void forCoordinators(request));

  const route = (path: string, method: Method, handler: Handler, rateClass: RateClass = "other"): void => {
    const answer = async (request: FastifyRequest, reply: FastifyReply) => {
      try {
        return sendJson(reply, 200, await handler(request, reply, forCoordinators(request)));
      } catch (error) {
        throw asProfileError(error);
      }
    };
    serve(app, `${PREFIX}${path}`, {[method]: answer}, {rateClass});
  };

  route("/accounts", "GET", (_request, _reply, {coordinator}) => participant.accounts(coordinator).map(accountJson));
  route("/accounts/:identifier", "GET", (request, _reply, {coordinator}) =>
    accountJson(participant.account(coordinator, keyOf(request))),
  );
  route(
    "/sign/:identifier",
    "POST",
    (request, reply, {signing}) => signing.signOne(keyOf(request), bodyOf(request), clientOf(request, reply)),
    "sign",
  );
  route(
    "/sign",
    "POST",
    (request, reply, {signing}) => signing.signBatch(bodyOf(request), clientOf(request, reply)),
    "batch",
  );
}

const keyOf = ({params}: FastifyRequest) =>
  parsePubkeyHex((params as {readonly identifier: string}).identifier, "identifier");
