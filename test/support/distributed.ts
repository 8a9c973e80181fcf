import {blstGroup} from "../../src/adapters/bls/blst.js";
import {ManualClock} from "../../src/adapters/clock/manual.js";
import {MemoryLogger} from "../../src/adapters/logger/memory.js";
import {MemorySlashingStore} from "../../src/adapters/slashing-store/memory.js";
import {DistributedNode, type DistributedNodeModules} from "../../src/committee/distributed-node.js";
import {type PeerIdText, type PubkeyHex, parsePubkeyHex, type RootHex, rootHex} from "../../src/core/bytes.js";
import type {Committee} from "../../src/core/committee/committee.js";
import {EMPTY_POLICY, type PolicyConfig} from "../../src/core/duty/policy.js";
import {parseSignRequest, toWire} from "../../src/core/duty/request-codec.js";
import {computeSigningRoot} from "../../src/core/duty/signing-root.js";
import {EMPTY_RECORD} from "../../src/core/slashing/decide.js";
import type {Quorum} from "../../src/core/threshold/combine.js";
import {SigningKeeper} from "../../src/keeper/keeper.js";
import {loadShare} from "../../src/keeper/partial-signer.js";
import type {ProfileCoordinator} from "../../src/ports/distributed-participant.js";
import type {PleiadesEvent} from "../../src/ports/observer.js";
import {type TestKey, testCommittee} from "./committees.js";
import {testNetwork} from "./keeper.js";

export const EVERYTHING: ProfileCoordinator = {name: "everything", keys: "all", rank: null, place: 0};
export const endpointOf = (id: number): string => `https://operator-${id}.example`;

/** One operator of a committee as a participant, with a real keeper over records in memory. */
export async function testParticipant(
  keys: readonly TestKey[],
  quorum: Quorum,
  {
    id = 1,
    policy = EMPTY_POLICY,
    endpoints,
    modules = {},
    committees: others,
  }: {
    id?: number;
    policy?: PolicyConfig;
    endpoints?: ReadonlyMap<PeerIdText, string>;
    modules?: Partial<DistributedNodeModules>;
    committees?: (own: Committee) => readonly Committee[];
  } = {},
) {
  const network = testNetwork();
  const committee = testCommittee(keys, quorum);
  const committees = others?.(committee) ?? [committee];
  const logger = new MemoryLogger();
  const events: PleiadesEvent[] = [];
  const store = new MemorySlashingStore();
  for (const {groupPublicKey} of committee.validators) {
    await store.transact(groupPublicKey, () => ({write: EMPTY_RECORD, result: null}));
  }
  const shares = committee.validators.map(({groupPublicKey, committeeHash}, k) => ({
    groupPublicKey,
    committeeHash,
    share: loadShare(keys[k]!.shares[id - 1]!.secret, quorum),
  }));
  const keeper = new SigningKeeper(
    {clock: new ManualClock(Date.now()), store, pool: null},
    {network, policy, shares, signingThreads: 0},
  );
  const self = committee.operators[id - 1]!.peerId;
  const node = new DistributedNode(
    {
      keeper: {sign: async (request) => (await keeper.sign(request)).reply, keys: () => keeper.keys()},
      bls: blstGroup,
      toWire: (request) => toWire(request, network.preset),
      logger,
      observer: (event) => events.push(event),
      veto: null,
      ...modules,
    },
    {
      self,
      committees: () => committees,
      endpoints:
        endpoints ?? new Map(committee.operators.map((operator) => [operator.peerId, endpointOf(operator.id)])),
    },
  );
  await node.refresh();
  const key = (n = 0): PubkeyHex => committee.validators[n]!.groupPublicKey;
  const duty = (body: unknown): [ReturnType<typeof parseSignRequest>["request"], RootHex] => {
    const {request} = parseSignRequest(body, network.preset);
    return [request, rootHex(computeSigningRoot(request, network).signingRoot)];
  };
  return {
    node,
    keeper,
    committee,
    network,
    logger,
    events,
    key,
    duty,
    /** "signed", or the code of the refusal. */
    ask: async (body: unknown, coordinator = EVERYTHING, of = key()): Promise<string> => {
      const reply = await node.sign(coordinator, of, ...duty(body));
      return reply.kind === "signed" ? "signed" : reply.code;
    },
  };
}

export const someKey = (byte: number): PubkeyHex =>
  parsePubkeyHex(`0x${byte.toString(16).padStart(2, "0").repeat(48)}`);
