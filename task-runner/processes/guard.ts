// A small process beside the runner (guard.sh) that outlives it: it ends the programs of jobs when the runner was killed,
// and when the runner has been suspended for so long that another runner may do the work.

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { Guard, Watch } from "../ports.ts";
import type { Group } from "../state/disk-state.ts";

const SCRIPT = fileURLToPath(new URL("./guard.sh", import.meta.url));
const SHELL = "/bin/sh";
const RESTART_MS = 1_000;
/** Wait after a failed start: there may be too many processes at the moment. */
const RETRY_MS = 60_000;

type GuardDeps = { readonly clock: Clock; readonly logger: Logger; readonly path: string };

/** The process is started with the first attempt, and restarted when it is killed. */
export function openGuard(deps: GuardDeps): Guard {
  /** The current line of each attempt. Its index is the attempt's number in the protocol of guard.sh. */
  const lines: ((() => string) | undefined)[] = [];
  const guard = keepGuardProcess(deps, () => lines.flatMap((line) => (line ? [line()] : [])));
  return {
    watch: (folder) => {
      const free = lines.indexOf(undefined);
      const number = free < 0 ? lines.length : free;
      const end = (): void => {
        lines[number] = undefined;
        guard.send(`${number} - -`);
      };
      const { watch, line } = watchAttempt(deps.clock, number, folder, { send: guard.send, end });
      lines[number] = line;
      guard.send(line());
      return watch;
    },
    close: guard.close,
  };
}

/** `line` describes the attempt in the protocol of guard.sh. */
function watchAttempt(
  clock: Clock,
  number: number,
  folder: string,
  { send, end }: { readonly send: (line: string) => void; readonly end: () => void },
): { readonly watch: Watch; readonly line: () => string } {
  const groups = new Map<number, Group>();
  let endAtMs = Number.POSITIVE_INFINITY;
  const line = (): string => {
    const left = Math.max(0, endAtMs - clock.monotonicMs()) / 1_000;
    // Without programs there is nothing to end, so no timer is needed.
    const seconds = groups.size === 0 || left === Number.POSITIVE_INFINITY ? "-" : left.toFixed(3);
    return `${number} ${seconds} ${[...groups.values()].map(groupText).join(",") || "-"} ${folder}`;
  };
  const watch: Watch = {
    setLimit: (ms) => {
      endAtMs = clock.monotonicMs() + ms;
      if (groups.size > 0) send(line());
    },
    addGroup: (group) => {
      groups.set(group.pgid, group);
      send(line());
    },
    removeGroup: (pgid) => {
      groups.delete(pgid);
      send(line());
    },
    close: end,
  };
  return { watch, line };
}

type GuardProcess = {
  /** Starts the process when it is not running. */
  readonly send: (line: string) => void;
  readonly close: () => void;
};

/** Restarts the process when it ends. `current`: the lines that a new process must get. */
function keepGuardProcess({ clock, logger, path }: GuardDeps, current: () => readonly string[]): GuardProcess {
  let child: ChildProcess | undefined;
  let cancelRestart = (): void => {};
  let isClosed = false;

  const send = (line: string): void => {
    child ??= start();
    child.stdin?.write(`${line}\n`);
  };
  const restart = (): void => {
    child = start();
    for (const line of current()) send(line);
  };
  const start = (): ChildProcess => {
    const began = clock.monotonicMs();
    const started = spawnGuard(path);
    let isOver = false;
    const onEnd = (fields: object, text: string, restartMs: number): void => {
      if (isOver || isClosed) return;
      isOver = true;
      logger.warn(fields, text);
      cancelRestart = clock.after(restartMs, restart);
    };
    started.once("error", (err) =>
      onEnd({ err }, "could not start the guard: programs may outlive this runner", RETRY_MS),
    );
    started.once("exit", (code, signal) => {
      const waitMs = Math.max(0, RESTART_MS - (clock.monotonicMs() - began));
      onEnd({ code, signal }, "the guard of the programs has ended and is restarted", waitMs);
    });
    return started;
  };
  const close = (): void => {
    isClosed = true;
    cancelRestart();
    child?.stdin?.end();
  };
  return { send, close };
}

/** The guard does not keep the runner's event loop alive. */
function spawnGuard(path: string): ChildProcess {
  // In its own process group, because a signal to the runner's group must not end the guard.
  const child = spawn(SHELL, [SCRIPT], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    env: { PATH: path },
  });
  // The end of the process is handled by its `error` and `exit` events.
  child.stdin?.on("error", () => {});
  child.unref();
  (child.stdin as { unref?: () => void } | null)?.unref?.();
  return child;
}

/** The last word of `startedAt` is the start as in /proc; on other systems the guard ignores it. */
function groupText({ pgid, startedAt }: Group): string {
  return `${pgid}:${startedAt.split(" ").at(-1)}`;
}
