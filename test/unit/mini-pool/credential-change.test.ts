import {ssz} from "@lodestar/types";
import {expect} from "chai";
import {blstGroup, loadSecretKey} from "../../../src/adapters/bls/blst.js";
import {fromHex, parseAddressHex, signatureHex, toHex} from "../../../src/core/bytes.js";
import {computeSigningRoot} from "../../../src/core/duty/signing-root.js";
import {
  type ChangeNetwork,
  type CredentialChange,
  changeRequest,
  changeSigningRoot,
  formatChangeFile,
  parseChangeFile,
  type SignedCredentialChange,
} from "../../../src/core/mini-pool/credential-change.js";
import {failure} from "../../support/errors.js";
import {NETWORK as CHAIN, forkInfo, GENESIS_ROOT} from "../duty/fixtures.js";

const bls = blstGroup;
const NETWORK: ChangeNetwork = {
  name: "test",
  genesisForkVersion: CHAIN.forks![0]!.version,
  genesisValidatorsRoot: GENESIS_ROOT,
};
const key = loadSecretKey(Buffer.alloc(32, 9));
const CHANGE: CredentialChange = {validatorIndex: 77n, from: key.publicKey, to: parseAddressHex("ab".repeat(20))};
const sign = (change: CredentialChange, network = NETWORK): SignedCredentialChange => ({
  ...change,
  signature: signatureHex(key.sign(changeSigningRoot(change, network))),
});
const rows = () => JSON.parse(formatChangeFile([sign(CHANGE)], {network: NETWORK, bls}));
const parse = (json: unknown) => parseChangeFile(JSON.stringify(json), {network: NETWORK, bls});

describe("the change of a withdrawal credential", () => {
  it("is signed under the root that Lodestar's types and a committee compute", () => {
    const forkDataRoot = ssz.phase0.ForkData.hashTreeRoot({
      currentVersion: fromHex(NETWORK.genesisForkVersion),
      genesisValidatorsRoot: fromHex(GENESIS_ROOT),
    });
    const domain = Buffer.concat([Buffer.of(0x0a, 0, 0, 0), forkDataRoot.subarray(0, 28)]);
    const objectRoot = ssz.capella.BLSToExecutionChange.hashTreeRoot({
      validatorIndex: 77,
      fromBlsPubkey: fromHex(CHANGE.from),
      toExecutionAddress: fromHex(CHANGE.to),
    });
    const expected = toHex(ssz.phase0.SigningData.hashTreeRoot({objectRoot, domain}));
    expect(toHex(changeSigningRoot(CHANGE, NETWORK))).to.equal(expected);
    const request = changeRequest(CHANGE, forkInfo("deneb", "electra", 8));
    expect(toHex(computeSigningRoot(request, CHAIN).signingRoot)).to.equal(expected);
  });

  it("is written as the deposit tools write it, and read back", () => {
    expect(rows()).to.deep.equal([
      {
        message: {validator_index: "77", from_bls_pubkey: CHANGE.from, to_execution_address: CHANGE.to},
        signature: sign(CHANGE).signature,
        metadata: {network_name: "test", genesis_validators_root: GENESIS_ROOT, deposit_cli_version: "2.7.0"},
      },
    ]);
    expect(parse(rows())).to.deep.equal([sign(CHANGE)]);
    const {metadata: _, ...forBeaconNode} = rows()[0];
    expect(parse([forBeaconNode])).to.deep.equal([sign(CHANGE)]);
  });

  it("is refused with a signature of something else", () => {
    const good = sign(CHANGE);
    const otherRoot = {...NETWORK, genesisValidatorsRoot: sign(CHANGE).signature.slice(0, 66) as typeof GENESIS_ROOT};
    for (const change of [
      {...good, validatorIndex: 78n},
      {...good, to: parseAddressHex("ac".repeat(20))},
      {...good, from: loadSecretKey(Buffer.alloc(32, 8)).publicKey},
      sign(CHANGE, otherRoot),
    ]) {
      failure("DEPOSIT_SIGNATURE", () => formatChangeFile([change], {network: NETWORK, bls}));
    }
    const [row] = rows();
    failure("DEPOSIT_SIGNATURE", () => parse([{...row, message: {...row.message, validator_index: "78"}}]));
  });

  it("is refused when it is of another chain, or no such file", () => {
    const [row] = rows();
    const metadata = {...row.metadata, genesis_validators_root: `0x${"bb".repeat(32)}`};
    failure("DEPOSIT_NETWORK", () => parse([{...row, metadata}]));
    failure("DEPOSIT_FILE", () => parse([{...row, metadata: "mine"}]));
    failure("DEPOSIT_FILE", () => parse([{...row, message: []}]));
    failure("DEPOSIT_FILE", () => parse({...row}));
    failure("DEPOSIT_FILE", () => parse([{message: row.message}]));
    failure("CODEC_UINT64", () => parse([{...row, message: {...row.message, validator_index: "-1"}}]));
    failure("CODEC_HEX", () => parse([{...row, message: {...row.message, to_execution_address: "0x"}}]));
  });
});
