import type {Reason} from "./reason.js";

export const slashingReasons = {
  SLASHING_NO_RECORD: {
    fault: "operator",
    meaning: "There is no slashing protection record for this key here.",
    action: "Records are created only with a share: add the share bundle again. It will start at the floor.",
  },
  SLASHING_DISABLED: {
    fault: "configuration",
    meaning: "This key was exported from here, so it signs nothing slashable here any more.",
    action: "Use the signer that the export was imported to. To come back, import its export and a new share.",
  },
  SLASHING_DOUBLE_BLOCK: {
    fault: "caller",
    meaning: "Another block was signed at this slot.",
    action: "Nothing: the second one must not be signed. Look for a second validator client on this key.",
  },
  SLASHING_LOW_BLOCK: {
    fault: "caller",
    meaning: "The block's slot is below the highest slot signed or imported.",
    action: "Nothing for one late block. If it goes on, look for a clock or a client that is behind.",
  },
  SLASHING_DOUBLE_VOTE: {
    fault: "caller",
    meaning: "Another attestation was signed with this target epoch.",
    action: "Nothing: the second one must not be signed. Look for a second validator client on this key.",
  },
  SLASHING_LOW_TARGET: {
    fault: "caller",
    meaning: "The attestation's target epoch is below the highest one signed or imported.",
    action: "Nothing for one late attestation; right after a share was added it ends within two epochs.",
  },
  SLASHING_LOW_SOURCE: {
    fault: "caller",
    meaning: "The attestation's source epoch is below the highest one signed or imported, so it could surround it.",
    action: "Check that the beacon node follows the same chain as before.",
  },
  SLASHING_SOURCE_AFTER_TARGET: {
    fault: "caller",
    meaning: "The attestation's source epoch is above its target epoch.",
    action: "No client should send this: check what is talking to the signer.",
  },
  SLASHING_STORE_FAILED: {
    fault: "environment",
    meaning: "A record could not be written durably, so nothing is signed until a restart.",
    action: "Check free space, quotas and health of the disk that holds dataDir, then restart the operator.",
  },
  SLASHING_DISK_LOW: {
    fault: "environment",
    meaning: "The disk that holds the record store is almost full.",
    action: "Free or add space in time: when a record cannot be written, this operator stops signing.",
  },
  SLASHING_DISK_CRITICAL: {
    fault: "environment",
    meaning: "The disk that holds the record store is about to be full; then this operator stops signing.",
    action: "Free space now. Never delete anything below dataDir.",
  },
  SLASHING_STORE_VERSION: {
    fault: "operator",
    meaning: "The record store was written by a newer version.",
    action: "Run that version or a newer one; going back would lose what it recorded.",
  },
  SLASHING_STORE_CORRUPT: {
    fault: "environment",
    meaning: "A stored record or share does not match its checksum.",
    action: "Stop, keep the files, and add the share bundle to an empty dataDir: it will start at the floor.",
  },
  SLASHING_STORE_OPEN: {
    fault: "environment",
    meaning: "The record store cannot be opened for writing.",
    action: "Check that dataDir exists, is on a writable disk and belongs to the user that runs the operator.",
  },
  SLASHING_WRONG_CHAIN: {
    fault: "configuration",
    meaning: "The genesis_validators_root belongs to another chain than the one these records are kept for.",
    action: "Use the file, network or dataDir of the same chain.",
  },
  SLASHING_INTERCHANGE: {
    fault: "caller",
    meaning: "The slashing protection interchange file is not a valid EIP-3076 file of version 5.",
    action: "Export it again from the former client and pass the file unchanged.",
  },
  SLASHING_BEYOND_CLOCK: {
    fault: "caller",
    meaning: "The interchange file names an epoch or slot beyond the next epoch, which would stop the validator.",
    action: "Check this machine's clock and the file; nothing was imported.",
  },
  SLASHING_UNKNOWN_KEY: {
    fault: "caller",
    meaning: "No record is kept here for a key that was asked for.",
    action: "Ask only for keys that this operator holds; nothing was changed.",
  },
  SLASHING_MERGE_TOO_FEW: {
    fault: "caller",
    meaning: "A merge needs the exports of at least t operators of the key's committee.",
    action:
      "Export the key at more operators. One operator's record may lack a signature that others completed, and operators that are not disabled could still complete new ones.",
  },
  SLASHING_MERGE_TWICE: {
    fault: "caller",
    meaning: "Two of the files to merge are exports of the same operator.",
    action: "Give one file per operator, of at least t different operators; of two, the newer one.",
  },
  SLASHING_MERGE_ANONYMOUS: {
    fault: "caller",
    meaning: "A file to merge does not say which operator exported it.",
    action:
      "Merge only files of `pleiades slashing-protection export`; export again where the file is of another kind.",
  },
  SLASHING_MERGE_STRANGER: {
    fault: "caller",
    meaning: "A file to merge has a key, and its operator is in none of the given committees of that key.",
    action: "Give the committee file of every key, with --committee, and only exports of that committee's operators.",
  },
  SLASHING_PARTICIPANT_REFUSED: {
    fault: "nobody",
    meaning:
      "A participant of the distributed profile refused: its slashing protection or its policy forbids this message.",
    action: "Nothing, if another message of that slot or epoch was signed; its own words stand beside this code.",
  },
} as const satisfies Record<string, Reason>;
