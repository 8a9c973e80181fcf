/** Bodies of the remote signer API for the benchmark. */

const root = (byte: number): string => `0x${byte.toString(16).padStart(2, "0").repeat(32)}`;
const numbered = (message: number): string => `0x${message.toString(16).padStart(64, "0")}`;

const forkInfo = (epoch: number) => ({
  fork: {previous_version: "0x04000000", current_version: "0x05000000", epoch: String(epoch)},
  genesis_validators_root: root(7),
});

/** An attestation; another `message` is another block voted for, so another signing root. */
export const attestationBody = ({epoch, message}: {epoch: number; message: number}): string =>
  JSON.stringify({
    type: "ATTESTATION",
    fork_info: forkInfo(epoch),
    attestation: {
      slot: String(epoch * 32),
      index: "0",
      beacon_block_root: numbered(message),
      source: {epoch: String(epoch - 1), root: root(2)},
      target: {epoch: String(epoch), root: root(3)},
    },
  });

export const blockBody = ({slot}: {slot: number}): string =>
  JSON.stringify({
    type: "BLOCK_V2",
    fork_info: forkInfo(Math.floor(slot / 32)),
    beacon_block: {
      version: "DENEB",
      block_header: {
        slot: String(slot),
        proposer_index: "1",
        parent_root: root(1),
        state_root: root(4),
        body_root: root(5),
      },
    },
  });

/** The draft's batch form of one request for many keys. */
export const batchBody = (keys: readonly string[], body: string): string =>
  `{"identifiers":${JSON.stringify(keys)},"signing_request":${body}}`;
