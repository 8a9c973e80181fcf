import {parse as parseYaml} from "yaml";
import {type PeerIdText, parseOperatorId, parsePeerIdText} from "../../core/bytes.js";
import type {DefinedOperator} from "../../core/dkg/definition.js";
import {isJsonObject} from "../../core/duty/strict-object.js";
import {PleiadesError} from "../../core/errors.js";
import {shown} from "../../core/shown.js";

const refuse = (field: string, reason: string): PleiadesError =>
  new PleiadesError({code: "DKG_OPERATORS_FILE", field, reason});

/**
 * The operators file of `pleiades split`, YAML or JSON: `operators`, a list of {id, peerId, addresses}, and if wanted
 * `coordinators`, a list of peer ids. Without ids the operators are numbered in order.
 * @throws DKG_OPERATORS_FILE · CODEC_INDEX · CODEC_PEER_ID; addresses are checked with the definition
 */
export function parseMembers(text: string): {operators: DefinedOperator[]; coordinators: PeerIdText[]} {
  let raw: unknown;
  try {
    raw = parseYaml(text, {maxAliasCount: 0, logLevel: "error"});
  } catch {
    throw refuse("file", "neither YAML nor JSON");
  }
  const file = Array.isArray(raw) ? {operators: raw as unknown} : raw;
  if (!isJsonObject(file)) throw refuse("file", "no list of operators");
  const operators = list(file.operators, "operators").map((one, i): DefinedOperator => {
    if (!isJsonObject(one)) throw refuse(`operators[${i}]`, "not {id, peerId, addresses}");
    const addresses = list(one.addresses, `operators[${i}].addresses`).map((one) => shown(one, 301));
    return {
      id: parseOperatorId(one.id ?? i + 1, `operators[${i}].id`),
      peerId: parsePeerIdText(one.peerId, `operators[${i}].peerId`),
      addresses,
    };
  });
  const coordinators = file.coordinators === undefined ? [] : list(file.coordinators, "coordinators");
  return {
    operators: operators.sort((a, b) => a.id - b.id),
    coordinators: coordinators.map((one, i) => parsePeerIdText(one, `coordinators[${i}]`)),
  };
}

function list(raw: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(raw) || raw.length === 0 || raw.length > 64) throw refuse(field, "not a list of 1 to 64");
  return raw;
}
