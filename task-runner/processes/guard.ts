// A small process beside the runner (guard.sh) that outlives it: it ends the programs of jobs when the runner was killed,
// and when the runner has been stopped for so long that somebody else may do the work.

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { Guard } from "../ports.ts";
import type { Group } from "../state/disk-state.ts";

const SCRIPT = fileURLToPath(new URL("./guard.sh", import.meta.url));
const SHELL = "/bin/sh";
const RESTART_MS = 1_000;
/** There may be too many processes now. */
const RETRY_MS = 60_000;

type GuardDeps = { readonly clock: Clock; readonly logger: Logger; readonly path: string };

/** The process is started with the first attempt, and started again when somebody ends it. */
export function openGuard({ clock, logger, path }: GuardDeps): Guard {
  /** What the guard is to know of each attempt; its place in the list is its number. */
  const watched: ((() => string) | undefined)[] = [];
  let child: ChildProcess | undefined;
  let cancelRestart = (): void => {};
  let isClosed = false;

  const say = (line: string): void => {
    child ??= start();
    child.stdin?.write(`${line}\n`);
  };
  const start = (): ChildProcess => {
    const began = clock.monotonicMs();
    // Not in the process group of the runner: whatever ends that group must not end the guard.
    const started = spawn(SHELL, [SCRIPT], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
      env: { PATH: path },
    });
    let isOver = false;
    const over = (fields: object, text: string, thenMs: number): void => {
      if (isOver || isClosed) return;
      isOver = true;
      logger.warn(fields, text);
      cancelRestart = clock.after(thenMs, restart);
    };
    started.once("error", (err) =>
      over({ err }, "no guard could be started: programs may outlive this runner", RETRY_MS),
    );
    started.once("exit", (code, signal) => {
      const patience = Math.max(0, RESTART_MS - (clock.monotonicMs() - began));
      over({ code, signal }, "the guard of the programs has ended and is started again", patience);
    });
    // That it has ended is told by the events above.
    started.stdin?.on("error", () => {});
    started.unref();
    (started.stdin as { unref?: () => void } | null)?.unref?.();
    return started;
  };
  const restart = (): void => {
    child = start();
    for (const line of watched) if (line) say(line());
  };

  return {
    watch: (folder) => {
      const free = watched.indexOf(undefined);
      const number = free < 0 ? watched.length : free;
      const groups = new Map<number, Group>();
      let endAtMs = Number.POSITIVE_INFINITY;
      const line = (): string => {
        const left = Math.max(0, endAtMs - clock.monotonicMs()) / 1_000;
        // Only programs are ended: without one there is nothing to wait for.
        const seconds = groups.size === 0 || left === Number.POSITIVE_INFINITY ? "-" : left.toFixed(3);
        return `${number} ${seconds} ${[...groups.values()].map(named).join(",") || "-"} ${folder}`;
      };
      watched[number] = line;
      say(line());
      return {
        limit: (ms) => {
          endAtMs = clock.monotonicMs() + ms;
          if (groups.size > 0) say(line());
        },
        group: (group) => {
          groups.set(group.pgid, group);
          say(line());
        },
        groupGone: (pgid) => {
          groups.delete(pgid);
          say(line());
        },
        over: () => {
          watched[number] = undefined;
          say(`${number} - -`);
        },
      };
    },
    close: () => {
      isClosed = true;
      cancelRestart();
      child?.stdin?.end();
    },
  };
}

/** The start as it is in /proc; elsewhere the guard does not look at it. */
function named({ pgid, startedAt }: Group): string {
  return `${pgid}:${startedAt.split(" ").at(-1)}`;
}
