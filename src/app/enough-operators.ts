import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import type {SigningService} from "../ports/signing-service.js";

/** A committee that is up connects within a second; one that is not must not keep the API away for ever. */
const BOUND_MS = 15_000;
const POLL_MS = 25;
/** Once there are enough, how long the others have to join, so that the first requests meet a whole committee. */
const REST_MS = 1000;

/**
 * Resolves when every committee has all its operators, or has enough of them for a second; after a bound in any case,
 * with a warning that names what is missing.
 */
export async function enoughOperators(
  service: Pick<SigningService, "health">,
  {clock, logger}: {clock: Clock; logger: Logger},
): Promise<void> {
  const start = clock.monotonic();
  let enoughSince: number | null = null;
  for (;;) {
    const committees = service.health();
    const now = clock.monotonic();
    if (committees.every(({operators}) => operators.every(({connected}) => connected))) return;
    const enough = committees.every(({threshold, operators}) => operators.filter(isConnected).length >= threshold);
    enoughSince = enough ? (enoughSince ?? now) : null;
    if (enoughSince !== null && now - enoughSince >= REST_MS) return;
    if (now - start >= BOUND_MS) {
      const missing = committees.flatMap(({operators}) => operators).filter((operator) => !isConnected(operator));
      logger.warn("listening although too few operators are connected: requests will be answered 503", {
        missing: [...new Set(missing.map(({peerId}) => peerId))],
      });
      return;
    }
    await new Promise<void>((resolve) => void clock.after(POLL_MS, resolve));
  }
}

const isConnected = ({connected}: {connected: boolean}): boolean => connected;
