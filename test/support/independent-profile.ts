/**
 * Both sides of the draft distributed profile once more, from its text alone: nothing here imports from src, the pairing
 * and the curve are noble's, the transport is node's.
 */
import {createHash} from "node:crypto";
import {createServer, request, type Server} from "node:https";
import type {AddressInfo} from "node:net";
import type {SecureVersion} from "node:tls";
import {bls12_381} from "@noble/curves/bls12-381.js";

const G2 = bls12_381.G2.Point;
const {Fr} = bls12_381.fields;
const bls = bls12_381.longSignatures;
const DST = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replace(/^0x/, ""), "hex"));
const hex = (data: Uint8Array): string => `0x${Buffer.from(data).toString("hex")}`;

export interface Pem {
  readonly cert: string;
  readonly key: string;
}

export interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

export interface CallOptions {
  readonly ca: string;
  readonly client?: Pem | undefined;
  readonly body?: unknown;
  readonly maxVersion?: SecureVersion;
}

/** One request on a connection of its own; rejects when the handshake or the connection fails. */
export function call(url: string, {ca, client, body, maxVersion}: CallOptions): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    const outgoing = request(
      url,
      {
        method: text === undefined ? "GET" : "POST",
        agent: false,
        ca,
        ...client,
        ...(maxVersion === undefined ? {} : {minVersion: "TLSv1.2", maxVersion}),
        ...(text === undefined ? {} : {headers: {"content-type": "application/json"}}),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString())}),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end(text);
  });
}

/** λᵢ at zero over the ids in use, in Fr. */
function lambda(i: bigint, ids: readonly bigint[]): bigint {
  let value = 1n;
  for (const j of ids) if (j !== i) value = Fr.mul(value, Fr.div(Fr.create(j), Fr.create(j - i)));
  return value;
}

/** The complete signature out of exactly t partial ones, by participant id. */
export function recover(partials: ReadonlyMap<string, string>): string {
  const ids = [...partials.keys()].map(BigInt);
  let sum = G2.ZERO;
  for (const [id, signature] of partials)
    sum = sum.add(G2.fromBytes(bytes(signature)).multiply(lambda(BigInt(id), ids)));
  return hex(sum.toBytes(true));
}

export function verifies(signature: string, root: string, publicKey: string): boolean {
  return bls.verify(bls.Signature.fromHex(signature.slice(2)), bls.hash(bytes(root), DST), bytes(publicKey));
}

export interface AccountView {
  readonly participant_id: string;
  readonly public_key: string;
  readonly composite_public_key: string;
  readonly signing_threshold: string;
  readonly participants: readonly {readonly id: string; readonly endpoint: string}[];
}

/**
 * The draft's coordinator algorithm: discovery of one account at every endpoint, one identical request to each, every
 * partial verified under the component key learnt there, recovery from the first t, verification of the whole.
 * @param participants of the account, of whom some may be away
 */
export async function coordinate(
  endpoints: readonly string[],
  key: string,
  body: unknown,
  tls: {ca: string; client: Pem},
  use: readonly string[],
  participants = endpoints.length,
): Promise<{signature: string; root: string}> {
  const views = new Map<string, AccountView>();
  for (const endpoint of endpoints) {
    const {status, body: view} = await call(`${endpoint}/api/v1/eth2/distributed/accounts/${key}`, tls);
    if (status !== 200) throw new Error(`no account at ${endpoint}: ${status}`);
    const own = (view as AccountView).participants.find((one) => one.endpoint === endpoint);
    if (own?.id !== view.participant_id) throw new Error(`${endpoint} is not the endpoint of ${view.participant_id}`);
    views.set(view.participant_id, view);
  }
  const [first] = views.values();
  if (first === undefined || first.participants.length !== participants) throw new Error("participants are missing");
  for (const view of views.values()) {
    for (const field of ["composite_public_key", "signing_threshold", "participants"] as const) {
      if (JSON.stringify(view[field]) !== JSON.stringify(first[field])) throw new Error(`views differ in ${field}`);
    }
  }
  if (first.composite_public_key !== key || use.length !== Number(first.signing_threshold))
    throw new Error("threshold");
  const partials = new Map<string, string>();
  let root = "";
  for (const id of use) {
    const {endpoint} = first.participants.find((one) => one.id === id)!;
    const {status, body: partial} = await call(`${endpoint}/api/v1/eth2/distributed/sign/${key}`, {...tls, body});
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(partial)}`);
    if (partial.participant_id !== id) throw new Error("another participant answered");
    if (root !== "" && root !== partial.signing_root) throw new Error("signing roots differ");
    root = partial.signing_root;
    if (!verifies(partial.signature, root, views.get(id)!.public_key)) throw new Error(`invalid partial of ${id}`);
    partials.set(id, partial.signature);
  }
  const signature = recover(partials);
  if (!verifies(signature, root, key)) throw new Error("the recovered signature is invalid");
  return {signature, root};
}

/** signing_root of a GENERIC request. */
export const genericRoot = ({object_root, domain}: {object_root: string; domain: string}): string =>
  hex(createHash("sha256").update(bytes(object_root)).update(bytes(domain)).digest());

/** BLS.Sign(component_secret, signing_root). */
export const signPlain = (secret: string, root: string): string =>
  hex(bls.sign(bls.hash(bytes(root), DST), bytes(secret)).toBytes(true));

export type Answer = (request: {path: string; body: unknown}) => Reply | Promise<Reply>;

/** A participant's server that answers as it is told, over TLS 1.3 with client certificates of one authority. */
export async function participantServer(
  answer: Answer,
  {ca, ...pem}: Pem & {ca: string},
  port = 0,
): Promise<{origin: string; server: Server; close: () => Promise<void>}> {
  const server = createServer(
    {...pem, ca, minVersion: "TLSv1.3", requestCert: true, rejectUnauthorized: true},
    async (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const reply = await answer({path: incoming.url ?? "", body: text === "" ? null : JSON.parse(text)});
      outgoing.writeHead(reply.status, {"content-type": "application/json"});
      outgoing.end(JSON.stringify(reply.body));
    },
  );
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address() as AddressInfo;
  return {
    origin: `https://127.0.0.1:${address.port}`,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const publicKeyOf = (secret: string): string => hex(bls.getPublicKey(bytes(secret)).toBytes(true));
