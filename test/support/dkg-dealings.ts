import type {RootHex} from "../../src/core/bytes.js";
import {rootHex} from "../../src/core/bytes.js";
import {type Ceremony, participant} from "../../src/core/dkg/ceremony.js";
import {publicHash} from "../../src/core/dkg/chunk.js";
import {
  type DealerSecrets,
  dealChunk,
  dealingCommitment,
  publicPart,
  sealingPairs,
} from "../../src/core/dkg/dealing.js";
import {hexBytes} from "../../src/core/dkg/digest.js";
import type {DkgGroup} from "../../src/core/dkg/group.js";
import {type AnnounceBody, type DealBody, type Item, signItem} from "../../src/core/dkg/items.js";
import {chunkCount} from "../../src/core/dkg/plan.js";
import {sealingKeys} from "../../src/core/dkg/seed.js";
import type {TestNode} from "./dkg.js";

const chunks = (ceremony: Ceremony): number[] => Array.from({length: chunkCount(ceremony.plan)}, (_, i) => i);

/** What an honest participant announces. */
export function announceOf(
  group: DkgGroup,
  ceremony: Ceremony,
  number: number,
  secrets: DealerSecrets,
  node: TestNode,
): Item<"announce"> {
  const {plan} = ceremony;
  const {dealer, recipient} = participant(ceremony, number);
  const hashes = (of: number): RootHex[] =>
    chunks(ceremony).map((chunk) => publicHash(plan, of, chunk, publicPart(group, plan, secrets, {dealer: of, chunk})));
  const body: AnnounceBody = {
    sealingKeys: recipient === null ? [] : sealingKeys(secrets.seed, plan, recipient).map((key) => rootHex(key)),
    commitment: dealer === null ? null : dealingCommitment(plan, dealer, hashes(dealer)),
  };
  return signItem(ceremony, {author: number, kind: "announce", sequence: 0, body}, node.sign);
}

export interface TestDealing {
  readonly item: Item<"deal">;
  readonly chunks: readonly Uint8Array[];
}

/** What an honest dealer deals on these announces. */
export function dealingOf(
  group: DkgGroup,
  ceremony: Ceremony,
  number: number,
  secrets: DealerSecrets,
  {announces, node}: {announces: readonly Item<"announce">[]; node: TestNode},
): TestDealing {
  const {plan} = ceremony;
  const dealer = participant(ceremony, number).dealer!;
  const receivers = announces.filter(({author}) => participant(ceremony, author).recipient !== null);
  const keys = new Map(
    receivers.map(({author, body}) => [
      participant(ceremony, author).recipient!,
      hexBytes(body.sealingKeys[dealer - 1]!),
    ]),
  );
  const pairs = sealingPairs(plan, secrets.seed, dealer, keys);
  const dealt = chunks(ceremony).map((chunk) => dealChunk(group, plan, secrets, {dealer, chunk, pairs}));
  const body: DealBody = {
    announces,
    ephemerals: [...pairs.values()].map(({ephemeral}) => rootHex(ephemeral)),
    publicHashes: dealt.map((one) => one.publicHash),
    chunkHashes: dealt.map((one) => one.chunkHash),
  };
  const item = signItem(ceremony, {author: number, kind: "deal", sequence: 0, body}, node.sign);
  return {item, chunks: dealt.map(({bytes}) => bytes)};
}
