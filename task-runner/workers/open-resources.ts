// What a worker thread has open: programs, logs, the running step. When the thread dies, the supervisor closes them.

import type { Failure } from "@gantry/core/step/outcome.ts";
import type { Outcome } from "@gantry/core/task/states.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Programs } from "../ports.ts";
import { endByCookie } from "../processes/process-group.ts";
import type { Group } from "../state/disk-state.ts";
import { type Files, writeAll } from "../state/files.ts";
import { clipFailure } from "../steps/clip.ts";
import type { JobControl, JobEvent } from "./job-executor.ts";

export type OpenResources = {
  /** Must be called with every event of the job. */
  readonly track: (event: JobEvent) => void;
  /**
   * Ends every program, closes every log with a last line, and ends the running step, and emits an event for each. The
   * thread must be dead.
   */
  readonly close: (end: {
    outcome: Outcome;
    failure: Failure | undefined;
    line: string;
    cookie: string;
  }) => Promise<void>;
};

type Deps = { readonly clock: Clock; readonly files: Files; readonly programs: Programs };

export function trackOpenResources(emit: JobControl["emit"], { clock, files, programs }: Deps): OpenResources {
  const groups = new Map<number, Group>();
  /** Step → file. */
  const logs = new Map<string, string>();
  let running: { readonly step: string; readonly sinceMs: number } | undefined;

  const track = (event: JobEvent): void => {
    if (event.kind === "progress") {
      const { kind, step } = event.progress;
      // A step starts again with each try.
      if (kind === "step-started" && running?.step !== step) running = { step, sinceMs: clock.monotonicMs() };
      if (kind === "step-ended") running = undefined;
    } else if (event.kind === "log-opened") logs.set(event.step, event.file);
    else if (event.kind === "log-grown" && event.isClosed) logs.delete(event.step);
    else if (event.kind === "group-started") groups.set(event.group.pgid, event.group);
    else if (event.kind === "group-ended") groups.delete(event.pgid);
  };

  return {
    track,
    close: async ({ outcome, failure, line, cookie }) => {
      for (const group of groups.values()) {
        const isGone = await programs.endOldGroup(group, cookie, clock);
        emit({ kind: isGone ? "group-ended" : "group-survived", pgid: group.pgid });
      }
      await endByCookie(programs, cookie, clock);
      for (const [step, file] of logs) {
        const size = await appendLastLine(files, file, line, emit);
        emit({ kind: "log-grown", step, size, isClosed: true });
      }
      if (!running) return;
      const durationMs = Math.max(0, Math.round(clock.monotonicMs() - running.sinceMs));
      const why = failure ? { failure: clipFailure(failure) } : {};
      emit({ kind: "progress", progress: { kind: "step-ended", step: running.step, outcome, durationMs, ...why } });
    },
  };
}

/** Returns the size of the file afterwards. A line that cannot be written is only logged. */
async function appendLastLine(files: Files, file: string, line: string, emit: JobControl["emit"]): Promise<number> {
  try {
    const handle = await files.open(file, "append");
    try {
      await writeAll(handle, `\n[gantry] ${line}\n`);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const text = "the last line of a log could not be written";
    emit({ kind: "runner-log", level: "error", fields: { err: error, file }, text });
  }
  return files.size(file);
}
