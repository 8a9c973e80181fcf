import {type PeerIdText, parseHexBytes, toHex} from "../../core/bytes.js";
import {announceJson, announceMessage, dealingJson, dealingMessage} from "../../core/repair/items.js";
import type {ShareRepair} from "../../ports/share-repair.js";
import {encode, parseAsk, summedJson} from "./wire.js";

export interface HelpingModules {
  readonly repair: Pick<ShareRepair, "announce" | "deal" | "sum">;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** A helper's answer to one step: the keeper decides and computes, this node signs what others will be shown. */
export async function help({repair, sign}: HelpingModules, from: PeerIdText, body: Uint8Array): Promise<Uint8Array> {
  const ask = parseAsk(body);
  switch (ask.step) {
    case "announce": {
      const signature = parseHexBytes(ask.signature, {min: 64, max: 64}, "signature");
      const {session, place, keys} = await repair.announce({request: ask.request, signature, from});
      return encode(announceJson({keys, signature: sign(announceMessage(session, place, keys))}));
    }
    case "deal": {
      const {place, head, columns} = await repair.deal(ask.session, {from, announces: ask.announces});
      const signature = sign(dealingMessage(ask.session, place, head));
      return encode(dealingJson({head: {...head, signature}, columns}));
    }
    case "sum":
      return encode(summedJson(await repair.sum(ask.session, {from, dealings: ask.dealings})));
  }
}

export const signedRequest = (request: string, signature: Uint8Array): Uint8Array =>
  encode({step: "announce", request, signature: toHex(signature)});
