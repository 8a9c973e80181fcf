import type {Committee} from "../core/committee/committee.js";

/**
 * Committees with the addresses of the configuration in place of those of the committee file, for operators that it names.
 * Addresses are part of no hash: an operator may move house.
 */
export const withAddresses = (
  committees: readonly Committee[],
  addresses: {readonly [peerId: string]: readonly string[]},
): readonly Committee[] =>
  committees.map((committee) => ({
    ...committee,
    operators: committee.operators.map((operator) => ({
      ...operator,
      addresses: addresses[operator.peerId] ?? operator.addresses,
    })),
  }));
