import type {Reason} from "./reason.js";

export const keeperReasons = {
  KEEPER_BAD_INIT: {
    fault: "configuration",
    meaning: "The keeper was started with settings it cannot use.",
    action: "Run `pleiades config check`; the field is named.",
  },
  KEEPER_BAD_MESSAGE: {
    fault: "bug",
    meaning: "The keeper received a message it does not know.",
    action: "Check that operator and keeper are of the same version; otherwise report it.",
  },
  KEEPER_UNKNOWN_KEY: {
    fault: "configuration",
    meaning: "This operator holds no share of that key.",
    action: "Add the share bundle that belongs to the committee file.",
  },
  KEEPER_COMMITTEE_MISMATCH: {
    fault: "configuration",
    meaning: "The request names another committee file (or generation) than the one this share belongs to.",
    action: "Give signer and operators the same committee file.",
  },
  KEEPER_NOT_SIGNING: {
    fault: "environment",
    meaning: "The keeper has stopped signing.",
    action: "Look for the earlier error in this operator's log, mend its cause and restart the operator.",
  },
  KEEPER_GONE: {
    fault: "environment",
    meaning: "The keeper process has ended.",
    action:
      "The operator stops with it, so that a supervisor (systemd with Restart=on-failure) starts both again; no record is lost. Look at the operator's log for the reason.",
  },
  KEEPER_START: {
    fault: "environment",
    meaning: "The keeper process did not start.",
    action: "Look at the operator's log; run it by hand with the same configuration.",
  },
  KEEPER_OVERLOADED: {
    fault: "environment",
    meaning: "More requests wait for this keeper than it accepts.",
    action: "Give the operator more processor time, or fewer validators.",
  },
  KEEPER_PASSWORD: {
    fault: "configuration",
    meaning: "The password file cannot be read, is empty or is readable by others.",
    action: "Write the password into a file of mode 0600 that belongs to the user that runs the operator.",
  },
  KEEPER_WRONG_PASSWORD: {
    fault: "configuration",
    meaning: "The password does not open this.",
    action: "Use the password the bundle or store was made with.",
  },
  KEEPER_BUNDLE: {
    fault: "caller",
    meaning: "The share bundle is damaged or not a share bundle.",
    action: "Copy the file again from where `pleiades split` wrote it.",
  },
  KEEPER_BUNDLE_COMMITTEE: {
    fault: "configuration",
    meaning: "The share bundle belongs to another committee file than the ones configured.",
    action: "Configure the committee file that was written together with the bundle.",
  },
  KEEPER_SHARE_MISMATCH: {
    fault: "caller",
    meaning: "A share does not match its share public key in the committee file.",
    action: "Use the bundle and the committee file of the same split.",
  },
  KEEPER_SECOND_SHARE: {
    fault: "configuration",
    meaning: "This operator already holds another share of that key.",
    action: "One operator holds one share of a key. Give this bundle to the operator it was made for.",
  },
  KEEPER_FILE: {
    fault: "configuration",
    meaning: "A committee file or share bundle cannot be read.",
    action: "Check the path in the configuration and the file's permissions.",
  },
  KEEPER_CLOCK_REQUIRED: {
    fault: "configuration",
    meaning: "A share bundle can only be added when the network's clock is known, to compute the floor of its records.",
    action: "Pin the network (name, or genesis time and seconds per slot) in the configuration.",
  },
  KEEPER_ROLLED_BACK: {
    fault: "environment",
    meaning:
      "This operator signed more than its records know: a backup was restored, a folder was emptied or copied, or a machine was rolled back.",
    action:
      "Every record was raised to the floor, and signing goes on by itself within two epochs. Find out what replaced the folder. Without a pinned network nothing is signed: start again with new keys.",
  },
  KEEPER_SECOND_COPY: {
    fault: "environment",
    meaning: "Another copy of this operator is running with the same share, so this one signs nothing until a restart.",
    action:
      "Stop both, destroy one of the two folders, and start the other. Its records begin at the floor; one share must never be on two machines.",
  },
  KEEPER_NETWORK_MISMATCH: {
    fault: "configuration",
    meaning: "The committee file was made for another chain than the configured network.",
    action: "Use the network the key belongs to.",
  },
  KEEPER_OTHER_CREDENTIALS: {
    fault: "caller",
    meaning:
      "This operator has signed a deposit of this key with other withdrawal credentials; it signs no second ones.",
    action:
      "Deposit with the first ones. A deposit with others was perhaps asked for by somebody who wants the stake: ask who wrote it.",
  },
  KEEPER_OTHER_WITHDRAWAL_ADDRESS: {
    fault: "caller",
    meaning: "The change names another withdrawal address than the one recorded with the key at its ceremony.",
    action: "Only the address of the ceremony's definition is ever signed.",
  },
  KEEPER_CREDENTIALS_FORGOTTEN: {
    fault: "environment",
    meaning:
      "This operator's records were once found to be old, or its share of this key came back without them, so it cannot know which withdrawal credentials it has signed for this key.",
    action: "Sign the deposit with the other operators, or make a new key.",
  },
  KEEPER_NO_ESCROW: {
    fault: "caller",
    meaning: "This operator consented to no escrow holder for this key, so nobody is given its exit.",
    action: "Use `pleiades exit`, or name a holder in the next definition of this key's committee.",
  },
  KEEPER_OTHER_ESCROW: {
    fault: "caller",
    meaning: "The definition names another escrow holder than the one this operator consented to for this key.",
    action: "Name the same holder, or none: whoever was given an exit has it for ever.",
  },
  KEEPER_ESCROW_CHAIN: {
    fault: "configuration",
    meaning: "An exit to keep has to hold for ever, which only a pinned chain with a date for Deneb can say.",
    action: "Give the operator a network with its whole fork schedule.",
  },
  KEEPER_CEREMONY_UNKNOWN: {
    fault: "caller",
    meaning: "This keeper takes no part in that ceremony, or no longer.",
    action: "Begin it first; a ceremony that has ended is not begun again.",
  },
  KEEPER_CEREMONY_OVER: {
    fault: "caller",
    meaning: "This ceremony has ended here.",
    action: "Make a new definition for another ceremony.",
  },
  KEEPER_CEREMONY_NONCE: {
    fault: "operator",
    meaning: "Another definition with the same nonce was begun here before.",
    action: "Make a new definition with `pleiades dkg create`; somebody may have changed a signed one.",
  },
  KEEPER_CEREMONY_LIMIT: {
    fault: "environment",
    meaning: "More ceremonies are under way than a keeper holds.",
    action: "Finish or abort some of them.",
  },
  KEEPER_CEREMONY_PEER: {
    fault: "configuration",
    meaning: "This operator has no such part in the ceremony.",
    action: "Compare the definition's peer ids with this operator's.",
  },
  KEEPER_CEREMONY_ANNOUNCES: {
    fault: "operator",
    meaning: "The announces to deal on are too few, out of order, or don't contain this operator's own.",
    action: "Fetch the missing announces from the other operators.",
  },
  KEEPER_CEREMONY_DEALING: {
    fault: "operator",
    meaning: "Another dealing of this dealer was opened here before; only one of each dealer is.",
    action: "Both dealings together prove that the dealer lies; it is named.",
  },
  KEEPER_CEREMONY_CHUNK: {
    fault: "operator",
    meaning: "A part of a dealing is not the one its signed header names, or there is no such part.",
    action: "Fetch it again from another operator.",
  },
  KEEPER_CEREMONY_QUALIFIED: {
    fault: "operator",
    meaning: "The dealings to make shares of are not all here, or others were agreed on before.",
    action: "Fetch what is missing; the ceremony can resume.",
  },
  KEEPER_CEREMONY_COMMITTEE: {
    fault: "caller",
    meaning: "The committee file is not the one of this ceremony.",
    action: "Activate the file that this ceremony wrote.",
  },
} as const satisfies Record<string, Reason>;
