import {checkShareKeys} from "../../src/core/committee/share-keys.js";
import {dealerParticipant} from "../../src/core/dkg/ceremony.js";
import type {PreviousCommittee} from "../../src/core/dkg/definition.js";
import type {DkgGroup} from "../../src/core/dkg/group.js";
import type {Item} from "../../src/core/dkg/items.js";
import {verifyOutput} from "../../src/core/dkg/output.js";
import type {Failure, Output} from "../../src/core/dkg/state.js";
import {isOpened} from "../../src/core/dkg/verdicts.js";
import {plainCoefficients} from "../../src/core/threshold/lagrange.js";
import {mod} from "../../src/core/threshold/scalar.js";
import {CONVICTING, type Lie} from "./dkg-liar.js";
import type {DkgNode} from "./dkg-node.js";
import type {DkgWorld} from "./dkg-world.js";

export interface Expectation {
  /** By participant. */
  readonly liars: ReadonlyMap<number, {readonly lie: Lie; readonly victim: number}>;
  /** Whether it must come to a key: the live and honest suffice. */
  readonly completes: boolean;
  /** Whether every message came in time and nobody crashed: then no honest operator may be left without its share. */
  readonly fair: boolean;
  /** The committee whose keys live on. */
  readonly previous: PreviousCommittee | null;
}

/** What must be true when all is quiet. Returns what is not. */
export function judgeRun(world: DkgWorld, group: DkgGroup, {liars, completes, fair, previous}: Expectation): string[] {
  const problems = [...world.problems];
  const honest = world.nodes.filter((node) => node.honest);
  const finished = honest.filter((node) => node.output !== null);
  for (const node of honest) {
    if ((node.output ?? node.failure ?? node.stalled) === null)
      problems.push(`operator ${node.number} neither finished nor failed`);
    if (completes && node.output === null)
      problems.push(`operator ${node.number} did not finish: ${node.failure?.reason}`);
    if (completes && previous !== null && world.ceremony.plan.kind === "reshare" && !node.handedOver)
      problems.push(`operator ${node.number} did not hand over`);
    if (node.output !== null && node.failure !== null) problems.push(`operator ${node.number} finished and failed`);
    const failure = node.failure ?? node.stalled;
    if (failure !== null && node.output === null) problems.push(...judgeFailure(node.number, failure, liars));
  }
  const transcripts = new Set(honest.flatMap(({state}) => state.outcomes?.transcript ?? []));
  if (transcripts.size > 1) problems.push(`${transcripts.size} different transcripts`);
  for (const node of finished) problems.push(...judgeBlame(node, liars));
  const [first] = finished;
  if (first !== undefined && previous !== null) {
    const changed = first.output!.keys.some(
      ({groupPublicKey}, v) => groupPublicKey !== previous.validators[v]!.groupPublicKey,
    );
    if (changed) problems.push("the key is another one");
  }
  if (fair && first !== undefined) {
    const left = first.output!.missing.filter((number) => !liars.has(number));
    if (left.length > 0) problems.push(`the honest ${left.join()} end without a share`);
  }
  if (first !== undefined) problems.push(...judgeShares(world, group, first.output!));
  if (first !== undefined) problems.push(...judgeDealings(first, first.output!));
  if (first !== undefined) problems.push(...judgeConvictions(world, first.output!, liars));
  return problems;
}

/** Whatever its dealer did besides, a dealing that counts opens what was announced. */
function judgeDealings({journal, machine}: DkgNode, output: Output): string[] {
  const items = [...journal.items.values()].map(({item}) => item);
  const dealings = items.filter((item): item is Item<"deal"> & typeof item => item.kind === "deal");
  return output.qualified.flatMap(({dealer, dealing}) => {
    const item = dealings.find(({hash}) => hash === dealing);
    return item !== undefined && isOpened(machine, item) ? [] : [`the dealing of ${dealer} that counts opens nothing`];
  });
}

function judgeBlame({number, output}: DkgNode, liars: Expectation["liars"]): string[] {
  const blamed = output!.guilty.filter(({participant}) => !liars.has(participant));
  return blamed.map(({participant, offence}) => `operator ${number} blames the honest ${participant} of ${offence}`);
}

