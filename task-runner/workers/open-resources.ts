// What a worker thread has open: programs, logs, the step that runs. When the thread dies, somebody else must close it.

import type { Failure } from "@gantry/core/step/outcome.ts";
import type { Outcome } from "@gantry/core/task/states.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Programs } from "../ports.ts";
import type { Group } from "../state/disk-state.ts";
import { type Files, writeAll } from "../state/files.ts";
import { clipFailure } from "../steps/clip.ts";
import type { JobEvents, LogGrowth } from "./job-executor.ts";
import type { FromWorker } from "./worker-messages.ts";

export type OpenResources = {
  /** Passes on what the thread tells, and keeps what it leaves open. */
  readonly note: (message: FromWorker) => void;
  /** Ends every program, closes every log with a last line, and ends the step. The thread must be dead. */
  readonly close: (end: {
    outcome: Outcome;
    failure: Failure | undefined;
    line: string;
    cookie: string;
  }) => Promise<void>;
};

type Deps = { readonly clock: Clock; readonly files: Files; readonly programs: Programs };
type OpenLog = { readonly file: string; readonly growth: LogGrowth };

export function trackResources(told: JobEvents, { clock, files, programs }: Deps): OpenResources {
  const groups = new Map<number, Group>();
  const logs = new Map<string, OpenLog>();
  let step: { readonly id: string; readonly sinceMs: number } | undefined;

  const note = (message: FromWorker): void => {
    switch (message.k) {
      case "tell":
        if (message.event.kind === "step-started") step = { id: message.event.step, sinceMs: clock.monotonicMs() };
        if (message.event.kind === "step-ended") step = undefined;
        told.tell(message.event);
        return;
      case "log":
        logs.set(message.step, { file: message.file, growth: told.openLog(message.step, message.file) });
        return;
      case "grown":
        logs.get(message.step)?.growth(message.size, message.isClosed);
        if (message.isClosed) logs.delete(message.step);
        return;
      case "group":
        groups.set(message.group.pgid, message.group);
        told.onGroup(message.group);
        return;
      case "group-gone":
        groups.delete(message.pgid);
        told.onGroupGone(message.pgid);
        return;
      case "survivor":
        told.onSurvivor(message.pgid);
        return;
      case "line":
        told.logger[message.level](message.fields, message.text);
        return;
    }
  };

  return {
    note,
    close: async ({ outcome, failure, line, cookie }) => {
      for (const group of groups.values()) {
        if (await programs.endOldGroup(group, cookie, clock)) told.onGroupGone(group.pgid);
        else told.onSurvivor(group.pgid);
      }
      programs.killByCookie(cookie);
      for (const log of logs.values()) log.growth(await lastLine(files, log.file, line, told), true);
      if (!step) return;
      const durationMs = Math.max(0, Math.round(clock.monotonicMs() - step.sinceMs));
      const why = failure ? { failure: clipFailure(failure) } : {};
      told.tell({ kind: "step-ended", step: step.id, outcome, durationMs, ...why });
    },
  };
}

/** Answers how long the file is then. */
async function lastLine(files: Files, file: string, line: string, { logger }: JobEvents): Promise<number> {
  try {
    const handle = await files.open(file, "append");
    try {
      await writeAll(handle, `\n[gantry] ${line}\n`);
    } finally {
      await handle.close();
    }
  } catch (error) {
    logger.error({ err: error, file }, "the last line of a log could not be written");
  }
  return files.size(file);
}
