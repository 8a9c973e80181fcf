import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";

/** A logger of its own for plugins: replacing a method of it changes nothing for anybody else. */
export function frozenLogger(inner: Logger): Logger {
  return Object.freeze<Logger>({
    debug: (message, fields) => inner.debug(message, fields),
    info: (message, fields) => inner.info(message, fields),
    warn: (message, fields) => inner.warn(message, fields),
    error: (message, fields) => inner.error(message, fields),
    child: (fields) => frozenLogger(inner.child(fields)),
  });
}

/** A clock of its own for plugins: policy reads the other one. */
export function frozenClock(inner: Clock): Clock {
  return Object.freeze<Clock>({
    now: () => inner.now(),
    monotonic: () => inner.monotonic(),
    after: (ms, callback) => inner.after(ms, callback),
  });
}
