import {readdirSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {blstGroup, loadSecretKey} from "../../../src/adapters/bls/blst.js";
import {
  fromHex,
  parseAddressHex,
  parseBytes4Hex,
  parseGwei,
  parsePubkeyHex,
  parseRootHex,
  signatureHex,
} from "../../../src/core/bytes.js";
import {computeSigningRoot} from "../../../src/core/duty/signing-root.js";
import {
  addressCredentials,
  type Deposit,
  type DepositMessage,
  depositRequest,
  depositSigningRoot,
  keyCredentials,
  readCredentials,
} from "../../../src/core/mini-pool/deposit-data.js";
import {type DepositNetwork, formatDepositFile, parseDepositFile} from "../../../src/core/mini-pool/deposit-file.js";
import {failure} from "../../support/errors.js";
import {sharedDir} from "../../support/shared.js";
import {NETWORK as CHAIN} from "../duty/fixtures.js";

const bls = blstGroup;
const MAINNET: DepositNetwork = {name: "mainnet", genesisForkVersion: parseBytes4Hex("0x00000000")};
const HOLESKY: DepositNetwork = {name: "holesky", genesisForkVersion: parseBytes4Hex("0x01017000")};
const ADDRESS = parseAddressHex("0x0f51bb10119727a7e5ea3538074fb341f56b09ad");

const secret = loadSecretKey(Buffer.alloc(32, 7));
function signed(change: Partial<DepositMessage> = {}, network = MAINNET): Deposit {
  const message: DepositMessage = {
    pubkey: secret.publicKey,
    withdrawalCredentials: addressCredentials(ADDRESS),
    amount: parseGwei(32_000_000_000),
    ...change,
  };
  return {...message, signature: signatureHex(secret.sign(depositSigningRoot(message, network.genesisForkVersion)))};
}
const row = (deposit: Deposit = signed()): {[key: string]: unknown} =>
  JSON.parse(formatDepositFile([deposit], {network: MAINNET, bls}))[0];
const parse = (json: unknown, network = MAINNET) => parseDepositFile(JSON.stringify(json), {network, bls});

describe("deposit data", () => {
  describe("of the official deposit tool 2.7.0, as Lighthouse keeps it", () => {
    const shared = sharedDir();
    const dir = shared === null ? null : join(shared, "vectors/lighthouse-validator-manager-deposit-vectors");
    const files =
      dir === null
        ? []
        : (readdirSync(dir, {recursive: true, encoding: "utf8"}) as string[]).filter((name) => name.endsWith(".json"));
    if (dir === null) {
      it("needs the shared vectors", function () {
        this.skip();
      });
    }
    for (const name of files) {
      it(`is read, verified and written alike: ${name.split("/")[0]}`, () => {
        const text = readFileSync(join(dir!, name), "utf8");
        const network = name.startsWith("mainnet") ? MAINNET : HOLESKY;
        const deposits = parseDepositFile(text, {network, bls});
        const rows = JSON.parse(text);
        expect(deposits).to.have.length(rows.length);
        // Fields, their order and every value; only the spaces between them differ.
        expect(formatDepositFile(deposits, {network, bls})).to.equal(`${JSON.stringify(rows)}\n`);
      });
    }
    if (dir !== null) {
      it("is refused on every other network", () => {
        const text = readFileSync(join(dir, files.find((name) => name.startsWith("mainnet"))!), "utf8");
        for (const network of [HOLESKY, {...MAINNET, name: "hoodi"}, {...HOLESKY, name: "mainnet"}]) {
          failure("DEPOSIT_NETWORK", () => parseDepositFile(text, {network, bls}));
        }
      });
    }

    it("has the credentials of its withdrawal key and of its address", () => {
      // The withdrawal key of "test … waste" at m/12381/3600/0/0, and what the tool wrote for it.
      const key = "a868f11a86df775a1972db842cdb91b28daa55f9808e71643e0ecde9b23b11c21c528eb23e0833a7748afbaf47bb4ba9";
      const ofKey = parseRootHex("0049b6188ed20314309f617dd4030b8ddfac3c6e65759a03c226a13b2fe4cc72");
      expect(keyCredentials(parsePubkeyHex(key))).to.equal(ofKey);
      expect(readCredentials(ofKey)).to.deep.equal({kind: "key"});
      const ofAddress = parseRootHex("0100000000000000000000000f51bb10119727a7e5ea3538074fb341f56b09ad");
      expect(addressCredentials(ADDRESS)).to.equal(ofAddress);
      expect(readCredentials(ofAddress)).to.deep.equal({kind: "address", address: ADDRESS});
    });
  });

  it("is signed under the root that a committee computes for the same request", () => {
    const message = signed();
    const genesisForkVersion = CHAIN.forks![0]!.version;
    const {signingRoot} = computeSigningRoot(depositRequest(message, genesisForkVersion), CHAIN);
    expect(Buffer.from(signingRoot).equals(depositSigningRoot(message, genesisForkVersion))).to.equal(true);
  });

  it("takes no credentials that nobody could withdraw with", () => {
    for (const hex of [`02${"00".repeat(31)}`, `01${"00".repeat(10)}01${"00".repeat(20)}`, "ff".repeat(32)]) {
      const withdrawalCredentials = parseRootHex(hex);
      failure("DEPOSIT_CREDENTIALS", () => readCredentials(withdrawalCredentials));
      const deposit = signed({withdrawalCredentials});
      failure("DEPOSIT_CREDENTIALS", () => formatDepositFile([deposit], {network: MAINNET, bls}));
    }
  });

  it("takes 1 to 2048 ETH", () => {
    for (const gwei of [1_000_000_000, 2_048_000_000_000]) {
      expect(row(signed({amount: parseGwei(gwei)})).amount).to.equal(gwei);
    }
    for (const gwei of [0, 999_999_999, 2_048_000_000_001]) {
      const deposit = signed({amount: parseGwei(gwei)});
      failure("DEPOSIT_AMOUNT", () => formatDepositFile([deposit], {network: MAINNET, bls}));
    }
  });

  it("is never written or read with a signature of another key, message or network, or of no point", () => {
    const good = signed();
    const other = signatureHex(
      loadSecretKey(Buffer.alloc(32, 8)).sign(depositSigningRoot(good, "0x00000000" as never)),
    );
    const infinity = signatureHex(Buffer.concat([Buffer.of(0xc0), Buffer.alloc(95)]));
    const bad = [
      other,
      signed({amount: parseGwei(1_000_000_000)}).signature,
      signed({}, HOLESKY).signature,
      infinity,
      signatureHex(Buffer.alloc(96, 0xff)),
    ];
    for (const signature of bad) {
      failure("DEPOSIT_SIGNATURE", () => formatDepositFile([{...good, signature}], {network: MAINNET, bls}));
    }
    const infinityKey = parsePubkeyHex(`c0${"00".repeat(47)}`);
    failure("DEPOSIT_SIGNATURE", () =>
      formatDepositFile([{...good, pubkey: infinityKey, signature: infinity}], {network: MAINNET, bls}),
    );
  });

  it("is refused when any field was changed after signing", () => {
    expect(parse([row()])).to.deep.equal([signed()]);
    for (const [key, value] of [
      ["pubkey", loadSecretKey(Buffer.alloc(32, 8)).publicKey.slice(2)],
      ["withdrawal_credentials", addressCredentials(parseAddressHex("ee".repeat(20))).slice(2)],
      ["amount", 31_000_000_000],
      ["deposit_message_root", "00".repeat(32)],
      ["deposit_data_root", "00".repeat(32)],
    ] as const) {
      failure("DEPOSIT_ROOT", () => parse([{...row(), [key]: value}]));
    }
    // With roots that fit the change it is the signature that tells.
    const moved = {...signed(), withdrawalCredentials: addressCredentials(parseAddressHex("ee".repeat(20)))};
    const resigned = row(signed({withdrawalCredentials: moved.withdrawalCredentials}));
    const {deposit_message_root} = resigned;
    const error = failure("DEPOSIT_ROOT", () =>
      parse([{...resigned, signature: signed().signature.slice(2), deposit_message_root}]),
    );
    const deposit_data_root = (error.data.actual as string).slice(2);
    failure("DEPOSIT_SIGNATURE", () =>
      parse([{...resigned, signature: signed().signature.slice(2), deposit_data_root}]),
    );
  });

  it("is refused when it is no such file", () => {
    const text = JSON.stringify([row()]);
    const read = (file: string) => parseDepositFile(file, {network: MAINNET, bls});
    for (const file of [
      "",
      text.slice(0, -5),
      "{}",
      "[]",
      "[1]",
      "[null]",
      `[${"1,".repeat(5000)}1]`,
      "x".repeat(5e6),
    ]) {
      failure("DEPOSIT_FILE", () => read(file));
    }
    for (const key of Object.keys(row())) {
      const {[key]: _, ...rest} = row();
      failure("DEPOSIT_FILE", () => parse([rest]));
    }
    failure("DEPOSIT_FILE", () => parse([{...row(), amount: "32000000000"}]));
    failure("CODEC_UINT64", () => parse([{...row(), amount: 32e9 + 0.5}]));
    failure("CODEC_HEX", () => parse([{...row(), pubkey: "0x12"}]));
    failure("CODEC_HEX", () => parse([{...row(), signature: 5}]));
  });

  it("ignores what other tools add, and takes hex with 0x", () => {
    const more = {...row(), eth2_network_name: "mainnet", account: "a/1", pubkey: secret.publicKey};
    expect(parse([more])).to.deep.equal([signed()]);
    expect(fromHex(signed().pubkey)).to.have.length(48);
  });
});
