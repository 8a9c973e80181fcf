import {z} from "zod";
import {
  type AddressHex,
  type Bytes4Hex,
  type Epoch,
  type PeerIdText,
  type PubkeyHex,
  parseAddressHex,
  parseBytes4Hex,
  parseEpoch,
  parsePeerIdText,
  parsePubkeyHex,
  parseRootHex,
  type RootHex,
} from "../../core/bytes.js";
import {type Permit, parsePolicyConfig} from "../../core/duty/policy.js";
import {PleiadesError} from "../../core/errors.js";

/** A zod type from one of core's parsers: the same rules everywhere. With `expected` null the parser's own words are shown. */
function parsed<T>(parse: (raw: unknown) => T, expected: string | null): z.ZodType<T> {
  return z.unknown().transform((raw, context): T => {
    try {
      return parse(raw);
    } catch (error) {
      if (!(error instanceof PleiadesError)) throw error;
      context.addIssue({code: "custom", message: expected === null ? error.message : `expected ${expected}`});
      return z.NEVER;
    }
  });
}

export const address: z.ZodType<AddressHex> = parsed((raw) => parseAddressHex(raw), "an address: 0x and 40 hex digits");
export const bytes4: z.ZodType<Bytes4Hex> = parsed((raw) => parseBytes4Hex(raw), "4 bytes: 0x and 8 hex digits");
export const root: z.ZodType<RootHex> = parsed((raw) => parseRootHex(raw), "32 bytes: 0x and 64 hex digits");
export const pubkey: z.ZodType<PubkeyHex> = parsed((raw) => parsePubkeyHex(raw), "a public key: 0x and 96 hex digits");
export const peerId: z.ZodType<PeerIdText> = parsed((raw) => parsePeerIdText(raw), "a libp2p peer id");
export const epoch: z.ZodType<Epoch> = parsed((raw) => parseEpoch(raw), "an epoch: a whole number from 0");

/** One message an operator permits. */
export const permit: z.ZodType<Permit> = parsed((raw) => first(parsePolicyConfig({permits: [raw]}).permits), null);
/** A domain type for generic messages: none of the consensus or builder specs'. */
export const genericDomainType: z.ZodType<Bytes4Hex> = parsed(
  (raw) => first(parsePolicyConfig({genericDomainTypes: [raw]}).genericDomainTypes),
  null,
);

function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error("a parser lost its item");
  return item;
}

const MULTIADDR = /^\/(?:ip4\/[0-9.]+|ip6\/[0-9a-fA-F:.]+|dns[46]?\/[^/\s]+)\/tcp\/(\d{1,5})$/;

/** True for the multiaddrs Pleiades uses: TCP over IP or DNS, without /p2p. */
export function isTcpMultiaddr(raw: string): boolean {
  const port = MULTIADDR.exec(raw)?.[1];
  return port !== undefined && Number(port) <= 65535;
}

export const multiaddr = z
  .string()
  .refine(isTcpMultiaddr, {message: "expected a TCP multiaddr without /p2p, like /ip4/203.0.113.7/tcp/9000"});

/** An https origin as the distributed profile writes endpoints, in the spelling URLs have: no path, query or user. */
export const isHttpsOrigin = (raw: string): boolean =>
  raw.startsWith("https://") && URL.canParse(raw) && new URL(raw).origin === raw;

export const httpsOrigin = z
  .string()
  .refine(isHttpsOrigin, {message: "expected an https origin without a path, like https://signer-1.example:9300"});

/** Where an operator is reached: over libp2p, or over the distributed profile. */
export const operatorAddress = z.string().refine((raw) => isTcpMultiaddr(raw) || isHttpsOrigin(raw), {
  message: "expected a TCP multiaddr without /p2p, like /ip4/203.0.113.7/tcp/9000, or an https origin",
});

export const port = z.int().min(0).max(65535);
export const path = z.string().min(1);
/** Node cannot wait longer than 2^31 ms; anything near that is a mistake anyway. */
export const milliseconds = z.int().min(1).max(600_000);
