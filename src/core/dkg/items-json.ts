import type {AnnounceBody, Bodies, DealBody, Equivocation, Item, ItemKind, Outcome, VerdictBody} from "./items.js";

/** An item in its one spelling: other texts of the same item are refused. */
export const encodeItem = (item: Item): string => JSON.stringify(itemJson(item));

function itemJson({ceremony, author, kind, sequence, body, signature}: Item): object {
  return {ceremony, author, kind, sequence, body: bodyJson(kind, body), signature};
}

/** Members in a fixed order: what is hashed and signed. */
export function bodyJson<K extends ItemKind>(kind: K, body: Bodies[K]): object {
  return WRITERS[kind](body);
}

const WRITERS: {readonly [K in ItemKind]: (body: Bodies[K]) => object} = {
  announce: ({sealingKeys, commitment}: AnnounceBody) => ({sealing_keys: sealingKeys, commitment}),
  deal: ({announces, ephemerals, publicHashes, chunkHashes}: DealBody) => ({
    announces: announces.map(itemJson),
    ephemerals,
    public_hashes: publicHashes,
    chunk_hashes: chunkHashes,
  }),
  verdict: ({entries, equivocations}: VerdictBody) => ({
    entries: entries.map(({dealer, dealing, signature, outcome}) => ({
      dealer,
      dealing,
      signature,
      ...outcomeJson(outcome),
    })),
    equivocations: equivocations.map(equivocationJson),
  }),
  agree: ({message}) => ({message}),
  result: ({transcript, proof, deposits}) => ({transcript, proof, deposits}),
  abort: ({reason}) => ({reason}),
  retire: ({transcript, epoch, proof}) => ({transcript, epoch: String(epoch), proof}),
};

function outcomeJson(outcome: Outcome): object {
  if (outcome.kind === "ok") return {outcome: "ok"};
  if (outcome.kind === "malformed") return {outcome: "malformed", chunk: outcome.chunk};
  return {outcome: "complaint", chunk: outcome.chunk, secret: outcome.secret};
}

const equivocationJson = ({participant, kind, sequence, items}: Equivocation): object => ({
  participant,
  kind,
  sequence,
  items: items.map(({hash, signature}) => ({hash, signature})),
});
