/**
 * Calls back in a later turn of the event loop, in the order of the calls: setImmediate, but in a simulation, which has
 * an order of its own.
 */
export type NextTurn = (callback: () => void) => void;
