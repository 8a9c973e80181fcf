import {type Multiaddr, multiaddr} from "@multiformats/multiaddr";
import type {PeerIdText} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";

/** The addresses with the peer id in them, which makes noise insist on it. @throws LINK_ADDRESS */
export function pinned(peerId: PeerIdText, addresses: readonly string[]): Multiaddr[] {
  return addresses.map((text) => {
    try {
      const address = multiaddr(text);
      const [last, ...rest] = address.getComponents().reverse();
      const transport = last?.name === "p2p" ? rest[0] : last;
      const plain = last?.name === "p2p" ? text.slice(0, text.lastIndexOf("/p2p/")) : text;
      if (transport?.name !== "tcp" || (last?.name === "p2p" && last.value !== peerId)) {
        throw new Error("not a TCP address of this peer");
      }
      return multiaddr(`${plain}/p2p/${peerId}`);
    } catch (error) {
      throw new PleiadesError({code: "LINK_ADDRESS", address: text.slice(0, 200), peerId}, {cause: error});
    }
  });
}
