import type {Reason} from "./reason.js";

export const dkgReasons = {
  DKG_DEFINITION_MALFORMED: {
    fault: "configuration",
    meaning: "A ceremony definition has a missing, unknown or impossible value.",
    action: "Make it with `pleiades dkg create`; don't edit it by hand.",
  },
  DKG_DEFINITION_VERSION: {
    fault: "configuration",
    meaning: "A ceremony definition has a version this release does not know.",
    action: "Use the same release of Pleiades on every operator.",
  },
  DKG_DEFINITION_SIGNATURE: {
    fault: "operator",
    meaning:
      "A signature under a ceremony definition is not that operator's: the definition was changed after it was signed.",
    action: "Ask who sent it for the original; every operator signs again what was changed on purpose.",
  },
  DKG_DEFINITION_UNSIGNED: {
    fault: "operator",
    meaning: "Operators that have to sign the ceremony definition have not.",
    action: "Send the definition to the operators named; each signs it before the ceremony runs.",
  },
  DKG_ITEM_MALFORMED: {
    fault: "operator",
    meaning: "A message of a ceremony has not the form it must have.",
    action: "Ask the sender which release it runs; nothing of the message was used.",
  },
  DKG_ITEM_SIGNATURE: {
    fault: "operator",
    meaning: "A message of a ceremony is not signed by the operator it names.",
    action: "Nothing of it was used; ask the sender to check its machine.",
  },
  DKG_ITEM_OTHER_CEREMONY: {
    fault: "operator",
    meaning: "A message belongs to another ceremony.",
    action: "Nothing of it was used; compare the ceremony ids on both sides.",
  },
  DKG_CHUNK_MALFORMED: {
    fault: "operator",
    meaning:
      "A part of a dealing is malformed: wrong length, a point that is none, or a proof of possession that fails.",
    action: "The dealer is excluded; ask its operator to check its machine and release.",
  },
  DKG_SHARE_CONSTANT: {
    fault: "operator",
    meaning: "A share to be dealt again does not belong to the dealer's share public key.",
    action: "Compare the committee file of the ceremony with the share in the keeper.",
  },
  DKG_OUTPUT_MALFORMED: {
    fault: "operator",
    meaning: "The file of a ceremony's public output has not the form it must have.",
    action: "Ask an operator of the committee for an untouched copy.",
  },
  DKG_OUTPUT_INVALID: {
    fault: "operator",
    meaning: "The public output of a ceremony does not hold: keys, signatures or proofs do not fit together.",
    action: "Don't use these keys; ask another operator of the committee for its copy of the file.",
  },
  DKG_DEALERS_MISSING: {
    fault: "operator",
    meaning: "Keys were to be computed without the shares or commitments of every qualified dealer.",
    action: "Fetch the missing dealings from the other operators; the ceremony can resume.",
  },
  DKG_MESSAGE: {
    fault: "operator",
    meaning: "A message between operators of a ceremony is not well-formed.",
    action: "Use the same release of Pleiades on every operator.",
  },
  DKG_CEREMONY_UNKNOWN: {
    fault: "caller",
    meaning: "This operator takes part in no such ceremony.",
    action: "Give it the signed definition with `pleiades dkg run`, or correct the id.",
  },
  DKG_CEREMONY_OVER: {
    fault: "caller",
    meaning: "The ceremony's deadline has passed, or it has ended already.",
    action: "Make a new definition with `pleiades dkg create`.",
  },
  DKG_DEADLINE_PASSED: {
    fault: "caller",
    meaning: "By this operator's clock the ceremony's deadline has passed.",
    action: "Compare this machine's clock with another one's. If it is right, make a new definition.",
  },
  DKG_DEADLINE_FAR: {
    fault: "caller",
    meaning: "By this operator's clock the ceremony's deadline is more than 31 days ahead.",
    action: "Compare this machine's clock with another one's. If it is right, make a definition with fewer --hours.",
  },
  DKG_ABORT_LATE: {
    fault: "caller",
    meaning: "This operator has proved its share to the others, who may use the key already; it keeps its share.",
    action: "Wait for the end. If it was never meant to be, don't deposit for the key.",
  },
  DKG_ABORT_REASON: {
    fault: "caller",
    meaning: "An abort's reason is not one line of at most 200 printable ASCII characters, so nothing was aborted.",
    action: "Abort with a shorter or plainer reason.",
  },
  DKG_NOT_PARTICIPANT: {
    fault: "caller",
    meaning: "This node is none of the ceremony's operators.",
    action: "Compare this node's peer id with those in the definition.",
  },
  DKG_JOURNAL_CORRUPT: {
    fault: "environment",
    meaning: "The journal of ceremonies is damaged, cut short, or of another version.",
    action:
      "Restore the folder if the disk can be repaired. Else move it away: what goes on cannot be resumed here, and finished keys are not affected. Never put an older copy in its place.",
  },
  DKG_JOURNAL_LOST: {
    fault: "environment",
    meaning:
      "This operator has spoken in the ceremony, but its journal does not say what: it was lost or is an old copy, or the same node runs twice.",
    action:
      "Put the journal back if it is whole, or end the second node. Else see with `pleiades dkg status` at the others how it ended. At none of them with a key: `pleiades dkg abort` here. With a key at a threshold of others: the same, then `pleiades share repair` gives this operator its share back. With a key at fewer: do not abort, this share is needed.",
  },
  DKG_JOURNAL_FAILED: {
    fault: "environment",
    meaning: "The journal of ceremonies could not be written, so its ceremonies were stopped where they are.",
    action: "Free space or repair the disk and start the operator again: they go on from what is durable.",
  },
  DKG_CHAIN_UNKNOWN: {
    fault: "configuration",
    meaning:
      "The configuration does not say enough of the chain for a ceremony: its genesis validators root or fork schedule is not known.",
    action: "Name a known network, or a beacon node or spec file, under `network` in lodestar.config.yaml.",
  },
  DKG_ESCROW: {
    fault: "caller",
    meaning: "An escrow holder is a key and a name.",
    action: "Give both --escrow and --escrow-name, or neither.",
  },
  DKG_WITHDRAWAL: {
    fault: "caller",
    meaning: "A definition needs exactly one withdrawal target.",
    action: "Give --withdrawal-address (0x01), or --withdrawal-dkg-key (0x00 with a change to that address).",
  },
  DKG_RENEW_TERMS: {
    fault: "caller",
    meaning: "It is not clear on which terms the keys go on: withdrawals, fees, or the escrow holder.",
    action:
      "Give the ceremony.json of the ceremony that made them; for keys that were split their committee.json and --withdrawal-address or --withdrawal-dkg-key, and --fee-recipient.",
  },
  DKG_OPERATORS_FILE: {
    fault: "configuration",
    meaning: "The operators file is not a list of {id, peerId, addresses}.",
    action: "Write it as for `pleiades split` (docs/dkg.md has one).",
  },
  DKG_FILE_READ: {
    fault: "environment",
    meaning: "A file of a ceremony could not be read.",
    action: "Check its path and permissions.",
  },
  DKG_FILE_WRITE: {
    fault: "environment",
    meaning: "A file of a ceremony could not be written; a file that is there is never replaced.",
    action: "Choose another path, or make room on the disk.",
  },
  DKG_FILE_OTHER: {
    fault: "operator",
    meaning: "A file does not belong to this ceremony: its content is not what follows from the public output.",
    action: "Don't deposit or sign with it; take the file from another operator.",
  },
  DKG_DEFINITION_CHANGED: {
    fault: "caller",
    meaning: "The running operator read another definition than this command.",
    action: "Run the command again with a file that does not change.",
  },
  DKG_CONSENT_REFUSED: {
    fault: "caller",
    meaning: "Nobody agreed to the definition.",
    action: "Read what it says and type yes, or give --yes where nobody can be asked.",
  },
  DKG_CEREMONY_FAILED: {
    fault: "operator",
    meaning: "The ceremony ended without a key.",
    action: "The reason names the step and who was missing or guilty there; make a new definition without them.",
  },
} as const satisfies Record<string, Reason>;
