import {peerMessagesContract} from "../../contract/peer-messages.js";
import {startPeerNode} from "../../support/peer-node.js";

peerMessagesContract("libp2p", async (count) => {
  const nodes = await Promise.all(Array.from({length: count}, () => startPeerNode()));
  return {
    node: (n) => nodes[n]!,
    stop: (n) => nodes[n]!.close(),
    start: async (n) => {
      const {identity, addresses} = nodes[n]!;
      nodes[n] = await startPeerNode({identity, listen: addresses[0]!});
    },
    close: async () => {
      await Promise.all(nodes.map((node) => node.close()));
    },
  };
});
