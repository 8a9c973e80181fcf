import {dirname, join, resolve} from "node:path";
import type {SecretFile} from "../adapters/secret-file/read.js";
import {PleiadesError} from "../core/errors.js";

/** How the configuration and the command line name a credential of the service manager in place of a path. */
const PREFIX = "credential:";
/** What systemd takes as a credential's name, less the names that would leave the folder. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

const folder = (): string | null => process.env.CREDENTIALS_DIRECTORY ?? null;

/**
 * The path of a file that holds a secret: `credential:share-password` is the file share-password in the folder the
 * service manager names in $CREDENTIALS_DIRECTORY, anything else a path relative to `baseDir`.
 * @throws CONFIG_CREDENTIAL
 * @see systemd.exec(5), LoadCredential=
 */
export function secretPath(raw: string, baseDir: string): string {
  if (!raw.startsWith(PREFIX)) return resolve(baseDir, raw);
  const name = raw.slice(PREFIX.length);
  if (!NAME.test(name)) throw new PleiadesError({code: "CONFIG_CREDENTIAL", credential: name, reason: "not a name"});
  const directory = folder();
  if (directory === null) {
    throw new PleiadesError({code: "CONFIG_CREDENTIAL", credential: name, reason: "CREDENTIALS_DIRECTORY is not set"});
  }
  return join(directory, name);
}

/** The file with the rule for its mode: a credential's folder is guarded by the service manager. */
export function secretFile(file: string): SecretFile {
  const directory = folder();
  return {file, credential: directory !== null && dirname(file) === resolve(directory)};
}
