import {type ChildProcess, fork} from "node:child_process";
import {join} from "node:path";
import type {FromKeeper} from "../../../src/keeper/channel.js";
import type {KeeperInit} from "../../../src/keeper/init.js";
import type {PartialReply} from "../../../src/ports/operator-link.js";

export const KEEPER_ENTRY = join(import.meta.dirname, "../../../src/keeper/entry.js");

/** A real keeper process, driven over its channel so closely that it can be killed at any instant. */
export class KeeperChild {
  /** "ready", the code it failed with, or "ended". */
  readonly started: Promise<string>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(entry: string, init: KeeperInit, onReply: (id: number, reply: PartialReply) => void) {
    const child = fork(entry, [], {
      serialization: "advanced",
      env: {},
      execArgv: [],
      stdio: ["ignore", 2, 2, "ipc"],
    });
    this.#child = child;
    // A process that has just been killed leaves a broken pipe to those who still write to it.
    child.on("error", () => {});
    // What it sent before it died still arrives, and counts: the channel closes after the last message.
    this.#ended = Promise.all([
      new Promise((resolve) => child.once("exit", resolve)),
      new Promise((resolve) => child.once("disconnect", resolve)),
    ]);
    this.started = new Promise((resolve) => {
      child.once("exit", () => resolve("ended"));
      child.on("message", (raw) => {
        const message = raw as FromKeeper;
        if (message.kind === "ready") resolve("ready");
        if (message.kind === "failed") resolve(message.error.code);
        if (message.kind === "replies") for (const {id, reply} of message.replies) onReply(id, reply);
      });
    });
    this.#send({kind: "init", init});
  }

  sign(items: readonly {id: number; item: unknown}[]): void {
    this.#send({kind: "sign", items});
  }

  /** kill -9; resolves when nothing more can come from it. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #send(message: object): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }
}
