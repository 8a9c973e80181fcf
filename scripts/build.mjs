/** `npm run build`: dependencies and dist made ready, devnet not touched. */
import {ensureRoot, exitOnSetupError} from "./lib/setup.mjs";

await ensureRoot().catch(exitOnSetupError);
