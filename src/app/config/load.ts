import {readFile} from "node:fs/promises";
import {dirname, resolve} from "node:path";
import {type Document, LineCounter, parseDocument} from "yaml";
import {PleiadesError} from "../../core/errors.js";
import {secretPath} from "../credentials.js";
import {resolveDistributed, resolveParticipants} from "./distributed.js";
import {resolveListener} from "./listener.js";
import {problemsOf} from "./problems.js";
import {type Config, configSchema} from "./schema.js";

export interface LoadedConfig {
  readonly file: string;
  /** Paths in it are absolute. */
  readonly config: Config;
}

/**
 * Reads lodestar.config.yaml. The error lists every problem in `problems`; its code is the first one's.
 * @throws CONFIG_FILE_MISSING · CONFIG_SYNTAX · CONFIG_UNKNOWN_KEY · CONFIG_MISSING_KEY · CONFIG_WRONG_TYPE · CONFIG_INVALID_VALUE ·
 *   CONFIG_CREDENTIAL
 */
export async function loadConfig(file: string): Promise<LoadedConfig> {
  const path = resolve(file);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new PleiadesError({code: "CONFIG_FILE_MISSING", file: path, reason: errnoOf(error)}, {cause: error});
  }
  return {file: path, config: resolvePaths(parseConfig(text, path), dirname(path))};
}

/** The file once more, for a program that runs: null when it cannot be used any more, and why in words. */
export async function rereadConfig(file: string): Promise<{config: Config | null; errors: readonly string[]}> {
  try {
    const {config} = await loadConfig(file);
    return {config, errors: []};
  } catch (error) {
    if (!(error instanceof PleiadesError)) throw error;
    return {config: null, errors: [`${error.code}: ${error.message}`]};
  }
}

/** The validated content of a configuration file; paths as written. Errors as of {@link loadConfig}. */
export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    // Remarks about odd keys would go to standard error by themselves.
    logLevel: "error",
    // 0x… is a byte string here, never a number: an unquoted address or fork version must not lose its digits.
    customTags: (tags) => tags.filter((tag) => typeof tag === "string" || !("format" in tag) || tag.format !== "HEX"),
  });
  const syntax = document.errors[0];
  if (syntax !== undefined) {
    const line = lines.linePos(syntax.pos[0]).line;
    throw new PleiadesError(
      {code: "CONFIG_SYNTAX", file, line, reason: syntax.message.split("\n")[0]},
      {cause: syntax},
    );
  }
  const result = configSchema.safeParse(valuesIn(document, file) ?? {});
  if (result.success) return result.data;
  const problems = problemsOf(result.error.issues, {file, document, lines});
  const first = problems[0];
  if (first === undefined) throw result.error;
  throw new PleiadesError({...first, problems});
}

/** What only shows when the text becomes values: an alias of nothing, and aliases that stand for far too much. */
function valuesIn(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : "not plain data";
    throw new PleiadesError({code: "CONFIG_SYNTAX", file, reason}, {cause: error});
  }
}

function resolvePaths(config: Config, dir: string): Config {
  const at = (path: string) => resolve(dir, path);
  return {
    ...config,
    dataDir: at(config.dataDir),
    node: {keyFile: at(config.node.keyFile)},
    committees: config.committees.map(at),
    operator: config.operator && {
      ...config.operator,
      bundles: config.operator.bundles.map(at),
      passwordFile: config.operator.passwordFile === null ? null : secretPath(config.operator.passwordFile, dir),
      http: resolveListener(config.operator.http, dir),
      distributed: resolveDistributed(config.operator.distributed, dir),
    },
    signer: config.signer && {
      ...resolveListener(config.signer, dir),
      participants: resolveParticipants(config.signer.participants, dir),
    },
    plugins: Object.fromEntries(
      Object.entries(config.plugins).map(([name, plugin]) => [
        name,
        // A bare name is a package, resolved by the host.
        plugin.module !== undefined && /^\.{0,2}\//.test(plugin.module)
          ? {...plugin, module: at(plugin.module)}
          : plugin,
      ]),
    ),
  };
}

/** The system's short name of an I/O failure, like ENOENT; never a whole message with paths of others. */
export const errnoOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";
