import {checkShareKeys} from "../../src/core/committee/share-keys.js";
import type {DkgGroup} from "../../src/core/dkg/group.js";
import type {Item} from "../../src/core/dkg/items.js";
import {isResultOf} from "../../src/core/dkg/output.js";
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
}

/** What must be true when all is quiet. Returns what is not. */
export function judgeRun(world: DkgWorld, group: DkgGroup, {liars, completes, fair}: Expectation): string[] {
  const problems = [...world.problems];
  const honest = world.nodes.filter((node) => node.honest);
  const finished = honest.filter((node) => node.output !== null);
  for (const node of honest) {
    if ((node.output ?? node.failure ?? node.stalled) === null)
      problems.push(`operator ${node.number} neither finished nor failed`);
    if (completes && node.output === null)
      problems.push(`operator ${node.number} did not finish: ${node.failure?.reason}`);
    if (node.output !== null && node.failure !== null) problems.push(`operator ${node.number} finished and failed`);
    const failure = node.failure ?? node.stalled;
    if (failure !== null && node.output === null) problems.push(...judgeFailure(node.number, failure, liars));
  }
  const transcripts = new Set(honest.flatMap(({state}) => state.outcomes?.transcript ?? []));
  if (transcripts.size > 1) problems.push(`${transcripts.size} different transcripts`);
  for (const node of finished) problems.push(...judgeBlame(node, liars));
  const [first] = finished;
  if (fair && first !== undefined) {
    const left = first.output!.missing.filter((number) => !liars.has(number));
    if (left.length > 0) problems.push(`the honest ${left.join()} end without a share`);
  }
  if (first !== undefined) problems.push(...judgeShares(world, group, first.output!));
  if (first !== undefined) problems.push(...judgeDealings(first, first.output!));
  if (first !== undefined) problems.push(...judgeConvictions(first.output!, liars));
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
  const silent = [...liars].filter(([, {lie}]) => lie === "silent").map(([one]) => one);
  if (reason === "deadline" && silent.length > 0 && !silent.some((one) => missing.includes(one))) {
    problems.push(`operator ${number} fails without naming the silent ${silent.join()}: ${missing.join()}`);
  }
  return problems;
}

/** Every proved share lies on the polynomial; any t give the key, and fewer do not. */
function judgeShares(world: DkgWorld, group: DkgGroup, output: Output): string[] {
  const problems: string[] = [];
  const {threshold} = world.ceremony.plan;
  const {transcript, results, missing: _, ...outcomes} = output;
  for (const result of results) {
    const good = isResultOf(group, outcomes, transcript, {result, checkDeposits: () => true});
    if (!good) problems.push(`the result of ${result.author} proves nothing`);
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
function judgeConvictions(output: Output, liars: Expectation["liars"]): string[] {
  const problems: string[] = [];
  const heard = new Set(output.verdicts.map(({recipient}) => recipient));
  for (const [number, {lie, victim}] of liars) {
    const offence = output.guilty.find(({participant}) => participant === number)?.offence;
    const convicting = CONVICTING.get(lie);
    // The victim's complaint, or the liar's own accusation, must have been heard.
    const told = heard.has(lie.startsWith("false") ? number : victim) && !liars.has(victim);
    const harmful = ["wrong share", "broken seal", "cancelling shares", "deaf leader"].includes(lie);
    const counted = output.qualified.some(({dealer}) => dealer === number);
    if (harmful && told && counted) problems.push(`the dealing of ${number} counts though it is wrong for ${victim}`);
    // Whoever signs another dealing than its machine made may be caught at that.
    const proper =
      offence === undefined || offence === "equivocation" || convicting === undefined || offence === convicting;
    if (!proper) {
      problems.push(`${number} is convicted of ${offence} for ${lie}`);
    }
    if (lie === "malformed dealing" && counted) problems.push(`${number}'s ${lie} counts`);
  }
  return problems;
}
