/** What this file knows of a TCP connection, beyond its type. Every member is looked for before anything is changed. */
interface TcpConnection {
  readonly socket: {cork: () => void; uncork: () => void};
  sendData: (data: unknown) => unknown;
}

/**
 * An encrypter over a connection that hands each message to the system in one write. The libraries give it in four pieces
 * (length, frame header, body, tag), each with a system call and, as nothing may wait on a TCP socket here, a packet of
 * its own, for each of which the other process is woken. A connection of another kind is left as it is.
 */
export const gathering =
  <C, E extends object>(encrypters: (components: C) => E): ((components: C) => E) =>
  (components) => {
    const inner = encrypters(components);
    return new Proxy(inner, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name !== "secureInbound" && name !== "secureOutbound") return member.bind(target);
        return (connection: object, ...rest: unknown[]) => {
          gatherWrites(connection);
          return member.call(target, connection, ...rest);
        };
      },
    });
  };

/** @returns whether the connection is one of those */
export function gatherWrites(connection: object): boolean {
  if (!isTcp(connection)) return false;
  const {socket} = connection;
  const original = connection.sendData.bind(connection);
  connection.sendData = (data) => {
    socket.cork();
    try {
      return original(data);
    } finally {
      socket.uncork();
    }
  };
  return true;
}

function isTcp(connection: object): connection is TcpConnection {
  const {socket, sendData} = connection as Partial<TcpConnection>;
  return typeof sendData === "function" && typeof socket?.cork === "function" && typeof socket.uncork === "function";
}
