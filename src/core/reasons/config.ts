import type {Reason} from "./reason.js";

export const configReasons = {
  CONFIG_FILE_MISSING: {
    fault: "configuration",
    meaning: "The configuration file cannot be read.",
    action: "Give its path with --config, or write a new one with `pleiades init`.",
  },
  CONFIG_SYNTAX: {
    fault: "configuration",
    meaning: "The configuration file is not valid YAML.",
    action: "Correct the line that is named; `pleiades config check` tries again without starting anything.",
  },
  CONFIG_UNKNOWN_KEY: {
    fault: "configuration",
    meaning: "The configuration file has a key Pleiades does not know.",
    action: "Correct the spelling or remove the key; lodestar.config.yaml of the release lists every key.",
  },
  CONFIG_MISSING_KEY: {
    fault: "configuration",
    meaning: "The configuration file lacks a key that has no default.",
    action: "Add the key that is named; lodestar.config.yaml of the release shows its unit and an example.",
  },
  CONFIG_WRONG_TYPE: {
    fault: "configuration",
    meaning: "A value of the configuration file has the wrong type.",
    action: "Write a value of the expected type on the line that is named.",
  },
  CONFIG_INVALID_VALUE: {
    fault: "configuration",
    meaning: "A value of the configuration file is not allowed.",
    action: "Correct the value on the line that is named.",
  },
  CONFIG_ROLE_MISSING: {
    fault: "configuration",
    meaning: "The configuration file has no section for the program that was started.",
    action: "Start the program this machine is configured for, or add the section named.",
  },
  CONFIG_EXISTS: {
    fault: "caller",
    meaning: "A file that would be written exists already.",
    action: "Nothing was changed. Choose another folder, or move the file away if you really want a new one.",
  },
  CONFIG_NETWORK_INCOMPLETE: {
    fault: "configuration",
    meaning: "The network is not named and not fully pinned.",
    action:
      "Set network.name to a known network alone, or set preset, genesisTime, secondsPerSlot, genesisValidatorsRoot and forks; `pleiades init --beacon-node URL` writes them.",
  },
  CONFIG_NETWORK_UNPINNED: {
    fault: "configuration",
    meaning: "An operator without a pinned network may not listen beyond this machine.",
    action: "Pin the network (`pleiades init` does); only `pleiades local` runs without one, on loopback.",
  },
  CONFIG_BEACON_NODE: {
    fault: "environment",
    meaning: "The beacon node did not answer with its specification and genesis.",
    action: "Check the URL and that its REST API (config and beacon namespaces) is on.",
  },
  CONFIG_TOKEN_FILE: {
    fault: "configuration",
    meaning: "The file with the access tokens of a listener cannot be used.",
    action:
      "Write one token per line, 32 to 512 letters, digits and ._~+/- (`openssl rand -hex 32`), and set mode 0600.",
  },
  CONFIG_CREDENTIAL: {
    fault: "configuration",
    meaning: "A secret is named as a credential, and the service manager has handed over none of that name.",
    action: "Add LoadCredential=name:path to the systemd unit, or name a file instead.",
  },
  CONFIG_COMMITTEE_FILE: {
    fault: "configuration",
    meaning: "A committee file or share bundle named in the configuration cannot be read.",
    action: "Put the file where the configuration says, or correct the path.",
  },
  CONFIG_WRONG_CHAIN: {
    fault: "configuration",
    meaning: "A committee file belongs to another chain than the configured network.",
    action: "Use the committee file made for this network, or correct the network section.",
  },
  CONFIG_NOT_A_MEMBER: {
    fault: "configuration",
    meaning: "This node is not an operator of any of its committees.",
    action: "Use the node key whose peer id stands in the committee file, or ask for a split that names this node.",
  },
  CONFIG_NOT_A_COORDINATOR: {
    fault: "configuration",
    meaning: "A committee file does not list this signer as a coordinator, so its operators would refuse it.",
    action: "Split with --coordinator and the peer id of this signer.",
  },
} as const satisfies Record<string, Reason>;
