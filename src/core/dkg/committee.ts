import {formatCommitteeFile} from "../committee/committee-file.js";
import {isJsonObject} from "../duty/strict-object.js";
import type {Definition} from "./definition.js";
import {depositChecker} from "./deposits.js";
import type {DkgGroup} from "./group.js";
import type {ValidatorKeys} from "./keys.js";
import type {VerifyNodeSignature} from "./node-signature.js";
import {verifyOutput} from "./output.js";
import {parseOutputFile} from "./output-file.js";

/** The committee file of the keys that a ceremony made. @throws what parseCommitteeFile throws */
export function committeeFileOf(group: DkgGroup, definition: Definition, keys: readonly ValidatorKeys[]): string {
  const {threshold, unsafeThreshold, operators, network, coordinators, previous} = definition;
  const draft = {
    generation: previous === null ? 0 : previous.generation + 1,
    genesisValidatorsRoot: network.genesisValidatorsRoot,
    threshold,
    operators,
    coordinators,
    validators: keys,
  };
  return formatCommitteeFile(draft, group, {unsafeThreshold});
}

/** Whether this is the public output of a ceremony and not a committee file, which has no such field. */
export function isCeremonyFile(text: string): boolean {
  // A committee file may be large and is read again by whoever parses it.
  if (!text.includes('"definition"')) return false;
  try {
    const json: unknown = JSON.parse(text);
    return isJsonObject(json) && "definition" in json;
  } catch {
    return false;
  }
}

/**
 * The committee file's text: the text itself, or what follows from a ceremony's public output when that is what it is and
 * it holds. @throws what parseOutputFile and verifyOutput throw
 */
export function committeeText(group: DkgGroup, verify: VerifyNodeSignature, text: string): string {
  if (!isCeremonyFile(text)) return text;
  const {signed, ceremony, output} = parseOutputFile(text, verify);
  verifyOutput(group, ceremony, output, depositChecker(group, signed.definition));
  return committeeFileOf(group, signed.definition, output.keys);
}
