/** First words of the commands that are not a plugin's. */
export const BUILT_IN: readonly string[] = [
  "init",
  "operator",
  "signer",
  "validator",
  "split",
  "coordinators",
  "slashing-protection",
  "config",
  "doctor",
  "local",
  "participants",
  "share",
  "exit",
  "escrow",
  "credential-change",
];
