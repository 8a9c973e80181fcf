import type {SecureContextOptions} from "node:tls";
import {blstGroup, uncompressedSignature} from "../../adapters/bls/blst.js";
import {HttpsOperatorLink, isHttps} from "../../adapters/operator-link/https-operator-link.js";
import {RoutedOperatorLink} from "../../adapters/operator-link/routed-operator-link.js";
import type {Committee} from "../../core/committee/committee.js";
import {PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import type {Observer} from "../../ports/observer.js";
import type {OperatorLink} from "../../ports/operator-link.js";
import type {ParticipantSection} from "../config/distributed.js";

/** The link with participants of the distributed profile beside it, where the configuration has a certificate for them. */
export function withParticipants(
  libp2p: OperatorLink,
  {clock, logger, observer}: {clock: Clock; logger: Logger; observer: Observer},
  {context, committees}: {context: SecureContextOptions | null; committees: () => readonly Committee[]},
): OperatorLink {
  if (context === null) return libp2p;
  const bls = {bls: blstGroup, uncompressed: uncompressedSignature};
  const modules = {...bls, clock, logger, observer, random: Math.random};
  return new RoutedOperatorLink({libp2p, https: new HttpsOperatorLink(modules, {context, committees})});
}

/** @throws CONFIG_MISSING_KEY for committees with participants that cannot be asked */
export function requireParticipantTls(committees: readonly Committee[], {cert}: ParticipantSection): void {
  if (cert !== null) return;
  const participant = committees.flatMap(({operators}) => operators).find(({addresses}) => addresses.some(isHttps));
  if (participant === undefined) return;
  throw new PleiadesError({
    code: "CONFIG_MISSING_KEY",
    key: "signer.participants.cert",
    address: participant.addresses.find(isHttps),
  });
}
