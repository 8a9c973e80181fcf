import type {Reason} from "./reason.js";

export const policyReasons = {
  POLICY_WRONG_CHAIN: {
    fault: "caller",
    meaning: "The request's genesis_validators_root is not this network's.",
    action: "Check that the client follows the same network as this node.",
  },
  POLICY_WRONG_FORK: {
    fault: "caller",
    meaning: "The request's fork version is not the one this network has at the message's epoch.",
    action: "Check the client's network; if a fork was scheduled lately, update this node's spec or version.",
  },
  POLICY_NETWORK_REQUIRED: {
    fault: "configuration",
    meaning: "This message's domain needs the network's own fork schedule: start with --network or --spec.",
    action: "Start with --network NAME or --spec FILE.",
  },
  POLICY_UNKNOWN_TYPE: {
    fault: "bug",
    meaning: "No rule allows messages of this type.",
    action: "Report it: a type was added without a rule.",
  },
  POLICY_TARGET_NOT_OF_SLOT: {
    fault: "caller",
    meaning: "The attestation's target epoch is not the epoch of its slot.",
    action: "Check the client and its beacon node, and that both sides use the same preset.",
  },
  POLICY_SOURCE_AFTER_TARGET: {
    fault: "caller",
    meaning: "The attestation's source epoch is later than its target epoch.",
    action: "Check the client's beacon node.",
  },
  POLICY_TOO_EARLY: {
    fault: "caller",
    meaning: "The message is for a slot or epoch too far beyond this node's clock.",
    action: "Check the clocks of both machines, and the network's genesis time.",
  },
  POLICY_NOT_PERMITTED: {
    fault: "configuration",
    meaning: "This node's configuration does not permit exactly this message.",
    action: "Add the message to the permits of every operator that should sign it.",
  },
  POLICY_WRONG_PUBKEY: {
    fault: "caller",
    meaning: "The message names another public key than the one asked to sign it.",
    action: "Ask the key that the message names.",
  },
  POLICY_REGISTRATION_NOT_CONFIGURED: {
    fault: "configuration",
    meaning: "No fee recipient is configured for this validator's registrations.",
    action: "Configure the validator's fee recipient and gas limit bound at every operator.",
  },
  POLICY_FEE_RECIPIENT: {
    fault: "caller",
    meaning: "The registration's fee recipient is not the one configured for this validator.",
    action: "Make the client's fee recipient and the operators' configuration agree.",
  },
  POLICY_GAS_LIMIT: {
    fault: "caller",
    meaning: "The registration's gas limit is above the bound configured for this validator.",
    action: "Lower the client's gas limit or raise the operators' bound.",
  },
  POLICY_DOMAIN_NOT_LISTED: {
    fault: "configuration",
    meaning: "The generic message's domain type is not listed in this node's configuration.",
    action: "List the domain type at every operator that should sign it.",
  },
  POLICY_RESERVED_DOMAIN: {
    fault: "configuration",
    meaning:
      "The domain type belongs to the consensus or builder specifications and is never signed as a generic message.",
    action: "Ask for such a message by its own type; remove the domain type from the configuration.",
  },
  POLICY_CONFIG: {
    fault: "configuration",
    meaning: "The policy configuration has a mistake.",
    action: "Correct the field that the message names.",
  },
  NETWORK_INVALID: {
    fault: "configuration",
    meaning: "The network's description has a mistake.",
    action: "Correct the field that the message names.",
  },
  NETWORK_FORKS: {
    fault: "configuration",
    meaning: "The fork schedule is not a run of known forks from phase0 at epoch 0 in ascending epochs.",
    action: "Use the spec that a beacon node of the network serves; a fork unknown here needs a newer Pleiades.",
  },
  NETWORK_PRESET: {
    fault: "configuration",
    meaning: "The network's preset is not mainnet's or minimal's, or not the one this process runs with.",
    action: "Use a network with the mainnet or minimal preset, one preset per process; unset LODESTAR_PRESET.",
  },
  NETWORK_UNKNOWN: {
    fault: "configuration",
    meaning: "There is no network of this name.",
    action: "Use one of the names listed, or give the network's spec with --spec FILE.",
  },
} as const satisfies Record<string, Reason>;
