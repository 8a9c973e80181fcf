import {blstDkgGroup as group} from "../../src/adapters/bls/blst.js";
import {asEpoch, type PeerIdText, parseBytes4Hex, parseRootHex, type RootHex} from "../../src/core/bytes.js";
import type {Committee} from "../../src/core/committee/committee.js";
import {formatCommitteeFile, parseCommitteeFile} from "../../src/core/committee/committee-file.js";
import {type Ceremony, ceremonyOf, dealerParticipant} from "../../src/core/dkg/ceremony.js";
import {openChunk} from "../../src/core/dkg/checking.js";
import type {DealerSecrets} from "../../src/core/dkg/dealing.js";
import {formatDefinition, type SignedDefinition} from "../../src/core/dkg/definition.js";
import {headerOf, type Item, signItem} from "../../src/core/dkg/items.js";
import {encodeItem} from "../../src/core/dkg/items-json.js";
import {chunkKeys, sumShares, type ValidatorKeys} from "../../src/core/dkg/keys.js";
import {verifyNodeSignature} from "../../src/core/dkg/node-signature.js";
import {CHUNK_VALIDATORS, chunkCount} from "../../src/core/dkg/plan.js";
import {proveRetirement} from "../../src/core/dkg/retirement.js";
import type {CeremonyVault, VaultAnnounce} from "../../src/ports/ceremony-vault.js";
import {consented, type TestNode, testDefinition, testNode, testSeed} from "./dkg.js";
import {announceOf, dealingOf, type TestDealing} from "./dkg-dealings.js";
import {CHAIN} from "./keeper.js";

type DefinitionChanges = Parameters<typeof testDefinition>[1];

/** The committee that a reshare takes over from, and its shares. */
export interface OldCommittee {
  readonly nodes: readonly TestNode[];
  /** Of those that the test plays. */
  readonly share: (dealer: number, validator: number) => bigint;
}

/** A ceremony in which one operator, else the first, is the vault under test and the others are honest by the pure functions. */
export class VaultCeremony {
  /** Who receives shares. */
  readonly nodes: readonly TestNode[];
  readonly signed: SignedDefinition;
  readonly ceremony: Ceremony;
  readonly text: string;
  readonly peerId: PeerIdText;
  /** The number of the vault under test. */
  readonly self: number;
  readonly #old: OldCommittee | null;
  readonly #everybody: readonly TestNode[];
  announces: readonly Item<"announce">[] = [];
  /** By dealer. */
  dealings: readonly TestDealing[] = [];

  constructor({
    n = 4,
    nodes = Array.from({length: n}, (_, i) => testNode(i + 1)),
    old = null,
    self = nodes[0]!,
    ...changes
  }: NonNullable<DefinitionChanges> & {
    n?: number;
    nodes?: readonly TestNode[];
    old?: OldCommittee | null;
    self?: TestNode;
  } = {}) {
    this.nodes = nodes;
    this.#old = old;
    this.#everybody = [
      ...nodes,
      ...(old?.nodes ?? []).filter(({peerId}) => !nodes.some((one) => one.peerId === peerId)),
    ];
    const network = {
      name: "test",
      genesisValidatorsRoot: parseRootHex(CHAIN),
      genesisForkVersion: parseBytes4Hex("0x01020304"),
    };
    this.signed = consented(testDefinition(this.nodes, {network, ...changes}), this.#everybody);
    this.ceremony = ceremonyOf(this.signed, verifyNodeSignature);
    this.text = formatDefinition(this.signed);
    this.peerId = self.peerId;
    this.self = this.ceremony.participants.find(({peerId}) => peerId === self.peerId)!.number;
  }

  get id(): RootHex {
    return this.ceremony.id;
  }
  get chunks(): number[] {
    return Array.from({length: chunkCount(this.ceremony.plan)}, (_, i) => i);
  }
  get dealers(): number[] {
    return Array.from({length: this.ceremony.plan.dealers}, (_, i) => i + 1);
  }
  texts(): string[] {
    return this.announces.map(encodeItem);
  }

