/** Tells whoever waits for it that something has changed. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  tell(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** The next change from now on, or the signal's end; `forget` must be called by whoever waits no more. */
  next(signal: AbortSignal): {readonly changed: Promise<void>; readonly forget: () => void} {
    let wake = (): void => undefined;
    const changed = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#waiting.add(wake);
    signal.addEventListener("abort", wake);
    if (signal.aborted) wake();
    const forget = (): void => {
      this.#waiting.delete(wake);
      signal.removeEventListener("abort", wake);
    };
    return {changed, forget};
  }
}
