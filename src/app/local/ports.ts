import {randomInt} from "node:crypto";
import {createServer, type Server} from "node:net";

const LOOPBACK = "127.0.0.1";

function listen(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen({port, host: LOOPBACK, exclusive: true}, () => resolve(server));
  });
}

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

/**
 * Below the range from which systems give ports to outgoing connections and to whoever asks for any (Linux: from 32768): a
 * port from there may be gone again before it is used, and at every later start.
 */
const FROM = 16_384;
const TO = 32_768;
const TRIES = 100;

async function listenAnywhere(): Promise<Server | null> {
  for (let i = 0; i < TRIES; i++) {
    const server = await listen(randomInt(FROM, TO));
    if (server !== null) return server;
  }
  return listen(0);
}

/**
 * One free loopback port per preferred one, the preferred one itself where it is free; 0 prefers none. All are held
 * while choosing, so they differ; another program may still take one before it is used.
 */
export async function freePorts(preferred: readonly number[]): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (const port of preferred) {
      const server = (port === 0 ? null : await listen(port)) ?? (await listenAnywhere());
      if (server === null) throw new Error("no free port on the loopback interface");
      servers.push(server);
    }
    return servers.map((server) => {
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("a TCP server without a port");
      return address.port;
    });
  } finally {
    await Promise.all(servers.map(close));
  }
}
