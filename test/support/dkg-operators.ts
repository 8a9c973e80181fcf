import {createHash} from "node:crypto";
import {systemClock} from "../../src/adapters/clock/system.js";
import {MemoryLogger} from "../../src/adapters/logger/memory.js";
import type {RootHex} from "../../src/core/bytes.js";
import type {Ceremony} from "../../src/core/dkg/ceremony.js";
import {type Definition, formatDefinition} from "../../src/core/dkg/definition.js";
import type {DkgGroup} from "../../src/core/dkg/group.js";
import {type VerifyNodeSignature, verifyNodeSignature} from "../../src/core/dkg/node-signature.js";
import type {Timing} from "../../src/core/dkg/state.js";
import type {AnswerVault, VaultAnswer} from "../../src/plugin/dkg/answer-vault.js";
import {type CeremoniesModules, DkgCeremonies} from "../../src/plugin/dkg/ceremonies.js";
import type {Settle} from "../../src/plugin/dkg/ending.js";
import {dkgAsideHere} from "../../src/plugin/dkg/jobs.js";
import type {CeremonyJournal} from "../../src/ports/ceremony-journal.js";
import type {VaultCeremony} from "../../src/ports/ceremony-vault.js";
import type {Clock} from "../../src/ports/clock.js";
import type {PeerMessages} from "../../src/ports/peer-messages.js";
import {SimulatedVault} from "../simulation/dkg-vault.js";
import {consented, type TestNode, testDefinition} from "./dkg.js";

/** Short enough for tests, long enough for a machine that does other things. */
const TIMING: Timing = {
  announceMs: 1_500,
  dealMs: 1_500,
  settleMs: 1_000,
  resultMs: 1_000,
  roundMs: 500,
  maxRoundMs: 4_000,
};

/** The vaults of one operator: as a keeper's, its seed follows from the ceremony and outlives the operator's process. */
export class TestVaults {
  readonly #group: DkgGroup;
  readonly #self: TestNode;
  readonly #vaults = new Map<RootHex, SimulatedVault>();
  readonly #forgotten = new Set<RootHex>();
  /** True: the keeper is away. */
  away = false;

  readonly #life: number;

  /** @param life another one: its disk was lost, and it makes other seeds */
  constructor(group: DkgGroup, self: TestNode, life = 0) {
    this.#life = life;
    this.#group = group;
    this.#self = self;
  }

  state(id: RootHex): "open" | "aborted" | null {
    return this.#forgotten.has(id) ? "aborted" : this.#vaults.has(id) ? "open" : null;
  }
  status(): readonly VaultCeremony[] | Promise<readonly VaultCeremony[]> {
    const ids = [...new Set([...this.#vaults.keys(), ...this.#forgotten])];
    return ids.map((ceremony) => ({ceremony, state: this.state(ceremony)!}));
  }
  forget(id: RootHex): void {
    this.#forgotten.add(id);
  }

  of(ceremony: Ceremony): AnswerVault {
    const {number} = ceremony.participants.find(({peerId}) => peerId === this.#self.peerId)!;
    return async (call) => {
      await new Promise(setImmediate);
      if (this.away) throw new Error("the keeper is away");
      const seed = new Uint8Array(
        createHash("sha256").update(`${ceremony.id} ${this.#self.peerId} ${this.#life}`).digest(),
      );
      const vault =
        this.#vaults.get(ceremony.id) ?? new SimulatedVault(this.#group, ceremony, number, {secrets: {seed}});
      this.#vaults.set(ceremony.id, vault);
      return vault.answer(call) as VaultAnswer;
    };
  }
}

export function startCeremonies(
  {
    peers,
    journal,
    node,
    vaults,
    group,
    settle = async () => undefined,
    vaultOf = (ceremony) => vaults.of(ceremony),
    clock = systemClock,
  }: {
    peers: PeerMessages;
    journal: CeremonyJournal;
    node: TestNode;
    vaults: TestVaults;
    group: DkgGroup;
    settle?: Settle;
    vaultOf?: (ceremony: Ceremony) => AnswerVault;
    clock?: Clock;
  },
  {verify = verifyNodeSignature}: {verify?: VerifyNodeSignature} = {},
) {
  const logger = new MemoryLogger();
  const modules: CeremoniesModules = {
    journal,
    peers,
    clock,
    logger,
    sign: node.sign,
    verify,
    settle,
    vaultOf,
    inVault: async () => vaults.status(),
    forget: async (id) => vaults.forget(id),
    aside: dkgAsideHere(group),
    machine: {group, timing: TIMING},
  };
  const ceremonies = new DkgCeremonies(modules);
  ceremonies.open();
  return {ceremonies, logger};
}

/** The text of a definition that all have signed, or these, and that ends in an hour. */
export function definitionText(
  nodes: readonly TestNode[],
  {
    signers = nodes,
    ...options
  }: Partial<Omit<Definition, "nonce">> & {nonce?: number; signers?: readonly TestNode[]} = {},
): string {
  const deadline = Math.floor(systemClock.now() / 1000) + 3_600;
  return formatDefinition(consented(testDefinition(nodes, {depositAmounts: [], deadline, ...options}), signers));
}
