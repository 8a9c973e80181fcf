/** Who has to act: the caller of the API, the operator of this node, another operator, the staker, or us. */
export type Fault = "caller" | "configuration" | "operator" | "network" | "environment" | "nobody" | "bug";

export interface Reason {
  readonly fault: Fault;
  /** One sentence, shown to people as the error's message. */
  readonly meaning: string;
  /** What to do about it, as an instruction. */
  readonly action: string;
}
