/** The cryptography that one operator of a ceremony cannot avoid, by the product's own functions in one thread. */
import {blstDkgGroup as group} from "../../src/adapters/bls/blst.js";
import {signatureHex} from "../../src/core/bytes.js";
import {checkChunk, openChunk} from "../../src/core/dkg/checking.js";
import {depositChecker, depositRoots} from "../../src/core/dkg/deposits.js";
import {headerOf, type Item, signItem} from "../../src/core/dkg/items.js";
import {chunkKeys, sumShares} from "../../src/core/dkg/keys.js";
import {chunkCount, validatorsOf} from "../../src/core/dkg/plan.js";
import {checkShareProof, proveShares} from "../../src/core/dkg/share-proof.js";
import {scaleShare} from "../../src/core/threshold/polynomial.js";
import {toScalar} from "../../src/core/threshold/scalar.js";
import {testCeremony, testSeed} from "../support/dkg.js";
import {announceOf, dealingOf} from "../support/dkg-dealings.js";

/**
 * Milliseconds of one thread: dealing, checking and opening everybody's dealing, adding up, proving, and checking everybody's
 * proof and deposits, each once.
 */
export function operatorMs(n: number, validators: number): number {
  const {ceremony, nodes} = testCeremony(n, {validators});
  const {plan, definition} = ceremony;
  const numbers = Array.from({length: n}, (_, i) => i + 1);
  const secrets = (number: number) => ({seed: testSeed(number)});
  const announces = numbers.map((number) => announceOf(group, ceremony, number, secrets(number), nodes[number - 1]!));
  const deal = (number: number) =>
    dealingOf(group, ceremony, number, secrets(number), {announces, node: nodes[number - 1]!});
  const dealings = numbers.map(deal);
  const began = performance.now();
  // The public part is made once for the announce and again for the dealing.
  announceOf(group, ceremony, 1, secrets(1), nodes[0]!);
  deal(1);
  const shares = new Map<number, bigint[]>(numbers.map((dealer) => [dealer, []]));
  const keys = [];
  for (let chunk = 0; chunk < chunkCount(plan); chunk++) {
    const chunks = new Map<number, {header: ReturnType<typeof headerOf>; bytes: Uint8Array}>();
    for (const dealer of numbers) {
      const {item, chunks: parts} = dealings[dealer - 1]!;
      const at = {dealer, header: headerOf(ceremony, item), chunk, bytes: parts[chunk]!};
      checkChunk(group, plan, at);
      const opened = openChunk(group, plan, testSeed(1), 1, at);
      if (!opened.ok) throw new Error("an honest share is wrong");
      shares.get(dealer)!.push(...opened.shares);
      chunks.set(dealer, {header: at.header, bytes: at.bytes});
    }
    keys.push(...chunkKeys(group, plan, numbers, {chunk, chunks}));
  }
  const all = Array.from({length: chunkCount(plan)}, (_, chunk) => validatorsOf(plan, chunk)).flat();
  const own = all.map((v) => {
    return sumShares(plan, numbers, new Map(numbers.map((dealer) => [dealer, shares.get(dealer)![v]!])), 0n);
  });
  const transcript = ceremony.id;
  const proof = proveShares(group, transcript, own);
  const roots = depositRoots(definition, keys);
  const size = {n, t: plan.threshold};
  const deposits = roots.map((root, i) => {
    const share = own[Math.floor(i / definition.depositAmounts.length)]!;
    return signatureHex(group.sign(toScalar(scaleShare(share, size), "share"), root));
  });
  const result = signItem(
    ceremony,
    {author: 1, kind: "result", sequence: 0, body: {transcript, proof, deposits}},
    nodes[0]!.sign,
  ) as Item<"result">;
  const sharePublicKeys = keys.map((one) => one.sharePublicKeys[0]!);
  const check = depositChecker(group, definition);
  for (let i = 0; i < n; i++) {
    // The same one n times costs what n different ones do.
    const good = checkShareProof(group, {transcript, sharePublicKeys, proof}) && check(keys, 1, result);
    if (!good) throw new Error("an honest result does not hold");
  }
  return performance.now() - began;
}
