import {blstGroup} from "../../src/adapters/bls/blst.js";
import {ManualClock} from "../../src/adapters/clock/manual.js";
import {MemoryLogger} from "../../src/adapters/logger/memory.js";
import {MemoryOperatorLink} from "../../src/adapters/operator-link/memory.js";
import {MemorySlashingStore} from "../../src/adapters/slashing-store/memory.js";
import {OperatorNode} from "../../src/committee/operator-node.js";
import {RankedRequests} from "../../src/committee/ranked-requests.js";
import {CommitteeSigningService} from "../../src/committee/signing-service.js";
import type {PeerIdText} from "../../src/core/bytes.js";
import {thresholdOf} from "../../src/core/committee/quorum.js";
import type {Network} from "../../src/core/duty/network.js";
import {EMPTY_POLICY, type PolicyConfig} from "../../src/core/duty/policy.js";
import {toWire} from "../../src/core/duty/request-codec.js";
import {EMPTY_RECORD} from "../../src/core/slashing/decide.js";
import {decideWithdrawal, type WithdrawalRecord} from "../../src/core/slashing/withdrawal.js";
import {SigningKeeper} from "../../src/keeper/keeper.js";
import {loadShare} from "../../src/keeper/partial-signer.js";
import type {WithdrawalGuard} from "../../src/keeper/withdrawal-guard.js";
import type {Keeper} from "../../src/ports/keeper.js";
import type {PleiadesEvent} from "../../src/ports/observer.js";
import type {PartialHandler} from "../../src/ports/operator-server.js";
import {type TestKey, testCommittee, testPeerId} from "./committees.js";

/** Decides as a keeper's guard does, from one record that stays as it is. */
const recorded = (record: WithdrawalRecord | null): Pick<WithdrawalGuard, "decide"> => ({
  async decide(key, subject, permitted, sign) {
    const decision = decideWithdrawal(record, subject, {key, permitted, forgotten: false});
    return decision.answer === "deny" ? {code: decision.code} : {code: null, signed: await sign()};
  },
});

/**
 * A whole committee in one process: the real coordinators, operator nodes and keepers, over the in-memory link and stores,
 * on a clock moved by hand. `service` and `link` are the first signer's.
 */
export async function memoryCommittee(
  keys: readonly TestKey[],
  {
    n,
    network,
    signers = 1,
    signerDelayMs = 500,
    policy = EMPTY_POLICY,
    withdrawal = null,
    between = (handler) => handler,
  }: {
    n: number;
    network: Network;
    signers?: number;
    signerDelayMs?: number;
    /** Of every operator. */
    policy?: PolicyConfig;
    /** What every operator has recorded of the keys' withdrawals. */
    withdrawal?: WithdrawalRecord | null;
    /** What stands between a signer and an operator, each counted from 0. */
    between?: (handler: PartialHandler, signer: number, operator: number, clock: ManualClock) => PartialHandler;
  },
) {
  const quorum = {n, t: thresholdOf(n)};
  const ranks = Array.from({length: signers}, (_, rank) => testPeerId(100 + rank));
  const committee = {...testCommittee(keys, quorum), coordinators: ranks};
  const clock = new ManualClock(Date.now());
  const logger = new MemoryLogger();
  const events: PleiadesEvent[] = [];
  const observer = (event: PleiadesEvent): void => void events.push(event);
  const stores: MemorySlashingStore[] = [];
  const operators = new Map<PeerIdText, PartialHandler>();
  for (const [i, {peerId}] of committee.operators.entries()) {
    const store = new MemorySlashingStore();
    for (const {groupPublicKey} of committee.validators) {
      await store.transact(groupPublicKey, () => ({write: EMPTY_RECORD, result: null}));
    }
    const shares = committee.validators.map(({groupPublicKey, committeeHash}, k) => ({
      groupPublicKey,
      committeeHash,
      share: loadShare(keys[k]!.shares[i]!.secret, quorum),
    }));
    const signing = new SigningKeeper(
      {clock, store, pool: null, withdrawals: recorded(withdrawal)},
      {network, policy, shares, signingThreads: 0},
    );
    const keeper: Pick<Keeper, "sign" | "watermarks"> = {
      sign: async (request) => (await signing.sign(request)).reply,
      watermarks: () => signing.watermarks(),
    };
    const ranked = new RankedRequests({clock}, {signerDelayMs});
    const modules = {keeper, logger, observer, veto: null, ranked};
    operators.set(peerId, new OperatorNode(modules, {committees: () => [committee], preset: network.preset}));
    stores.push(store);
  }
  const links = ranks.map((self, signer) => {
    const reached = [...operators].map(([peerId, node], i) => [peerId, between(node, signer, i, clock)] as const);
    return new MemoryOperatorLink({clock, observer}, {self, operators: new Map(reached)});
  });
  const services = links.map(
    (link, rank) =>
      new CommitteeSigningService(
        {link, clock, logger, observer, bls: blstGroup, toWire: (request) => toWire(request, network.preset)},
        {committees: [committee], self: ranks[rank]!, signerDelayMs},
      ),
  );
  return {service: services[0]!, link: links[0]!, services, links, clock, logger, events, committee, stores};
}
