/** `npm run e2e:deposit`: all set-up, then one life of a committee's validator (devnet/src/deposit-main.ts). */
import {ensureDevnet, ensureRoot, exitOnSetupError, root} from "./lib/setup.mjs";

const argv = process.argv.slice(2);
// Standard output is the report's alone with --json, so progress goes to standard error.
await ensureRoot().catch(exitOnSetupError);
const {main} = await import("../dist/devnet/src/deposit-main.js");
const exitCode = await main(argv, {
  root,
  ensureDevnet: (options) => ensureDevnet(options).catch(exitOnSetupError),
});
// Handles that a library left open must not keep a finished run alive.
process.exit(exitCode);
