import {expect} from "chai";
import {parseRootHex} from "../../../src/core/bytes.js";
import {networkToJson} from "../../../src/core/duty/network.js";
import {codeOf} from "../../../src/core/errors.js";
import type {Keeper} from "../../../src/ports/keeper.js";
import type {PartialRequest} from "../../../src/ports/operator-link.js";
import {Random} from "../../simulation/random.js";
import {testNode} from "../../support/dkg.js";
import {attestation, block, KeeperFixture, outcome, randao, testNetwork} from "../../support/keeper.js";
import {storedVault} from "../../support/stored-vault.js";
import {VaultCeremony} from "../../support/vault-ceremony.js";
import {waitFor} from "../../support/wait.js";

const TRANSCRIPT = parseRootHex(`0x${"7a".repeat(32)}`);
const H = 102;
const soon = (): number => Math.floor(Date.now() / 1000) + 300;

describe("a keeper whose key is handed over", function () {
  this.timeout(60_000);
  let fixture: KeeperFixture;
  beforeEach(() => {
    fixture = new KeeperFixture();
  });
  afterEach(() => fixture.close());

  /** The keeper as it is at the beginning of another epoch. */
  const at = (epoch: number): Promise<Keeper> => fixture.start({network: networkToJson(testNetwork({epoch})) as never});
  const kill = async (keeper: Keeper): Promise<void> => {
    process.kill((await keeper.status()).pid, "SIGKILL");
    await keeper.ended;
  };
  const requestOf = (of: VaultCeremony, request: unknown): PartialRequest => {
    const [validator] = of.committee().validators;
    return {...fixture.request(request), key: validator!.groupPublicKey, committeeHash: validator!.committeeHash};
  };
  const sign = async (keeper: Keeper, of: VaultCeremony, request: unknown): Promise<string> =>
    outcome(await keeper.sign(requestOf(of, request)));
  const begun = async (keeper: Keeper): Promise<VaultCeremony> => {
    const one = new VaultCeremony();
    await one.finish(keeper.vault, TRANSCRIPT);
    return one;
  };
  const following = (
    one: VaultCeremony,
    recipients: number[],
    more: ConstructorParameters<typeof VaultCeremony>[0] = {},
  ): VaultCeremony =>
    new VaultCeremony({
      kind: "reshare",
      nodes: recipients.map(testNode),
      old: one.asOld(),
      self: testNode(1),
      previous: one.asPrevious(BigInt(H)),
      depositAmounts: [],
      deadline: soon(),
      nonce: 2,
      ...more,
    });
  const retirements = (two: VaultCeremony, epoch = BigInt(H)) =>
    [2, 3, 4].map((dealer) => two.retirementOf(dealer, {transcript: TRANSCRIPT, epoch}));

  it("refreshes: the old share up to the epoch, the new one after it, one record for both, then the old one is gone", async () => {
    const keeper = await at(100);
    const one = await begun(keeper);
    expect(await sign(keeper, one, attestation(98, 99))).to.equal("signed");
    const two = following(one, [1, 2, 3, 4], {kind: "refresh", old: null});
    await two.finish(keeper.vault, TRANSCRIPT);
    expect((await keeper.status()).keys).to.equal(1);
    expect(await sign(keeper, one, attestation(99, 100))).to.equal("signed");
    expect(await sign(keeper, two, attestation(99, 100))).to.equal("KEEPER_HANDOVER_NOT_YET");
    await kill(keeper);
    const later = await at(H + 1);
    expect(await sign(later, one, attestation(100, H))).to.equal("signed");
    expect(await sign(later, one, attestation(101, H + 1))).to.equal("KEEPER_HANDOVER_PAST");
    expect(await sign(later, one, block((H + 1) * 32))).to.equal("KEEPER_HANDOVER_PAST");
    expect(await sign(later, one, randao(H + 1))).to.equal("KEEPER_HANDOVER_PAST");
    // One record: the old share's vote forbids the new one's around it.
    expect(await sign(later, two, attestation(99, H + 1))).to.equal("SLASHING_LOW_SOURCE");
    expect(await sign(later, two, attestation(100, H + 1))).to.equal("signed");
    expect(await sign(later, two, block((H + 1) * 32))).to.equal("signed");
    await kill(later);
    const last = await at(H + 2);
    expect(await sign(last, one, randao(H))).to.equal("KEEPER_COMMITTEE_MISMATCH");
    expect(await sign(last, two, randao(H + 2))).to.equal("signed");
    expect(await sign(last, two, attestation(100, H + 1, {byte: 9}))).to.equal("SLASHING_DOUBLE_VOTE");
  });

  it("signs nothing beyond the epoch while a reshare runs, and goes on when it came to nothing", async () => {
    const keeper = await at(100);
    const one = await begun(keeper);
    const two = following(one, [11, 12, 13, 14]);
    await keeper.vault.begin(two.text, two.peerId);
    await kill(keeper);
    const later = await at(H);
    expect(await sign(later, one, attestation(101, H))).to.equal("signed");
    expect(await sign(later, one, attestation(101, H + 1))).to.equal("KEEPER_HANDOVER_PAST");
    expect(await sign(later, one, randao(H + 1))).to.equal("KEEPER_HANDOVER_PAST");
    await later.vault.abort(two.id);
    expect(await sign(later, one, attestation(101, H + 1))).to.equal("signed");
  });

  it("goes on by itself once the epoch has passed without an end, and retires late after what it signed", async () => {
    const keeper = await at(100);
    const one = await begun(keeper);
    const two = following(one, [11, 12, 13, 14]);
    await two.upToResult(keeper.vault);
    await kill(keeper);
    const later = await at(H + 3);
    expect(await sign(later, one, attestation(101, H + 3))).to.equal("signed");
    await kill(later);
    const again = await at(H + 3);
    const body = await again.vault.retire(two.id, TRANSCRIPT);
    expect(body.epoch).to.equal(BigInt(H + 3));
    expect(await sign(again, one, attestation(101, H + 3))).to.equal("signed");
    expect(await sign(again, one, attestation(101, H + 4))).to.equal("KEEPER_HANDOVER_PAST");
  });

  it("retires for good: a kill, a restart and a new ceremony change nothing, and the share is gone in the end", async () => {
    const keeper = await at(100);
    const one = await begun(keeper);
    const two = following(one, [11, 12, 13, 14]);
    await two.upToResult(keeper.vault);
    await keeper.vault.retire(two.id, TRANSCRIPT);
    await kill(keeper);
    const later = await at(H + 1);
    expect(await sign(later, one, attestation(101, H))).to.equal("signed");
    for (const beyond of [attestation(101, H + 1), block((H + 1) * 32), randao(H + 1)]) {
      expect(await sign(later, one, beyond)).to.equal("KEEPER_HANDOVER_PAST");
    }
    await kill(later);
    const last = await at(H + 2);
    expect((await last.status()).keys).to.equal(0);
    expect(await sign(last, one, randao(H))).to.equal("KEEPER_UNKNOWN_KEY");
    expect((await last.vault.retire(two.id, TRANSCRIPT)).epoch).to.equal(BigInt(H));
  });

  it("never signs beyond an epoch for which its retirement was seen, whenever it is killed", async () => {
    const random = new Random(23);
    const first = await at(100);
    const one = await begun(first);
    const two = following(one, [11, 12, 13, 14]);
    await two.upToResult(first.vault);
    await kill(first);
    // From here on it asks for what lies beyond, and retires, and is killed meanwhile: late retirements name what was signed.
    let retired: bigint | null = null;
    let signed = 0n;
    let rounds = 0;
    for (; rounds < 20; rounds++) {
      const now = H + 3;
      const keeper = await at(now);
      const {pid} = await keeper.status();
      const timer = setTimeout(() => process.kill(pid, "SIGKILL"), random.between(0, 12));
      const asked = Array.from({length: 6}, (_, i) => H + 1 + Math.min(rounds + i, 3));
      const work = [
        ...asked.map(async (epoch) => {
          const before = retired;
          const answer = await keeper.sign(requestOf(one, block(epoch * 32 + rounds + 1)));
          if (answer.kind !== "signed") return;
          if (before !== null && BigInt(epoch) > before) throw new Error(`signed ${epoch} after retiring at ${before}`);
          if (BigInt(epoch) > signed) signed = BigInt(epoch);
        }),
        ...(rounds < 8
          ? []
          : [
              keeper.vault.retire(two.id, TRANSCRIPT).then(
                ({epoch}) => {
                  retired = epoch;
                },
                (error: unknown) => expect(codeOf(error)).to.equal("KEEPER_GONE"),
              ),
            ]),
      ];
      await Promise.all(work);
      clearTimeout(timer);
      if (keeper.stopCode() === null) process.kill(pid, "SIGKILL");
      await keeper.ended;
      if (retired !== null) expect(signed <= retired).to.equal(true);
    }
    const last = await at(H + 3);
    const {epoch} = await last.vault.retire(two.id, TRANSCRIPT);
    expect(signed <= epoch).to.equal(true);
    expect(retired === null || retired === epoch).to.equal(true);
    expect(await sign(last, one, block((Number(epoch) + 1) * 32 + 31))).to.equal("KEEPER_HANDOVER_PAST");
  });

  it("as a successor waits for the retirements, then starts from the floor; a kill loses none of it", async () => {
    const keeper = await at(100);
    // The key was another keeper's until now.
    const folder = `${fixture.folder}/other`;
    const other = await storedVault(folder);
    const one = new VaultCeremony();
    await one.finish(other.vault, TRANSCRIPT);
    const two = following(one, [11, 12, 13, 14], {
      self: testNode(11),
      old: {...one.asOld(), share: shareIn(one, other)},
    });
    await two.finish(keeper.vault, TRANSCRIPT);
    await other.environment.close();
    expect((await keeper.status()).keys).to.equal(1);
    expect(await sign(keeper, two, randao(100))).to.equal("KEEPER_HANDOVER_WAITING");
    await kill(keeper);
    const later = await at(H + 1);
    expect(await sign(later, two, attestation(H, H + 1))).to.equal("KEEPER_HANDOVER_WAITING");
    await later.vault.takeOver(two.id, retirements(two));
    await kill(later);
    const again = await at(H + 1);
    for (const before of [randao(H), attestation(101, H), block(H * 32 + 31)]) {
      expect(await sign(again, two, before)).to.equal("KEEPER_HANDOVER_NOT_YET");
    }
    expect(await sign(again, two, attestation(H - 1, H + 1))).to.equal("SLASHING_LOW_SOURCE");
    expect(await sign(again, two, attestation(H, H + 1))).to.equal("signed");
    expect(await sign(again, two, block((H + 1) * 32))).to.equal("signed");
  });

  it("in both committees signs with the old share up to the epoch and with the new one after it, on the higher record", async () => {
    const keeper = await at(100);
    const one = await begun(keeper);
    const two = following(one, [1, 11, 12, 13]);
    await two.finish(keeper.vault, TRANSCRIPT);
    await keeper.vault.retire(two.id, TRANSCRIPT);
    await keeper.vault.takeOver(two.id, retirements(two));
    expect(await sign(keeper, one, attestation(99, 100))).to.equal("signed");
    expect(await sign(keeper, two, attestation(99, 100))).to.equal("KEEPER_HANDOVER_NOT_YET");
    await kill(keeper);
    const later = await at(H + 1);
    expect(await sign(later, one, attestation(100, H))).to.equal("signed");
    expect(await sign(later, one, attestation(H, H + 1))).to.equal("KEEPER_HANDOVER_PAST");
    // Others of the old committee may have voted from a later source than this one did.
    expect(await sign(later, two, attestation(H - 1, H + 1))).to.equal("SLASHING_LOW_SOURCE");
    expect(await sign(later, two, attestation(H, H + 1))).to.equal("signed");
    expect(await sign(later, one, attestation(100, H, {byte: 9}))).to.equal("SLASHING_LOW_TARGET");
  });

  it("takes credentials and permitted messages over with the definition", async () => {
    const keeper = await at(100);
    const one = await begun(keeper);
    const [{groupPublicKey: key}] = one.keys() as [ReturnType<typeof one.keys>[number]];
    const exit = {validator_index: "3", epoch: "7"};
    const {parsePermit} = await import("../../../src/core/duty/policy-config.js");
    const permits = [parsePermit({type: "VOLUNTARY_EXIT", pubkey: key, ...exit}, "permit")];
    const two = following(one, [1, 11, 12, 13], {permits});
    await two.finish(keeper.vault, TRANSCRIPT);
    await keeper.vault.takeOver(two.id, retirements(two));
    await kill(keeper);
    const later = await at(H + 1);
    const {fork_info} = randao(1) as unknown as {fork_info: unknown};
    const asked = (index: string) => ({
      type: "VOLUNTARY_EXIT",
      fork_info,
      voluntary_exit: {epoch: exit.epoch, validator_index: index},
    });
    expect(await sign(later, two, asked("3"))).to.equal("signed");
    expect(await sign(later, two, asked("4"))).to.equal("POLICY_NOT_PERMITTED");
    const deposit = (address: string) => ({
      type: "DEPOSIT",
      deposit: {
        pubkey: key,
        withdrawal_credentials: `0x01${"00".repeat(11)}${address.repeat(20)}`,
        amount: "1000000000",
        genesis_fork_version: "0x01020304",
      },
    });
    expect(await sign(later, two, deposit("ab"))).to.equal("signed");
    expect(await sign(later, two, deposit("ee"))).to.equal("KEEPER_OTHER_CREDENTIALS");
  });

  it("removes a share whose time is over while it runs", async () => {
    // Epochs of a second, so that one passes.
    const network = (genesisTime: number) => ({
      ...(networkToJson({...testNetwork(), clock: {genesisTime, secondsPerSlot: 0.03125}}) as object),
    });
    const genesisTime = Math.floor(Date.now() / 1000) - 100;
    const keeper = await fixture.start({network: network(genesisTime) as never});
    const one = await begun(keeper);
    const epoch = BigInt(Math.floor(Date.now() / 1000) - genesisTime + 10);
    const two = following(one, [1, 2, 3, 4], {
      kind: "refresh",
      old: null,
      previous: one.asPrevious(epoch),
      deadline: Math.floor(Date.now() / 1000) + 3,
    });
    await two.finish(keeper.vault, TRANSCRIPT);
    const removed = () => fixture.logger.lines.some(({message}) => message.includes("time is over"));
    await waitFor("the share to be removed", removed, 40_000);
    expect(await sign(keeper, one, randao(1))).to.equal("KEEPER_COMMITTEE_MISMATCH");
  });
});

/** Shares of the old committee, the first of which a vault of this process holds. */
function shareIn(
  one: VaultCeremony,
  {shares}: {shares: {all(): readonly {secret: {reveal(): Uint8Array}}[]}},
): (dealer: number, validator: number) => bigint {
  const [first] = shares.all().map(({secret}) => BigInt(`0x${Buffer.from(secret.reveal()).toString("hex")}`));
  return (dealer, validator) => (dealer === 1 ? first! : one.shareOf(dealer, validator));
}
