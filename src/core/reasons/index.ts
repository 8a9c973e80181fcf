import {cliReasons} from "./cli.js";
import {codecReasons} from "./codec.js";
import {committeeReasons} from "./committee.js";
import {configReasons} from "./config.js";
import {consensusReasons} from "./consensus.js";
import {controlReasons} from "./control.js";
import {depositReasons} from "./deposit.js";
import {distributedReasons} from "./distributed.js";
import {dkgReasons} from "./dkg.js";
import {escrowReasons} from "./escrow.js";
import {exitReasons} from "./exit.js";
import {handoverReasons} from "./handover.js";
import {httpReasons} from "./http.js";
import {keeperReasons} from "./keeper.js";
import {linkReasons} from "./link.js";
import {peerReasons} from "./peer.js";
import {pluginReasons} from "./plugin.js";
import {policyReasons} from "./policy.js";
import type {Reason} from "./reason.js";
import {shareReasons} from "./share.js";
import {slashingReasons} from "./slashing.js";
import {splitReasons} from "./split.js";
import {thresholdReasons} from "./threshold.js";
import {tlsReasons} from "./tls.js";
import {validatorReasons} from "./validator.js";

/** Every code of the project, one table per area. docs/reasons.md is this table for people. */
export const REASONS = {
  INTERNAL: {
    fault: "bug",
    meaning: "Something failed in a way Pleiades does not know.",
    action: "Look at the log line with the same code and report it.",
  },
  ...codecReasons,
  ...policyReasons,
  ...slashingReasons,
  ...keeperReasons,
  ...handoverReasons,
  ...thresholdReasons,
  ...committeeReasons,
  ...consensusReasons,
  ...dkgReasons,
  ...linkReasons,
  ...httpReasons,
  ...tlsReasons,
  ...distributedReasons,
  ...configReasons,
  ...cliReasons,
  ...splitReasons,
  ...shareReasons,
  ...depositReasons,
  ...exitReasons,
  ...escrowReasons,
  ...pluginReasons,
  ...peerReasons,
  ...controlReasons,
  ...validatorReasons,
} as const satisfies Record<string, Reason>;

export type ReasonCode = keyof typeof REASONS;
export const isReasonCode = (raw: unknown): raw is ReasonCode => typeof raw === "string" && Object.hasOwn(REASONS, raw);
