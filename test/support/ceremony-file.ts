import {blstDkgGroup as group} from "../../src/adapters/bls/blst.js";
import {MemoryCeremonyJournal, MemoryJournalDisk} from "../../src/adapters/ceremony-journal/memory.js";
import {systemClock} from "../../src/adapters/clock/system.js";
import {MemoryLogger} from "../../src/adapters/logger/memory.js";
import {MemoryPeerNetwork} from "../../src/adapters/peer-messages/memory.js";
import {type CeremonyFiles, filesOf} from "../../src/plugin/dkg/ceremony-files.js";
import {testNode} from "./dkg.js";
import {definitionText, startCeremonies, TestVaults} from "./dkg-operators.js";
import {waitFor} from "./wait.js";

/** The files of a ceremony that four operators of this process held over the curve, with real signatures. */
export async function ceremonyFiles(options: Parameters<typeof definitionText>[1] = {}): Promise<CeremonyFiles> {
  const nodes = [1, 2, 3, 4].map(testNode);
  const network = new MemoryPeerNetwork();
  const settled: CeremonyFiles[] = [];
  const running = nodes.map((node) => {
    const peers = network.join(node.peerId, {clock: systemClock, logger: new MemoryLogger()});
    const journal = new MemoryCeremonyJournal(new MemoryJournalDisk());
    const vaults = new TestVaults(group, node);
    const {ceremonies} = startCeremonies({
      peers,
      journal,
      node,
      vaults,
      group,
      settle: async ({signed}, {output}) => {
        if (output !== null) settled.push(filesOf(group, signed, output));
      },
    });
    return {peers, journal, ceremonies};
  });
  try {
    const text = definitionText(nodes, options);
    await Promise.all(running.map(({ceremonies}) => ceremonies.join(text)));
    await waitFor("a finished ceremony", () => settled.length > 0, 30_000);
    return settled[0]!;
  } finally {
    for (const {peers, journal, ceremonies} of running) {
      await ceremonies.close();
      await peers.close();
      await journal.close();
    }
  }
}
