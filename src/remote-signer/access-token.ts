import {createHash, timingSafeEqual} from "node:crypto";

/** RFC 6750's characters: they need no escaping in a header, and but for "/" and "+" none in a URL. */
const TOKEN = /^[A-Za-z0-9._~+/-]{32,512}={0,2}$/;

/** False for what is too short to be out of reach of guessing, or could not be sent. */
export const isToken = (raw: string): boolean => TOKEN.test(raw);

/**
 * The tokens that let a client in; several at once, so that one can be replaced without a moment in which no client has
 * the right one. Keeps hashes only.
 */
export class AccessTokens {
  readonly #hashes: readonly Buffer[];

  constructor(tokens: readonly string[]) {
    this.#hashes = tokens.map(hash);
  }

  /**
   * Whether an Authorization header carries one: as Bearer, or as the password of Basic with any user, for that is what
   * a client sends whose URL has the form https://user:token@host. The time it takes says nothing about the tokens.
   */
  accept(authorization: string | undefined): boolean {
    const given = hash(credentialOf(authorization ?? ""));
    let accepted = false;
    for (const known of this.#hashes) if (timingSafeEqual(known, given)) accepted = true;
    return accepted;
  }
}

const hash = (text: string): Buffer => createHash("sha256").update(text).digest();

function credentialOf(authorization: string): string {
  const [, scheme = "", value = ""] = /^(\S+) +(\S+)$/.exec(authorization) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return value;
    case "basic": {
      const text = Buffer.from(value, "base64").toString("utf8");
      return text.slice(text.indexOf(":") + 1);
    }
    default:
      return "";
  }
}
