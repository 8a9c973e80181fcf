// `npm run bench`: set up, then measure. Options are passed on; see --help.
import {ensureRoot} from "./lib/setup.mjs";

await ensureRoot({log: (line) => process.stderr.write(`${line}\n`)});
await import(process.argv.includes("--dkg") ? "../dist/test/perf/dkg-bench.js" : "../dist/test/perf/bench.js");
