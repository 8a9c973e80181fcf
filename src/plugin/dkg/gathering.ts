import type {RootHex} from "../../core/bytes.js";
import {
  ceremonyId,
  checkConsent,
  consentMessage,
  type Definition,
  type DefinitionSignatures,
  type Participant,
  participantsOf,
  type SignedDefinition,
} from "../../core/dkg/definition.js";
import type {VerifyNodeSignature} from "../../core/dkg/node-signature.js";
import {PleiadesError} from "../../core/errors.js";

/** A definition that not enough have signed yet. */
export class Gathering {
  readonly id: RootHex;
  readonly definition: Definition;
  readonly participants: readonly Participant[];
  readonly #verify: VerifyNodeSignature;
  #signatures: DefinitionSignatures;

  constructor({definition, signatures}: SignedDefinition, verify: VerifyNodeSignature) {
    this.id = ceremonyId(definition);
    this.definition = definition;
    this.participants = participantsOf(definition);
    this.#verify = verify;
    this.#signatures = signatures;
  }

  get signed(): SignedDefinition {
    return {definition: this.definition, signatures: this.#signatures};
  }
  /** Numbers of participants who have signed. */
  get consented(): readonly number[] {
    return [...this.#signatures.keys()].sort((a, b) => a - b);
  }
  /** Numbers of those whose signature is waited for. */
  get missing(): readonly number[] {
    return this.participants.flatMap(({number}) => (this.#signatures.has(number) ? [] : [number]));
  }

  /** Whether it may run. */
  get complete(): boolean {
    try {
      checkConsent(this.signed);
      return true;
    } catch (error) {
      if (error instanceof PleiadesError && error.code === "DKG_DEFINITION_UNSIGNED") return false;
      throw error;
    }
  }

  /** Takes signatures that hold; true when there was a new one among them. */
  merge(signatures: DefinitionSignatures): boolean {
    const message = consentMessage(this.id);
    const added = [...signatures].filter(([number, signature]) => {
      const peerId = this.participants[number - 1]?.peerId;
      if (peerId === undefined || this.#signatures.has(number)) return false;
      return this.#verify(peerId, message, Buffer.from(signature.slice(2), "hex"));
    });
    if (added.length > 0) this.#signatures = new Map([...this.#signatures, ...added]);
    return added.length > 0;
  }

  /** This node's own. @param sign as the node */
  consent(number: number, sign: (message: Uint8Array) => Uint8Array): void {
    const signature = `0x${Buffer.from(sign(consentMessage(this.id))).toString("hex")}`;
    this.#signatures = new Map([...this.#signatures, [number, signature]]);
  }
}
