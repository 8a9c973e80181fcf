/** What this file knows of a yamux stream, beyond its type. Every member is looked for before anything is changed. */
interface YamuxStream {
  state: unknown;
  recvWindow: number;
  recvWindowCapacity: number;
  sendWindowUpdate: () => void;
}

/** yamux's name of a stream whose both ends have spoken: before that an update carries the opening flags. */
const ESTABLISHED = 3;

/**
 * Lets a yamux stream give back its receive window when half of it is used. The library does so after every message,
 * and so sends two encrypted frames for each one that says something. The sender still hears of room long before it has
 * used up what it has. A stream of another kind or version is left as it is.
 * @returns whether the stream is one of those
 */
export function acknowledgeByHalves(stream: object): boolean {
  if (!isYamux(stream)) return false;
  const original = stream.sendWindowUpdate.bind(stream);
  stream.sendWindowUpdate = () => {
    if (stream.state === ESTABLISHED && stream.recvWindowCapacity > stream.recvWindow / 2) return;
    original();
  };
  return true;
}

function isYamux(stream: object): stream is YamuxStream {
  const {recvWindow, recvWindowCapacity, sendWindowUpdate, state} = stream as Partial<YamuxStream>;
  return (
    typeof recvWindow === "number" &&
    typeof recvWindowCapacity === "number" &&
    typeof sendWindowUpdate === "function" &&
    typeof state === "number"
  );
}
