// Process groups: listing their members, and ending them so that nothing is left. On Linux, /proc also finds processes that
// left their group; other systems offer only signals and `ps`.

import { execFileSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { backoffMs } from "@gantry/runtime/backoff.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import { KILL_LIMIT_MS } from "../attempts/stop.ts";
import type { Programs } from "../ports.ts";
import type { Group } from "../state/disk-state.ts";
import { openGuard } from "./guard.ts";
import { findSandbox } from "./sandbox.ts";

export const machinePrograms: Programs = { endGroup, endOldGroup, killByCookie, findSandbox, openGuard };

/** When the process started; undefined when it is gone. With the pid it identifies one process, also across reboots. */
export function startOf(pid: number): string | undefined {
  if (process.platform !== "linux") return startByPs(pid);
  const stat = statOf(pid);
  return stat && `${readText("/proc/sys/kernel/random/boot_id")?.trim()} ${stat.startTicks}`;
}

/** Whether a process of the group is alive. Zombies do not count: only their parent can remove them. */
export function groupAlive(pgid: number): boolean {
  if (!signalGroup(pgid, 0)) return false;
  return process.platform !== "linux" || liveMembers(pgid).length > 0;
}

/**
 * Sends SIGTERM, waits up to `graceMs`, sends SIGKILL. Resolves when the group is empty. Returns false when a process
 * survived SIGKILL because it hangs in the kernel.
 */
export async function endGroup(pgid: number, graceMs: number, clock: Clock): Promise<boolean> {
  // Most groups are gone by now, and nothing is looked up for them. Of others only zombies are left.
  if (!signalGroup(pgid, "SIGTERM") || !groupAlive(pgid)) return true;
  const isGone = (): boolean => !groupAlive(pgid);
  if (await becomes(isGone, graceMs, clock)) return true;
  signalGroup(pgid, "SIGKILL");
  return becomes(isGone, KILL_LIMIT_MS, clock);
}

/** Ends a group of a previous process of the runner, unless its number was reused. */
export async function endOldGroup(group: Group, cookie: string, clock: Clock): Promise<boolean> {
  const leader = startOf(group.pgid);
  const isSame =
    leader === undefined ? liveMembers(group.pgid).some((pid) => hasCookie(pid, cookie)) : leader === group.startedAt;
  return isSame ? (await endGroup(group.pgid, 0, clock)) && (await endLeader(group, clock)) : true;
}

/**
 * Sends SIGKILL to a process that may have left the group of its number, unless the number was reused. Returns false when it survived
 * because it hangs in the kernel.
 */
export async function endLeader({ pgid, startedAt }: Group, clock: Clock): Promise<boolean> {
  const isGone = (): boolean => startOf(pgid) !== startedAt || isOver(statOf(pgid)?.state);
  if (isGone()) return true;
  signal(pgid, "SIGKILL");
  return becomes(isGone, KILL_LIMIT_MS, clock);
}

/** Sends SIGKILL to every process with this variable in its environment. Returns their number. */
export function killByCookie(cookie: string): number {
  const pids = allPids().filter((pid) => pid !== process.pid && hasCookie(pid, cookie));
  for (const pid of pids) signal(pid, "SIGKILL");
  return pids.length;
}

/** How often the end of processes is checked. */
const POLL = { firstMs: 1, maxMs: 100, jitter: "none" } as const;

/**
 * The same, but resolves when none of them is left: on a busy machine a process continues for a moment after SIGKILL. The
 * wait for processes that hang in the kernel is limited. Returns how many were killed.
 */
export async function endByCookie(
  programs: Pick<Programs, "killByCookie">,
  cookie: string,
  clock: Clock,
): Promise<number> {
  const start = clock.monotonicMs();
  const killed = programs.killByCookie(cookie);
  let left = killed;
  for (let checks = 1; left > 0 && clock.monotonicMs() - start < KILL_LIMIT_MS; checks += 1) {
    await pause(clock, backoffMs(POLL, checks));
    left = programs.killByCookie(cookie);
  }
  return killed;
}

/** Checks after a pause, because the caller has just looked or sent a signal. */
async function becomes(isGone: () => boolean, limitMs: number, clock: Clock): Promise<boolean> {
  const start = clock.monotonicMs();
  // There is no notification of the end of a group or of another one's child, so it is polled, at short intervals first.
  for (let checks = 1; clock.monotonicMs() - start < limitMs; checks += 1) {
    await pause(clock, backoffMs(POLL, checks));
    if (isGone()) return true;
  }
  return false;
}

function isOver(state: string | undefined): boolean {
  return state === undefined || state === "Z" || state === "X";
}

function signalGroup(pgid: number, name: NodeJS.Signals | 0): boolean {
  // Group 0 is the group of this process; -1 means every process.
  return pgid > 1 && signal(-pgid, name);
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    // EPERM: a process of another user, which this process cannot end.
    if (["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

function liveMembers(pgid: number): readonly number[] {
  return allPids().filter((pid) => {
    const stat = statOf(pid);
    return stat?.pgid === pgid && !isOver(stat.state);
  });
}

function allPids(): readonly number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function hasCookie(pid: number, cookie: string): boolean {
  return `\0${readText(`/proc/${pid}/environ`) ?? ""}`.includes(`\0${cookie}\0`);
}

/** See proc(5). The program's name is in parentheses and may contain any character, so parsing starts after the last one. */
function statOf(pid: number): { state: string; pgid: number; startTicks: string } | undefined {
  const text = readStat(pid);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", pgid: Number(fields[2]), startTicks: fields[19] ?? "" };
}

const STAT = Buffer.alloc(4_096);

/** Uses fewer calls than a read of a file of unknown length, because listing a group reads the line of every process. */
function readStat(pid: number): string | undefined {
  return unlessGone(() => {
    const file = openSync(`/proc/${pid}/stat`, "r");
    try {
      return STAT.toString("latin1", 0, readSync(file, STAT, 0, STAT.length, 0));
    } finally {
      closeSync(file);
    }
  });
}

function readText(file: string): string | undefined {
  return unlessGone(() => readFileSync(file, "utf8"));
}

/** Undefined when the process has ended in the meantime, or may not be inspected. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

function startByPs(pid: number): string | undefined {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || undefined;
  } catch {
    // `ps` exits with 1 when there is no such process.
    return undefined;
  }
}
