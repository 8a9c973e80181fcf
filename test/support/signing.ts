import {blstGroup, loadSecretKey} from "../../src/adapters/bls/blst.js";
import {ManualClock} from "../../src/adapters/clock/manual.js";
import {MemoryLogger} from "../../src/adapters/logger/memory.js";
import {
  type CommitteeSigningModules,
  type CommitteeSigningOptions,
  CommitteeSigningService,
} from "../../src/committee/signing-service.js";
import {
  fromHex,
  type PubkeyHex,
  parseRootHex,
  type RootHex,
  type SignatureHex,
  signatureHex,
} from "../../src/core/bytes.js";
import {thresholdOf} from "../../src/core/committee/quorum.js";
import type {SignRequest} from "../../src/core/duty/sign-request.js";
import type {ReasonCode} from "../../src/core/errors.js";
import {scalarBytes} from "../../src/core/threshold/scalar.js";
import type {PleiadesEvent} from "../../src/ports/observer.js";
import {publicKeyOf, testCommittee, testKey} from "./committees.js";
import {type Behaviour, ScriptedLink} from "./scripted-link.js";

/** Codes of areas that are built elsewhere: operators send them, the coordinator only reads their names. */
export const otherCode = (code: string): ReasonCode => code as ReasonCode;

export const rootOf = (n: number): RootHex => parseRootHex(n.toString(16).padStart(64, "0"));

const RANDAO: SignRequest = {type: "RANDAO_REVEAL", message: {epoch: 1n}, forkInfo: null, version: null};

/** A coordinator with one committee of scripted operators and one key, on a clock moved by hand. */
export function signingBench({
  n = 4,
  behaviours = {},
  options = {},
  modules = {},
}: {
  n?: number;
  behaviours?: {[operatorId: number]: Behaviour};
  options?: Partial<CommitteeSigningOptions>;
  modules?: Partial<CommitteeSigningModules>;
} = {}) {
  const size = {n, t: thresholdOf(n)};
  const key = testKey(n, size);
  const committee = testCommittee([key], size);
  const clock = new ManualClock();
  const link = new ScriptedLink(clock, [key], size);
  for (const [id, behaviour] of Object.entries(behaviours)) link.behaviours.set(Number(id), behaviour);
  const logger = new MemoryLogger();
  const events: PleiadesEvent[] = [];
  const service = new CommitteeSigningService(
    {
      link,
      clock,
      logger,
      observer: (event) => events.push(event),
      bls: blstGroup,
      toWire: ({type}) => ({type}),
      ...modules,
    },
    {committees: [committee], hedgeDelayMs: 50, ...options},
  );
  const groupKey = publicKeyOf(key.secret);
  const whole = loadSecretKey(scalarBytes(key.secret));
  return {
    service,
    link,
    clock,
    logger,
    events,
    committee,
    groupKey,
    /** What the whole key would sign. */
    expected: (root: RootHex): SignatureHex => signatureHex(whole.sign(fromHex(root))),
    sign: (root: RootHex, signal: AbortSignal = new AbortController().signal, of: PubkeyHex = groupKey) =>
      service.sign(of, RANDAO, root, signal),
    eventsOf: <K extends PleiadesEvent["kind"]>(kind: K) =>
      events.filter((event): event is Extract<PleiadesEvent, {kind: K}> => event.kind === kind),
  };
}

/** Lets everything happen that needs no time to pass. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Moves the clock step by step until the promise has settled, at most `limitMs`. */
export async function waitOut<T>(clock: ManualClock, promise: Promise<T>, limitMs = 10_000): Promise<T> {
  let settled = false;
  const mark = (): void => {
    settled = true;
  };
  promise.then(mark, mark);
  for (let passed = 0; passed <= limitMs; passed += 5) {
    await settle();
    if (settled) return promise;
    clock.advance(5);
  }
  throw new Error(`not settled after ${limitMs} ms of the test's clock`);
}
