import {join} from "node:path";
import {z} from "zod";
import {type PubkeyHex, parsePubkeyHex, parseRootHex, parseUint64, type RootHex} from "../../core/bytes.js";
import type {DkgGroup} from "../../core/dkg/group.js";
import {verifyNodeSignature} from "../../core/dkg/node-signature.js";
import type {Timing} from "../../core/dkg/state.js";
import {isJsonObject} from "../../core/duty/strict-object.js";
import {PleiadesError} from "../../core/errors.js";
import {type SealedExit, sealedExitJson} from "../../core/escrow/sealed.js";
import type {CeremonyJournal} from "../../ports/ceremony-journal.js";
import type {CeremonyVault} from "../../ports/ceremony-vault.js";
import type {Clock} from "../../ports/clock.js";
import type {PluginResponse} from "../../ports/http-route.js";
import type {Logger} from "../../ports/logger.js";
import {PLUGIN_API_VERSION, type Plugin, type PluginContext, type RouteContribution} from "../contract.js";
import {answerVault} from "./answer-vault.js";
import {DkgCeremonies} from "./ceremonies.js";
import {FILE_NAMES} from "./ceremony-files.js";
import {createCommand} from "./create.js";
import {makeFolder, readEach} from "./files.js";
import type {DkgAside} from "./jobs.js";
import {refreshCommand, reshareCommand} from "./renew.js";
import {type CeremonyReport, reportOf} from "./report.js";
import {abortCommand, runCommand, statusCommand} from "./run.js";
import {folderOf, Settler} from "./settle.js";
import {verifyCommand} from "./verify.js";

const seconds = (value: number) => z.number().positive().max(3_600).default(value);
const configSchema = z.strictObject({
  /** How long one step waits for operators that are slow before it goes on without them, in seconds. */
  patience: z
    .strictObject({
      announce: seconds(60),
      deal: seconds(120),
      settle: seconds(10),
      result: seconds(30),
      round: seconds(2),
      maxRound: seconds(30),
    })
    .prefault({}),
});
export type DkgConfig = z.infer<typeof configSchema>;

/** What only the composition knows. */
export interface DkgPluginModules {
  readonly group: DkgGroup;
  readonly openJournal: (folder: string, key: Uint8Array) => Promise<CeremonyJournal>;
  /** A place for long work, beside the thread that answers duties. */
  readonly openAside: () => DkgAside;
}

/** Key ceremonies in process, for plugins that depend on `dkg`: `context.use("dkg") as DkgService`. */
export interface DkgService {
  /** This operator's consent to a definition, as `dkg run`; resolves with the ceremony's id. @throws DKG_* */
  run(definition: string): Promise<RootHex>;
  /** @throws DKG_CEREMONY_UNKNOWN */
  status(id: RootHex): CeremonyReport;
  list(): readonly CeremonyReport[];
  /** Ceremonies that this keeper takes part in and the journal does not know (`DKG_JOURNAL_LOST`). */
  lost(): Promise<readonly RootHex[]>;
  /** The report now and after each change, until it ends. @throws DKG_CEREMONY_UNKNOWN */
  watch(id: RootHex, signal: AbortSignal): AsyncIterable<CeremonyReport>;
  /** @throws DKG_ABORT_REASON · DKG_CEREMONY_UNKNOWN · DKG_CEREMONY_OVER */
  abort(id: RootHex, reason: string): Promise<void>;
  /** This operator's sealed part of a validator's exit, for its key's escrow holder. @throws KEEPER_NO_ESCROW */
  sealExit(key: PubkeyHex, validatorIndex: bigint): Promise<SealedExit>;
}

interface Running {
  readonly ceremonies: DkgCeremonies;
  readonly journal: CeremonyJournal;
  readonly aside: DkgAside;
  readonly vault: CeremonyVault;
  readonly logger: Logger;
  readonly dataDir: string;
}

