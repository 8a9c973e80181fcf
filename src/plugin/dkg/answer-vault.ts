import type {PeerIdText} from "../../core/bytes.js";
import {fromHex, signatureHex} from "../../core/bytes.js";
import type {Ceremony} from "../../core/dkg/ceremony.js";
import type {DkgGroup} from "../../core/dkg/group.js";
import {type Item, isItem} from "../../core/dkg/items.js";
import {decodeItem} from "../../core/dkg/items-codec.js";
import {encodeItem} from "../../core/dkg/items-json.js";
import {chunkCount} from "../../core/dkg/plan.js";
import type {DkgInput, VaultCall} from "../../core/dkg/state.js";
import {codeOf, PleiadesError} from "../../core/errors.js";
import type {CeremonyVault, VaultResult} from "../../ports/ceremony-vault.js";

type Answer<K extends DkgInput["kind"]> = Extract<DkgInput, {kind: K}>;
export type VaultAnswer = Answer<"announced" | "dealt" | "opened" | "not opened" | "proved" | "retired" | "took over">;
/** The secrets' side of one ceremony. The same call may be made again after a crash and gets the same answer. */
export type AnswerVault = (call: VaultCall) => Promise<VaultAnswer>;

/** What a machine asks of a vault, asked of a keeper's. */
export function answerVault(
  {vault, group}: {vault: CeremonyVault; group: DkgGroup},
  {ceremony, definition, self}: {ceremony: Ceremony; definition: string; self: PeerIdText},
): AnswerVault {
  const {id} = ceremony;
  return async (call) => {
    switch (call.call) {
      case "announce": {
        const {sealingKeys, commitment} = await vault.begin(definition, self);
        return {kind: "announced", body: {sealingKeys, commitment}};
      }
      case "deal": {
        const {chunk} = call;
        const dealt = await vault.deal(id, {announces: call.announces.map(encodeItem), chunk});
        const {bytes, publicHash, ephemerals} = dealt;
        const announces = dealt.announces.map((text) => announceIn(ceremony, text));
        return {kind: "dealt", chunk, bytes, publicHash, announces, ephemerals};
      }
      case "open": {
        const {chunk, bytes} = call;
        const at = {dealing: call.dealing.hash, chunk};
        try {
          const opening = await vault.open(id, {dealing: encodeItem(call.dealing), chunk, bytes});
          if (opening.kind === "ok") return {kind: "opened", ...at, secret: null};
          if (opening.kind === "complaint") return {kind: "opened", ...at, secret: opening.secret};
        } catch (error) {
          if (codeOf(error) !== "KEEPER_CEREMONY_DEALING") throw error;
        }
        // Another dealing of that dealer was opened, or this one is malformed, which is judged outside.
        return {kind: "not opened", ...at};
      }
      case "prove": {
        const results: VaultResult[] = [];
        const {qualified} = call.outcomes;
        for (let chunk = 0; chunk < chunkCount(ceremony.plan); chunk++) {
          results.push(await vault.result(id, {qualified, transcript: call.transcript, chunk}));
        }
        const ours = JSON.stringify(results.flatMap(({keys}) => keys).map(textOf));
        if (ours !== JSON.stringify(call.outcomes.keys.map(textOf))) {
          throw new PleiadesError({code: "INTERNAL", reason: "the keeper computed other keys"});
        }
        const proofs = results.map(({proof}) => group.signatures.load(fromHex(proof), "curve"));
        const proof = signatureHex(group.signatures.bytes(group.signatures.sum(proofs)));
        return {kind: "proved", proof, deposits: results.flatMap(({deposits}) => deposits)};
      }
      case "retire":
        return {kind: "retired", body: await vault.retire(id, call.transcript)};
      case "take over":
        await vault.takeOver(id, call.retirements.map(encodeItem));
        return {kind: "took over"};
    }
  };
}

const textOf = (keys: VaultResult["keys"][number]): string => [keys.groupPublicKey, ...keys.sharePublicKeys].join();

function announceIn(ceremony: Ceremony, text: string): Item<"announce"> {
  const item = decodeItem(ceremony, text);
  if (isItem(item, "announce")) return item;
  throw new PleiadesError({code: "INTERNAL", reason: "the keeper dealt on something else than announces"});
}
