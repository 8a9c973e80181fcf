import {type AddressInfo, connect, createServer, type Socket} from "node:net";

export interface Gate {
  readonly port: number;
  /** From now on connections reach the target; before, they are closed at once. */
  open(): void;
  close(): Promise<void>;
}

/** A TCP port on loopback, taken from the start, behind which `targetPort` can be reached only later. */
export async function startGate(targetPort: number): Promise<Gate> {
  const sockets = new Set<Socket>();
  let isOpen = false;
  const server = createServer((client) => {
    if (!isOpen) {
      client.destroy();
      return;
    }
    const target = connect(targetPort, "127.0.0.1");
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {}); // the close that follows tells the other side
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    open() {
      isOpen = true;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
