import {isIP} from "node:net";

/**
 * The host of a Host header or of an origin: without port, brackets and final dot, in lower case; null when it is none.
 * @see RFC 9110 section 7.2
 */
export function hostOf(authority: string | undefined): string | null {
  const match = /^(?:\[([0-9a-f:.%]+)\]|([^\s:/?#@[\]]+))(?::\d{0,5})?$/i.exec(authority ?? "");
  const host = (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, "");
  return host === undefined || host === "" ? null : host;
}

/**
 * Whether a request meant this server. A web page can make a browser on this machine or network ask us, by letting its
 * own name point here (DNS rebinding); then the Host header has that name. So only known names are answered: localhost,
 * the address we listen on, and those configured. An IP address in the header is no name that anybody could point here.
 */
export class HostNames {
  readonly #names: ReadonlySet<string>;

  constructor(names: readonly string[]) {
    this.#names = new Set(["localhost", ...names.map((name) => name.toLowerCase())]);
  }

  accepts(header: string | undefined): boolean {
    const host = hostOf(header);
    return host !== null && (isIP(host) !== 0 || this.#names.has(host));
  }
}

/** A request from a page of another origin says so; no program that signs has one. @see RFC 6454 section 7 */
export function isForeignOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return false;
  return hostOf(origin.replace(/^https?:\/\//i, "")) !== hostOf(host);
}
