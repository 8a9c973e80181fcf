/** Where a command's results and remarks go. Results are standard output's; everything else is standard error's. */
export interface Io {
  /** One line of result. */
  out(line: string): void;
  /** One line of progress, warning or error. */
  err(line: string): void;
  /** Replaces the last progress line on a terminal; a plain line elsewhere, at most one per `progress` key change. */
  progress(line: string): void;
  readonly interactive: boolean;
}

export function processIo(): Io {
  let open = false;
  const close = (): void => {
    if (open) process.stderr.write("\n");
    open = false;
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
    progress: (line) => {
      if (!process.stderr.isTTY) return void process.stderr.write(`${line}\n`);
      process.stderr.write(`\r\u001b[K${line}`);
      open = true;
    },
    interactive: process.stdin.isTTY === true,
  };
}

/** JSON with bigints as decimal strings, in one line. */
export const toJsonLine = (value: unknown): string =>
  JSON.stringify(value, (_, item) => (typeof item === "bigint" ? item.toString() : item));
