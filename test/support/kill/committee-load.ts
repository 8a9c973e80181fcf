import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {createLibp2pOperatorLink} from "../../../src/adapters/operator-link/libp2p-operator-link.js";
import {CoordinatorSightings} from "../../../src/committee/sightings.js";
import {fromHex, type OperatorId, parseSignatureHex} from "../../../src/core/bytes.js";
import type {WireRequest} from "../../../src/core/duty/sign-request.js";
import {codeOf, PleiadesError} from "../../../src/core/errors.js";
import {isReasonCode} from "../../../src/core/reasons/index.js";
import {isValidPartial} from "../../../src/core/threshold/collect.js";
import type {OperatorLink} from "../../../src/ports/operator-link.js";
import type {Seeded} from "../seeded.js";
import {waitFor} from "../wait.js";
import type {KillableCommittee} from "./committee.js";
import {Duties, LONG_NETWORK} from "./duties.js";
import {Ledger, readMessage} from "./ledger.js";

/** Both coordinators ask for the first keys and get into each other's way; the others are the signer's alone. */
const CONTESTED = 4;
const KEYS = 8;
/** Requests in flight from the second coordinator to each operator. */
const WINDOW = 6;
const CLIENTS = 3;
const LINK_DEADLINE_MS = 8_000;
/** The signer's own deadlines are 4 s here; nothing may take longer than this, whatever is killed. */
const HTTP_BOUND_MS = 15_000;
const AFTERWARDS_MS = 30_000;
const SLACK_MS = 7_000;

/** Everything that is asked while processes are killed, and everything that was ever answered. */
export class CommitteeLoad {
  static readonly KEYS = KEYS;
  readonly problems: string[] = [];
  readonly #committee: KillableCommittee;
  readonly #link: OperatorLink;
  readonly #ledgers: ReadonlyMap<OperatorId, Ledger>;
  readonly #group = new Ledger("the committee");
  readonly #contested: Duties;
  readonly #own: Duties;
  readonly #random: Seeded;
  readonly #outcomes = new Map<string, number>();
  readonly #running: Promise<void>[] = [];
  #stopping = false;
  /** The second coordinator, perhaps the first in rank, asks for nothing. */
  #quiet = false;

  static async start(committee: KillableCommittee, random: Seeded): Promise<CommitteeLoad> {
    const committees = [committee.committee];
    const link = await createLibp2pOperatorLink(
      {
        identity: committee.identity,
        logger: new MemoryLogger(),
        observer: () => {},
        clock: systemClock,
        // A killed operator that comes back must not be taken for one that forgot.
        sightings: new CoordinatorSightings({committees: () => committees}),
      },
      {software: "test/kill"},
    );
    link.setPeers(committee.committee.operators);
    return new CommitteeLoad(committee, link, random);
  }

  private constructor(committee: KillableCommittee, link: OperatorLink, random: Seeded) {
    this.#committee = committee;
    this.#link = link;
    this.#random = random;
    this.#contested = new Duties(CONTESTED, random.fork());
    this.#own = new Duties(KEYS - CONTESTED, random.fork());
    this.#ledgers = new Map(committee.ids.map((id) => [id, new Ledger(`operator ${id}`)]));
    for (const id of committee.ids) {
      for (let i = 0; i < WINDOW; i++) this.#running.push(this.#forever(() => this.#askOperator(id)));
    }
    for (let i = 0; i < CLIENTS; i++) this.#running.push(this.#forever(() => this.#askSigner(this.#anyDuty())));
  }

  ledger(id: OperatorId): Ledger {
    return this.#ledgers.get(id)!;
  }