/** The built-in plugin `dkg`: distributed key generation. @see docs/dkg.md */
export function createDkgPlugin({group, openJournal, openAside}: DkgPluginModules): Plugin<DkgConfig> {
  let config: DkgConfig;
  let clock: Clock;
  let running: Running | null = null;
  /** Why no ceremony goes on in this operator, which signs all the same. */
  let fault: PleiadesError | null = null;
  let filesIn: string | null = null;

  const here = () => {
    if (fault !== null) throw fault;
    if (running === null) throw new PleiadesError({code: "CONTROL_NO_OPERATOR", reason: "not in an operator"});
    return running;
  };
  const reportFor = (id: RootHex): CeremonyReport => {
    const {ceremonies, dataDir} = here();
    return reportOf(ceremonies.status(id), folderOf(dataDir, id));
  };
  const service: DkgService = {
    run: (definition) => here().ceremonies.join(definition),
    status: reportFor,
    list: () =>
      here()
        .ceremonies.list()
        .map(({id}) => reportFor(id)),
    lost: async () => here().ceremonies.lost(),
    async *watch(id, signal) {
      const {ceremonies, dataDir} = here();
      for await (const listed of ceremonies.watch(id, signal)) yield reportOf(listed, folderOf(dataDir, id));
    },
    abort: (id, reason) => here().ceremonies.abort(id, reason),
    async sealExit(key, validatorIndex) {
      const {vault, logger} = here();
      const sealed = await vault.sealExit(key, validatorIndex);
      logger.info("sealed an exit for the escrow holder", {key, validatorIndex, holder: sealed.holder});
      return sealed;
    },
  };

  async function start(context: PluginContext): Promise<void> {
    const {peers, dataDir, vault, sign, committeesChanged, logger} = context;
    ({clock} = context);
    // In a signer and for commands there is nothing to run.
    if (!peers || !dataDir || !vault || !sign || !committeesChanged) return;
    filesIn = dataDir;
    const own = {peers, dataDir, vault, sign, committeesChanged, logger};
    await begin(own).catch((error: unknown) => {
      // Duties must not wait for it: shares, and committees of keys that are made, are elsewhere.
      fault = error instanceof PleiadesError ? error : new PleiadesError({code: "INTERNAL"}, {cause: error});
      const fields = {code: fault.code, error: String(error), folder: dataDir};
      logger.error("no ceremony goes on until the next start", fields);
    });
  }

  type Own = Required<Pick<PluginContext, "peers" | "dataDir" | "vault" | "sign" | "committeesChanged" | "logger">>;
  async function begin({peers, dataDir, vault, sign, committeesChanged, logger}: Own): Promise<void> {
    const folder = join(dataDir, "journal");
    await makeFolder(folder);
    const journal = await openJournal(folder, await vault.journalKey());
    const aside = openAside();
    const settler = new Settler({vault, aside, logger, committeesChanged}, {dataDir});
    const ceremonies = new DkgCeremonies({
      journal,
      peers,
      clock,
      logger,
      sign,
      verify: verifyNodeSignature,
      vaultOf: (ceremony, definition) => answerVault({vault, group}, {ceremony, definition, self: peers.self}),
      aside,
      settle: (of, ending) => settler.settle(of, ending),
      inVault: () => vault.status(),
      forget: (id) => vault.abort(id),
      machine: {group, timing: timingOf(config)},
    });
    try {
      ceremonies.open();
    } catch (error) {
      await ceremonies.close();
      await aside.close();
      await journal.close();
      throw error;
    }
    running = {ceremonies, journal, aside, vault, logger, dataDir};
  }

  return {
    name: "dkg",
    summary: "Make validator keys that nobody ever holds, by a ceremony of the operators",
    apiVersion: PLUGIN_API_VERSION,
    configSchema,
    register(_container, given) {
      config = given;
      const now = {now: () => clock.now()};
      return {
        commands: [
          createCommand(now),
          refreshCommand({clock: now, group}),
          reshareCommand({clock: now, group}),
          runCommand,
          statusCommand,
          verifyCommand(group),
          abortCommand,
        ],
        committeeSources: [
          {
            name: "ceremonies",
            committeeFiles: async () =>
              filesIn === null ? [] : readEach(join(filesIn, "ceremonies"), FILE_NAMES.committee),
          },
        ],
        routes: routes(service),
        service,
      };
    },
    start,
    async stop() {
      const was = running;
      [running, filesIn] = [null, null];
      await was?.ceremonies.close();
      await was?.aside.close();
      await was?.journal.close();
    },
  };
}

function routes(service: DkgService): RouteContribution[] {
  const json = (value: unknown): PluginResponse => {
    return {status: 200, contentType: "application/json", body: JSON.stringify(value)};
  };
  const field = (body: unknown, name: string): unknown => (isJsonObject(body) ? body[name] : undefined);
  /** Anything else than text is read as none, and refused where it matters. */
  const textIn = (body: unknown, name: string): string => {
    const raw = field(body, name);
    return typeof raw === "string" ? raw : "";
  };
  const idIn = (body: unknown): RootHex => parseRootHex(field(body, "id"), "ceremony");
  return [
    {method: "GET", path: "/ceremonies", control: true, handler: async () => json(service.list())},
    {method: "GET", path: "/lost", control: true, handler: async () => json(await service.lost())},
    {
      method: "POST",
      path: "/run",
      control: true,
      handler: async ({body}) => json({id: await service.run(textIn(body, "definition"))}),
    },
    {
      method: "POST",
      path: "/watch",
      control: true,
      handler: async ({body, signal}) => {
        const id = idIn(body);
        // An unknown one is refused before the answer begins.
        service.status(id);
        return {lines: service.watch(id, signal)};
      },
    },
    {
      method: "POST",
      path: "/escrow",
      control: true,
      handler: async ({body}) => {
        const index = parseUint64(field(body, "validator_index"), "validator_index");
        return json(sealedExitJson(await service.sealExit(parsePubkeyHex(field(body, "key")), index)));
      },
    },
    {
      method: "POST",
      path: "/abort",
      control: true,
      handler: async ({body}) => {
        // Checked there, as a plugin's.
        await service.abort(idIn(body), field(body, "reason") as string);
        return json({});
      },
    },
  ];
}

const timingOf = ({patience: {announce, deal, settle, result, round, maxRound}}: DkgConfig): Timing => ({
  announceMs: announce * 1_000,
  dealMs: deal * 1_000,
  settleMs: settle * 1_000,
  resultMs: result * 1_000,
  roundMs: round * 1_000,
  maxRoundMs: maxRound * 1_000,
});
