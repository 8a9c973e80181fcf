import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {blstDkgGroup} from "../../../src/adapters/bls/blst.js";
import {LmdbCeremonyJournal} from "../../../src/adapters/ceremony-journal/lmdb.js";
import {generateIdentity, type Identity} from "../../../src/adapters/libp2p/identity.js";
import {parseOperatorId, type RootHex} from "../../../src/core/bytes.js";
import type {DkgCeremonies} from "../../../src/plugin/dkg/ceremonies.js";
import {nodeSigner} from "../../support/dkg.js";
import {definitionText, startCeremonies, TestVaults} from "../../support/dkg-operators.js";
import {startPeerNode} from "../../support/peer-node.js";
import {waitFor} from "../../support/wait.js";

describe("a ceremony over libp2p, with journals on disk", function () {
  this.timeout(90_000);
  let dir: string;
  const closers: (() => Promise<void>)[] = [];
  before(() => {
    dir = mkdtempSync(join(tmpdir(), "pleiades-dkg-"));
  });
  after(async () => {
    for (const close of closers.splice(0)) await close();
    rmSync(dir, {recursive: true, force: true});
  });

  it("gives four operators one key, also when one of them starts again half-way", async () => {
    const identities = await Promise.all([1, 2, 3, 4].map(() => generateIdentity()));
    const nodes = identities.map(nodeSigner);
    const vaults = nodes.map((node) => new TestVaults(blstDkgGroup, node));
    const start = async (n: number, listen?: string) => {
      const peerNode = await startPeerNode({
        identity: identities[n] as Identity,
        ...(listen === undefined ? {} : {listen}),
      });
      const journal = await LmdbCeremonyJournal.open(join(dir, String(n)), new Uint8Array(32));
      const modules = {peers: peerNode.messages, journal, node: nodes[n]!, vaults: vaults[n]!, group: blstDkgGroup};
      const {ceremonies} = startCeremonies(modules);
      let open = true;
      const close = async () => {
        if (!open) return;
        open = false;
        await ceremonies.close();
        await peerNode.close();
        await journal.close();
      };
      closers.push(close);
      return {ceremonies, close, addresses: peerNode.addresses};
    };
    const running = await Promise.all([0, 1, 2, 3].map((n) => start(n)));
    const operators = running.map(({addresses}, n) => ({
      id: parseOperatorId(n + 1),
      peerId: nodes[n]!.peerId,
      addresses,
    }));
    const text = definitionText(nodes, {operators, validators: 2});
    // The last one is not there yet when the others begin, and the first one leaves as soon as it has announced.
    const ids = await Promise.all(running.slice(0, 3).map(({ceremonies}) => ceremonies.join(text)));
    const id = ids[0] as RootHex;
    const step = ({ceremonies}: {ceremonies: DkgCeremonies}) => ceremonies.status(id).status?.progress;
    await waitFor("announced", () => step(running[0]!)?.participants[0]?.announced === true);
    await running[0]!.close();
    running[0] = await start(0, running[0]!.addresses[0]);
    await running[3]!.ceremonies.join(text);
    const ended = () => running.map(({ceremonies}) => ceremonies.status(id).ended);
    await waitFor("all ended", () => ended().every((end) => end !== null), 60_000);
    expect(new Set(ended()).size).to.equal(1);
    expect(JSON.parse(ended()[0]!)).to.include({outcome: "finished"});
    const keys = running.map(({ceremonies}) =>
      ceremonies.status(id).status?.output?.keys.map((key) => key.groupPublicKey),
    );
    expect(keys[1]).to.have.length(2);
    for (const one of keys) expect(one).to.deep.equal(keys[1]);
  });
});
