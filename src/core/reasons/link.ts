import type {Reason} from "./reason.js";

export const linkReasons = {
  LINK_ABORTED: {
    fault: "nobody",
    meaning: "The operator had not answered when the request's time was up.",
    action: "If one operator is always late, look at its load and at the network between you and it.",
  },
  LINK_DISCONNECTED: {
    fault: "network",
    meaning: "There is no connection to the operator.",
    action: "Check that the operator runs and that its address is reachable; reconnecting goes on by itself.",
  },
  LINK_UNREACHABLE: {
    fault: "network",
    meaning: "The operator's address could not be reached.",
    action: "Check the address in the committee file, that the operator runs, and the firewalls between.",
  },
  LINK_WRONG_PEER: {
    fault: "configuration",
    meaning: "Another node than the expected one answers at the operator's address.",
    action: "Compare the peer id in the committee file with the one the operator prints when it starts.",
  },
  LINK_REJECTED: {
    fault: "configuration",
    meaning: "The operator closed the connection before the handshake was done.",
    action: "Ask the operator whether this signer's peer id stands among the coordinators it allows.",
  },
  LINK_VERSION: {
    fault: "operator",
    meaning: "The two nodes speak different versions of the protocol.",
    action: "Update the older of the two; both versions stand beside this code.",
  },
  LINK_SILENT: {
    fault: "network",
    meaning: "Nothing was heard from the peer for too long, not even an answer to a ping.",
    action: "Look whether the peer's machine is frozen or the network lost it; reconnecting goes on by itself.",
  },
  LINK_OVERLOADED: {
    fault: "environment",
    meaning: "Too many requests are waiting.",
    action: "Use fewer validators per committee or faster machines; one burst passes by itself.",
  },
  LINK_SLOW_READER: {
    fault: "network",
    meaning: "The peer does not read what is sent to it, so the stream was reset.",
    action: "Look at the peer's load and at the network; reconnecting goes on by itself.",
  },
  LINK_TOO_LARGE: {
    fault: "caller",
    meaning: "A message is larger than one message between nodes may be.",
    action: "No request of the signing API needs this size; look at what the client sends.",
  },
  LINK_FRAME: {
    fault: "operator",
    meaning: "The peer broke the protocol, so the stream was reset.",
    action: "Update both nodes; if it persists, report it with the detail beside this code.",
  },
  LINK_BAD_ITEM: {
    fault: "caller",
    meaning: "One request within a frame is not well-formed.",
    action: "Update the signer; an operator answers the other requests of the frame as usual.",
  },
  LINK_BAD_REPLY: {
    fault: "operator",
    meaning: "The operator's answer to one request is not well-formed.",
    action: "Update that operator; if it persists, ask whether it runs this software.",
  },
  LINK_UNKNOWN_REASON: {
    fault: "operator",
    meaning: "The operator refused for a reason this version does not know.",
    action: "Update this node; the operator's own words stand beside this code.",
  },
  LINK_ACCOUNT_MISMATCH: {
    fault: "configuration",
    meaning:
      "Participants of the distributed profile describe an account in different ways, or otherwise than the committee file.",
    action: "Compare the field that is named; `pleiades participants` writes a new committee file if the file is old.",
  },
  LINK_CLOSED: {
    fault: "nobody",
    meaning: "This node closed the connection.",
    action: "Nothing to do: it happens at shutdown and when a peer is taken out of the configuration.",
  },
  LINK_ADDRESS: {
    fault: "configuration",
    meaning: "An address is not a multiaddr that can be used over TCP.",
    action: "Write it like /ip4/10.0.0.5/tcp/9000 or /dns4/operator.example/tcp/9000.",
  },
  LINK_ADDRESS_IN_USE: {
    fault: "environment",
    meaning: "The address to listen on is taken by another program.",
    action: "Stop the other program or listen on another port.",
  },
  LINK_LISTEN_FAILED: {
    fault: "environment",
    meaning: "Listening on the address failed.",
    action: "Check that the address belongs to this machine and that the port needs no privileges.",
  },
  LINK_IDENTITY_MISSING: {
    fault: "configuration",
    meaning: "The node key file does not exist.",
    action: "Create it with `pleiades init`, or correct the path.",
  },
  LINK_IDENTITY_PERMISSIONS: {
    fault: "configuration",
    meaning: "The node key file can be read by other users.",
    action: "Run `chmod 600` on it, and make a new key if somebody else may have read it.",
  },
  LINK_IDENTITY_INVALID: {
    fault: "configuration",
    meaning: "The node key file does not hold an Ed25519 private key.",
    action: "Restore it from a backup, or move it away and let `pleiades init` make a new one.",
  },
  LINK_IDENTITY_FAILED: {
    fault: "environment",
    meaning: "The node key file could not be read or written.",
    action: "Check the path, its permissions and the free space.",
  },
  LINK_CLOCK_SKEW: {
    fault: "operator",
    meaning: "An operator's clock differs from this machine's by more than half a second.",
    action: "Look at time synchronisation (NTP) on that operator's machine; clockOffsetMs is its clock minus this one.",
  },
  SIGNER_CLOCK_SKEW: {
    fault: "environment",
    meaning: "This machine's clock differs from those of all its operators by more than half a second.",
    action: "Look at time synchronisation (NTP) on this machine: its duties are asked for too early or too late.",
  },
  SIGNER_MEMORY_FILE: {
    fault: "environment",
    meaning: "The signer cannot read or write sightings.json, which tells its operators whether their records are old.",
    action: "Check the signer's dataDir: it must exist, be writable and have free space. Signing goes on meanwhile.",
  },
  OPERATOR_UNKNOWN_KEY: {
    fault: "configuration",
    meaning: "The operator belongs to no committee of this public key.",
    action: "Give the operator the committee file and its share bundle, or correct the signer's committee files.",
  },
  OPERATOR_NOT_COORDINATOR: {
    fault: "configuration",
    meaning: "The asking node is not a coordinator of this key's committee.",
    action: "Add its peer id to the coordinators in the operator's committee file if it shall be one.",
  },
  OPERATOR_OUTRANKED: {
    fault: "nobody",
    meaning:
      "An earlier-ranked signer of the committee has asked for another message for this duty, and that is signed.",
    action:
      "Nothing for one duty: the other signer has done it. If it goes on, find out why the two clients' heads differ.",
  },
  OPERATOR_COMMITTEE_MISMATCH: {
    fault: "configuration",
    meaning: "Signer and operator have different committee files for this key.",
    action: "Give both the same, newest committee file.",
  },
} as const satisfies Record<string, Reason>;
