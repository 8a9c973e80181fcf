import {existsSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {systemClock} from "../../../src/adapters/clock/system.js";
import type {Identity} from "../../../src/adapters/libp2p/identity.js";
import {pluginMessage} from "../../../src/core/dkg/node-signature.js";
import type {RouteContribution} from "../../../src/plugin/contract.js";
import {createSharePlugin} from "../../../src/plugin/share/plugin.js";
import type {RepairEvent} from "../../../src/plugin/share/repairer.js";
import type {Keeper} from "../../../src/ports/keeper.js";
import type {ShareRepair} from "../../../src/ports/share-repair.js";
import {KeeperFixture, outcome, randao} from "../../support/keeper.js";
import {startPeerNode} from "../../support/peer-node.js";
import {realCommittee} from "../../support/share-node.js";
import {liars} from "../../support/share-repair.js";

const EPOCH = 100;

describe("a repair of shares in which something goes wrong, over libp2p, with keepers' processes", function () {
  this.timeout(120_000);
  let fixture: KeeperFixture;
  const closers: (() => Promise<unknown>)[] = [];
  beforeEach(() => {
    fixture = new KeeperFixture({keys: 2});
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    await fixture.close();
  });

  /** Four nodes in this process, each with a keeper's process; the first has lost its shares. */
  async function network(wrap: (id: number, repair: ShareRepair) => ShareRepair = (_, repair) => repair) {
    const {identities} = await realCommittee(fixture);
    const nodes = await Promise.all(identities.map((identity) => startPeerNode({identity, plugins: ["share"]})));
    const {file} = await realCommittee(fixture, {addresses: nodes.map((node) => node.addresses)});
    const keepers: Keeper[] = [];
    const routes: (readonly RouteContribution[])[] = [];
    const startKeeper = async (id: number): Promise<void> => {
      const bundleFiles = id === 1 ? [] : [join(fixture.folder, `op${id}.bundle`)];
      if (id > 1 && !existsSync(bundleFiles[0]!)) await fixture.bundle(`op${id}.bundle`, {operator: id});
      const dataDir = join(fixture.folder, `op${id}`);
      keepers[id - 1] = await fixture.start({dataDir, committeeFiles: [file], bundleFiles});
    };
    for (const [i, node] of nodes.entries()) {
      const id = i + 1;
      await startKeeper(id);
      const plugin = createSharePlugin();
      const {routes: own = []} = plugin.register(null as never, {patience: 5});
      routes.push(own);
      const identity: Identity = identities[i]!;
      // Whichever keeper runs now: a helper's may be started again.
      const repair = new Proxy({} as ShareRepair, {
        get: (_, name) => {
          const inner = wrap(id, keepers[i]!.repair);
          return inner[name as keyof ShareRepair];
        },
      });
      await plugin.start?.({
        logger: node.logger,
        clock: systemClock,
        node: {role: "operator", network: "test", preset: "mainnet"},
        signal: new AbortController().signal,
        peers: node.messages,
        sign: (message) => identity.sign(pluginMessage("share", message)),
        repair,
        use: () => ({}),
      });
      closers.push(async () => {
        await plugin.stop?.();
        await node.close();
      });
    }
    const handler = (id: number, path: string) => routes[id - 1]!.find((route) => route.path === path)!.handler;
    const call = (body: unknown) => ({query: {}, headers: {}, body, signal: new AbortController().signal});
    const consent = async (id: number): Promise<void> => {
      await handler(id, "/help")(call({owner: identities[0]!.peerId, minutes: 10}) as never);
    };
    const repair = async (): Promise<{events: RepairEvent[]; code: string | null}> => {
      const events: RepairEvent[] = [];
      try {
        const answer = await handler(1, "/repair")(call({}) as never);
        if (!("lines" in answer)) throw new Error("no lines");
        for await (const event of answer.lines) events.push(event as RepairEvent);
        return {events, code: null};
      } catch (error) {
        return {events, code: (error as {code: string}).code};
      }
    };
    return {keepers, startKeeper, consent, repair};
  }

  it("names a helper that lies, and takes nothing", async () => {
    const {keepers, consent, repair} = await network((id, inner) =>
      id !== 3
        ? inner
        : {
            ...inner,
            async sum(session, input) {
              const summed = await inner.sum(session, input);
              return summed.kind === "sums" ? {...summed, sealed: summed.sealed.map((byte) => byte ^ 1)} : summed;
            },
          },
    );
    for (const id of [2, 3, 4]) await consent(id);
    const {events, code} = await repair();
    expect([code, liars(events)]).to.deep.equal(["SHARE_REPAIR_HELPERS", [3]]);
    expect(await keepers[0]!.keys()).to.deep.equal([]);
  });

  it("works from the start again when a helper's keeper was killed half-way", async () => {
    let kill: (() => Promise<void>) | null = null;
    const {keepers, startKeeper, consent, repair} = await network((id, inner) => ({
      ...inner,
      async deal(session, input) {
        if (id === 4) await kill?.();
        return inner.deal(session, input);
      },
    }));
    kill = async () => {
      process.kill((await keepers[3]!.status()).pid, "SIGKILL");
      await keepers[3]!.ended;
    };
    for (const id of [2, 3, 4]) await consent(id);
    const broken = await repair();
    expect([broken.code, liars(broken.events)]).to.deep.equal(["SHARE_REPAIR_HELPERS", []]);
    expect(await keepers[0]!.keys()).to.deep.equal([]);
    kill = null;
    await startKeeper(4);
    await consent(4);
    const again = await repair();
    expect(again.code).to.equal(null);
    expect(await keepers[0]!.keys()).to.have.length(2);
    expect(outcome(await keepers[0]!.sign(fixture.request(randao(EPOCH))))).to.equal("signed");
  });
});
