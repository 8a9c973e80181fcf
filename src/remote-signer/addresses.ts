import {BlockList, isIP} from "node:net";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** For an IP address; of a name only "localhost" counts. */
export function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  const family = isIP(host);
  return family !== 0 && LOOPBACK.check(host, family === 6 ? "ipv6" : "ipv4");
}

/**
 * The address clients are counted by: of IPv6 the first 64 bits, for whoever has one address of a network has them all.
 * An IPv4 address in IPv6 form is the IPv4 address.
 */
export function clientAddress(remote: string | undefined): string {
  if (remote === undefined) return "gone";
  const address = remote.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  if (isIP(address) !== 6 || LOOPBACK.check(address, "ipv6")) return address;
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({length: Math.max(0, 8 - left.length - right.length)}, () => "0");
  return `${[...left, ...zeros, ...right].slice(0, 4).join(":")}::/64`;
}

/** `host:port` as it stands in a URL. */
export const hostAndPort = (host: string, port: number): string =>
  isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
