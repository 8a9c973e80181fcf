import {
  BitArrayType,
  BitListType,
  ByteVectorType,
  ContainerType,
  ProgressiveContainerType,
  type Type,
  UintBigintType,
} from "@chainsafe/ssz";
import {expect} from "chai";
import fc from "fast-check";
import {
  parseBytes4Hex,
  parseEpoch,
  parsePubkeyHex,
  parseRootHex,
  rootHex,
  UINT64_MAX,
} from "../../../src/core/bytes.js";
import {FORK_NAMES, type ForkName, type Network} from "../../../src/core/duty/network.js";
import {PRESETS, type Preset} from "../../../src/core/duty/preset.js";
import {type ForkInfo, SIGN_TYPES, type SignRequest, type SignType} from "../../../src/core/duty/sign-request.js";
import {hasForkInfo, signTypeRow} from "../../../src/core/duty/sign-types.js";
import {PleiadesError, type ReasonCode} from "../../../src/core/errors.js";

export const KEY = parsePubkeyHex("11".repeat(48));
export const OTHER_KEY = parsePubkeyHex("22".repeat(48));
export const GENESIS_ROOT = parseRootHex("aa".repeat(32));

const EPOCHS: Partial<Record<ForkName, number>> = {
  phase0: 0,
  altair: 1,
  bellatrix: 2,
  capella: 3,
  deneb: 5,
  electra: 8,
  fulu: 12,
};

/** Minimal preset (8 slots an epoch), six seconds a slot, every fork to Fulu; fork n has version 0x0n000001. */
export const NETWORK: Network = {
  name: "test",
  preset: PRESETS.minimal,
  forks: FORK_NAMES.flatMap((name, i) => {
    const epoch = EPOCHS[name];
    return epoch === undefined ? [] : [{name, version: parseBytes4Hex(`0x0${i}000001`), epoch: parseEpoch(epoch)}];
  }),
  genesisValidatorsRoot: GENESIS_ROOT,
  clock: {genesisTime: 1_000_000, secondsPerSlot: 6},
};

/** What `pleiades local` runs with when it is told nothing. */
export const UNPINNED: Network = {...NETWORK, forks: null, genesisValidatorsRoot: null, clock: null};

/** Unix milliseconds at the start of a slot of NETWORK. */
export const atSlot = (slot: number): number => (1_000_000 + slot * 6) * 1000;

export const version = (fork: ForkName) => parseBytes4Hex(`0x0${FORK_NAMES.indexOf(fork)}000001`);

export function forkInfo(previous: ForkName, current: ForkName, epoch: number, root = GENESIS_ROOT): ForkInfo {
  return {
    previousVersion: version(previous),
    currentVersion: version(current),
    epoch: BigInt(epoch),
    genesisValidatorsRoot: root,
  };
}

export const bytes = (length: number, fill = 1): Uint8Array => new Uint8Array(length).fill(fill);

/** A request of this type whose every field is zero, with the fork_info of Electra. */
export function zeroRequest<T extends SignType>(type: T, preset: Preset = PRESETS.minimal): SignRequest & {type: T} {
  const row = signTypeRow(type);
  return {
    type,
    message: row.container(preset, "electra").defaultValue(),
    forkInfo: hasForkInfo(row.domainRule) ? forkInfo("deneb", "electra", 8) : null,
    version: row.versionedKey === null ? null : "electra",
  } as unknown as SignRequest & {type: T};
}

/** Values of an SSZ type. */
export function arbitraryValue(type: Type<unknown>): fc.Arbitrary<unknown> {
  if (type instanceof UintBigintType) return fc.bigInt({min: 0n, max: UINT64_MAX});
  if (type instanceof ByteVectorType) return fc.uint8Array({minLength: type.lengthBytes, maxLength: type.lengthBytes});
  if (type instanceof ContainerType || type instanceof ProgressiveContainerType) {
    const fields: {[key: string]: fc.Arbitrary<unknown>} = {};
    for (const {fieldName, fieldType} of type.fieldsEntries) fields[String(fieldName)] = arbitraryValue(fieldType);
    return fc.record(fields, {noNullPrototype: true});
  }
  if (type instanceof BitArrayType) {
    // Read from bytes, so that only what the wire can hold is made: a bit list ends in a set bit.
    const min = type.minSize;
    const fixed = !(type instanceof BitListType) && type.fixedSize !== null;
    const max = fixed ? min : 12;
    return fc.uint8Array({minLength: min, maxLength: max}).map((raw) => {
      const last = raw.length - 1;
      if (type.fixedSize === null) raw[last] = raw[last] || 1;
      else if (type.maxSize === 1) raw[last] = raw[last]! & 0x0f;
      return type.deserialize(raw);
    });
  }
  throw new Error(`no values for ${type.typeName}`);
}

const arbitraryForkInfo: fc.Arbitrary<ForkInfo> = fc
  .tuple(
    fc.uint8Array({minLength: 4, maxLength: 4}),
    fc.uint8Array({minLength: 4, maxLength: 4}),
    fc.bigInt({min: 0n, max: UINT64_MAX}),
    fc.uint8Array({minLength: 32, maxLength: 32}),
  )
  .map(([previous, current, epoch, root]) => ({
    previousVersion: parseBytes4Hex(Buffer.from(previous).toString("hex")),
    currentVersion: parseBytes4Hex(Buffer.from(current).toString("hex")),
    epoch,
    genesisValidatorsRoot: rootHex(root),
  }));

/** Any request the types allow. */
export const arbitraryRequest = (preset: Preset): fc.Arbitrary<SignRequest> =>
  fc
    .tuple(fc.constantFrom(...SIGN_TYPES), fc.constantFrom(...FORK_NAMES), arbitraryForkInfo)
    .chain(([type, fork, info]) => {
      const row = signTypeRow(type);
      const version = row.versionedKey === null ? null : fork;
      return arbitraryValue(row.container(preset, version ?? "phase0") as Type<unknown>).map(
        (message) =>
          ({type, message, forkInfo: hasForkInfo(row.domainRule) ? info : null, version}) as unknown as SignRequest,
      );
    });

/** The error `run` throws, which must be one of ours with this code. */
export function expectCode(code: ReasonCode, run: () => unknown): PleiadesError {
  try {
    run();
  } catch (error) {
    if (!(error instanceof PleiadesError)) throw error;
    expect(error.code, error.message).to.equal(code);
    return error;
  }
  throw new Error(`nothing was thrown; expected ${code}`);
}
