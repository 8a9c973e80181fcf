import {createHash} from "node:crypto";
import {createServer, type IncomingMessage} from "node:http";
import type {AddressInfo} from "node:net";
import {SecretKey} from "@chainsafe/blst";
import type {DevnetSigner, SignerNow} from "../../devnet/src/signer.js";

const R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;

/** The i-th key of an interop genesis: sha256 of the index, read little-endian, modulo the group order. */
export function interopSecretKey(index: number): SecretKey {
  const input = Buffer.alloc(32);
  input.writeUInt32LE(index);
  const digest = createHash("sha256").update(input).digest().reverse();
  const scalar = BigInt(`0x${digest.toString("hex")}`) % R;
  return SecretKey.fromBytes(Buffer.from(scalar.toString(16).padStart(64, "0"), "hex"));
}

/**
 * What a committee must be indistinguishable from: a signer that holds the whole keys and signs whatever root it is
 * told to. Serves the routes that a Lodestar validator client calls.
 */
export async function startSingleKeySigner(indices: readonly number[]): Promise<DevnetSigner> {
  const keys = new Map(
    indices.map((index) => {
      const secret = interopSecretKey(index);
      return [secret.toPublicKey().toHex().toLowerCase(), secret];
    }),
  );
  let signed = 0;
  const failed = new Map<string, number>();
  const durations = new Map([
    [0.001, 0],
    [Infinity, 0],
  ]);
  const server = createServer(async (request, response) => {
    response.setHeader("content-type", "application/json");
    if (request.url === "/api/v1/eth2/publicKeys") return response.end(JSON.stringify([...keys.keys()]));
    if (request.url === "/upcheck") return response.end(JSON.stringify({status: "OK"}));
    const pubkey = /^\/api\/v1\/eth2\/sign\/(0x[0-9a-f]{96})$/.exec(request.url ?? "")?.[1] ?? "";
    const body = JSON.parse(await text(request)) as {type: string; signingRoot: string};
    const secret = keys.get(pubkey);
    if (secret === undefined) {
      failed.set(`${body.type} unknown key`, (failed.get(`${body.type} unknown key`) ?? 0) + 1);
      response.statusCode = 404;
      return response.end(JSON.stringify({message: "unknown key"}));
    }
    signed++;
    for (const bound of durations.keys()) durations.set(bound, durations.get(bound)! + 1);
    const root = Buffer.from(body.signingRoot.slice(2), "hex");
    return response.end(JSON.stringify({signature: secret.sign(root).toHex()}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const now = async (): Promise<SignerNow> => ({signed, failed, durations, operators: []});
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    urls: [url],
    threshold: 1,
    failed: new Promise<never>(() => {}),
    now,
    crash: async () => {},
    restart: async () => {},
    slow: () => {},
    lie: () => {},
    crashSigner: async () => {},
    restartSigner: async () => {},
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
