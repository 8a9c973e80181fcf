import {loadOrCreateIdentity} from "../adapters/libp2p/identity.js";
import type {PeerIdText} from "../core/bytes.js";

/** Makes a node key (mode 0600) and returns its peer id. The LINK_IDENTITY_ codes say what went wrong. */
export const newPeerId = async (file: string): Promise<PeerIdText> => (await loadOrCreateIdentity(file)).peerId;
