/**
 * The keeper process: holds shares, guard and records, and nothing else. It is forked by the operator process, talks to it
 * over the process channel, and ends with it.
 */
import {systemClock} from "../adapters/clock/system.js";
import {waitForCompany} from "../core/company.js";
import {installFastHasher} from "../core/duty/hasher.js";
import {PleiadesError, type ReasonCode} from "../core/errors.js";
import {REASONS} from "../core/reasons/index.js";
import {parseSighting} from "../core/slashing/sighting.js";
import {
  type CommitReport,
  type FromKeeper,
  type KeeperVitals,
  parseToKeeper,
  type ReplyItem,
  type ToKeeper,
  toErrorMessage,
} from "./channel.js";
import {callVault, parseVaultCall} from "./dkg/calls.js";
import type {LifeAlarm} from "./keeper-life.js";
import {callRepair} from "./repair/calls.js";
import {type StartedKeeper, startSigningKeeper} from "./start.js";

/** A commit whose replies left without it is told this late; it is for metrics only. */
const COMMIT_DELAY_MS = 100;
/** As often as coordinators ping: each ping can carry a new sign of life. */
const ALIVE_INTERVAL_MS = 5_000;

process.title = "pleiades-keeper";
// Ctrl-C reaches every process of the group; the operator process decides when this one ends.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.on("disconnect", () => process.exit(0));
// A file-size limit is a full disk to us: the write fails and the store says so.
process.on("SIGXFSZ", () => {});

let started: StartedKeeper | null = null;
let starting = false;
let outbox: ReplyItem[] = [];
let commits: CommitReport[] = [];
let lastSentAt = 0;
let timer: NodeJS.Timeout | null = null;

