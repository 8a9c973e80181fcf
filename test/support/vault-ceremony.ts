import {blstDkgGroup as group} from "../../src/adapters/bls/blst.js";
import {type PeerIdText, parseBytes4Hex, parseRootHex, type RootHex} from "../../src/core/bytes.js";
import type {Committee} from "../../src/core/committee/committee.js";
import {formatCommitteeFile, parseCommitteeFile} from "../../src/core/committee/committee-file.js";
import {type Ceremony, ceremonyOf} from "../../src/core/dkg/ceremony.js";
import {formatDefinition, type SignedDefinition} from "../../src/core/dkg/definition.js";
import {headerOf, type Item, signItem} from "../../src/core/dkg/items.js";
import {encodeItem} from "../../src/core/dkg/items-json.js";
import {chunkKeys, type ValidatorKeys} from "../../src/core/dkg/keys.js";
import {verifyNodeSignature} from "../../src/core/dkg/node-signature.js";
import {chunkCount} from "../../src/core/dkg/plan.js";
import type {CeremonyVault, VaultAnnounce} from "../../src/ports/ceremony-vault.js";
import {consented, type TestNode, testDefinition, testNode, testSeed} from "./dkg.js";
import {announceOf, dealingOf, type TestDealing} from "./dkg-dealings.js";
import {CHAIN} from "./keeper.js";

type DefinitionChanges = Parameters<typeof testDefinition>[1];

/** A ceremony in which operator 1 is the vault under test and the others are honest by the pure functions. */
export class VaultCeremony {
  readonly nodes: readonly TestNode[];
  readonly signed: SignedDefinition;
  readonly ceremony: Ceremony;
  readonly text: string;
  readonly peerId: PeerIdText;
  announces: readonly Item<"announce">[] = [];
  dealings: readonly TestDealing[] = [];

  constructor({n = 4, ...changes}: NonNullable<DefinitionChanges> & {n?: number} = {}) {
    this.nodes = Array.from({length: n}, (_, i) => testNode(i + 1));
    const network = {
      name: "test",
      genesisValidatorsRoot: parseRootHex(CHAIN),
      genesisForkVersion: parseBytes4Hex("0x01020304"),
    };
    this.signed = consented(testDefinition(this.nodes, {network, ...changes}), this.nodes);
    this.ceremony = ceremonyOf(this.signed, verifyNodeSignature);
    this.text = formatDefinition(this.signed);
    this.peerId = this.nodes[0]!.peerId;
  }

  get id(): RootHex {
    return this.ceremony.id;
  }
  get chunks(): number[] {
    return Array.from({length: chunkCount(this.ceremony.plan)}, (_, i) => i);
  }
  texts(): string[] {
    return this.announces.map(encodeItem);
  }

  /** All announces, the vault's among them. */
  announce({sealingKeys, commitment}: VaultAnnounce): void {
    const body = {sealingKeys, commitment};
    const own = signItem(this.ceremony, {author: 1, kind: "announce", sequence: 0, body}, this.nodes[0]!.sign);
    const others = this.nodes.slice(1).map((node, i) => {
      return announceOf(group, this.ceremony, i + 2, {seed: testSeed(i + 2)}, node);
    });
    this.announces = [own, ...others];
  }

  /** All dealings: the vault's own as it gives it chunk by chunk. */
  async deal(vault: CeremonyVault): Promise<void> {
    const dealt = [];
    for (const chunk of this.chunks) dealt.push(await vault.deal(this.id, {announces: this.texts(), chunk}));
    const body = {
      announces: this.announces,
      ephemerals: dealt[0]!.ephemerals,
      publicHashes: dealt.map(({publicHash}) => publicHash),
      chunkHashes: dealt.map(({chunkHash}) => chunkHash),
    };
    const item = signItem(this.ceremony, {author: 1, kind: "deal", sequence: 0, body}, this.nodes[0]!.sign);
    const own = {item, chunks: dealt.map(({bytes}) => bytes)};
    this.dealings = [own, ...this.nodes.slice(1).map((_, i) => this.dealingOf(i + 2))];
  }

  dealingOf(number: number, announces = this.announces): TestDealing {
    const node = this.nodes[number - 1]!;
    return dealingOf(group, this.ceremony, number, {seed: testSeed(number)}, {announces, node});
  }

  async open(vault: CeremonyVault, dealer: number): Promise<string[]> {
    const {item, chunks} = this.dealings[dealer - 1]!;
    const kinds: string[] = [];
    for (const [chunk, bytes] of chunks.entries()) {
      kinds.push((await vault.open(this.id, {dealing: encodeItem(item), chunk, bytes})).kind);
    }
    return kinds;
  }

  /** Up to where the result can be asked for. */
  async upToResult(vault: CeremonyVault): Promise<void> {
    this.announce(await vault.begin(this.text, this.peerId));
    await this.deal(vault);
    for (const dealer of this.nodes.keys()) await this.open(vault, dealer + 1);
  }

  qualified(dealers: readonly number[] = this.nodes.map((_, i) => i + 1)) {
    return dealers.map((dealer) => ({dealer, dealing: this.dealings[dealer - 1]!.item.hash}));
  }

  /** From public data alone. */
  keys(dealers: readonly number[] = this.nodes.map((_, i) => i + 1)): ValidatorKeys[] {
    return this.chunks.flatMap((chunk) => {
      const chunks = new Map(
        dealers.map((dealer) => {
          const {item, chunks: bytes} = this.dealings[dealer - 1]!;
          return [dealer, {header: headerOf(this.ceremony, item), bytes: bytes[chunk]!}];
        }),
      );
      return chunkKeys(group, this.ceremony.plan, dealers, {chunk, chunks});
    });
  }

  committee(): Committee {
    return parseCommitteeFile(this.committeeFile(), group);
  }

  committeeFile(keys: readonly ValidatorKeys[] = this.keys()): string {
    const {operators, coordinators, threshold, network, previous} = this.signed.definition;
    const {genesisValidatorsRoot} = network;
    const generation = previous === null ? 0 : previous.generation + 1;
    const draft = {generation, genesisValidatorsRoot, threshold, operators, coordinators, validators: keys};
    return formatCommitteeFile(draft, group);
  }
}