  result() {
    return {
      partials: [...this.#ledgers.values()].reduce((sum, {released}) => sum + released, 0),
      signatures: this.#group.released,
      outcomes: this.#outcomes,
    };
  }

  /** Within a bound every key signs a new duty again, through the signer and directly at each operator. */
  async proveLife(): Promise<void> {
    // What it asks goes before what the signer asks, and this time the signer is to be answered.
    this.#quiet = true;
    const end = performance.now() + AFTERWARDS_MS;
    for (let key = 0; key < KEYS; key++) {
      const fresh = () => (key < CONTESTED ? this.#contested.fresh(key) : this.#own.fresh(key - CONTESTED));
      let outcome = "";
      while (outcome !== "signer 200" && performance.now() < end) outcome = await this.#askSigner({key, wire: fresh()});
      if (outcome !== "signer 200") this.problems.push(`after the last start key ${key} is not signed: ${outcome}`);
    }
    await waitFor(
      "every operator connected to the second coordinator",
      () => this.#link.peers().every(({connected}) => connected),
      AFTERWARDS_MS,
    ).catch((error: Error) => this.problems.push(error.message));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
    await this.#link.close();
    for (const ledger of [...this.#ledgers.values(), this.#group]) this.problems.push(...ledger.conflicts);
  }

  #anyDuty(): {key: number; wire: WireRequest} {
    if (this.#random.chance(0.4)) return this.#contested.next();
    const {key, wire} = this.#own.next();
    return {key: key + CONTESTED, wire};
  }

  async #forever(ask: () => Promise<string>): Promise<void> {
    while (!this.#stopping) {
      const startedAt = performance.now();
      const outcome = await ask();
      this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
      const tookMs = performance.now() - startedAt;
      if (tookMs > HTTP_BOUND_MS + SLACK_MS) this.problems.push(`${outcome} only after ${Math.round(tookMs)} ms`);
      // Somebody is down: a client does not ask in a tight loop then.
      if (/DISCONNECTED|refused/.test(outcome)) await new Promise((resolve) => setTimeout(resolve, 150));
    }
  }

  async #askOperator(id: OperatorId): Promise<string> {
    if (this.#quiet) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return "operator not asked";
    }
    const {key, wire} = this.#contested.next();
    const {groupPublicKey, committeeHash, sharePublicKeys} = this.#committee.committee.validators[key]!;
    const {peerId} = this.#committee.committee.operators[id - 1]!;
    const deadline = AbortSignal.timeout(LINK_DEADLINE_MS);
    const request = {key: groupPublicKey, committeeHash, priority: 1 as const, request: wire};
    try {
      const reply = await this.#link.requestPartial(peerId, request, deadline);
      if (reply.kind === "refused") return `operator ${reply.code}`;
      const {signingRoot, message} = readMessage(wire, LONG_NETWORK);
      const context = {quorum: {n: 4, t: 3}, message: signingRoot, sharePublicKeys};
      if (!isValidPartial(blstGroup, context, id, reply.partial)) {
        this.problems.push(`operator ${id} sent a partial that is not valid`);
      } else if (message !== null) this.ledger(id).add(groupPublicKey, message);
      return "operator signed";
    } catch (error) {
      if (!(error instanceof PleiadesError)) this.problems.push(`the link: ${String(error)}`);
      return `operator ${codeOf(error)}`;
    }
  }

  async #askSigner({key, wire}: {key: number; wire: WireRequest}): Promise<string> {
    const url = this.#committee.signerUrl;
    if (url === null) return "signer refused";
    const {groupPublicKey} = this.#committee.committee.validators[key]!;
    let status: number;
    let body: {signature?: unknown; code?: unknown};
    try {
      const response = await fetch(`${url}/api/v1/eth2/sign/${groupPublicKey}`, {
        method: "POST",
        headers: {"content-type": "application/json", accept: "application/json"},
        body: JSON.stringify(wire),
        signal: AbortSignal.timeout(HTTP_BOUND_MS),
      });
      status = response.status;
      body = (await response.json()) as typeof body;
    } catch (error) {
      if ((error as Error).name === "TimeoutError") this.problems.push(`no answer within ${HTTP_BOUND_MS} ms`);
      // The signer was killed while it answered.
      return "signer refused";
    }
    if (status !== 200) {
      if (typeof body.code !== "string" || !isReasonCode(body.code) || body.code === "INTERNAL") {
        this.problems.push(`an answer ${status} without a code: ${JSON.stringify(body)}`);
      }
      return `signer ${status} ${body.code}`;
    }
    const {signingRoot, message} = readMessage(wire, LONG_NETWORK);
    const point = blstGroup.publicKeys.load(fromHex(groupPublicKey), "full");
    const signature = blstGroup.signatures.load(fromHex(parseSignatureHex(body.signature)), "full");
    if (!blstGroup.verify(signingRoot, point, signature)) this.problems.push("a group signature that is not valid");
    else if (message !== null) this.#group.add(groupPublicKey, message);
    return "signer 200";
  }
}
