// The state that the runner's own journal describes: which attempts this machine has, what they have done, and what has not
// been reported to the task-agent. It is folded from records, and the records of a compacted journal are created from it.

import type { JsonObject } from "@gantry/core/json.ts";
import type { JobRef, Lease, ReportRequest, StepProgress } from "@gantry/wire/runner/protocol.ts";
import { refKey } from "../attempts/refs.ts";

export type Report = Omit<ReportRequest, "session" | "ref">;

/** A process group, and when its leader started, so that a reused pid is not mistaken for it. */
export type Group = { readonly pgid: number; readonly startedAt: string };

export type DiskRecord =
  | { readonly k: "claimed"; readonly ref: JobRef; readonly lease: Lease }
  | { readonly k: "group"; readonly ref: JobRef; readonly group: Group }
  | { readonly k: "group-gone"; readonly ref: JobRef; readonly pgid: number }
  | { readonly k: "log"; readonly ref: JobRef; readonly step: string; readonly file: string }
  /** `atMs`: when it happened, wall clock; absent in files of an older version. */
  | { readonly k: "event"; readonly ref: JobRef; readonly event: StepProgress; readonly atMs?: number | undefined }
  | { readonly k: "report"; readonly ref: JobRef; readonly report: Report }
  /** Nothing remains to be done for this attempt. */
  | { readonly k: "closed"; readonly ref: JobRef }
  /** A change to an outside system was made; the task-agent may not know it yet. */
  | { readonly k: "effect"; readonly key: string; readonly result: JsonObject; readonly atMs: number }
  | { readonly k: "effect-told"; readonly key: string };

/** `atMs`: wall clock, where it is known. */
export type PastEvent = { readonly event: StepProgress; readonly atMs: number | undefined };

export type DiskAttempt = {
  readonly ref: JobRef;
  readonly lease: Lease;
  readonly groups: Map<number, Group>;
  readonly logs: { readonly step: string; readonly file: string }[];
  /** Progress events 1, 2, 3 … */
  readonly events: PastEvent[];
  report: Report | undefined;
};

export type DiskState = {
  readonly attempts: Map<string, DiskAttempt>;
  readonly effects: Map<string, { readonly result: JsonObject; readonly atMs: number }>;
};

/** Changes the state in place. Records of an unknown or closed attempt are ignored. */
export function fold(state: DiskState, record: DiskRecord): void {
  if (record.k === "effect") {
    state.effects.set(record.key, { result: record.result, atMs: record.atMs });
    return;
  }
  if (record.k === "effect-told") {
    state.effects.delete(record.key);
    return;
  }
  const key = refKey(record.ref);
  if (record.k === "claimed") {
    const { ref, lease } = record;
    state.attempts.set(key, { ref, lease, groups: new Map(), logs: [], events: [], report: undefined });
    return;
  }
  const attempt = state.attempts.get(key);
  if (!attempt) return;
  if (record.k === "group") attempt.groups.set(record.group.pgid, record.group);
  else if (record.k === "group-gone") attempt.groups.delete(record.pgid);
  else if (record.k === "log") attempt.logs.push({ step: record.step, file: record.file });
  else if (record.k === "event") attempt.events.push({ event: record.event, atMs: record.atMs });
  else if (record.k === "report") attempt.report = record.report;
  else state.attempts.delete(key);
}

/** The shortest list of records that folds to this state. */
export function recordsOf(state: DiskState): readonly DiskRecord[] {
  const attempts = [...state.attempts.values()].flatMap(
    ({ ref, lease, groups, logs, events, report }): DiskRecord[] => [
      { k: "claimed", ref, lease },
      ...[...groups.values()].map((group): DiskRecord => ({ k: "group", ref, group })),
      ...logs.map(({ step, file }): DiskRecord => ({ k: "log", ref, step, file })),
      ...events.map(({ event, atMs }): DiskRecord => ({ k: "event", ref, event, atMs })),
      ...(report ? [{ k: "report", ref, report } as const] : []),
    ],
  );
  const effects = [...state.effects].map(([key, effect]): DiskRecord => ({ k: "effect", key, ...effect }));
  return [...attempts, ...effects];
}
