import {isLoopback} from "./addresses.js";

export interface Exposure {
  readonly host: string;
  readonly tls: boolean;
  readonly clientCertificates: boolean;
  readonly token: boolean;
}

/** What is wrong with a listener that other machines can reach, as the end of a sentence; null when nothing is. */
export function exposureWarning({host, tls, clientCertificates, token}: Exposure): string | null {
  if (isLoopback(host)) return null;
  if (tls && (token || clientCertificates)) return null;
  if (token) return "the token crosses the network readable for everybody on the way: add tls";
  const answer = tls ? "add tls.clientCa or tokenFile" : "add tls, and tls.clientCa or tokenFile";
  return `whoever reaches this address is served: ${answer}`;
}
