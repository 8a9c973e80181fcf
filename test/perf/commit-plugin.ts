/**
 * A plugin of the benchmark's operators: remembers when each commit of the record store began to wait and how long it
 * took, and writes that down when the operator stops, so that nothing is written while something is measured.
 */
import {writeFileSync} from "node:fs";
import type {Plugin} from "../../src/plugin/contract.js";

/** Unix milliseconds of the end, and milliseconds it took. */
export type Commit = readonly [at: number, ms: number];

const plugin: Plugin<{file: string}> = {
  name: "bench-commits",
  apiVersion: 1,
  configSchema: {safeParse: (input) => ({success: true, data: input as {file: string}})},
  register: (_container, {file}) => {
    const commits: Commit[] = [];
    stopped = () => writeFileSync(file, JSON.stringify(commits));
    return {
      observers: [
        (event) => {
          if (event.kind === "store-committed") commits.push([Date.now(), event.durationMs]);
        },
      ],
    };
  },
  stop: async () => stopped(),
};
let stopped = (): void => {};

export default plugin;
