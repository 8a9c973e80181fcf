/**
 * `npm run -s pleiades -- <command>`: makes the checkout ready and runs the CLI in this very process, so that signals
 * reach it and the process id a caller sees is the one that matters. Standard output is the command's alone.
 */
import {ensureRoot, exitOnSetupError} from "./lib/setup.mjs";

const parent = process.ppid;
await ensureRoot().catch(exitOnSetupError);
// Whoever started this was killed during a long set-up: there is nobody left to work for.
if (process.ppid !== parent) process.exit(1);
await import("../dist/src/main.js");