  #node(number: number): TestNode {
    const {peerId} = this.ceremony.participants[number - 1]!;
    return this.#everybody.find((node) => node.peerId === peerId)!;
  }

  #secrets(number: number): DealerSecrets {
    const {dealer} = this.ceremony.participants[number - 1]!;
    const share = this.#old?.share;
    if (share === undefined || dealer === null) return {seed: testSeed(number)};
    return {seed: testSeed(number), share: (validator) => share(dealer, validator)};
  }

  /** All announces, the vault's among them. */
  announce({sealingKeys, commitment}: VaultAnnounce): void {
    this.announces = this.ceremony.participants.map(({number}) => {
      const node = this.#node(number);
      if (number !== this.self) return announceOf(group, this.ceremony, number, this.#secrets(number), node);
      const body = {sealingKeys, commitment};
      return signItem(this.ceremony, {author: number, kind: "announce", sequence: 0, body}, node.sign);
    });
  }

  /** All dealings: the vault's own as it gives it chunk by chunk. */
  async deal(vault: CeremonyVault): Promise<void> {
    const dealings: TestDealing[] = [];
    for (const dealer of this.dealers) {
      const {number} = dealerParticipant(this.ceremony, dealer);
      dealings.push(number === this.self ? await this.#dealOwn(vault) : this.dealingOf(number));
    }
    this.dealings = dealings;
  }

  async #dealOwn(vault: CeremonyVault): Promise<TestDealing> {
    const dealt = [];
    for (const chunk of this.chunks) dealt.push(await vault.deal(this.id, {announces: this.texts(), chunk}));
    const body = {
      announces: this.announces,
      ephemerals: dealt[0]!.ephemerals,
      publicHashes: dealt.map(({publicHash}) => publicHash),
      chunkHashes: dealt.map(({chunkHash}) => chunkHash),
    };
    const at = {author: this.self, kind: "deal", sequence: 0, body} as const;
    return {item: signItem(this.ceremony, at, this.#node(this.self).sign), chunks: dealt.map(({bytes}) => bytes)};
  }

  dealingOf(number: number, announces = this.announces): TestDealing {
    const node = this.#node(number);
    return dealingOf(group, this.ceremony, number, this.#secrets(number), {announces, node});
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
    if (this.self > this.nodes.length) return;
    for (const dealer of this.dealers) await this.open(vault, dealer);
  }

  /** To its end, but for what is left to do after a reshare. */
  async finish(vault: CeremonyVault, transcript: RootHex): Promise<void> {
    await this.upToResult(vault);
    if (this.self > this.nodes.length) return;
    for (const chunk of this.chunks) await vault.result(this.id, {qualified: this.qualified(), transcript, chunk});
    await vault.activate(this.id, this.committeeFile());
  }

  qualified(dealers: readonly number[] = this.dealers) {
    return dealers.map((dealer) => ({dealer, dealing: this.dealings[dealer - 1]!.item.hash}));
  }

  /** From public data alone. */
  keys(dealers: readonly number[] = this.dealers): ValidatorKeys[] {
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

  /** The share of a recipient that the test plays; not of a refresh. */
  shareOf(recipient: number, validator: number): bigint {
    const {plan} = this.ceremony;
    const chunk = Math.floor(validator / CHUNK_VALIDATORS);
    const dealt = new Map(
      this.dealers.map((dealer) => {
        const {item, chunks} = this.dealings[dealer - 1]!;
        const at = {dealer, header: headerOf(this.ceremony, item), chunk, bytes: chunks[chunk]!};
        const opened = openChunk(group, plan, testSeed(recipient), recipient, at);
        if (!opened.ok) throw new Error(`the dealing of ${dealer} for ${recipient} is wrong`);
        return [dealer, opened.shares[validator % CHUNK_VALIDATORS]!];
      }),
    );
    return sumShares(plan, this.dealers, dealt);
  }

  /** As the committee of a later reshare. */
  asOld(): OldCommittee {
    return {nodes: this.nodes, share: (dealer, validator) => this.shareOf(dealer, validator)};
  }

  /** What a later definition says of this one's committee. */
  asPrevious(handoverEpoch: bigint) {
    const {operators, threshold, previous} = this.signed.definition;
    const generation = previous === null ? 0 : previous.generation + 1;
    return {generation, threshold, operators, validators: this.keys(), handoverEpoch};
  }

  /** The retirement of an old operator that the test plays. */
  retirementOf(dealer: number, {transcript, epoch}: {transcript: RootHex; epoch: bigint}): string {
    const {number} = dealerParticipant(this.ceremony, dealer);
    const shares = Array.from({length: this.ceremony.plan.validators}, (_, v) => this.#old!.share(dealer, v));
    const body = proveRetirement(group, this.id, {transcript, epoch: asEpoch(epoch)}, shares);
    return this.retirement(number, body);
  }

  /** With a body that a vault made. */
  retirement(number: number, body: Item<"retire">["body"]): string {
    const at = {author: number, kind: "retire", sequence: 0, body} as const;
    return encodeItem(signItem(this.ceremony, at, this.#node(number).sign));
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
