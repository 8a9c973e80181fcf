import type {HostedIo} from "../../src/plugin/guards.js";

/** What a command of a plugin says and asks, for tests: nobody is at the terminal, and there is no chain. */
export const commandIo = (io: Partial<HostedIo> = {}): HostedIo => ({
  print: () => undefined,
  note: () => undefined,
  progress: () => undefined,
  json: false,
  confirm: async () => null,
  chain: async () => ({name: "testnet", genesisValidatorsRoot: null, genesisForkVersion: null, epochAt: () => null}),
  signal: new AbortController().signal,
  ...io,
});
