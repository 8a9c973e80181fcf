import {join} from "node:path";
import {FILE_NAMES} from "../plugin/dkg/ceremony-files.js";
import {readEach} from "../plugin/dkg/files.js";
import type {CommitteeOrigins} from "./committee-files.js";
import type {Config} from "./config/schema.js";

/**
 * Committee files that this operator's key ceremonies left, for whoever looks at a node without starting its plugins: where
 * the plugin `dkg` runs it is the source of the same files.
 */
export function ceremonySources({dataDir, operator, plugins}: Config): CommitteeOrigins["sources"] {
  if (operator === undefined || plugins.dkg === undefined) return [];
  const folder = join(dataDir, "plugins", "dkg", "ceremonies");
  return [{name: "key ceremonies", committeeFiles: () => readEach(folder, FILE_NAMES.committee)}];
}
