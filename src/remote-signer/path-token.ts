import {timingSafeEqual} from "node:crypto";

/** Where no route is. */
const NOWHERE = "/-";

/**
 * A rewriter of URLs that takes `/token` off their beginning, and sends every other URL nowhere: a caller without the
 * token gets the 404 of a path that does not exist. How long the comparison takes does not depend on the caller's guess.
 */
export function belowToken(token: string): (request: {readonly url?: string | undefined}) => string {
  const prefix = Buffer.from(`/${token}/`);
  return ({url = ""}) => {
    const given = Buffer.from(url.slice(0, prefix.length).padEnd(prefix.length));
    const known = given.length === prefix.length && timingSafeEqual(given, prefix);
    return known ? url.slice(prefix.length - 1) : NOWHERE;
  };
}
