/** Transactions under way in this process, of all environments. */
let underWay = 0;
let watching = false;

/**
 * An LMDB transaction that does not keep this process from ending. `process.exit` and an uncaught error wait for the
 * threads of the pool, and LMDB's writer, which is one of them, waits for this thread to go on with the transaction: for
 * more than a day, with the store's lock held. What is not committed is lost, as by a crash, for which stores are made.
 */
export async function withPromptExit<T>(transaction: () => Promise<T>): Promise<T> {
  if (!watching) process.on("exit", endNow);
  watching = true;
  underWay++;
  try {
    return await transaction();
  } finally {
    underWay--;
  }
}

function endNow(): void {
  if (underWay > 0) process.kill(process.pid, "SIGKILL");
}
