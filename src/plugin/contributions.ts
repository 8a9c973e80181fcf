import {PleiadesError} from "../core/errors.js";
import type {Command, CommandOption, CommitteeSource, Contributions, PluginName} from "./contract.js";

const KEYS = ["commands", "committeeSources", "vetoes", "observers", "routes"] as const;
const WORDS = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*(?: [a-z][a-z0-9]*(?:-[a-z0-9]+)*)*$/;
const OPTION = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const TAKEN_OPTIONS: readonly string[] = ["help", "version", "config", "json"];
export type CheckedContributions = Required<Omit<Contributions, "service">> & {readonly service: object | null};
/** Segments of RFC 3986's unreserved characters, without the dots that could climb. */
const ROUTE_PATH = /^(?:\/[A-Za-z0-9_~-]+)*$/;

/**
 * The contributions with every list present. Plugins may be plain JavaScript, so shapes are checked here, once.
 * @throws PLUGIN_CONTRIBUTION
 */
export function checkContributions(plugin: PluginName, raw: unknown): CheckedContributions {
  const fail = (what: string, reason: string): never => {
    throw new PleiadesError({code: "PLUGIN_CONTRIBUTION", plugin, what, reason});
  };
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return fail("register", "returned no object");
  const given = raw as Record<string, unknown>;
  for (const key of Object.keys(given)) {
    if (key !== "service" && !(KEYS as readonly string[]).includes(key)) {
      fail(key, `not one of ${KEYS.join(", ")}, service`);
    }
  }
  const lists = Object.fromEntries(KEYS.map((key) => [key, given[key] ?? []]));
  for (const key of KEYS) if (!Array.isArray(lists[key])) fail(key, "not a list");
  const {service = null} = given;
  if (typeof service !== "object" && service !== undefined) fail("service", "not an object");
  const checked = {...lists, service} as unknown as CheckedContributions;
  for (const command of checked.commands) checkCommand(command, fail);
  for (const source of checked.committeeSources) checkSource(source, fail);
  for (const veto of checked.vetoes) if (typeof veto !== "function") fail("vetoes", "not a function");
  for (const observer of checked.observers) if (typeof observer !== "function") fail("observers", "not a function");
  for (const route of checked.routes) {
    if (typeof route !== "object" || route === null) return fail("routes", "not an object");
    const {method, path, handler, control} = route;
    if (method !== "GET" && method !== "POST") fail("routes", "method is neither GET nor POST");
    if (typeof path !== "string" || !ROUTE_PATH.test(path)) {
      fail("routes", "path is neither empty nor made of /segments of letters, digits, dashes, underscores and tildes");
    }
    if (typeof handler !== "function") fail("routes", "handler is not a function");
    if (control !== undefined && typeof control !== "boolean") fail("routes", "control is neither true nor false");
  }
  return checked;
}

type Fail = (what: string, reason: string) => never;

function checkCommand(command: Command, fail: Fail): void {
  if (typeof command !== "object" || command === null) fail("commands", "not an object");
  const {name, describe, options, run} = command;
  if (typeof name !== "string" || !WORDS.test(name)) fail("commands", "name is not kebab-case words");
  if (typeof describe !== "string" || describe === "") fail(`command ${name}`, "describe is missing");
  if (typeof run !== "function") fail(`command ${name}`, "run is not a function");
  if (typeof options !== "object" || options === null) fail(`command ${name}`, "options is not an object");
  for (const [key, option] of Object.entries(options)) checkOption(`option ${key} of ${name}`, key, option, fail);
}

function checkOption(what: string, key: string, option: CommandOption, fail: Fail): void {
  if (!OPTION.test(key) || TAKEN_OPTIONS.includes(key)) fail(what, "name is taken or not kebab-case");
  if (typeof option !== "object" || option === null) fail(what, "not an object");
  const {type, describe, choices} = option;
  if (type !== "string" && type !== "number" && type !== "boolean") fail(what, "type is unknown");
  if (typeof describe !== "string" || describe === "") fail(what, "describe is missing");
  if (option.default !== undefined && typeof option.default !== type) fail(what, "default is not of its type");
  if (choices !== undefined && (type !== "string" || !Array.isArray(choices))) fail(what, "choices are not a list");
}

function checkSource(source: CommitteeSource, fail: Fail): void {
  if (typeof source !== "object" || source === null) fail("committeeSources", "not an object");
  if (typeof source.name !== "string" || source.name === "") fail("committeeSources", "name is missing");
  if (typeof source.committeeFiles !== "function") fail("committeeSources", "committeeFiles is not a function");
}
