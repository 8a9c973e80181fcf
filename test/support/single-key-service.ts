import {createHash} from "node:crypto";
import {SecretKey} from "@chainsafe/blst";
import {fromHex, type PubkeyHex, parseOperatorId, pubkeyHex, type RootHex, signatureHex} from "../../src/core/bytes.js";
import type {SignRequest} from "../../src/core/duty/sign-request.js";
import {type SlashingSubject, slashingSubject} from "../../src/core/duty/slashing-subject.js";
import {PleiadesError, type ReasonCode} from "../../src/core/errors.js";
import type {CommitteeHealth, OperatorFailure, SigningService} from "../../src/ports/signing-service.js";

/** The order of the BLS12-381 groups. */
const R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;

interface Signed {
  readonly slot: bigint | null;
  readonly blockRoot: RootHex | null;
  readonly source: bigint;
  readonly target: bigint | null;
  readonly attestationRoot: RootHex | null;
}
const NOTHING: Signed = {slot: null, blockRoot: null, source: 0n, target: null, attestationRoot: null};

/**
 * Whole keys in memory behind the SigningService port: a committee of one, with one share of threshold one. It is the
 * oracle of the differential tests, so it signs what a committee that agrees signs, and refuses double and surround
 * votes as one does.
 */
export class SingleKeyService implements SigningService {
  readonly #secrets = new Map<PubkeyHex, SecretKey>();
  readonly #signed = new Map<PubkeyHex, Signed>();

  constructor(secrets: readonly Uint8Array[]) {
    for (const bytes of secrets) {
      const secret = SecretKey.fromBytes(bytes);
      this.#secrets.set(pubkeyHex(secret.toPublicKey().toBytes()), secret);
    }
  }

  async sign(key: PubkeyHex, request: SignRequest, signingRoot: RootHex, signal: AbortSignal) {
    const secret = this.#secrets.get(key);
    if (secret === undefined) throw new PleiadesError({code: "COMMITTEE_UNKNOWN_KEY", key});
    if (signal.aborted) throw failure("COMMITTEE_TIMEOUT", "COMMITTEE_TIMEOUT", "asked after its caller had left");
    const subject = slashingSubject(request);
    if (subject !== null) this.#record(key, subject, signingRoot);
    return signatureHex(secret.sign(fromHex(signingRoot)).toBytes());
  }

  publicKeys(): readonly PubkeyHex[] {
    return [...this.#secrets.keys()];
  }

  async highWatermark(): Promise<{slot: bigint | null; epoch: bigint | null}> {
    const all = [...this.#signed.values()];
    return {slot: highest(all.map(({slot}) => slot)), epoch: highest(all.map(({target}) => target))};
  }

  /** The key is at hand, so its only operator is always there. */
  health(): readonly CommitteeHealth[] {
    return [{keys: this.#secrets.size, n: 1, threshold: 1, healthyOperators: 1, operators: []}];
  }

  /** Minimal protection as in EIP-3076: slots and targets only rise, sources never fall, exact repeats pass. */
  #record(key: PubkeyHex, subject: SlashingSubject, root: RootHex): void {
    const signed = this.#signed.get(key) ?? NOTHING;
    if (subject.kind === "block") {
      if (root === signed.blockRoot) return;
      if (signed.slot !== null && subject.slot <= signed.slot) throw slashable();
      this.#signed.set(key, {...signed, slot: subject.slot, blockRoot: root});
      return;
    }
    if (root === signed.attestationRoot) return;
    const {source, target} = subject;
    if (signed.target !== null && (target <= signed.target || source < signed.source)) throw slashable();
    this.#signed.set(key, {...signed, source, target, attestationRoot: root});
  }
}

/** The secret keys of the deterministic validators of test networks, `from` to `to` inclusive; 32 bytes each. */
export function interopSecrets(from: number, to: number): Uint8Array[] {
  return Array.from({length: to - from + 1}, (_, i) => {
    const seed = Buffer.alloc(32);
    seed.writeUInt32LE(from + i);
    const digest = createHash("sha256").update(seed).digest().reverse();
    return Buffer.from((BigInt(`0x${digest.toString("hex")}`) % R).toString(16).padStart(64, "0"), "hex");
  });
}

const slashable = () =>
  failure("COMMITTEE_REFUSED", "COMMITTEE_REFUSED", "conflicts with a message this key has signed before");

function failure(code: ReasonCode, operatorCode: ReasonCode, message: string): PleiadesError {
  const operators: OperatorFailure[] = [{operatorId: parseOperatorId(1), code: operatorCode, message}];
  return new PleiadesError({code, operators});
}

const highest = (values: readonly (bigint | null)[]): bigint | null =>
  values.reduce((a, b) => (a === null || (b !== null && b > a) ? b : a), null);
