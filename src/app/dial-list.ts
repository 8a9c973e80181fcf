import type {PeerIdText} from "../core/bytes.js";
import type {Committee} from "../core/committee/committee.js";

/**
 * The operators a signer dials: every operator of every committee once, with the addresses all files give it, or those of
 * the configuration instead.
 */
export function dialList(
  committees: readonly Committee[],
  overrides: {readonly [peerId: string]: readonly string[]},
): {peerId: PeerIdText; addresses: readonly string[]}[] {
  const addresses = new Map<PeerIdText, Set<string>>();
  for (const operator of committees.flatMap(({operators}) => operators)) {
    const known = addresses.get(operator.peerId) ?? new Set();
    for (const address of operator.addresses) known.add(address);
    addresses.set(operator.peerId, known);
  }
  return [...addresses].map(([peerId, found]) => ({peerId, addresses: overrides[peerId] ?? [...found]}));
}
