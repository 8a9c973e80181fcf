/** Ways to break the product. The simulation has to find each of them: that is how we know that it can fail. */
import {createHmac, hkdfSync} from "node:crypto";
import {pubkeyHex} from "../../src/core/bytes.js";
import {EMPTY_RECORD} from "../../src/core/slashing/decide.js";
import {type Sighting, sightingBody} from "../../src/core/slashing/sighting.js";
import type {BlsGroup, PublicKeyPoint} from "../../src/core/threshold/bls.js";
import type {SlashingStore} from "../../src/ports/slashing-store.js";
import type {OwnShare, SimulatedCommittee} from "./committee.js";
import type {WrapJudge} from "./operator.js";
import type {Sabotage} from "./world.js";

const wrap = (store: SlashingStore, transact: SlashingStore["transact"]): SlashingStore => ({
  transact,
  transactAll: (decide) => store.transactAll(decide),
  transactPast: (decide) => store.transactPast(decide),
  sequence: () => store.sequence(),
  readAll: () => store.readAll(),
  genesisValidatorsRoot: () => store.genesisValidatorsRoot(),
  pinGenesisValidatorsRoot: (root) => store.pinGenesisValidatorsRoot(root),
  close: () => store.close(),
});

/** Every message looks like the first. */
const forgets = (store: SlashingStore): SlashingStore =>
  wrap(store, (key, decide) =>
    store.transact(key, () => {
      const {write, result} = decide(EMPTY_RECORD);
      return {write, result};
    }),
  );

/** The answer does not wait for the flush. */
const hasty = (store: SlashingStore): SlashingStore =>
  wrap(
    store,
    (key, decide) =>
      new Promise((resolve, reject) => {
        store
          .transact(key, (record) => {
            const decision = decide(record);
            resolve(decision.result);
            return decision;
          })
          .catch(reject);
      }),
  );

/** Which of the committee's keys a point is: 0 for a group public key, else the operator's id. */
function ownerOf(bls: BlsGroup, {committee}: SimulatedCommittee, key: PublicKeyPoint): number {
  const hex = pubkeyHex(bls.publicKeys.bytes(key));
  return 1 + Math.max(...committee.validators.map(({sharePublicKeys}) => sharePublicKeys.indexOf(hex)));
}

/** Takes a spoiled combination for everybody's fault but the first operator's. */
const blamesWithoutProof: Sabotage["coordinatorBls"] = (bls, committee) => ({
  verify: (message, key, signature) => ownerOf(bls, committee, key) <= 1 && bls.verify(message, key, signature),
});

/** Finds nothing wrong with any partial. */
const blamesNobody: Sabotage["coordinatorBls"] = (bls, committee) => ({
  verify: (message, key, signature) => ownerOf(bls, committee, key) > 0 || bls.verify(message, key, signature),
});

const deaf: WrapJudge = () => async () => {};

/** Takes whatever it is shown for its own word: each sighting gets the mac that would make it so. */
const credulous: WrapJudge = (judge, [share]) => {
  const {groupPublicKey: key, secret} = share as OwnShare;
  const macKey = new Uint8Array(hkdfSync("sha256", secret.reveal(), "pleiades sighting v1", key, 32));
  const sign = (said: Omit<Sighting, "mac">): Sighting => ({
    ...said,
    mac: createHmac("sha256", macKey).update(sightingBody(said)).digest("hex"),
  });
  return (shown) => judge(shown.map(({life, sequence, issuedAt}) => sign({key, life, sequence, issuedAt})));
};

export const SABOTAGES: readonly {
  readonly what: string;
  readonly sabotage: Sabotage;
  /** What the oracle has to say of it. */
  readonly finding: RegExp;
}[] = [
  {
    what: "guards that forget",
    sabotage: {wrapStore: forgets},
    finding: /two conflicting messages have a quorum/,
  },
  {
    what: "guards that forget, by a single operator's answers",
    sabotage: {wrapStore: forgets},
    finding: /is honest and released both/,
  },
  {
    what: "stores that answer before the flush",
    sabotage: {wrapStore: hasty},
    finding: /before its record was durable/,
  },
  {
    what: "stores that answer before the flush, by what a crash makes of it",
    sabotage: {wrapStore: hasty},
    finding: /is honest and released both/,
  },
  {
    what: "operators that all come back from old copies of their disks and ignore that they were told",
    sabotage: {allForget: true, wrapJudge: deaf},
    finding: /two conflicting messages have a quorum/,
  },
  {
    what: "keepers that ignore what they are shown of their lives",
    sabotage: {wrapJudge: deaf},
    finding: /was told that it had released/,
  },
  {
    what: "keepers that take any sighting for their own",
    sabotage: {wrapJudge: credulous},
    finding: /never lost a record and believes that it did/,
  },
  {
    what: "coordinators that keep what they know of operators to themselves",
    sabotage: {muteCoordinators: true},
    finding: /was asked before it was told what that signer knows/,
  },
  {
    what: "keepers that do not stop for a second copy",
    sabotage: {unstoppable: true},
    finding: /was told that it runs twice, and does not stop/,
  },
  {what: "a threshold of 2 of 4", sabotage: {threshold: 2}, finding: /two conflicting messages have a quorum/},
  {
    what: "a coordinator that blames without proof",
    sabotage: {coordinatorBls: blamesWithoutProof},
    finding: /is honest and signer\S+ blames it/,
  },
  {
    what: "a coordinator that verifies nothing",
    sabotage: {coordinatorBls: () => ({verify: () => true})},
    finding: /returned a signature that does not verify/,
  },
  {
    what: "a coordinator that finds nobody guilty",
    sabotage: {coordinatorBls: blamesNobody},
    finding: /never named operator/,
  },
  {
    what: "operators that serve whichever signer comes first",
    sabotage: {unranked: true},
    finding: /had enough honest operators/,
  },
  {
    what: "a coordinator that never asks the rest",
    sabotage: {hedgeDelayMs: 3_600_000},
    finding: /had enough honest operators/,
  },
];
