import type {SecureContextOptions} from "node:tls";
import {blstGroup, uncompressedSignature} from "../../adapters/bls/blst.js";
import {HttpsOperatorLink} from "../../adapters/operator-link/https-operator-link.js";
import {RoutedOperatorLink} from "../../adapters/operator-link/routed-operator-link.js";
import type {Committee} from "../../core/committee/committee.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import type {Observer} from "../../ports/observer.js";
import type {OperatorLink} from "../../ports/operator-link.js";

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
