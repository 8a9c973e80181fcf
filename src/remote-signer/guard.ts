import type {FastifyRequest} from "fastify";
import {PleiadesError} from "../core/errors.js";
import type {RateLimit} from "../core/token-bucket.js";
import type {Clock} from "../ports/clock.js";
import type {ServerTls} from "../ports/server-tls.js";
import type {AccessTokens} from "./access-token.js";
import {clientAddress} from "./addresses.js";
import {HostNames, isForeignOrigin} from "./host-names.js";
import {RateLimiter} from "./rate-limiter.js";
import {clientCertificate, isAllowedClient} from "./tls.js";

/** What is limited by itself, so that one kind of request leaves the others their allowance. */
export type RateClass = "sign" | "batch" | "other";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Default "other". */
    rateClass?: RateClass;
    /** Answered without a token. */
    open?: boolean;
  }
}

/** What can change while the server runs. */
export interface Secrets {
  readonly tls: ServerTls | null;
  readonly tokens: AccessTokens | null;
}

interface Options {
  readonly hostNames: readonly string[];
  readonly limits: {readonly [C in RateClass]?: RateLimit | null};
}

/** Decides from a request's head alone who is let in, before a byte of its body is read. */
export class Guard {
  readonly #hosts: HostNames;
  readonly #limiters: {readonly [C in RateClass]: RateLimiter | null};
  #secrets: Secrets;

  constructor({clock, secrets}: {clock: Pick<Clock, "monotonic">; secrets: Secrets}, {hostNames, limits}: Options) {
    const limiter = (limit: RateLimit | null = null) => (limit === null ? null : new RateLimiter({clock}, limit));
    this.#hosts = new HostNames(hostNames);
    this.#limiters = {sign: limiter(limits.sign), batch: limiter(limits.batch), other: limiter(limits.other)};
    this.#secrets = secrets;
  }

  get secrets(): Secrets {
    return this.#secrets;
  }

  renew(secrets: Partial<Secrets>): void {
    this.#secrets = {...this.#secrets, ...secrets};
  }

  /**
   * Null lets the request in. The rate comes before the token: a flood of requests without one is to cost little too.
   * HTTP_HOST_NOT_ALLOWED · HTTP_ORIGIN_NOT_ALLOWED · HTTP_CLIENT_NOT_ALLOWED · HTTP_RATE_LIMITED · HTTP_TOKEN
   */
  refusal({raw, headers, routeOptions}: FastifyRequest): PleiadesError | null {
    const {tls, tokens} = this.#secrets;
    const {rateClass = "other", open = false} = routeOptions.config;
    if (!this.#hosts.accepts(headers.host)) return new PleiadesError({code: "HTTP_HOST_NOT_ALLOWED"});
    if (isForeignOrigin(headers.origin, headers.host)) return new PleiadesError({code: "HTTP_ORIGIN_NOT_ALLOWED"});
    if (!isAllowedClient(raw.socket, tls?.clients ?? null)) {
      return new PleiadesError({code: "HTTP_CLIENT_NOT_ALLOWED"});
    }
    const waitMs = this.#limiters[rateClass]?.check(clientOf(raw.socket)) ?? null;
    if (waitMs !== null) {
      return new PleiadesError({code: "HTTP_RATE_LIMITED", retryAfterSeconds: Math.ceil(waitMs / 1000)});
    }
    if (!open && tokens !== null && !tokens.accept(headers.authorization))
      return new PleiadesError({code: "HTTP_TOKEN"});
    return null;
  }
}

/** Headers that belong to a refusal. */
export function refusalHeaders({code, data}: PleiadesError): {readonly [name: string]: string} {
  switch (code) {
    case "HTTP_TOKEN":
      // Basic is taken but not offered: a browser would ask its user for it and then send it along from any page.
      return {"www-authenticate": 'Bearer realm="pleiades"'};
    case "HTTP_RATE_LIMITED":
      return {"retry-after": String(data.retryAfterSeconds)};
    default:
      return {};
  }
}

/** Who is counted: the certificate where there is one, for many clients may come from one address. */
const clientOf = (socket: Parameters<typeof clientCertificate>[0]): string =>
  clientCertificate(socket)?.fingerprint256 ?? clientAddress(socket.remoteAddress);
