import {spawn} from "node:child_process";
import {readdirSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {parseRootHex} from "../../../src/core/bytes.js";
import {parsePolicyConfig, policyToJson} from "../../../src/core/duty/policy.js";
import {codeOf} from "../../../src/core/errors.js";
import type {Keeper} from "../../../src/ports/keeper.js";
import type {PartialRequest} from "../../../src/ports/operator-link.js";
import {Random} from "../../simulation/random.js";
import {attestation, KeeperFixture, outcome, randao} from "../../support/keeper.js";
import {storedVault} from "../../support/stored-vault.js";
import {VaultCeremony} from "../../support/vault-ceremony.js";

const TRANSCRIPT = parseRootHex(`0x${"7a".repeat(32)}`);
const DISK = join(import.meta.dirname, "../../fixtures/keeper/fill-ceremonies.js");

describe("a keeper that makes keys", function () {
  this.timeout(60_000);
  let fixture: KeeperFixture;
  beforeEach(() => {
    fixture = new KeeperFixture();
  });
  afterEach(() => fixture.close());

  async function activated(keeper: Keeper, one: VaultCeremony): Promise<void> {
    await one.upToResult(keeper.vault);
    for (const chunk of one.chunks) {
      await keeper.vault.result(one.id, {qualified: one.qualified(), transcript: TRANSCRIPT, chunk});
    }
    await keeper.vault.activate(one.id, one.committeeFile());
  }

  const requestOf = (one: VaultCeremony, request: unknown, validator = 0): PartialRequest => {
    const {validators} = JSON.parse(one.committeeFile()) as {validators: {group_public_key: string}[]};
    const key = validators[validator]!.group_public_key as PartialRequest["key"];
    return {...fixture.request(request), key, committeeHash: hashOf(one, validator)};
  };
  const hashOf = (one: VaultCeremony, validator: number) => one.committee().validators[validator]!.committeeHash;

  it("signs with a new share at once, beside the others, and after a kill, with its record", async () => {
    const keeper = await fixture.start({bundleFiles: [await fixture.bundle("bundle.json")]});
    const one = new VaultCeremony({validators: 2});
    await activated(keeper, one);
    expect((await keeper.status()).keys).to.equal(3);
    expect(outcome(await keeper.sign(requestOf(one, attestation(98, 99), 1)))).to.equal("signed");
    expect(outcome(await keeper.sign(fixture.request(attestation(98, 99))))).to.equal("signed");
    process.kill((await keeper.status()).pid, "SIGKILL");
    await keeper.ended;
    const again = await fixture.start();
    expect((await again.status()).keys).to.equal(3);
    expect(outcome(await again.sign(requestOf(one, attestation(98, 99, {byte: 9}), 1)))).to.equal(
      "SLASHING_DOUBLE_VOTE",
    );
    expect(outcome(await again.sign(requestOf(one, attestation(0, 1))))).to.equal("signed");
    // Reading the configured files again does not make it forget the ceremony's.
    expect((await again.reload({committeeFiles: [fixture.committeeFile], bundleFiles: []})).keys).to.equal(3);
  });

  it("signs deposits of the ceremony's credential without a permit, and no other with one", async () => {
    const keeper = await fixture.start();
    const one = new VaultCeremony();
    await activated(keeper, one);
    const {key} = requestOf(one, null);
    const deposit = (address: string, amount: string) =>
      requestOf(one, {
        type: "DEPOSIT",
        deposit: {
          pubkey: key,
          withdrawal_credentials: `0x01${"00".repeat(11)}${address.repeat(20)}`,
          amount,
          genesis_fork_version: "0x01020304",
        },
      });
    expect(outcome(await keeper.sign(deposit("ab", "1000000000")))).to.equal("signed");
    expect(outcome(await keeper.sign(deposit("ab", "31000000000")))).to.equal("signed");
    expect(outcome(await keeper.sign(deposit("ee", "1000000000")))).to.equal("KEEPER_OTHER_CREDENTIALS");
    await keeper.close();
    const permit = {type: "DEPOSIT", pubkey: key, withdrawal_credentials: `0x01${"00".repeat(11)}${"ee".repeat(20)}`};
    const policy = policyToJson(parsePolicyConfig({permits: [{...permit, amount: "1000000000"}]}));
    const again = await fixture.start({policy});
    expect(outcome(await again.sign(deposit("ee", "1000000000")))).to.equal("KEEPER_OTHER_CREDENTIALS");
  });

  it("signs the one change of a 0x00 credential, to the definition's address only", async () => {
    const keeper = await fixture.start();
    const withdrawal = {kind: "dkg-key", changeTo: `0x${"77".repeat(20)}`} as never;
    const one = new VaultCeremony({withdrawal});
    await activated(keeper, one);
    const {key} = requestOf(one, null);
    const {fork_info} = randao(1) as unknown as {fork_info: unknown};
    const change = (address: string) =>
      requestOf(one, {
        type: "BLS_TO_EXECUTION_CHANGE",
        fork_info,
        BLS_TO_EXECUTION_CHANGE: {validator_index: "5", from_bls_pubkey: key, to_execution_address: address},
      });
    expect(outcome(await keeper.sign(change(`0x${"77".repeat(20)}`)))).to.equal("signed");
    expect(outcome(await keeper.sign(change(`0x${"78".repeat(20)}`)))).to.equal("KEEPER_OTHER_WITHDRAWAL_ADDRESS");
  });

  it("gives the same announce and the same dealing, bit for bit, whenever it is killed", async () => {
    const random = new Random(4);
    const one = new VaultCeremony({validators: 51});
    const announced = new Set<string>();
    const dealt = new Map<number, Set<string>>(one.chunks.map((chunk) => [chunk, new Set()]));
    let ended = 0;
    let lives = 0;
    for (; ended < 2 && lives < 40; lives++) {
      const keeper = await fixture.start();
      const {pid} = await keeper.status();
      // Later and later, so that every step is interrupted and the last one is reached.
      const kill = setTimeout(() => process.kill(pid, "SIGKILL"), random.between(0, 20 + 25 * lives));
      try {
        const announce = await keeper.vault.begin(one.text, one.peerId);
        announced.add(JSON.stringify(announce));
        one.announce(announce);
        for (const chunk of one.chunks) {
          const part = await keeper.vault.deal(one.id, {announces: one.texts(), chunk});
          dealt.get(chunk)!.add(JSON.stringify({...part, bytes: Buffer.from(part.bytes).toString("hex")}));
        }
        ended++;
      } catch (error) {
        expect(codeOf(error)).to.equal("KEEPER_GONE");
      }
      clearTimeout(kill);
      if (keeper.stopCode() === null) process.kill(pid, "SIGKILL");
      await keeper.ended;
    }
    expect(ended).to.equal(2);
    expect(announced.size).to.equal(1);
    expect([...dealt.values()].map(({size}) => size)).to.deep.equal([1, 1]);
  });

  it("shows no seed and no share in its store, and forgets everything of a ceremony but that there was one", async () => {
    const folder = join(fixture.folder, "plain");
    const seed = new Uint8Array(32).map((_, i) => 101 + i);
    const {environment, shares, table, vault} = await storedVault(folder, () => seed);
    const one = new VaultCeremony({validators: 2});
    await one.upToResult(vault);
    await vault.result(one.id, {qualified: one.qualified(), transcript: TRANSCRIPT, chunk: 0});
    const secrets = [
      seed,
      ...["kept", "summed"].flatMap((kind) => table.names(`${kind}/`).map((name) => table.get(name)!.subarray(-32))),
    ];
    expect(secrets).to.have.length(6);
    await vault.activate(one.id, one.committeeFile());
    const held = shares.all().map(({secret}) => secret.reveal());
    expect(held).to.have.length(2);
    const names = ["ended", "nonce", "committee", "state", "definition", "kept", "summed"];
    expect(names.map((kind) => table.names(`${kind}/`).length)).to.deep.equal([1, 1, 1, 0, 0, 0, 0]);
    await environment.close();
    const files = Buffer.concat(readdirSync(folder).map((file) => readFileSync(join(folder, file))));
    for (const secret of [...secrets, ...held]) {
      for (const form of [
        Buffer.from(secret),
        Buffer.from(secret).toString("hex"),
        Buffer.from(secret).toString("base64"),
      ]) {
        expect(files.includes(form)).to.equal(false);
      }
    }
  });

  it("answers what is no call of a vault with a code, and goes on", async () => {
    const keeper = await fixture.start();
    const {vault} = keeper;
    const odd = [
      vault.begin(`${"x".repeat(2 ** 21)}x`, one().peerId),
      vault.begin("{}", "nobody" as never),
      vault.begin("{}", one().peerId),
      vault.deal("0x12" as never, {announces: [], chunk: 0}),
      vault.deal(TRANSCRIPT, {announces: [], chunk: -1}),
      vault.deal(TRANSCRIPT, {announces: Array.from({length: 27}, () => ""), chunk: 0}),
      vault.open(TRANSCRIPT, {dealing: "", chunk: 0, bytes: new Uint8Array(2 ** 17 + 1)}),
      vault.open(TRANSCRIPT, {dealing: "", chunk: 0, bytes: "bytes" as never}),
      vault.result(TRANSCRIPT, {qualified: [{dealer: 14, dealing: TRANSCRIPT}], transcript: TRANSCRIPT, chunk: 0}),
      vault.abort(TRANSCRIPT),
    ];
    const codes = await Promise.all(odd.map((call) => call.then(() => "done", codeOf)));
    expect(codes).to.deep.equal([
      "KEEPER_BAD_MESSAGE",
      "CODEC_PEER_ID",
      "DKG_DEFINITION_MALFORMED",
      "CODEC_HEX",
      ...Array.from({length: 5}, () => "KEEPER_BAD_MESSAGE"),
      "KEEPER_CEREMONY_UNKNOWN",
    ]);
    expect(await vault.status()).to.deep.equal([]);
  });
  const one = () => new VaultCeremony();

  it("says so when the disk is full, and resumes the same ceremony when there is room again", async () => {
    const child = spawn("sh", ["-c", 'ulimit -f 160; exec "$0" "$@"', process.execPath, DISK, fixture.folder], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    await new Promise((resolve) => child.on("close", resolve));
    const report = JSON.parse(text) as {begun: number; code: string; same: boolean; open: number};
    expect(report.begun).to.be.greaterThan(0);
    expect(report).to.include({code: "SLASHING_STORE_FAILED", same: true});
    expect(report.open).to.be.at.least(report.begun);
  });
});
