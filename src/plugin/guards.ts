import {PleiadesError} from "../core/errors.js";
import type {Clock} from "../ports/clock.js";
import type {ControlLines, ControlRoute, PluginResponse, PluginRoute} from "../ports/http-route.js";
import type {Logger} from "../ports/logger.js";
import type {Observer, PleiadesEvent} from "../ports/observer.js";
import type {
  Command,
  CommandArguments,
  CommandIo,
  CommitteeSource,
  ControlClient,
  PluginName,
  Veto,
  VetoContext,
} from "./contract.js";
import {within} from "./within.js";

/** A dashboard that waits longer has given up; a route that hangs must not hold the server's sockets. */
const ROUTE_TIMEOUT_MS = 10_000;
/** Asked at start and reload, where somebody waits. */
const SOURCE_TIMEOUT_MS = 10_000;
/** Messages of plugins travel to the client inside a refusal; long ones are cut. */
const MAX_MESSAGE = 200;

export interface Owned<T> {
  readonly plugin: PluginName;
  readonly item: T;
}

export type VetoAnswer =
  | {readonly kind: "approve"}
  | {
      readonly kind: "deny";
      readonly code: "PLUGIN_VETO" | "PLUGIN_VETO_FAILED";
      readonly plugin: PluginName;
      readonly message: string;
    };
/** Asks every veto; never throws. `approve` means no more than that no plugin objects. */
export type VetoGate = (context: VetoContext) => VetoAnswer;

/** All vetoes as one: the first refusal wins, and everything that is not a clear "no objection" is a refusal. */
export function vetoGate(vetoes: readonly Owned<Veto>[], logger: Logger): VetoGate | null {
  if (vetoes.length === 0) return null;
  return (context) => {
    for (const {plugin, item} of vetoes) {
      let answer: unknown;
      try {
        // Each veto gets a copy of its own: changing the request in place would blind the vetoes after it.
        answer = item(structuredClone(context));
      } catch (error) {
        return failedVeto(plugin, error, logger);
      }
      if (answer === null) continue;
      if (isThenable(answer)) {
        answer.then(undefined, () => {});
        return failedVeto(plugin, new TypeError("a veto must not be asynchronous"), logger);
      }
      const message = typeof answer === "object" && answer !== null && "message" in answer ? answer.message : undefined;
      if (typeof message !== "string") {
        return failedVeto(plugin, new TypeError("a veto must return null or {message}"), logger);
      }
      return {kind: "deny", code: "PLUGIN_VETO", plugin, message: message.slice(0, MAX_MESSAGE)};
    }
    return {kind: "approve"};
  };
}

function failedVeto(plugin: PluginName, error: unknown, logger: Logger): VetoAnswer {
  const message = messageOf(error);
  logger.error("A plugin's veto failed; the request is refused", {code: "PLUGIN_VETO_FAILED", plugin, message});
  return {kind: "deny", code: "PLUGIN_VETO_FAILED", plugin, message: "the veto failed"};
}

/** All observers as one that never throws. Each sees a frozen copy of the event; its first failure is logged. */
export function observerOf(observers: readonly Owned<Observer>[], logger: Logger): Observer {
  const failed = new Set<Observer>();
  const report = ({plugin, item}: Owned<Observer>, error: unknown): void => {
    if (failed.has(item)) return;
    failed.add(item);
    logger.error("A plugin's observer failed; later failures of it are not logged", {
      code: "PLUGIN_OBSERVER_FAILED",
      plugin,
      message: messageOf(error),
    });
  };
  if (observers.length === 0) return () => {};
  return (event) => {
    const copy = frozenCopy(event);
    for (const owned of observers) {
      try {
        const result: unknown = owned.item(copy);
        // An async function fits the type too; its rejection would otherwise end the process.
        if (isThenable(result)) result.then(undefined, (error: unknown) => report(owned, error));
      } catch (error) {
        report(owned, error);
      }
    }
  };
}

function frozenCopy(event: PleiadesEvent): PleiadesEvent {
  if (event.kind === "request-finished") return Object.freeze({...event, signers: Object.freeze([...event.signers])});
  if (event.kind === "signer-sampled") return deepFreeze(structuredClone(event));
  return Object.freeze({...event});
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}

/** The route with a handler that never rejects and always settles, as ports/http-route promises. */
export function guardedRoute(
  plugin: PluginName,
  route: Omit<PluginRoute, "plugin">,
  logger: Logger,
  clock: Clock,
): PluginRoute {
  const {method, path, handler} = route;
  const late = {code: "PLUGIN_ROUTE_FAILED", plugin} as const;
  return {
    plugin,
    method,
    path,
    handler: async (request) => {
      try {
        const response: unknown = await within(clock, ROUTE_TIMEOUT_MS, late, () => handler(request));
        if (!isResponse(response)) throw new TypeError("a route must answer {status, contentType, body}");
        return response;
      } catch (error) {
        return routeFailure(error, {plugin, method, path}, logger);
      }
    },
  };
}

function routeFailure(
  error: unknown,
  where: {readonly plugin: PluginName; readonly method: string; readonly path: string},
  logger: Logger,
): PluginResponse {
  const late = "PLUGIN_ROUTE_FAILED";
  logger.error("A plugin's route failed", {code: late, ...where, message: messageOf(error)});
  // The plugin's own message stays in the log: it was not written for whoever asks.
  const {code, message} = new PleiadesError({code: late, plugin: where.plugin, path: where.path}).toJSON();
  return {status: 500, contentType: "application/json", body: JSON.stringify({code, message})};
}

