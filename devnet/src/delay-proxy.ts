import {type AddressInfo, connect, createServer, type Server, type Socket} from "node:net";

export interface DelayProxy {
  readonly port: number;
  /** Milliseconds added to a round trip from now on, half in each direction; 0: none. */
  setDelay(ms: number): void;
  close(): Promise<void>;
}

/** A TCP proxy on loopback in front of `targetPort` that can be made slow while connections stay open. */
export async function startDelayProxy(targetPort: number): Promise<DelayProxy> {
  const sockets = new Set<Socket>();
  let delayMs = 0;
  const server: Server = createServer((client) => {
    const target = connect(targetPort, "127.0.0.1");
    for (const socket of [client, target]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      // The other side learns of an error by the close that follows it.
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    }
    pump(client, target, () => delayMs / 2);
    pump(target, client, () => delayMs / 2);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    setDelay(ms) {
      delayMs = ms;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Hands bytes on in order, each no earlier than its delay after it came. */
function pump(from: Socket, to: Socket, delay: () => number): void {
  let free = 0; // when the previous chunk leaves; a later one never overtakes it
  const later = (action: () => void): void => {
    const now = performance.now();
    const due = Math.max(now + delay(), free);
    free = due;
    if (due <= now) action();
    else setTimeout(action, due - now);
  };
  from.on("data", (chunk) => later(() => to.writable && to.write(chunk)));
  from.on("end", () => later(() => to.end()));
  from.on("close", (hadError) => later(() => (hadError ? to.destroy() : to.end())));
}