/** A ceremony that fails says why, and names nobody who did his part and could be heard. */
function judgeFailure(number: number, failure: Failure, liars: Expectation["liars"]): string[] {
  const {reason, missing, guilty} = failure;
  const wrongly = guilty.filter(({participant}) => !liars.has(participant)).map(({participant}) => participant);
  const problems = wrongly.map((one) => `operator ${number} blames the honest ${one} when it fails`);
  // From the calm on the honest do their part, so it is a liar that is waited for.
  const named = [...missing, ...guilty.map(({participant}) => participant)];
  if (reason === "deadline" && !named.some((one) => liars.has(one))) {
    problems.push(`operator ${number} fails without naming a liar: ${named.join()}`);
  }
  return problems;
}

/** Every proved share lies on the polynomial; any t give the key, and fewer do not. */
function judgeShares(world: DkgWorld, group: DkgGroup, output: Output): string[] {
  const problems: string[] = [];
  const {threshold} = world.ceremony.plan;
  try {
    verifyOutput(group, world.ceremony, output, () => true);
  } catch (error) {
    problems.push(`the public output does not hold: ${String(error)}`);
  }
  const provers = new Set(output.results.map(({author}) => author));
  const holders = world.nodes.filter(
    ({honest, number, vault}) => honest && provers.has(number) && vault.shares !== null,
  );
  output.keys.forEach((keys, v) => {
    checkShareKeys(group, keys, threshold);
    const shares = new Map(holders.map(({number, vault}) => [number, vault.shares![v]!]));
    for (const [number, share] of shares) {
      if (publicKey(group, share) !== keys.sharePublicKeys[number - 1]) {
        problems.push(`the share of ${number} is not the one of its public key`);
      }
    }
    if (shares.size < threshold) return;
    for (const ids of subsets([...shares.keys()], threshold)) {
      const secret = interpolate(shares, ids);
      if (publicKey(group, secret) !== keys.groupPublicKey) problems.push(`${ids.join()} do not make the key`);
      const fewer = interpolate(shares, ids.slice(1));
      if (fewer !== 0n && publicKey(group, fewer) === keys.groupPublicKey) problems.push("fewer than t make the key");
    }
  });
  return problems;
}

const publicKey = (group: DkgGroup, secret: bigint): string =>
  `0x${Buffer.from(group.publicKeys.bytes(group.base(secret))).toString("hex")}`;

const interpolate = (shares: ReadonlyMap<number, bigint>, ids: readonly number[]): bigint =>
  plainCoefficients(ids).reduce((sum, c, i) => mod(sum + c * shares.get(ids[i]!)!), 0n);

function* subsets(items: readonly number[], size: number): Generator<readonly number[]> {
  if (size === 0) yield [];
  else {
    for (let i = 0; i <= items.length - size; i++) {
      for (const rest of subsets(items.slice(i + 1), size - 1)) yield [items[i]!, ...rest];
    }
  }
}

/** Where the agreed verdicts hold all that is needed to see a lie, it is seen; and no lying dealing that hurts counts. */
function judgeConvictions(world: DkgWorld, output: Output, liars: Expectation["liars"]): string[] {
  const problems: string[] = [];
  const heard = new Set(output.verdicts.map(({recipient}) => recipient));
  for (const [number, {lie, victim}] of liars) {
    const offence = output.guilty.find(({participant}) => participant === number)?.offence;
    const convicting = CONVICTING.get(lie);
    // The victim's complaint, or the liar's own accusation, must have been heard.
    const told = heard.has(lie.startsWith("false") ? number : victim) && !liars.has(victim);
    const harmful = ["wrong share", "broken seal", "cancelling shares", "deaf leader"].includes(lie);
    const counted = output.qualified.some(({dealer}) => dealerParticipant(world.ceremony, dealer).number === number);
    if (harmful && told && counted) problems.push(`the dealing of ${number} counts though it is wrong for ${victim}`);
    // Whoever signs another dealing than its machine made may be caught at that; and where there are no proofs of
    // possession a bent commitment may still be a point, with which the shares do not agree.
    const also = ["equivocation", ...(lie === "malformed dealing" ? ["wrong share"] : [])];
    const proper = offence === undefined || convicting === undefined || [convicting, ...also].includes(offence);
    if (!proper) {
      problems.push(`${number} is convicted of ${offence} for ${lie}`);
    }
    if (lie === "malformed dealing" && counted) problems.push(`${number}'s ${lie} counts`);
  }
  return problems;
}
