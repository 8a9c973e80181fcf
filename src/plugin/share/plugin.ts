import {z} from "zod";
import {type PeerIdText, type PubkeyHex, parsePeerIdText, parsePubkeyHex} from "../../core/bytes.js";
import {isJsonObject} from "../../core/duty/strict-object.js";
import {PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {NamedPeer, PeerMessages} from "../../ports/peer-messages.js";
import type {LostShares, ShareRepair} from "../../ports/share-repair.js";
import {PLUGIN_API_VERSION, type Plugin, type PluginContext} from "../contract.js";
import {help} from "./helping.js";
import {type RepairEvent, Repairer} from "./repairer.js";

const configSchema = z.strictObject({
  /** How long a repair waits for enough helpers to be connected, in seconds. */
  patience: z.number().positive().max(3_600).default(20),
});
export type ShareConfig = z.infer<typeof configSchema>;

/** The plugin's name, under which its statements are signed. */
export const SHARE_PLUGIN = "share";

interface Running {
  readonly repair: ShareRepair;
  readonly peers: PeerMessages;
  readonly repairer: Repairer;
  readonly clock: Clock;
  /** Operators that the owner of this one helps, until when. */
  readonly helped: Map<PeerIdText, {readonly peer: NamedPeer; readonly until: number; readonly cancel: () => void}>;
  /** Those asked for help by the repair under way. */
  asked: readonly NamedPeer[];
}

/** The built-in plugin `share`: rebuilds a lost share with the help of other operators. @see docs/shares.md */
export function createSharePlugin(): Plugin<ShareConfig> {
  let config: ShareConfig;
  let running: Running | null = null;
  const here = (): Running => {
    if (running === null) throw new PleiadesError({code: "CONTROL_NO_OPERATOR", reason: "not in an operator"});
    return running;
  };

  return {
    name: SHARE_PLUGIN,
    apiVersion: PLUGIN_API_VERSION,
    configSchema,
    register(_container, given) {
      config = given;
      return {
        routes: [
          {
            method: "POST",
            path: "/repair",
            control: true,
            handler: async ({body, signal}) => ({lines: await rebuild(here(), keysIn(body), signal)}),
          },
          {
            method: "POST",
            path: "/help",
            control: true,
            handler: async ({body}) => {
              const answer = JSON.stringify(await consent(here(), body));
              return {status: 200, contentType: "application/json", body: answer};
            },
          },
        ],
      };
    },
    async start({peers, sign, repair, clock, logger}: PluginContext) {
      // In a signer and for commands there is nothing to rebuild.
      if (!peers || !sign || !repair) return;
      peers.handle({request: (from, body) => help({repair, sign}, from, body)});
      const options = {patienceMs: config.patience * 1_000};
      const repairer = new Repairer({repair, peers, sign, clock, logger}, options);
      running = {repair, peers, repairer, clock, helped: new Map(), asked: []};
    },
    async stop() {
      for (const {cancel} of running?.helped.values() ?? []) cancel();
      running = null;
    },
  };
}

async function rebuild(
  here: Running,
  keys: ReadonlySet<PubkeyHex> | null,
  signal: AbortSignal,
): Promise<AsyncIterable<RepairEvent>> {
  const {repair, peers, repairer} = here;
  const lost = chosen(await repair.lost(peers.self), keys);
  if (lost.length === 0) throw new PleiadesError({code: "SHARE_NOTHING_LOST"});
  const operators = lost.flatMap((one) => one.operators).filter(({peerId}) => peerId !== peers.self);
  return (async function* () {
    if (here.asked.length > 0) throw new PleiadesError({code: "SHARE_REPAIR_BUSY"});
    here.asked = operators.map(({peerId, addresses}) => ({peerId, addresses}));
    try {
      renewPeers(here);
      for (const one of lost) yield* repairer.run(one, signal);
      yield {kind: "done"};
    } finally {
      here.asked = [];
      renewPeers(here);
    }
  })();
}

function chosen(lost: readonly LostShares[], keys: ReadonlySet<PubkeyHex> | null): readonly LostShares[] {
  if (keys === null) return lost;
  return lost.flatMap((one) => {
    const shares = one.shares.filter(({groupPublicKey}) => keys.has(groupPublicKey));
    return shares.length === 0 ? [] : [{...one, shares}];
  });
}

async function consent(here: Running, body: unknown): Promise<object> {
  const {owner: raw, minutes} = isJsonObject(body) ? body : {};
  const {repair, clock, helped} = here;
  const given = await repair.consent({owner: parsePeerIdText(raw, "owner"), minutes: Number(minutes)});
  const {owner, keys, until} = given;
  helped.get(owner.peerId)?.cancel();
  helped.delete(owner.peerId);
  if (minutes !== 0) {
    const cancel = clock.after(until - clock.now() + 1, () => renewPeers(here));
    helped.set(owner.peerId, {peer: {peerId: owner.peerId, addresses: owner.addresses}, until, cancel});
  }
  renewPeers(here);
  return {operatorId: owner.id, peerId: owner.peerId, keys, until};
}

/** Whoever is helped or asked may connect, and nobody else. */
function renewPeers({peers, helped, asked, clock}: Running): void {
  for (const [peerId, {until}] of helped) if (until < clock.now()) helped.delete(peerId);
  const named = [...asked, ...[...helped.values()].map(({peer}) => peer)];
  peers.setPeers([...new Map(named.map((peer) => [peer.peerId, peer])).values()]);
}

function keysIn(body: unknown): ReadonlySet<PubkeyHex> | null {
  const keys = isJsonObject(body) ? body.keys : undefined;
  if (!Array.isArray(keys)) return null;
  return new Set(keys.map((key) => parsePubkeyHex(key, "keys")));
}
