import {type ChildProcess, fork} from "node:child_process";
import {PleiadesError, type ReasonCode} from "../../core/errors.js";
import {formatSighting, type Sighting} from "../../core/slashing/sighting.js";
import {
  type CallMethod,
  type CallResults,
  type FromKeeper,
  fromErrorMessage,
  MAX_ITEMS_PER_MESSAGE,
  MAX_SIGHTINGS_PER_MESSAGE,
  type ToKeeper,
} from "../../keeper/channel.js";
import {vaultOver} from "../../keeper/dkg/calls.js";
import type {KeeperInit} from "../../keeper/init.js";
import {repairOver} from "../../keeper/repair/calls.js";
import type {Clock} from "../../ports/clock.js";
import type {Keeper, KeeperFiles, KeeperKey, KeeperReload, KeeperStatus} from "../../ports/keeper.js";
import type {Logger} from "../../ports/logger.js";
import type {Observer} from "../../ports/observer.js";
import type {PartialReply, PartialRequest, Watermark} from "../../ports/operator-link.js";

export type {KeeperInit};

/** Five seconds of signing on a slow core; what waits longer is too late anyway. */
const MAX_PENDING = 8192;
/** Opening a store of 10,000 shares and deriving two keys. */
const START_TIMEOUT_MS = 120_000;
const CLOSE_TIMEOUT_MS = 5_000;
/** The longest call prepares 1,000 validators of 13 operators, behind other ceremonies. */
const VAULT_TIMEOUT_MS = 300_000;
const CALL_TIMEOUT_MS = 10_000;

export interface KeeperProcessModules {
  readonly logger: Logger;
  readonly observer: Observer;
  readonly clock: Clock;
}

const refused = (code: "KEEPER_GONE" | "KEEPER_OVERLOADED" | "KEEPER_BAD_MESSAGE", message: string): PartialReply => ({
  kind: "refused",
  code,
  message,
});

/**
 * Forks a keeper and resolves when it holds its shares.
 * @throws the code the keeper failed with (see startSigningKeeper) · KEEPER_START
 */
export function startKeeper(init: KeeperInit, modules: KeeperProcessModules): Promise<Keeper> {
  const child = fork(new URL("../../keeper/entry.js", import.meta.url), [], {
    serialization: "advanced",
    // Nothing of the operator's environment or arguments is needed in there, so nothing is handed over.
    env: {},
    execArgv: [],
    // Standard output belongs to results of the command line.
    stdio: ["ignore", 2, 2, "ipc"],
  });
  return new Promise((resolve, reject) => {
    const keeper = new KeeperProcess(child, modules);
    const cancel = modules.clock.after(START_TIMEOUT_MS, () => {
      child.kill("SIGKILL");
      reject(new PleiadesError({code: "KEEPER_START", reason: `not ready after ${START_TIMEOUT_MS / 1000} s`}));
    });
    const settle = (action: () => void): void => {
      cancel();
      child.off("message", onMessage);
      child.off("exit", onExit);
      action();
    };
    const onMessage = (raw: unknown): void => {
      const message = raw as FromKeeper;
      if (message.kind === "ready") {
        keeper.heard(message.sighting);
        settle(() => resolve(keeper));
      }
      if (message.kind === "failed") {
        settle(() => {
          child.kill("SIGKILL");
          reject(fromErrorMessage(message.error));
        });
      }
    };
    const onExit = (code: number | null, signal: string | null): void =>
      settle(() => reject(new PleiadesError({code: "KEEPER_START", reason: `ended with ${signal ?? code}`})));
    child.on("message", onMessage);
    child.once("exit", onExit);
    child.send({kind: "init", init} satisfies ToKeeper);
  });
}

class KeeperProcess implements Keeper {
  readonly ended: Promise<PleiadesError>;
  readonly vault = vaultOver((call) =>
    this.#answer(`vault ${call.method}`, (id) => ({kind: "vault", id, call}), VAULT_TIMEOUT_MS),
  );
  readonly repair = repairOver((call) =>
    this.#answer(`repair ${call.method}`, (id) => ({kind: "repair", id, call}), VAULT_TIMEOUT_MS),
  );
  #onEnded: (error: PleiadesError) => void = () => {};
  readonly #child: ChildProcess;
  readonly #modules: KeeperProcessModules;
  readonly #signing = new Map<number, (reply: PartialReply) => void>();
  readonly #calls = new Map<number, {resolve: (value: never) => void; reject: (error: unknown) => void}>();
  #outbox: {id: number; item: PartialRequest}[] = [];
  #nextId = 0;
  #sighting: Sighting | null = null;
  #stopCode: ReasonCode | null = null;
  #gone = false;
  #closing = false;

