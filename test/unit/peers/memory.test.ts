import {systemClock} from "../../../src/adapters/clock/system.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {MemoryPeerNetwork} from "../../../src/adapters/peer-messages/memory.js";
import {parsePeerIdText} from "../../../src/core/bytes.js";
import {peerMessagesContract} from "../../contract/peer-messages.js";

peerMessagesContract("in memory", async (count) => {
  const network = new MemoryPeerNetwork();
  const nodes = Array.from({length: count}, (_, n) => {
    const self = parsePeerIdText(`12D3KooW${String(n + 1).repeat(44)}`);
    const logger = new MemoryLogger();
    return {
      self,
      addresses: [],
      messages: network.join(self, {clock: systemClock, logger}),
      errors: () => logger.lines.filter(({level}) => level === "error").map(({message}) => message),
    };
  });
  return {
    node: (n) => nodes[n]!,
    stop: async (n) => network.setUp(nodes[n]!.self, false),
    start: async (n) => network.setUp(nodes[n]!.self, true),
    close: async () => {
      for (const {messages} of nodes) await messages.close();
    },
  };
});
