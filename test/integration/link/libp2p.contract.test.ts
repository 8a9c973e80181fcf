import type {PeerIdText} from "../../../src/core/bytes.js";
import {operatorLinkContract} from "../../contract/operator-link.js";
import {startLink, startServer} from "../../support/libp2p-link.js";

operatorLinkContract("libp2p", async (count) => {
  const {link, events, self} = await startLink();
  const allowed = new Set<PeerIdText>([self]);
  const servers = await Promise.all(Array.from({length: count}, () => startServer({allowed})));
  return {
    link,
    events,
    self,
    operators: servers,
    stop: (n) => servers[n]!.server.close(),
    start: async (n) => {
      const {identity, fake, port} = servers[n]!;
      servers[n] = await startServer({allowed, identity, handler: fake, listen: `/ip4/127.0.0.1/tcp/${port}`});
    },
    close: async () => {
      await link.close();
      await Promise.all(servers.map(({server}) => server.close()));
    },
  };
});
