/** Counts requests from their head to the end of their answer, so that a closing server knows when it may go. */
export class Drain {
  #active = 0;
  #waiting: (() => void)[] = [];

  enter(): void {
    this.#active++;
  }

  leave(): void {
    this.#active--;
    if (this.#active === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when no request is active. */
  whenIdle(): Promise<void> {
    if (this.#active === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
