import {MemoryCeremonyJournal, MemoryJournalDisk} from "../../../src/adapters/ceremony-journal/memory.js";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {MemoryPeerNetwork} from "../../../src/adapters/peer-messages/memory.js";
import type {RootHex} from "../../../src/core/bytes.js";
import {type Ceremony, ceremonyOf} from "../../../src/core/dkg/ceremony.js";
import {parseDefinition, participantsOf} from "../../../src/core/dkg/definition.js";
import {signingMessage} from "../../../src/core/dkg/items.js";
import {decodeItem} from "../../../src/core/dkg/items-codec.js";
import {encodeItem} from "../../../src/core/dkg/items-json.js";
import {verifyOutput} from "../../../src/core/dkg/output.js";
import {formatOutputFile, parseOutputFile} from "../../../src/core/dkg/output-file.js";
import {codeOf} from "../../../src/core/errors.js";
import {encodeConsents, encodeItems, encodeMessage, itemDigest} from "../../../src/plugin/dkg/wire.js";
import {planDkg, simulateDkg} from "../../simulation/dkg-simulate.js";
import {transparentDkgGroup as group} from "../../simulation/transparent-group.js";
import {cheapNode, verifyCheaply} from "../dkg.js";
import {definitionText, startCeremonies, TestVaults} from "../dkg-operators.js";
import type {Seeded} from "../seeded.js";
import {waitFor} from "../wait.js";
import {mutateJsonText, parserTarget} from "./files.js";
import {mutateBytes} from "./mutate.js";
import {type FuzzTarget, insist, knownCode} from "./target.js";

/** Signatures are forged: what stands behind them is to be looked at. */
const anything = () => true;
const NODES = [1, 2, 3, 4].map(cheapNode);

export function definitionTarget(): FuzzTarget {
  const corpus = [definitionText(NODES), definitionText(NODES, {signers: [], validators: 1000, threshold: 3})];
  return parserTarget({
    corpus,
    mutate: mutateJsonText,
    parse: (text) => participantsOf(parseDefinition(text, anything).definition),
  });
}

export async function outputTarget(): Promise<FuzzTarget> {
  const weather = {drop: 0, duplicate: 0, maxDelayMs: 20, crash: 0, calmAtMs: 0};
  const plan = {...planDkg(1), kind: "fresh", leaving: 0, n: 4, validators: 2, all: true, liars: [], weather} as const;
  const {outputs, signed} = await simulateDkg(plan, group);
  return parserTarget({
    corpus: [formatOutputFile(signed, outputs[0]!)],
    mutate: mutateJsonText,
    parse: (text) => {
      const {ceremony, output} = parseOutputFile(text, anything);
      return verifyOutput(group, ceremony, output, anything);
    },
  });
}

/** Operators in one process, and the ceremony that they run. */
async function operators(nodes: readonly number[], text: string) {
  const network = new MemoryPeerNetwork();
  const started = nodes.map((n) => {
    const node = NODES[n]!;
    const disk = new MemoryJournalDisk();
    const peers = network.join(node.peerId, {clock: systemClock, logger: new MemoryLogger()});
    const modules = {peers, journal: new MemoryCeremonyJournal(disk), node, vaults: new TestVaults(group, node), group};
    return {peers, disk, ...startCeremonies(modules, {verify: verifyCheaply})};
  });
  const ids = await Promise.all(started.map(({ceremonies}) => ceremonies.join(text)));
  const close = async (): Promise<void> => {
    for (const {ceremonies, peers} of started) {
      await ceremonies.close();
      await peers.close();
    }
  };
  return {network, started, id: ids[0]!, close};
}

/** Every kind of item, as a ceremony left them. */
async function itemsOfOne(text: string): Promise<readonly string[]> {
  const {started, id, close} = await operators([0, 1, 2, 3], text);
  await waitFor("an end", () => started.every(({ceremonies}) => ceremonies.status(id).ended !== null), 30_000);
  await close();
  const byKind = new Map<string, string>();
  for (const item of started[0]!.disk.kept.get(id)!.items.values()) {
    const {kind, author} = JSON.parse(item) as {kind: string; author: number};
    byKind.set(`${kind} ${author === 4}`, item);
  }
  return [...byKind.values()];
}

export async function itemTarget(): Promise<FuzzTarget> {
  const text = definitionText(NODES);
  const ceremony = ceremonyOf(parseDefinition(text, anything), anything);
  return parserTarget({
    corpus: await itemsOfOne(text),
    mutate: mutateJsonText,
    parse: (item) => decodeItem(ceremony, item),
  });
}

/** The fourth participant says what it likes, signed where it can be, to one who waits for it. */
export async function peerTarget(): Promise<FuzzTarget> {
  const text = definitionText(NODES);
  const items = await itemsOfOne(text);
  const {network, started, id, close} = await operators([0, 1, 2], text);
  const liar = network.join(NODES[3]!.peerId, {clock: systemClock, logger: new MemoryLogger()});
  liar.setPeers(NODES.slice(0, 3).map(({peerId}) => ({peerId, addresses: []})));
  const [victim] = started;
  const to = NODES[0]!.peerId;
  const ceremony = ceremonyOf(parseDefinition(text, anything), anything);
  const consents = parseDefinition(text, anything).signatures;
  const message = (random: Seeded): Uint8Array => {
    const dice = random.next();
    if (dice < 0.6) {
      const changed = mutateJsonText(random.pick(items), random);
      return encodeMessage({kind: "item", ceremony: id, text: signedAgain(ceremony, changed) ?? changed});
    }
    if (dice < 0.7) return encodeMessage({kind: "have", ceremony: id, held: new Set([itemDigest("x")])});
    if (dice < 0.8) return encodeMessage({kind: "chunk", ceremony: id, hash: id});
    if (dice < 0.9) return encodeMessage({kind: "consents", ceremony: id, signatures: consents});
    return Buffer.concat([encodeConsents(consents), encodeItems(items)]);
  };
  const stands = (): void => {
    const {status, ended} = victim!.ceremonies.status(id);
    insist(status?.halted == null, `halted by ${status?.halted}`);
    // It may be convinced that the fourth wants no more, or lies; then it ends, and without a key.
    insist(ended === null || ended.includes('"failed"'), "it ended with a key");
  };
  return {
    input: (random) => {
      const good = Buffer.from(message(random));
      return random.chance(0.4) ? mutateBytes(good, random) : good;
    },
    run: async (input) => {
      const outcome = await liar.request(to, input).then(() => "ok", codeOf);
      await liar.send(to, input).catch(() => undefined);
      stands();
      return outcome === "ok" ? "ok" : knownCode(outcome);
    },
    healthy: async () => {
      stands();
      const answer = await victim!.ceremonies.list();
      insist(answer.length === 1 && answer[0]!.id === id, "the ceremony is gone");
    },
    close: async () => {
      await close();
      await liar.close();
    },
  };
}

/** A changed item with the fourth's signature; null for what is no item any more. */
function signedAgain(ceremony: Ceremony, text: string): string | null {
  try {
    const item = decodeItem(ceremony, encodeItem({...decodeItem(ceremony, text), author: 4}));
    const {author, kind, sequence, hash} = item;
    const at = {ceremony: ceremony.id as RootHex, author, kind, sequence, hash};
    const signature = `0x${Buffer.from(NODES[3]!.sign(signingMessage(at))).toString("hex")}`;
    return encodeItem({...item, signature});
  } catch {
    return null;
  }
}