function send(message: FromKeeper): void {
  // An operator process that has just ended leaves a broken pipe; `disconnect` ends this one.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

/** Replies, and with them the commits they waited for: both in one message. */
function flush(): void {
  if (timer !== null) clearTimeout(timer);
  timer = null;
  if (outbox.length === 0 && commits.length === 0) return;
  // The sighting is made after the last of them was released, so it covers them all.
  const message = {kind: "replies", replies: outbox, commits, sighting: started?.life.sighting() ?? null} as const;
  outbox = [];
  commits = [];
  lastSentAt = systemClock.monotonic();
  send(message);
}

/** Sends what waits once it need not wait for company any more. */
function depart(): void {
  if (outbox.length === 0) return;
  const waitMs = waitForCompany({
    waiting: outbox.length,
    unanswered: outbox.length + (started?.keeper.queued ?? 0),
    urgent: outbox.some(({type}) => type === "BLOCK_V2"),
    sinceLastMs: systemClock.monotonic() - lastSentAt,
  });
  if (waitMs === 0) flush();
  else timer ??= setTimeout(flush, waitMs);
}

function post(reply: ReplyItem): void {
  outbox.push(reply);
  // Not at once: what is ready in the same turn goes along.
  if (outbox.length === 1) queueMicrotask(depart);
  else if (timer !== null) depart();
}

function committed(commit: CommitReport): void {
  commits.push(commit);
  if (commits.length === 1) setTimeout(flush, COMMIT_DELAY_MS).unref();
}

function fail(error: unknown): void {
  send({kind: "failed", error: toErrorMessage(error)});
}

// LMDB rejects once more where nobody can listen when a commit fails; that must stop signing, not the process, so that
// the reason is told. Anything else unknown ends the process: the operator then refuses.
process.on("unhandledRejection", (error) => {
  if (started === null) return fail(error);
  started.environment.fail(error);
  send({kind: "log", level: "error", message: "the keeper stopped signing", fields: {...toErrorMessage(error)}});
});

async function start(init: unknown): Promise<void> {
  try {
    started = await startSigningKeeper(init, {
      clock: systemClock,
      log: (level, message, fields) => send({kind: "log", level, message, fields}),
      onCommit: committed,
      onAlarm: alarm,
    });
    send({kind: "ready", keys: started.keeper.size, sighting: started.life.sighting()});
    setInterval(alive, ALIVE_INTERVAL_MS);
  } catch (error) {
    fail(error);
  }
}

function stopCode(): ReasonCode | null {
  return started?.keeper.stopped?.code ?? started?.environment.failure?.code ?? null;
}

function alive(): void {
  // A store that fails says so by itself.
  if (started !== null && stopCode() === null) started.tidy().catch(() => {});
  send({kind: "alive", sighting: started?.life.sighting() ?? null, code: stopCode()});
}

function alarm(what: LifeAlarm): void {
  const {meaning, action} = REASONS[what.code];
  send({kind: "log", level: "error", message: meaning, fields: {...what, action}});
  send({kind: "alarm", alarm: what});
  // Whoever still listens to the other copy learns of this one now.
  alive();
}

async function judge(id: number, sightings: readonly string[]): Promise<void> {
  try {
    await started?.life.judge(sightings.map(parseSighting));
    send({kind: "result", id});
  } catch (error) {
    send({kind: "result", id, error: toErrorMessage(error)});
  }
}

/** What a call resolves with, or its error, as the answer to the message with this id. */
async function answer(id: number, work: () => Promise<unknown> | undefined): Promise<void> {
  try {
    send({
      kind: "result",
      id,
      value: await (work() ?? Promise.reject(new PleiadesError({code: "KEEPER_NOT_SIGNING"}))),
    });
  } catch (error) {
    // An unknown error's text may quote what it was about, and that may be a secret.
    const known = error instanceof PleiadesError ? error : new PleiadesError({code: "INTERNAL"});
    send({kind: "result", id, error: toErrorMessage(known)});
  }
}

async function call(id: number, method: "keys" | "watermarks" | "status"): Promise<void> {
  const keeper = started?.keeper;
  if (keeper === undefined) return;
  try {
    if (method === "status") {
      const code = stopCode();
      const value: KeeperVitals = {
        signing: code === null,
        code,
        keys: keeper.size,
        queued: keeper.queued,
        sequence: started?.environment.sequence ?? 0n,
        flooredAt: started?.life.flooredAt ?? null,
      };
      send({kind: "result", id, value});
    } else {
      send({kind: "result", id, value: await keeper[method]()});
    }
  } catch (error) {
    send({kind: "result", id, error: toErrorMessage(error)});
  }
}

function receive(message: ToKeeper): void {
  switch (message.kind) {
    case "init":
      if (starting) return;
      starting = true;
      installFastHasher();
      void start(message.init);
      return;
    case "sign":
      for (const {id, item} of message.items) {
        if (started === null) post({id, reply: NOT_READY, type: "unknown", durationMs: 0});
        else void started.keeper.sign(item).then((answer) => post({id, ...answer}));
      }
      return;
    case "judge":
      void judge(message.id, message.sightings);
      return;
    case "call":
      void call(message.id, message.method);
      return;
    case "reload":
      void answer(message.id, () => started?.reload(message.files));
      return;
    case "vault":
      void answer(message.id, async () => {
        if (started === null) throw new PleiadesError({code: "KEEPER_NOT_SIGNING"});
        const stopped = started.keeper.stopped;
        if (stopped !== null) throw stopped;
        return callVault(started.vault, parseVaultCall(message.call));
      });
      return;
    case "repair":
      void answer(message.id, async () => {
        if (started === null) throw new PleiadesError({code: "KEEPER_NOT_SIGNING"});
        const stopped = started.keeper.stopped;
        if (stopped !== null) throw stopped;
        return callRepair(started.repair, message.call);
      });
      return;
    case "close":
      void (started?.close() ?? Promise.resolve()).then(() => process.exit(0));
  }
}

const NOT_READY = {kind: "refused", code: "KEEPER_NOT_SIGNING", message: "the keeper has not started"} as const;

process.on("message", (raw) => {
  try {
    receive(parseToKeeper(raw));
  } catch (error) {
    send({kind: "log", level: "warn", message: "dropped a message", fields: {...toErrorMessage(error)}});
  }
});
