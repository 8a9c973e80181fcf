/** What the kernel says of the committee's processes: processor time and memory, by role. Linux only; empty elsewhere. */
import {readdirSync, readFileSync} from "node:fs";

export type Role = "signer" | "operator" | "keeper";

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly role: Role;
}

/** Kernel ticks per second as seen by user space: a constant of the Linux ABI on every platform that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Every process of the committee below `root`. */
export function committeeProcesses(root: number): ProcessInfo[] {
  const parents = new Map<number, number>();
  for (const name of list("/proc")) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? statOf(pid) : null;
    if (stat !== null) parents.set(pid, stat.parent);
  }
  const below = (pid: number): boolean => {
    for (let at = parents.get(pid); at !== undefined && at > 0; at = parents.get(at)) if (at === root) return true;
    return false;
  };
  return [...parents].flatMap(([pid, parent]): ProcessInfo[] => {
    const role = below(pid) ? roleOf(pid) : null;
    return role === null ? [] : [{pid, parent, role}];
  });
}

/** Processor milliseconds used so far, by role. */
export function cpuByRole(root: number): Readonly<Record<Role, number>> {
  const used = {signer: 0, operator: 0, keeper: 0};
  for (const {pid, role} of committeeProcesses(root)) used[role] += statOf(pid)?.cpuMs ?? 0;
  return used;
}

/** Resident memory in MiB: the highest so far and now. */
export function memoryOf(pid: number): {peakMiB: number; nowMiB: number} {
  const status = read(`/proc/${pid}/status`);
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? Number.NaN);
  return {peakMiB: kib("VmHWM") / 1024, nowMiB: kib("VmRSS") / 1024};
}

function roleOf(pid: number): Role | null {
  const command = read(`/proc/${pid}/cmdline`).split("\0");
  if (command[0]?.startsWith("pleiades-keeper") === true) return "keeper";
  if (command.includes("operator")) return "operator";
  return command.includes("signer") ? "signer" : null;
}

function statOf(pid: number): {parent: number; cpuMs: number} | null {
  // The name in brackets may hold spaces; what follows it does not.
  const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ");
  if (fields === undefined || fields.length < 13) return null;
  const ticks = Number(fields[11]) + Number(fields[12]);
  return {parent: Number(fields[1]), cpuMs: (ticks * 1000) / TICKS_PER_SECOND};
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
