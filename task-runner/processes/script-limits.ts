// A script that forks or allocates endlessly must not bring down the machine. If the runner is root, Linux control groups
// limit a script with all its processes. Other users have no control groups: for them the user namespace limits the number
// of processes, and memory is limited only per process.  Everything here is synchronous: the kernel serves files of control
// groups in microseconds, faster than a switch to another thread.

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type ScriptLimits = {
  /** Program and arguments to put before the script, inside the sandbox. */
  readonly inside: readonly string[];
  /** The files into which the script's first process writes its id, outside of the sandbox. */
  readonly groups: readonly string[];
  /** Whether the kernel has ended a process because the script used too much memory. Known only with control groups. */
  readonly isOutOfMemory: () => boolean;
  readonly remove: () => void;
};

export type WantedLimits = { readonly processes: number; readonly memoryMb: number };

const MIB = 1_048_576;

export const NO_LIMITS: ScriptLimits = { inside: [], groups: [], isOutOfMemory: () => false, remove: () => undefined };

/** `name`: unique on the machine. A limit for which there is no way is left out. */
export function limitScript(name: string, wanted: WantedLimits): ScriptLimits {
  const isRoot = process.getuid?.() === 0;
  const groups = isRoot ? makeGroups(`gantry-${name}`, wanted) : [];
  const options = [
    // Linux counts the processes of a user, except those of root.
    ...(isRoot ? [] : [`--nproc=${wanted.processes}`]),
    // Not the address space, because many programs reserve far more of it than they use.
    ...(groups.some(({ limits }) => limits.includes("memory")) ? [] : [`--data=${wanted.memoryMb * MIB}`]),
  ];
  return {
    inside: options.length === 0 ? [] : ["prlimit", ...options, "--"],
    groups: groups.map(({ folder }) => join(folder, "cgroup.procs")),
    isOutOfMemory: () => groups.some(({ folder }) => hasKilled(folder)),
    remove: () => {
      for (const { folder } of groups) removeGroup(folder);
    },
  };
}

type Controller = "pids" | "memory";
type Group = { readonly folder: string; readonly limits: readonly Controller[] };

const ROOT = "/sys/fs/cgroup";

/** One folder for all controllers (version 2 of control groups), or one for each. */
function makeGroups(name: string, wanted: WantedLimits): readonly Group[] {
  const isUnified = existsSync(join(ROOT, "cgroup.controllers"));
  const groups = isUnified
    ? [makeGroup(join(ROOT, name), ["pids", "memory"], wanted)]
    : [
        makeGroup(join(ROOT, "pids", name), ["pids"], wanted),
        makeGroup(join(ownMemoryGroup(), name), ["memory"], wanted),
      ];
  return groups.filter((one) => one !== undefined);
}

function makeGroup(
  folder: string,
  controllers: readonly Controller[],
  { processes, memoryMb }: WantedLimits,
): Group | undefined {
  if (!attempt(() => mkdirSync(folder))) return undefined;
  const limits = controllers.filter((controller) =>
    controller === "pids"
      ? write(folder, "pids.max", processes)
      : write(folder, "memory.max", memoryMb * MIB) || write(folder, "memory.limit_in_bytes", memoryMb * MIB),
  );
  if (limits.length === 0) {
    removeGroup(folder);
    return undefined;
  }
  // Without it, a script could continue in swap and slow down all others. Not every machine accounts for swap.
  if (limits.includes("memory")) write(folder, "memory.swap.max", 0);
  return { folder, limits };
}

/**
 * Below the group of the runner, so that its own limit applies, too. If the group is not shown, the mounted folder is the
 * runner's.
 */
function ownMemoryGroup(): string {
  const mounted = join(ROOT, "memory");
  const own = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.+)$/m.exec(read("/proc/self/cgroup"))?.[1];
  const folder = join(mounted, own ?? "");
  return existsSync(folder) ? folder : mounted;
}

function hasKilled(folder: string): boolean {
  // Version 2, version 1.
  return ["memory.events", "memory.oom_control"].some((file) => /^oom_kill [1-9]/m.test(read(join(folder, file))));
}

/** Groups that could not be removed, because the kernel counts ended processes for a moment. The next script tries again. */
const leftovers = new Set<string>();

function removeGroup(folder: string): void {
  for (const one of [...leftovers, folder]) {
    const isGone = attempt(() => rmdirSync(one)) || !existsSync(one);
    if (isGone) leftovers.delete(one);
    else leftovers.add(one);
  }
}

function write(folder: string, file: string, value: number): boolean {
  return attempt(() => writeFileSync(join(folder, file), String(value)));
}

function read(file: string): string {
  let text = "";
  attempt(() => {
    text = readFileSync(file, "utf8");
  });
  return text;
}

/** Versions and machines differ in which files exist and are writable. A file that cannot be written is skipped. */
function attempt(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
