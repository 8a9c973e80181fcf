/** Where a command's results and remarks go. Results are standard output's; everything else is standard error's. */
export interface Io {
  /** One line of result. */
  out(line: string): void;
  /** One line of progress, warning or error. */
  err(line: string): void;
  /**
   * Replaces the last progress line on a terminal; a plain line elsewhere, at most one per `progress` key change.
   * @param details lines below it, on a terminal only
   */
  progress(line: string, details?: readonly string[]): void;
  readonly interactive: boolean;
}

export function processIo(): Io {
  /** Lines of the progress that is shown. */
  let open = 0;
  let last = "";
  const close = (): void => {
    if (open > 0) process.stderr.write("\n");
    open = 0;
  };
  return {
    out: (line) => {
      close();
      process.stdout.write(`${line}\n`);
    },
    err: (line) => {
      close();
      process.stderr.write(`${line}\n`);
    },
    progress: (line, details = []) => {
      if (!process.stderr.isTTY) {
        if (line !== last) process.stderr.write(`${line}\n`);
        last = line;
        return;
      }
      const up = open > 1 ? `\u001b[${open - 1}A` : "";
      // A line that wraps would take two and spoil the counting.
      const width = Math.max(20, (process.stderr.columns || 80) - 1);
      const lines = [line, ...details].map((one) => one.slice(0, width));
      process.stderr.write(`\r${up}\u001b[J${lines.join("\n")}`);
      open = lines.length;
    },
    interactive: process.stdin.isTTY === true,
  };
}

/** JSON with bigints as decimal strings, in one line. */
export const toJsonLine = (value: unknown): string =>
  JSON.stringify(value, (_, item) => (typeof item === "bigint" ? item.toString() : item));
