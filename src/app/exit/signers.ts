/** Two ways to a committee's signature: a running signer's URL, or the committee itself with the signer's own identity. */
import {blstGroup} from "../../adapters/bls/blst.js";
import {readIdentity} from "../../adapters/libp2p/identity.js";
import {CommitteeSigningService} from "../../committee/signing-service.js";
import {type PubkeyHex, parseSignatureHex, type RootHex, type SignatureHex} from "../../core/bytes.js";
import type {Network} from "../../core/duty/network.js";
import {toWire} from "../../core/duty/request-codec.js";
import type {SignRequest} from "../../core/duty/sign-request.js";
import {isJsonObject} from "../../core/duty/strict-object.js";
import {PleiadesError} from "../../core/errors.js";
import {shown} from "../../core/shown.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import {loadCommittees, requireCoordinator} from "../committee-files.js";
import {withoutCredentials} from "../config/beacon-node.js";
import type {LoadedConfig} from "../config/load.js";
import type {SignerConfig} from "../config/schema.js";
import {connectAll} from "../doctor/connections.js";
import {withAddresses} from "../moved-operators.js";
import {participantContext} from "../participants/context.js";
import {softwareName} from "../version.js";
import {readBounded} from "./beacon-node.js";

/** @throws EXIT_SIGNER · EXIT_NOT_PERMITTED, or what the committee says */
export type SignExit = (key: PubkeyHex, request: SignRequest, signingRoot: RootHex) => Promise<SignatureHex>;

const ignore = (): void => {};
/** One request whose outcome is told by its answer. */
const NO_LOG: Logger = {debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => NO_LOG};

/** Longer than a signer's own deadline for requests without a hurry. */
const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 65_536;

/** By the remote signer API of a running signer, this one or any that speaks it. */
export function signerAt(url: string, {network, token}: {network: Network; token: string | null}): SignExit {
  const name = withoutCredentials(url);
  return async (key, request, signingRoot) => {
    const body = {...toWire(request, network.preset), signingRoot};
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${url.replace(/\/+$/, "")}/api/v1/eth2/sign/${key}`, {
        method: "POST",
        signal,
        headers: {
          accept: "application/json",
          "content-type": "application/json",
          ...(token === null ? {} : {authorization: `Bearer ${token}`}),
        },
        body: JSON.stringify(body),
      });
      status = response.status;
      text = await readBounded(response, MAX_ANSWER_BYTES);
    } catch (cause) {
      const reason = signal.aborted ? "no answer in time" : "cannot be reached";
      throw new PleiadesError({code: "EXIT_SIGNER", signer: name, reason}, {cause});
    }
    const json = parseOrNull(text);
    if (status !== 200) throw refusal(name, status, json ?? text);
    try {
      // Web3Signer answers with the signature alone to clients that do not say what they accept.
      return parseSignatureHex(isJsonObject(json) ? json.signature : text.trim());
    } catch (cause) {
      throw new PleiadesError({code: "EXIT_SIGNER", signer: name, reason: "its answer is no signature"}, {cause});
    }
  };
}

function refusal(signer: string, status: number, body: unknown): PleiadesError {
  if (!isJsonObject(body)) {
    const reason = shown(body, 1_000).replaceAll(/\s+/g, " ").slice(0, 200);
    return new PleiadesError({code: "EXIT_SIGNER", signer, status, reason});
  }
  const {code: answered, message, operators} = body;
  return new PleiadesError({
    code: "EXIT_SIGNER",
    signer,
    status,
    answered: shown(answered),
    reason: shown(message, 500),
    operators: Array.isArray(operators) ? operators.slice(0, 16) : undefined,
  });
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * The committee of a signer's configuration, asked beside a running signer or without one.
 * @throws the codes of the identity, the committee files and the participants' certificate
 */
export async function committeeOf(
  {config}: LoadedConfig,
  {signer, network, clock}: {signer: SignerConfig; network: Network; clock: Clock},
): Promise<{sign: SignExit; close: () => Promise<void>}> {
  const identity = await readIdentity(config.node.keyFile);
  const {genesisValidatorsRoot} = network;
  const {committees, errors} = await loadCommittees({files: config.committees, sources: []}, {genesisValidatorsRoot});
  if (errors[0] !== undefined) throw errors[0];
  requireCoordinator(committees, identity.peerId);
  const reached = withAddresses(committees, signer.operatorAddresses);
  const participants = participantContext(signer.participants, {now: clock.now()});
  const {link} = await connectAll({identity, clock}, {committees: reached, software: softwareName(), participants});
  const service = new CommitteeSigningService(
    {
      link,
      clock,
      logger: NO_LOG,
      observer: () => {},
      bls: blstGroup,
      toWire: (request) => toWire(request, network.preset),
    },
    {committees: reached, self: identity.peerId},
  );
  return {
    sign: (key, request, signingRoot) => service.sign(key, request, signingRoot, AbortSignal.timeout(TIMEOUT_MS)),
    close: () => link.close(),
  };
}
