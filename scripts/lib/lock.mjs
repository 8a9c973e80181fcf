import {mkdirSync, readFileSync, renameSync, rmSync, writeFileSync} from "node:fs";
import {dirname} from "node:path";

const HEARTBEAT_MS = 1_000;
// A holder that wrote no heartbeat for this long, as we saw it on our own clock, is gone or stopped.
const SILENCE_MS = 20_000;
const LOOK_MS = 250;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** False only when no process has this id any more; somebody else's process counts as alive. */
function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code !== "ESRCH";
  }
}

/** Takes an abandoned lock away. Renaming first means that of two that try, one gets it. */
function breakLock(path, seen) {
  const grave = `${path}.${process.pid}.broken`;
  try {
    renameSync(path, grave);
    // What we moved may be a fresh lock taken since we looked: give it back.
    if (read(grave) !== seen) renameSync(grave, path);
  } catch {
    // Somebody was faster; the loop looks again.
  }
  rmSync(grave, {force: true});
}

/**
 * Runs `task` while no other process runs one under the same `path`. A lock whose holder died or stopped writing
 * heartbeats is taken over. `onWait(pid)` is called once if there is somebody to wait for.
 */
export async function withLock(path, task, onWait = () => {}) {
  mkdirSync(dirname(path), {recursive: true});
  let beat = 0;
  const content = () => `${process.pid} ${process.hrtime.bigint()} ${beat++}\n`;
  let mine = content();
  let seen = null;
  let seenAt = 0;
  let told = false;
  for (;;) {
    try {
      writeFileSync(path, mine, {flag: "wx"});
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const found = read(path);
    const pid = Number.parseInt(found ?? "", 10);
    if (found !== seen) {
      seen = found;
      seenAt = performance.now();
    }
    const silent = performance.now() - seenAt > SILENCE_MS;
    if (found !== null && (silent || (pid > 0 && !alive(pid)))) {
      breakLock(path, found);
      continue;
    }
    if (!told) onWait(pid);
    told = true;
    await sleep(LOOK_MS);
  }
  const timer = setInterval(() => {
    if (read(path) !== mine) return;
    mine = content();
    writeFileSync(path, mine);
  }, HEARTBEAT_MS);
  timer.unref();
  try {
    return await task();
  } finally {
    clearInterval(timer);
    if (read(path) === mine) rmSync(path, {force: true});
  }
}
