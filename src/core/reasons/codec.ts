import type {Reason} from "./reason.js";

export const codecReasons = {
  CODEC_HEX: {
    fault: "caller",
    meaning: "A hex field is not hex of the right length.",
    action: "Send 0x-prefixed hex with exactly the number of bytes the field needs.",
  },
  CODEC_UINT64: {
    fault: "caller",
    meaning: "A number is not an unsigned 64-bit integer.",
    action: "Send it as a decimal string between 0 and 2^64-1.",
  },
  CODEC_INDEX: {
    fault: "caller",
    meaning: "A share index or operator id is not a whole number from 1 to 13.",
    action: "Use the ids of the committee file.",
  },
  CODEC_PEER_ID: {
    fault: "caller",
    meaning: "A peer id is not a libp2p peer id in text form.",
    action: "Copy it from the output of `pleiades init` on that machine.",
  },
} as const satisfies Record<string, Reason>;
