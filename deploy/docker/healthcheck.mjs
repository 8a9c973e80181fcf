// Exit code 0 when one of the arguments answers: `tcp:PORT` takes connections on loopback, a URL says 2xx. The image has
// no other program that could ask.
import {connect} from "node:net";

const BOUND_MS = 4000;

const accepts = (port) =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve();
    });
    socket.on("error", reject);
  });
const answers = async (url) => {
  const {ok, status} = await fetch(url);
  if (!ok) throw new Error(`status ${status}`);
};
const probe = (target) => (target.startsWith("tcp:") ? accepts(Number(target.slice(4))) : answers(target));

setTimeout(() => process.exit(1), BOUND_MS);
const targets = process.argv.slice(2);
process.exit(
  await Promise.any(targets.map(probe)).then(
    () => 0,
    () => 1,
  ),
);
