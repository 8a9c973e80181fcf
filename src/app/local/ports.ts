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
 * One free loopback port per preferred one, the preferred one itself where it is free; 0 prefers none. All are held
 * while choosing, so they differ; another program may still take one before it is used.
 */
export async function freePorts(preferred: readonly number[]): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (const port of preferred) {
      const server = (await listen(port)) ?? (await listen(0));
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
