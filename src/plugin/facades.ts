import {parsePeerIdText} from "../core/bytes.js";
import type {CeremonyVault} from "../ports/ceremony-vault.js";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import type {NamedPeer, PeerMessages} from "../ports/peer-messages.js";
import type {ShareRepair} from "../ports/share-repair.js";
import type {PluginOffer} from "./lifecycle.js";

/** A logger of its own for plugins: replacing a method of it changes nothing for anybody else. */
export function frozenLogger(inner: Logger): Logger {
  return Object.freeze<Logger>({
    debug: (message, fields) => inner.debug(message, fields),
    info: (message, fields) => inner.info(message, fields),
    warn: (message, fields) => inner.warn(message, fields),
    error: (message, fields) => inner.error(message, fields),
    child: (fields) => frozenLogger(inner.child(fields)),
  });
}

/** A clock of its own for plugins: policy reads the other one. */
export function frozenClock(inner: Clock): Clock {
  return Object.freeze<Clock>({
    now: () => inner.now(),
    monotonic: () => inner.monotonic(),
    after: (ms, callback) => inner.after(ms, callback),
  });
}

export const frozenOffer = ({peers, dataDir, vault, repair, sign, committeesChanged}: PluginOffer): PluginOffer => ({
  ...(peers === undefined ? {} : {peers: frozenPeers(peers)}),
  ...(dataDir === undefined ? {} : {dataDir}),
  ...(vault === undefined ? {} : {vault: frozenVault(vault)}),
  ...(repair === undefined ? {} : {repair: frozenRepair(repair)}),
  ...(sign === undefined ? {} : {sign: (message: Uint8Array) => sign(bytesOf(message))}),
  ...(committeesChanged === undefined ? {} : {committeesChanged: () => committeesChanged()}),
});

/** The port and nothing else of whatever implements it: a keeper's other calls stay out of reach. */
function frozenVault(inner: CeremonyVault): CeremonyVault {
  return Object.freeze<CeremonyVault>({
    journalKey: () => inner.journalKey(),
    sealExit: (key, validatorIndex) => inner.sealExit(key, validatorIndex),
    begin: (definition, peerId) => inner.begin(definition, peerId),
    deal: (ceremony, input) => inner.deal(ceremony, input),
    open: (ceremony, input) => inner.open(ceremony, input),
    result: (ceremony, input) => inner.result(ceremony, input),
    activate: (ceremony, committeeFile) => inner.activate(ceremony, committeeFile),
    retire: (ceremony, transcript) => inner.retire(ceremony, transcript),
    takeOver: (ceremony, retirements) => inner.takeOver(ceremony, retirements),
    abort: (ceremony) => inner.abort(ceremony),
    status: () => inner.status(),
  });
}

function frozenRepair(inner: ShareRepair): ShareRepair {
  return Object.freeze<ShareRepair>({
    lost: (self) => inner.lost(self),
    ask: (input) => inner.ask(input),
    check: (session, input) => inner.check(session, input),
    judge: (session, input) => inner.judge(session, input),
    rebuild: (session, sums) => inner.rebuild(session, sums),
    consent: (input) => inner.consent(input),
    announce: (input) => inner.announce(input),
    deal: (session, input) => inner.deal(session, input),
    sum: (session, input) => inner.sum(session, input),
  });
}

/** The port and nothing else of whatever implements it. Plugins may be plain JavaScript, so what they pass is checked. */
function frozenPeers(inner: PeerMessages): PeerMessages {
  return Object.freeze<PeerMessages>({
    self: inner.self,
    setPeers: (peers) => inner.setPeers(peers.map(checkedPeer)),
    peers: () => inner.peers(),
    handle: (handler) => inner.handle(handler),
    send: async (peer, body, signal) => inner.send(parsePeerIdText(peer), bytesOf(body), signal),
    request: async (peer, body, signal) => inner.request(parsePeerIdText(peer), bytesOf(body), signal),
  });
}

function checkedPeer({peerId, addresses}: NamedPeer): NamedPeer {
  if (!Array.isArray(addresses) || !addresses.every((address) => typeof address === "string")) {
    throw new TypeError("addresses are not a list of texts");
  }
  return {peerId: parsePeerIdText(peerId), addresses};
}

function bytesOf(body: Uint8Array): Uint8Array {
  if (body instanceof Uint8Array) return body;
  throw new TypeError("a message is a Uint8Array");
}
