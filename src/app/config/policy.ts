import {parsePubkeyHex} from "../../core/bytes.js";
import type {PolicyConfig, RegistrationRule} from "../../core/duty/policy.js";
import type {PolicySection} from "./schema.js";

/** The policy a configuration section stands for. */
export function policyFrom({permits, genericDomainTypes, registration}: PolicySection): PolicyConfig {
  const rule = (feeRecipient: RegistrationRule["feeRecipient"], maxGasLimit: number | undefined): RegistrationRule => ({
    feeRecipient,
    maxGasLimit: BigInt(maxGasLimit ?? registration.maxGasLimit),
  });
  return {
    permits,
    genericDomainTypes,
    registration: {
      default: registration.feeRecipient === null ? null : rule(registration.feeRecipient, undefined),
      byKey: new Map(
        Object.entries(registration.validators).map(([key, {feeRecipient, maxGasLimit}]) => [
          parsePubkeyHex(key),
          rule(feeRecipient, maxGasLimit),
        ]),
      ),
    },
  };
}
