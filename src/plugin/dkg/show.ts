import type {Gwei} from "../../core/bytes.js";
import {tolerances} from "../../core/committee/quorum.js";
import type {Guilty} from "../../core/dkg/blame.js";
import {ceremonyId, type Definition, participantsOf} from "../../core/dkg/definition.js";

/** "32 ETH", "0.5 ETH". */
export function ether(amount: Gwei): string {
  const [whole, rest] = [amount / 1_000_000_000n, amount % 1_000_000_000n];
  return `${whole}${rest === 0n ? "" : `.${String(rest).padStart(9, "0").replace(/0+$/, "")}`} ETH`;
}

/** A thousand keys are for programs. */
const SHOWN = 10;

/** What an operator consents to, for people: one line each. */
export function definitionLines(definition: Definition): string[] {
  const {
    kind,
    operators,
    threshold,
    validators,
    network,
    withdrawal,
    previous,
    escrow = null,
    permits = [],
  } = definition;
  const {absent, liars} = tolerances({n: operators.length, t: threshold});
  const what = {
    fresh: "new keys",
    refresh: "new shares of the same keys",
    reshare: "the same keys for other operators",
  };
  const paid =
    withdrawal.kind === "address"
      ? `${withdrawal.address} (0x01: nobody can change that)`
      : `the validator's own key (0x00), which may be changed to ${withdrawal.changeTo} and to nothing else`;
  const all = definition.require === operators.length;
  return [
    `ceremony       ${ceremonyId(definition)}`,
    `makes          ${validators} validator${validators === 1 ? "" : "s"}: ${what[kind]}`,
    `chain          ${network.name}, genesis fork version ${network.genesisForkVersion}`,
    `signing        any ${threshold} of ${operators.length} operators; ${absent} may be away, ${liars} may lie`,
    `must finish    ${all ? "all operators" : `${definition.require} of ${operators.length} operators`}, by ${new Date(definition.deadline * 1000).toISOString()}`,
    ...(previous?.validators ?? []).slice(0, SHOWN).map(({groupPublicKey}) => `key            ${groupPublicKey}`),
    ...(previous !== null && validators > SHOWN ? [`               and ${validators - SHOWN} more`] : []),
    `withdrawals    ${paid}`,
    `fee recipient  ${definition.feeRecipient}`,
    ...(kind === "fresh"
      ? [`deposits       ${definition.depositAmounts.map(ether).join(" and ") || "none"} for each validator`]
      : []),
    ...permits.map(({type, key, objectRoot}) => `also permits   ${type} of ${key}, message ${objectRoot}`),
    ...(escrow === null
      ? []
      : [
          `escrow         ${escrow.name}, ${escrow.publicKey}: with the sealed exits of ${threshold} operators able to end the validators' work at will, for ever`,
        ]),
    ...(previous?.handoverEpoch == null ? [] : [`handover       after epoch ${previous.handoverEpoch}`]),
    `signers        ${definition.coordinators.length === 0 ? "none yet" : definition.coordinators.join(", ")}`,
    ...participantsOf(definition).map(({number, peerId, recipient}) => {
      const addresses = definition.operators.find((one) => one.peerId === peerId)?.addresses ?? [];
      return `${recipient === null ? "gives up" : "operator"} ${String(number).padStart(2)}    ${[peerId, ...addresses].join("  ")}`;
    }),
  ];
}

export const guiltyLines = (guilty: readonly Guilty[]): string[] =>
  guilty.map(({participant, offence}) => `guilty         participant ${participant}: ${offence}`);
