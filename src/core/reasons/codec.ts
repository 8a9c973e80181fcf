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
  CODEC_FIELD: {
    fault: "caller",
    meaning: "A field of the request is missing or has the wrong shape.",
    action: "Send the field that the message names, as the Web3Signer API describes it.",
  },
  CODEC_BITS: {
    fault: "caller",
    meaning: "A bit field is not valid SSZ for this preset.",
    action: "Send the SSZ bytes of the bit list or vector as hex, and check that both sides use the same preset.",
  },
  CODEC_UNKNOWN_TYPE: {
    fault: "caller",
    meaning: "The request's type is not one this signer knows.",
    action: "Use a type of the Web3Signer API, in capitals.",
  },
  CODEC_VERSION: {
    fault: "caller",
    meaning: "The request's version is not the name of a known fork.",
    action: "Send the fork's name, such as ELECTRA; a newer fork needs a newer Pleiades.",
  },
  CODEC_BLOCK: {
    fault: "caller",
    meaning: "A block could not be read as its fork defines it.",
    action: "Send `block_header` (any fork) or a full `block` exactly as the beacon API writes it.",
  },
  CODEC_ROOT_CONFLICT: {
    fault: "caller",
    meaning: "`signingRoot` and `signing_root` are both present and differ.",
    action: "Send one of them.",
  },
  CODEC_ROOT_MISMATCH: {
    fault: "caller",
    meaning: "The signing root that came with the request is not the root of its message on this network.",
    action: "Check that the client and the signer are configured for the same network and preset.",
  },
  CODEC_LIFE: {
    fault: "operator",
    meaning: "A value is not the name of a keeper's run (32 lower-case hex digits).",
    action: "Update the node that sent it; a store that holds it was damaged.",
  },
  CODEC_SIGHTING: {
    fault: "operator",
    meaning: "A sighting of an operator is not well-formed.",
    action: "Update the node that sent it; if it persists, ask whether it runs this software.",
  },
  CODEC_JSON: {
    fault: "caller",
    meaning: "The body is not JSON in UTF-8 of moderate depth.",
    action: "Send one JSON object as the body.",
  },
  CODEC_DUPLICATE_KEY: {
    fault: "caller",
    meaning: "An object of the body names a key twice, so that it could be read in two ways.",
    action: "Name every key once.",
  },
} as const satisfies Record<string, Reason>;