/** The control route with a handler that settles, and rejects only with what was written for the node's owner. */
export function guardedControlRoute(
  plugin: PluginName,
  {method, path, handler}: Omit<ControlRoute, "plugin">,
  logger: Logger,
  clock: Clock,
): ControlRoute {
  const late = {code: "PLUGIN_ROUTE_FAILED", plugin} as const;
  return {
    plugin,
    method,
    path,
    handler: async (request) => {
      try {
        const response: unknown = await within(clock, ROUTE_TIMEOUT_MS, late, () => handler(request));
        if (isLines(response)) return {lines: response.lines};
        if (!isResponse(response)) throw new TypeError("a control route must answer a response or {lines}");
        return response;
      } catch (error) {
        if (error instanceof PleiadesError && error.code !== late.code) throw error;
        return routeFailure(error, {plugin, method, path}, logger);
      }
    },
  };
}

const isLines = (raw: unknown): raw is ControlLines =>
  typeof raw === "object" &&
  raw !== null &&
  "lines" in raw &&
  typeof raw.lines === "object" &&
  raw.lines !== null &&
  Symbol.asyncIterator in raw.lines;

/** RFC 9110: a media type, and no line break that could start another header. */
const CONTENT_TYPE = /^[\w.+-]+\/[\w.+-]+(?:;[\x20-\x7e]*)?$/;
function isResponse(raw: unknown): raw is PluginResponse {
  if (typeof raw !== "object" || raw === null) return false;
  const {status, contentType, body} = raw as Record<string, unknown>;
  const validStatus = typeof status === "number" && Number.isInteger(status) && status >= 200 && status <= 599;
  return validStatus && typeof contentType === "string" && CONTENT_TYPE.test(contentType) && typeof body === "string";
}

export interface HostedSource extends CommitteeSource {
  readonly plugin: PluginName;
}
/** A source that answers texts or rejects with PLUGIN_SOURCE_FAILED, in bounded time. */
export function guardedSource(plugin: PluginName, source: CommitteeSource, clock: Clock): HostedSource {
  const {name} = source;
  const code = "PLUGIN_SOURCE_FAILED";
  return {
    plugin,
    name,
    committeeFiles: async () => {
      let texts: unknown;
      try {
        texts = await within(clock, SOURCE_TIMEOUT_MS, {code, plugin, source: name}, () => source.committeeFiles());
      } catch (cause) {
        if (cause instanceof PleiadesError && cause.code === code) throw cause;
        throw new PleiadesError({code, plugin, source: name}, {cause});
      }
      if (!Array.isArray(texts) || !texts.every((text) => typeof text === "string")) {
        throw new PleiadesError({code, plugin, source: name, reason: "not a list of texts"});
      }
      return texts;
    },
  };
}

export interface HostedCommand extends Omit<Command, "run"> {
  readonly plugin: PluginName;
  /** Of the plugin. */
  readonly summary: string | null;
  /**
   * Starts the plugin and what it depends on, runs, stops them.
   * @throws PLUGIN_COMMAND_FAILED, the codes of start and of what the command itself throws
   */
  run(args: CommandArguments, io: HostedIo): Promise<number>;
}
/** Without `control` a command finds no operator. */
export type HostedIo = Omit<CommandIo, "control"> & Partial<Pick<CommandIo, "control">>;

const NO_OPERATOR: ControlClient = {
  ask: async () => {
    throw new PleiadesError({code: "CONTROL_NO_OPERATOR"});
  },
  follow: () => {
    throw new PleiadesError({code: "CONTROL_NO_OPERATOR"});
  },
};

/** The command between the start and the stop of its plugins. */
export function hostedCommand(
  {plugin, summary}: Pick<HostedCommand, "plugin" | "summary">,
  command: Command,
  lifecycle: {start(): Promise<void>; stop(): Promise<void>},
): HostedCommand {
  const {name, describe, options} = command;
  return {
    plugin,
    summary,
    name,
    describe,
    options,
    run: async (args, io) => {
      try {
        await lifecycle.start();
        const exitCode: unknown = await runCommand(plugin, command, args, {control: NO_OPERATOR, ...io});
        if (typeof exitCode === "number" && Number.isInteger(exitCode) && exitCode >= 0 && exitCode <= 255) {
          return exitCode;
        }
        throw new PleiadesError({code: "PLUGIN_COMMAND_FAILED", plugin, command: name, reason: "no exit code"});
      } finally {
        await lifecycle.stop();
      }
    },
  };
}

async function runCommand(plugin: PluginName, command: Command, args: CommandArguments, io: CommandIo) {
  try {
    return await command.run(args, io);
  } catch (cause) {
    // A code says more than that the command failed: what an operator answered, above all.
    if (cause instanceof PleiadesError) throw cause;
    const reason = messageOf(cause);
    throw new PleiadesError({code: "PLUGIN_COMMAND_FAILED", plugin, command: command.name, reason}, {cause});
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";

/** What a thrown thing says, cut to a line's length. */
export const messageOf = (error: unknown): string => {
  try {
    return (error instanceof Error ? error.message : String(error)).slice(0, MAX_MESSAGE);
  } catch {
    return "unprintable";
  }
};
