import {formatCommitteeFile} from "../committee/committee-file.js";
import type {Definition} from "./definition.js";
import type {DkgGroup} from "./group.js";
import type {ValidatorKeys} from "./keys.js";

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
