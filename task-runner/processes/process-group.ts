// Process groups: finding out who is in one, and ending it so that nothing is left. Linux is asked by /proc, which also
// finds processes that left their group; other systems only know signals and `ps`.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { backoffMs } from "@gantry/runtime/backoff.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import { KILL_LIMIT_MS } from "../attempts/stop.ts";
import type { Programs } from "../ports.ts";
import type { Group } from "../state/disk-state.ts";
import { openGuard } from "./guard.ts";

export const machinePrograms: Programs = { endGroup, endOldGroup, killByCookie, openGuard };

/** Undefined when the process is gone. The text names one process for ever, across restarts of the machine. */
export function startOf(pid: number): string | undefined {
  if (process.platform !== "linux") return startByPs(pid);
  const stat = statOf(pid);
  return stat && `${readText("/proc/sys/kernel/random/boot_id")?.trim()} ${stat.startTicks}`;
}

/** Is anybody alive in the group? Zombies do not count: only their parent can remove them. */
export function groupAlive(pgid: number): boolean {
  if (!signalGroup(pgid, 0)) return false;
  return process.platform !== "linux" || liveMembers(pgid).length > 0;
}

/**
 * SIGTERM, up to `graceMs` to end, SIGKILL; resolves when nobody is left in the group. Answers false when somebody
 * survived even that (a process that hangs in the kernel).
 */
export async function endGroup(pgid: number, graceMs: number, clock: Clock): Promise<boolean> {
  if (!groupAlive(pgid)) return true;
  signalGroup(pgid, "SIGTERM");
  if (await isGone(pgid, graceMs, clock)) return true;
  signalGroup(pgid, "SIGKILL");
  return isGone(pgid, KILL_LIMIT_MS, clock);
}

/** Ends the group of an earlier process of the runner, unless its number has gone to somebody else. */
export async function endOldGroup(group: Group, cookie: string, clock: Clock): Promise<boolean> {
  const leader = startOf(group.pgid);
  const ours =
    leader === undefined ? liveMembers(group.pgid).some((pid) => hasCookie(pid, cookie)) : leader === group.startedAt;
  return ours ? endGroup(group.pgid, 0, clock) : true;
}

/** SIGKILL for every process that carries this setting in its environment; answers how many there were. */
export function killByCookie(cookie: string): number {
  const pids = allPids().filter((pid) => pid !== process.pid && hasCookie(pid, cookie));
  for (const pid of pids) signal(pid, "SIGKILL");
  return pids.length;
}

const LOOKS = { firstMs: 2, maxMs: 100, jitter: "none" } as const;

async function isGone(pgid: number, limitMs: number, clock: Clock): Promise<boolean> {
  const start = clock.monotonicMs();
  // Nothing tells when a group ends; so it is looked at, often at first.
  for (let looks = 1; groupAlive(pgid); looks += 1) {
    if (clock.monotonicMs() - start >= limitMs) return false;
    await pause(clock, backoffMs(LOOKS, looks));
  }
  return true;
}

function signalGroup(pgid: number, name: NodeJS.Signals | 0): boolean {
  // Group 0 and 1 would be ourselves and everybody.
  return pgid > 1 && signal(-pgid, name);
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    // EPERM: somebody is there who changed the user; that cannot be ours to end.
    if (["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

function liveMembers(pgid: number): readonly number[] {
  return allPids().filter((pid) => {
    const stat = statOf(pid);
    return stat?.pgid === pgid && stat.state !== "Z" && stat.state !== "X";
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

/** See proc(5). The name of the program, in brackets, may hold anything; so it is read from its last bracket on. */
function statOf(pid: number): { state: string; pgid: number; startTicks: string } | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", pgid: Number(fields[2]), startTicks: fields[19] ?? "" };
}

/** Undefined when the process has ended in the meantime, or is not ours to look at. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

function startByPs(pid: number): string | undefined {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || undefined;
  } catch {
    // `ps` ends with 1 when there is no such process.
    return undefined;
  }
}
