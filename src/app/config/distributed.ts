import {z} from "zod";
import {secretPath} from "../credentials.js";
import {key} from "./docs.js";
import {clientRule, listenerKeys, resolveListener} from "./listener.js";
import {httpsOrigin, path, peerId, port, pubkey} from "./values.js";

const coordinator = z.strictObject({
  name: z.string().regex(/^[\w .@-]{1,64}$/, {message: "expected up to 64 letters, digits, spaces and . @ _ -"}),
  client: clientRule,
  keys: z.union([z.literal("all"), z.array(pubkey)]),
  rank: z.int().min(0).max(63).optional(),
});

const {tokenFile: _, ...listener} = listenerKeys;

const section = z
  .strictObject({
    enabled: key(z.boolean().default(false), {
      about: "Serve the distributed profile.",
      unit: "true or false",
    }),
    host: key(z.string().min(1).default("127.0.0.1"), {
      about: "Address to listen on. Give it one that only coordinators reach.",
      unit: "host",
    }),
    port: key(port.default(9300), {about: "Port to listen on; 0 picks a free one.", unit: "port"}),
    ...listener,
    coordinators: key(z.array(coordinator).default([]), {
      about:
        "Who may use which keys: a name for logs, the SHA-256 fingerprint or the name (DNS name or common name) of the client certificate, and `all` or a list of validators' public keys. `rank` is its place beside the signers of the committee file, whose first has 0; left out, it comes after all of them, and its blocks and attestations wait for their turn (signerDelayMs).",
      unit: "list of {name, client, keys: all or list of public keys, rank: optional}",
    }),
    participants: key(z.record(peerId as unknown as z.ZodType<string, string>, httpsOrigin).default({}), {
      about:
        "https origin of every operator of the committees, this one too, by peer id: told to coordinators that list accounts. An account whose origins are not all known is not listed.",
      unit: "map of peer id to https origin",
    }),
  })
  .refine(({enabled, tls}) => !enabled || tls.clientCa !== null, {
    path: ["tls"],
    message: "the profile is served only over TLS with client certificates: expected cert, key and clientCa",
  })
  .refine(({enabled, coordinators}) => !enabled || coordinators.length > 0, {
    path: ["coordinators"],
    message: "expected at least one coordinator",
  })
  .refine(({coordinators}) => new Set(coordinators.map(({name}) => name)).size === coordinators.length, {
    path: ["coordinators"],
    message: "two coordinators have one name",
  });

export type DistributedSection = z.output<typeof section>;

/** The section with absolute paths. @throws CONFIG_CREDENTIAL */
export function resolveDistributed(given: DistributedSection, dir: string): DistributedSection {
  const {tokenFile: none, ...resolved} = resolveListener({...given, tokenFile: null}, dir);
  return resolved;
}

export const distributed = key(section.prefault({}), {
  about:
    "The standard's (draft) distributed profile for coordinators that do not speak libp2p, on a listener of its own, off by default. See docs/distributed-profile.md.",
});

const participantSection = z
  .strictObject({
    cert: key(path.nullable().default(null), {
      about: "This signer's client certificate in PEM, followed by those between it and the root.",
      unit: "path or null",
    }),
    key: key(path.nullable().default(null), {
      about: "Private key of the certificate in PEM, mode 0600.",
      unit: "path, credential:name or null",
    }),
    keyPasswordFile: key(path.nullable().default(null), {
      about: "File whose first line opens an encrypted key, mode 0600.",
      unit: "path, credential:name or null",
    }),
    ca: key(path.nullable().default(null), {
      about: "Certificates in PEM that vouch for the participants; the system's authorities are not asked.",
      unit: "path or null",
    }),
  })
  .refine(({cert, key, ca}) => (cert === null) === (key === null) && (cert === null) === (ca === null), {
    message: "expected cert, key and ca, or none of them",
  });

export type ParticipantSection = z.output<typeof participantSection>;

export const participants = key(participantSection.prefault({}), {
  about:
    "TLS 1.3 towards operators with an https address: participants of the standard's (draft) distributed profile. See docs/distributed-profile.md.",
});

/** The section with absolute paths. @throws CONFIG_CREDENTIAL */
export function resolveParticipants(section: ParticipantSection, dir: string): ParticipantSection {
  const at = (file: string | null) => (file === null ? null : secretPath(file, dir));
  return {
    cert: at(section.cert),
    key: at(section.key),
    keyPasswordFile: at(section.keyPasswordFile),
    ca: at(section.ca),
  };
}
