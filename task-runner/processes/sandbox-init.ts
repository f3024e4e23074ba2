// The first process of a sandbox. Everything in the sandbox ends with it. A script may trace it, and so make it leave its process
// group, outlive bubblewrap and clear its environment: then only its id, which bubblewrap tells when it starts it, leads to it.

import type { ChildProcess } from "node:child_process";
import { text } from "node:stream/consumers";
import type { Group } from "../state/disk-state.ts";
import { startOf } from "./process-group.ts";

/** The descriptor into which bubblewrap writes the id. It closes it before it starts anything. */
export const INIT_FD = 3;

/** Of a program that was started with a pipe at this descriptor. Undefined: it is no sandbox, or bubblewrap has ended before. */
export async function initOf(child: ChildProcess): Promise<Group | undefined> {
  const pipe = child.stdio[INIT_FD];
  if (!pipe || !("read" in pipe)) return undefined;
  const pid = Number(/"child-pid": *(\d+)/.exec(await text(pipe))?.[1]);
  const startedAt = pid > 1 ? startOf(pid) : undefined;
  return startedAt === undefined ? undefined : { pgid: pid, startedAt };
}
