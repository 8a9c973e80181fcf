import {blstGroup} from "../adapters/bls/blst.js";
import type {PeerIdText, RootHex} from "../core/bytes.js";
import type {Committee} from "../core/committee/committee.js";
import {parseCommitteeFile} from "../core/committee/committee-file.js";
import type {Network} from "../core/duty/network.js";
import {codeOf, PleiadesError} from "../core/errors.js";
import {committeeTextOf, type KnownCeremonies} from "./ceremony-file.js";
import {readText} from "./files.js";

/** A committee file by its path, or by the plugin that brought it. */
export interface CommitteeText {
  readonly origin: string;
  readonly text: string;
  readonly fromPlugin: boolean;
}

export interface LoadedCommittees {
  readonly committees: readonly Committee[];
  /** One per file that was left out, in words. */
  readonly errors: readonly PleiadesError[];
}

/** Where committee files come from: the paths of the configuration, then the plugins' sources. */
export interface CommitteeOrigins {
  readonly files: readonly string[];
  readonly sources: readonly {readonly name: string; committeeFiles(): Promise<readonly string[]>}[];
}

/** What an earlier reading verified need not be verified again. */
export interface KnownBefore {
  /** Committee hashes. */
  readonly verified?: ReadonlySet<RootHex>;
  /** Added to. */
  readonly ceremonies?: KnownCeremonies;
}

/**
 * Reads and verifies committee files. One key may stand in two files of different generations while its shares are being
 * refreshed, and in no two of the same; but a plugin's copy of a committee that a file of the configuration describes is
 * left out, for the owner may have edited addresses and signers in the file. A file that cannot be used is left out and named, so that at a reload it takes
 * nothing else down with it; at a start the caller throws the first error.
 * Errors are CONFIG_COMMITTEE_FILE · CONFIG_WRONG_CHAIN · COMMITTEE_DUPLICATE_KEY and those of the committee file or ceremony.
 *
 * A file may also be the public output of a ceremony (ceremony.json), from which the committee follows.
 */
export async function loadCommittees(
  {files, sources}: CommitteeOrigins,
  network: Pick<Network, "genesisValidatorsRoot">,
  {verified = new Set(), ceremonies = new Map()}: KnownBefore = {},
): Promise<LoadedCommittees> {
  const committees: Committee[] = [];
  const errors: PleiadesError[] = [];
  const owners = new Map<string, string>();
  const known = new Set<RootHex>();
  const {texts, errors: unreadable} = await readAll({files, sources});
  errors.push(...unreadable);
  for (const {origin, text, fromPlugin} of texts) {
    try {
      const committee = parseCommitteeFile(await committeeTextOf(text, ceremonies), blstGroup, verified);
      refuseOtherChain(committee, network, origin);
      if (fromPlugin && committee.validators.every(({committeeHash}) => known.has(committeeHash))) continue;
      for (const {groupPublicKey} of committee.validators) {
        const owner = owners.get(`${groupPublicKey} ${committee.generation}`);
        if (owner !== undefined) {
          throw new PleiadesError({code: "COMMITTEE_DUPLICATE_KEY", value: groupPublicKey, files: [owner, origin]});
        }
      }
      for (const {groupPublicKey, committeeHash} of committee.validators) {
        owners.set(`${groupPublicKey} ${committee.generation}`, origin);
        known.add(committeeHash);
      }
      committees.push(committee);
    } catch (error) {
      errors.push(named(error, origin));
    }
  }
  return {committees, errors};
}

async function readAll({files, sources}: CommitteeOrigins): Promise<{texts: CommitteeText[]; errors: PleiadesError[]}> {
  const texts: CommitteeText[] = [];
  const errors: PleiadesError[] = [];
  for (const file of files) {
    try {
      texts.push({origin: file, text: await readText(file), fromPlugin: false});
    } catch (error) {
      const reason = error instanceof PleiadesError ? error.data.reason : undefined;
      errors.push(new PleiadesError({code: "CONFIG_COMMITTEE_FILE", file, reason}, {cause: error}));
    }
  }
  for (const source of sources) {
    try {
      const found = await source.committeeFiles();
      texts.push(...found.map((text, i) => ({origin: `${source.name} (${i + 1})`, text, fromPlugin: true})));
    } catch (error) {
      errors.push(named(error, source.name));
    }
  }
  return {texts, errors};
}

function refuseOtherChain(committee: Committee, network: Pick<Network, "genesisValidatorsRoot">, file: string): void {
  const {genesisValidatorsRoot: theirs} = committee;
  const {genesisValidatorsRoot: ours} = network;
  if (theirs !== null && ours !== null && theirs !== ours) {
    throw new PleiadesError({code: "CONFIG_WRONG_CHAIN", file, committee: theirs, network: ours});
  }
}

/** The same error, saying which file it is about. */
function named(error: unknown, file: string): PleiadesError {
  const data = error instanceof PleiadesError ? error.data : {reason: String(error)};
  return new PleiadesError({file, ...data, code: codeOf(error)}, {cause: error});
}

/** The committees a node is an operator of. @throws CONFIG_NOT_A_MEMBER when there are committees and it is in none */
export function committeesOfOperator(committees: readonly Committee[], peerId: PeerIdText): readonly Committee[] {
  const own = committees.filter(({operators}) => operators.some((operator) => operator.peerId === peerId));
  if (committees.length > 0 && own.length === 0) throw new PleiadesError({code: "CONFIG_NOT_A_MEMBER", peerId});
  return own;
}

/** @throws CONFIG_NOT_A_COORDINATOR for a committee whose operators would refuse this signer */
export function requireCoordinator(committees: readonly Committee[], peerId: PeerIdText): void {
  for (const {coordinators, validators} of committees) {
    if (!coordinators.includes(peerId)) {
      throw new PleiadesError({
        code: "CONFIG_NOT_A_COORDINATOR",
        peerId,
        coordinators: coordinators.join(", "),
        firstKey: validators[0]?.groupPublicKey,
      });
    }
  }
}
