/**
 * The one change a 0x00 withdrawal credential allows: naming the address that withdrawals go to, for ever.
 * @see consensus-specs: capella/beacon-chain.md "process_bls_to_execution_change"
 */
import {
  type AddressHex,
  type Bytes4Hex,
  fromHex,
  type PubkeyHex,
  parseAddressHex,
  parsePubkeyHex,
  parseRootHex,
  parseSignatureHex,
  parseUint64,
  type RootHex,
  type SignatureHex,
} from "../bytes.js";
import {BlsToExecutionChange, SigningData} from "../duty/containers.js";
import {computeDomain} from "../duty/domain.js";
import type {ForkInfo, SignRequest} from "../duty/sign-request.js";
import {signTypeRow} from "../duty/sign-types.js";
import {isJsonObject} from "../duty/strict-object.js";
import {PleiadesError} from "../errors.js";
import type {BlsGroup} from "../threshold/bls.js";
import {verifies} from "./deposit-data.js";
import {DEPOSIT_CLI_VERSION, type DepositNetwork, own, rowsOf} from "./deposit-file.js";

export interface CredentialChange {
  readonly validatorIndex: bigint;
  /** The key whose hash the credential is. */
  readonly from: PubkeyHex;
  readonly to: AddressHex;
}
export interface SignedCredentialChange extends CredentialChange {
  readonly signature: SignatureHex;
}

/** The chain a change is for: unlike a deposit it names one by its genesis. */
export interface ChangeNetwork extends DepositNetwork {
  readonly genesisValidatorsRoot: RootHex;
}

/** As many as one block could take in a minute; a ceremony has a thousand. */
const MAX_CHANGES = 1_024;
/** One change takes 600 characters. */
const MAX_CHARACTERS = MAX_CHANGES * 1_024;

const sszValue = ({validatorIndex, from, to}: CredentialChange) => ({
  validatorIndex,
  fromBlsPubkey: fromHex(from),
  toExecutionAddress: fromHex(to),
});

/** 32 bytes: of the genesis fork for ever, so a change signed today is good after any fork. */
export const changeDomain = (genesisForkVersion: Bytes4Hex, genesisValidatorsRoot: RootHex): Uint8Array =>
  computeDomain(
    signTypeRow("BLS_TO_EXECUTION_CHANGE").domainType,
    fromHex(genesisForkVersion),
    fromHex(genesisValidatorsRoot),
  );

/** What is signed (32 bytes), with the key that `from` names. */
export const changeSigningRoot = (
  change: CredentialChange,
  {genesisForkVersion, genesisValidatorsRoot}: Pick<ChangeNetwork, "genesisForkVersion" | "genesisValidatorsRoot">,
): Uint8Array =>
  SigningData.hashTreeRoot({
    objectRoot: BlsToExecutionChange.hashTreeRoot(sszValue(change)),
    domain: changeDomain(genesisForkVersion, genesisValidatorsRoot),
  });

/** The same as a request to a committee; `forkInfo` has to be of the chain's own schedule. */
export const changeRequest = (change: CredentialChange, forkInfo: ForkInfo): SignRequest => ({
  type: "BLS_TO_EXECUTION_CHANGE",
  message: sszValue(change),
  forkInfo,
  version: null,
});

/** What `POST /eth/v1/beacon/pool/bls_to_execution_changes` takes a list of. */
export const toBeaconApi = ({signature, ...change}: SignedCredentialChange) => ({
  message: {
    validator_index: change.validatorIndex.toString(),
    from_bls_pubkey: change.from,
    to_execution_address: change.to,
  },
  signature,
});

/**
 * The text of the file, as the deposit tools write it and beacon nodes take it. Every change is verified first.
 * @throws DEPOSIT_SIGNATURE
 */
export function formatChangeFile(
  changes: readonly SignedCredentialChange[],
  {network, bls}: {network: ChangeNetwork; bls: BlsGroup},
): string {
  for (const change of changes) checkChange(change, {network, bls});
  const metadata = {
    network_name: network.name,
    genesis_validators_root: network.genesisValidatorsRoot,
    deposit_cli_version: DEPOSIT_CLI_VERSION,
  };
  return `${JSON.stringify(changes.map((change) => ({...toBeaconApi(change), metadata})))}\n`;
}

/** @throws DEPOSIT_SIGNATURE */
export function checkChange(
  change: SignedCredentialChange,
  {network, bls}: {network: ChangeNetwork; bls: BlsGroup},
): void {
  const {from: pubkey, signature} = change;
  if (verifies(bls, changeSigningRoot(change, network), {pubkey, signature})) return;
  throw new PleiadesError({code: "DEPOSIT_SIGNATURE", key: pubkey, validatorIndex: change.validatorIndex});
}

/**
 * The changes of such a file. `metadata`, where it is there, has to name this chain.
 * @throws DEPOSIT_FILE · DEPOSIT_NETWORK · DEPOSIT_SIGNATURE · CODEC_HEX · CODEC_UINT64
 */
export function parseChangeFile(
  text: string,
  {network, bls}: {network: ChangeNetwork; bls: BlsGroup},
): readonly SignedCredentialChange[] {
  return rowsOf(text, {max: MAX_CHANGES, maxCharacters: MAX_CHARACTERS}).map((row, i) => {
    const message = own(row, "message", `[${i}]`);
    if (!isJsonObject(message)) {
      throw new PleiadesError({code: "DEPOSIT_FILE", field: `[${i}].message`, reason: "not an object"});
    }
    const field = `[${i}].message`;
    const at = (key: string): [unknown, string] => [own(message, key, field), `${field}.${key}`];
    if (Object.hasOwn(row, "metadata")) refuseOtherChain(row.metadata, `[${i}].metadata`, network);
    const change: SignedCredentialChange = {
      validatorIndex: parseUint64(...at("validator_index")),
      from: parsePubkeyHex(...at("from_bls_pubkey")),
      to: parseAddressHex(...at("to_execution_address")),
      signature: parseSignatureHex(own(row, "signature", `[${i}]`), `[${i}].signature`),
    };
    checkChange(change, {network, bls});
    return change;
  });
}

function refuseOtherChain(metadata: unknown, field: string, network: ChangeNetwork): void {
  if (!isJsonObject(metadata)) throw new PleiadesError({code: "DEPOSIT_FILE", field, reason: "not an object"});
  const given = parseRootHex(own(metadata, "genesis_validators_root", field), `${field}.genesis_validators_root`);
  const wanted = network.genesisValidatorsRoot;
  if (given !== wanted) throw new PleiadesError({code: "DEPOSIT_NETWORK", field, given, wanted});
}