  constructor(child: ChildProcess, modules: KeeperProcessModules) {
    this.#child = child;
    this.#modules = modules;
    this.ended = new Promise((resolve) => {
      this.#onEnded = resolve;
    });
    child.on("message", (message) => this.#receive(message as FromKeeper));
    child.once("exit", (code, signal) => this.#end(signal ?? String(code)));
    child.on("error", (error) => modules.logger.warn("keeper channel", {reason: error.message}));
  }

  sign(request: PartialRequest): Promise<PartialReply> {
    if (this.#gone) return Promise.resolve(refused("KEEPER_GONE", "the keeper process has ended"));
    if (this.#signing.size >= MAX_PENDING) {
      return Promise.resolve(refused("KEEPER_OVERLOADED", `${MAX_PENDING} requests wait`));
    }
    return new Promise((resolve) => {
      const id = this.#nextId++;
      this.#signing.set(id, resolve);
      // What comes in one turn goes over in one message, and into one commit.
      if (this.#outbox.length === 0) queueMicrotask(() => this.#flush());
      this.#outbox.push({id, item: request});
    });
  }

  keys(): Promise<readonly KeeperKey[]> {
    return this.#call("keys");
  }

  watermarks(): Promise<readonly Watermark[]> {
    return this.#call("watermarks");
  }

  async status(): Promise<KeeperStatus> {
    const pid = this.#child.pid ?? 0;
    if (this.#gone) {
      const sequence = this.#sighting?.sequence ?? 0n;
      return {pid, signing: false, code: "KEEPER_GONE", keys: 0, queued: 0, sequence, flooredAt: null};
    }
    return {pid, ...(await this.#call("status"))};
  }

  sighting(): Sighting | null {
    return this.#sighting;
  }

  stopCode(): ReasonCode | null {
    return this.#gone ? "KEEPER_GONE" : this.#stopCode;
  }

  async judge(sightings: readonly Sighting[]): Promise<void> {
    const parts: Promise<void>[] = [];
    for (let start = 0; start < sightings.length; start += MAX_SIGHTINGS_PER_MESSAGE) {
      const part = sightings.slice(start, start + MAX_SIGHTINGS_PER_MESSAGE);
      parts.push(this.#answer("judge", (id) => ({kind: "judge", id, sightings: part.map(formatSighting)})));
    }
    await Promise.all(parts);
  }

  reload({committeeFiles, bundleFiles}: KeeperFiles): Promise<KeeperReload> {
    const files = {committeeFiles, bundleFiles};
    return this.#answer("reload", (id) => ({kind: "reload", id, files}), START_TIMEOUT_MS);
  }

  /** For this file: what came with a message. */
  heard(sighting: Sighting | null): void {
    if (sighting !== null) this.#sighting = sighting;
  }

  async close(): Promise<void> {
    if (this.#gone) return;
    this.#closing = true;
    const ended = new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
    const cancel = this.#modules.clock.after(CLOSE_TIMEOUT_MS, () => this.#child.kill("SIGKILL"));
    this.#send({kind: "close"});
    await ended;
    cancel();
  }

  #flush(): void {
    const items = this.#outbox;
    this.#outbox = [];
    for (let start = 0; start < items.length; start += MAX_ITEMS_PER_MESSAGE) {
      this.#sendItems(items.slice(start, start + MAX_ITEMS_PER_MESSAGE));
    }
  }

  #sendItems(items: {id: number; item: PartialRequest}[]): void {
    try {
      this.#send({kind: "sign", items});
    } catch (error) {
      // A request that is not plain data cannot cross; it must not take its neighbours or this process along.
      if (items.length > 1) {
        for (const item of items) this.#sendItems([item]);
        return;
      }
      const id = items[0]!.id;
      this.#modules.logger.warn("a request cannot be handed to the keeper", {reason: String(error).slice(0, 200)});
      this.#signing.get(id)?.(refused("KEEPER_BAD_MESSAGE", "the request is not plain data"));
      this.#signing.delete(id);
    }
  }

  #call<M extends CallMethod>(method: M): Promise<CallResults[M]> {
    return this.#answer(method, (id) => ({kind: "call", id, method}));
  }

  #answer<R>(what: string, message: (id: number) => ToKeeper, timeoutMs = CALL_TIMEOUT_MS): Promise<R> {
    if (this.#gone) return Promise.reject(new PleiadesError({code: "KEEPER_GONE"}));
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      const cancel = this.#modules.clock.after(timeoutMs, () => {
        this.#calls.delete(id);
        reject(new PleiadesError({code: "KEEPER_NOT_SIGNING", reason: `no answer to ${what}`}));
      });
      this.#calls.set(id, {
        resolve: (value) => {
          cancel();
          resolve(value);
        },
        reject: (error) => {
          cancel();
          reject(error);
        },
      });
      this.#send(message(id));
    });
  }

  #send(message: ToKeeper): void {
    if (!this.#child.connected) return;
    // A failed send shows as the keeper's end; the error itself says nothing more.
    this.#child.send(message, () => {});
  }

  #receive(message: FromKeeper): void {
    const {logger, observer} = this.#modules;
    switch (message.kind) {
      case "replies":
        // Before any of the replies goes on its way.
        this.heard(message.sighting);
        for (const {id, reply, type, durationMs} of message.replies) {
          const outcome = reply.kind === "signed" ? "signed" : reply.code;
          observer({kind: "keeper-decided", type, outcome, durationMs});
          this.#signing.get(id)?.(reply);
          this.#signing.delete(id);
        }
        for (const {records, durationMs} of message.commits) observer({kind: "store-committed", records, durationMs});
        return;
      case "result": {
        const call = this.#calls.get(message.id);
        this.#calls.delete(message.id);
        if (message.error !== undefined) call?.reject(fromErrorMessage(message.error));
        else call?.resolve(message.value as never);
        return;
      }
      case "alive":
        this.heard(message.sighting);
        this.#stopCode = message.code;
        return;
      case "alarm":
        observer({kind: "keeper-alarm", code: message.alarm.code});
        return;
      case "log":
        logger[message.level](message.message, message.fields);
        return;
      default:
        return;
    }
  }

  #end(how: string): void {
    this.#gone = true;
    if (!this.#closing) {
      this.#modules.logger.error("the keeper process ended; nothing is signed", {how});
      this.#onEnded(new PleiadesError({code: "KEEPER_GONE", how}));
    }
    for (const resolve of this.#signing.values()) resolve(refused("KEEPER_GONE", "the keeper process has ended"));
    this.#signing.clear();
    for (const {reject} of this.#calls.values()) reject(new PleiadesError({code: "KEEPER_GONE"}));
    this.#calls.clear();
  }
}
