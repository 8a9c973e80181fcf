import type {FuzzTarget} from "./target.js";

/** Every place where input from outside comes in, by name; loaded when asked for. */
export const TARGETS: {readonly [name: string]: () => Promise<FuzzTarget>} = {
  "http-requests": async () => (await import("./http.js")).httpTarget(),
  "http-socket": async () => (await import("./http.js")).socketTarget(),
  "link-operator": async () => (await import("./link.js")).linkServerTarget(),
  "link-coordinator": async () => (await import("./link.js")).linkCoordinatorTarget(),
  libp2p: async () => (await import("./link.js")).libp2pTarget(),
  "keeper-channel": async () => (await import("./keeper-channel.js")).keeperChannelTarget(),
  "keeper-init": async () => (await import("./files.js")).keeperInitTarget(),
  "committee-file": async () => (await import("./files.js")).committeeFileTarget(),
  bundle: async () => (await import("./files.js")).bundleTarget(),
  "operators-file": async () => (await import("./files.js")).operatorsFileTarget(),
  config: async () => (await import("./files.js")).configTarget(),
  "dkg-definition": async () => (await import("./dkg.js")).definitionTarget(),
  "dkg-item": async () => (await import("./dkg.js")).itemTarget(),
  "dkg-output": async () => (await import("./dkg.js")).outputTarget(),
  "dkg-peer": async () => (await import("./dkg.js")).peerTarget(),
  interchange: async () => (await import("./files.js")).interchangeTarget(),
};
