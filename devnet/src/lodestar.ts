import {existsSync} from "node:fs";
import {join} from "node:path";
import {BeaconApi, type Genesis} from "./beacon-api.js";
import {type Program, ProgramError, type Reaper, startProgram} from "./processes.js";

/** Of the minimal preset. */
export const SLOTS_PER_EPOCH = 8;
export const VALIDATORS = 8;

/** Altair, Bellatrix and Capella are crossed on the way; before the merge, so that no execution node is needed. */
export const FORKS = [
  {name: "altair", epoch: 1},
  {name: "bellatrix", epoch: 2},
  {name: "capella", epoch: 3},
] as const;

export const chainParameters = (slotSeconds: number): readonly string[] => [
  "--params.SECONDS_PER_SLOT",
  String(slotSeconds),
  ...FORKS.flatMap(({name, epoch}) => [`--params.${name.toUpperCase()}_FORK_EPOCH`, String(epoch)]),
];

export const ENVIRONMENT = {
  LODESTAR_PRESET: "minimal",
  // bcrypto without its native part, which would take a minute to compile.
  NODE_BACKEND: "js",
  NO_COLOR: "1",
};

export interface LodestarModules {
  readonly reaper: Reaper;
  readonly onLine?: (line: string) => void;
}

/** The command line program of the devnet's Lodestar. @throws ProgramError when it is not installed */
export function lodestarCli(root: string): string {
  const path = join(root, "devnet", "node_modules", "@chainsafe", "lodestar", "lib", "index.js");
  if (!existsSync(path)) throw new ProgramError("Lodestar is not installed: start with `npm start`, which does it.");
  return path;
}

/**
 * Starts the beacon node with a chain whose genesis is at `genesisTime` (unix seconds) and waits until it answers.
 * @throws ProgramError
 */
export async function startBeaconNode(
  modules: LodestarModules,
  options: {
    root: string;
    dir: string;
    logFile: string;
    restPort: number;
    p2pPort: number;
    genesisTime: number;
    slotSeconds: number;
    /** More arguments of the command. */
    more?: readonly string[];
    signal: AbortSignal;
  },
): Promise<{program: Program; api: BeaconApi; genesis: Genesis}> {
  const {root, dir, logFile, restPort, p2pPort, genesisTime, slotSeconds, more = [], signal} = options;
  const program = startProgram(modules, {
    name: "beacon node",
    cwd: dir, // `dev` writes its genesis.ssz there
    logFile,
    env: ENVIRONMENT,
    args: [
      lodestarCli(root),
      "dev",
      ...["--dataDir", join(dir, "beacon-node"), "--genesisValidators", String(VALIDATORS)],
      ...["--genesisTime", String(genesisTime), ...chainParameters(slotSeconds)],
      ...["--rest", "--rest.address", "127.0.0.1", "--rest.port", String(restPort), "--rest.namespace", "*"],
      ...["--port", String(p2pPort), "--listenAddress", "127.0.0.1", "--discv5", "false"],
      ...["--execution.engineMock", "--logFile", "none"],
      ...more,
    ],
  });
  const api = new BeaconApi(`http://127.0.0.1:${restPort}`);
  const genesis = await Promise.race([program.failed, untilAnswers(() => api.genesis(), signal)]).catch((error) => {
    program.kill();
    throw error;
  });
  return {program, api, genesis};
}

/** Starts the validator client, whose only signer is the one at `signerUrl`, asked for its keys once at the start. */
export function startValidatorClient(
  modules: LodestarModules,
  options: {
    root: string;
    dir: string;
    /** Also of its data and log, with dashes. */
    name: string;
    beaconUrl: string;
    signerUrl: string;
    slotSeconds: number;
    /** More arguments of the command. */
    more?: readonly string[];
  },
): Program {
  const {root, dir, name, beaconUrl, signerUrl, slotSeconds, more = []} = options;
  const fileName = name.replaceAll(" ", "-");
  return startProgram(modules, {
    name,
    cwd: dir,
    logFile: join(dir, `${fileName}.log`),
    env: ENVIRONMENT,
    args: [
      lodestarCli(root),
      "validator",
      ...["--network", "dev", "--dataDir", join(dir, fileName), "--beaconNodes", beaconUrl],
      ...chainParameters(slotSeconds),
      ...["--externalSigner.url", signerUrl, "--externalSigner.fetch", "--logFile", "none"],
      ...more,
    ],
  });
}

const START_BOUND_MS = 90_000; // four seconds on an idle machine

async function untilAnswers<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const end = performance.now() + START_BOUND_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > end) {
        throw new ProgramError(`The beacon node did not answer within ${START_BOUND_MS / 1000} s: ${error}`);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
