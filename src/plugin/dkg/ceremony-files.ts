import {committeeFileOf} from "../../core/dkg/committee.js";
import type {SignedDefinition} from "../../core/dkg/definition.js";
import {combineDeposits} from "../../core/dkg/deposits.js";
import type {DkgGroup} from "../../core/dkg/group.js";
import type {PublicOutput} from "../../core/dkg/output.js";
import {formatOutputFile} from "../../core/dkg/output-file.js";
import {formatDepositFile} from "../../core/mini-pool/deposit-file.js";

export interface CeremonyFiles {
  /** All that is public of the ceremony: `pleiades dkg verify` needs nothing else. */
  readonly ceremony: string;
  readonly committee: string;
  /** Null where there is nothing to deposit. */
  readonly deposits: string | null;
}

/** Texts of the files that a finished ceremony leaves. @throws DEPOSIT_SIGNATURE and what a committee file throws */
export function filesOf(group: DkgGroup, signed: SignedDefinition, output: PublicOutput): CeremonyFiles {
  const {definition} = signed;
  const {keys, results} = output;
  const {name, genesisForkVersion} = definition.network;
  const deposits = definition.depositAmounts.length === 0 ? null : combineDeposits(group, definition, {keys, results});
  return {
    ceremony: formatOutputFile(signed, output),
    committee: committeeFileOf(group, definition, keys),
    deposits: deposits === null ? null : formatDepositFile(deposits, {network: {name, genesisForkVersion}, bls: group}),
  };
}

export const FILE_NAMES = {
  ceremony: "ceremony.json",
  committee: "committee.json",
  deposits: "deposit-data.json",
} as const satisfies Record<keyof CeremonyFiles, string>;
