import type {Writable} from "node:stream";
import {render, statusLine, type View} from "./screen.js";

/** Where a run reports to: a picture that is redrawn, or lines. */
export interface Output {
  event(text: string): void;
  view(view: Omit<View, "events">): void;
  /** Leaves the terminal as it was; later events are plain lines. */
  close(): void;
}

type Terminal = Writable & {readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number};

export function createOutput(stream: Terminal): Output {
  return stream.isTTY === true && process.env.TERM !== "dumb" ? new ScreenOutput(stream) : new LineOutput(stream);
}

const stamp = (text: string): string => `${new Date().toTimeString().slice(0, 8)} ${text}`;

/** One line per event, and one per slot. */
class LineOutput implements Output {
  readonly #stream: Writable;
  #slot = Number.NEGATIVE_INFINITY;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  event(text: string): void {
    this.#stream.write(`${stamp(text)}\n`);
  }

  view(view: Omit<View, "events">): void {
    const {slot} = view.status;
    if (slot === this.#slot) return;
    const first = this.#slot === Number.NEGATIVE_INFINITY;
    this.#slot = slot;
    // Before genesis one line in five: nothing happens but waiting.
    if (first || slot >= 0 || slot % 5 === 0) this.event(statusLine({...view, events: []}));
  }

  close(): void {}
}

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_BELOW = "\u001b[J";
const KEEP_EVENTS = 200;

/** Draws over its own last picture; scrollback above it stays. */
class ScreenOutput implements Output {
  readonly #stream: Terminal;
  readonly #events: string[] = [];
  readonly #restore = (): void => void this.#stream.write(SHOW_CURSOR);
  #view: Omit<View, "events"> | null = null;
  #drawn = 0;
  #open = false;

  constructor(stream: Terminal) {
    this.#stream = stream;
  }

  event(text: string): void {
    const line = stamp(text.split("\n")[0] ?? "");
    this.#events.push(line);
    if (this.#events.length > KEEP_EVENTS) this.#events.shift();
    if (this.#open) this.#draw();
    else this.#stream.write(`${stamp(text)}\n`);
  }

  view(view: Omit<View, "events">): void {
    if (!this.#open) {
      this.#open = true;
      this.#stream.write(`\n${HIDE_CURSOR}`);
      process.once("exit", this.#restore);
    }
    this.#view = view;
    this.#draw();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#stream.write("\n");
    this.#restore();
    process.removeListener("exit", this.#restore);
  }

  #draw(): void {
    if (this.#view === null) return;
    const size = {columns: this.#stream.columns ?? 80, rows: this.#stream.rows ?? 24};
    const lines = render({...this.#view, events: this.#events}, size);
    const up = this.#drawn > 1 ? `\u001b[${this.#drawn - 1}A` : "";
    this.#stream.write(`${up}\r${CLEAR_BELOW}${lines.join("\n")}`);
    this.#drawn = lines.length;
  }
}
