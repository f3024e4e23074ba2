// The feed: every event of every task, in one order, as CloudEvents.

import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import { hideSecretParams } from "@gantry/core/pipeline/secret-params.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { Journal, JournalEvent } from "@gantry/journal/journal.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import type { FeedPage } from "@gantry/wire/agent/agent-api.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { iso } from "../api/iso.ts";
import { shownEvent } from "../definitions/hide-bundle.ts";
import { settingsStream } from "../settings/settings.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { taskStream } from "../tasks/task-stream.ts";
import type { Tasks } from "../tasks/tasks.ts";

export type Feed = {
  /**
   * Events of all tasks after this `seq`. Waits up to `waitMs`, or until `signal` aborts, while there are none. `last` is the
   * `seq` to continue from.
   */
  readonly page: (after: number, limit: number, waitMs: number, signal: AbortSignal) => Promise<FeedPage>;
  /** No events, only the newest `seq`: for readers that want future events only. */
  readonly newest: () => Promise<FeedPage>;
  readonly ofTask: (task: string, after: number, limit: number) => Promise<readonly FeedEvent[]>;
  /** Resolves when the task has a newer version, after `waitMs`, or when `signal` aborts. */
  readonly taskChanged: (task: string, version: number, waitMs: number, signal: AbortSignal) => Promise<void>;
};

/** Events this soon after the first one go into the same page: readers of the feed can wait, and runners have priority. */
const BATCH_MS = 20;

export function openFeed(journal: Journal, tasks: Tasks, clock: Clock): Feed {
  return {
    page: async (after, limit, waitMs, signal) => {
      const until = clock.monotonicMs() + waitMs;
      for (let from = after; ; ) {
        const leftMs = Math.max(0, until - clock.monotonicMs());
        let raw = await journal.feed({ after: from, limit });
        if (raw.length === 0 && leftMs > 0) {
          const first = await journal.feed({ after: from, limit: 1, waitMs: leftMs, signal });
          if (first.length > 0) {
            await pause(clock, BATCH_MS, signal);
            raw = await journal.feed({ after: from, limit });
          }
        }
        const last = raw.at(-1)?.seq ?? from;
        const events = await feedEvents(tasks, raw);
        // Other streams have events as well. A page without events of tasks is not returned while there is time left.
        if (events.length > 0 || raw.length === 0 || signal.aborted) return { events, last };
        from = last;
      }
    },
    newest: async () => {
      const answer = await journal.append([]);
      if (!answer.ok) throw new Error("an empty batch cannot meet a conflict");
      return { events: [], last: answer.seq };
    },
    ofTask: async (task, after, limit) => feedEvents(tasks, await journal.events(taskStream.name(task), after, limit)),
    taskChanged: openTaskWaiters(tasks, clock),
  };
}

/** Callers that wait for changes of a task. */
function openTaskWaiters(tasks: Tasks, clock: Clock): Feed["taskChanged"] {
  const waiting = new Map<string, Set<() => void>>();
  tasks.listen((after) => {
    for (const wake of waiting.get(after.state.id) ?? []) wake();
  });
  return async (task, version, waitMs, signal) => {
    const waiters = waiting.get(task) ?? new Set();
    waiting.set(task, waiters);
    await pause(clock, waitMs, signal, (wake) => {
      waiters.add(wake);
      // The task may have changed since the caller read it.
      tasks.read(task).then(
        (record) => record && record.version > version && wake(),
        () => wake(), // The store fails: the caller gets the error when it reads the task again.
      );
      return () => {
        waiters.delete(wake);
        if (waiters.size === 0) waiting.delete(task);
      };
    });
  };
}

/** Without the events of streams that are not in the feed, and of tasks that were removed. */
async function feedEvents(tasks: Tasks, events: readonly JournalEvent[]): Promise<FeedEvent[]> {
  const all = events.map(async (event) => {
    if (event.stream === settingsStream.name()) return settingsEvent(event);
    const task = taskStream.idOf(event.stream);
    const record = task === undefined ? undefined : await tasks.readAtLeast(task, event.version);
    return record && eventOfTask(record, event);
  });
  return (await Promise.all(all)).filter((event) => event !== undefined);
}

/** `TaskEnded` → `dev.gantry.task.ended.v1` */
export function eventType(kind: string): string {
  const [noun = "", ...rest] = kind.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
  return `dev.gantry.${noun}.${rest.join("-")}.v1`;
}

/** In the shape of a task's event, because readers of the feed know only that shape. */
function settingsEvent(item: JournalEvent): FeedEvent {
  const { seq, version, event } = item;
  const { at, by, kind } = settingsStream.eventOf(item);
  return {
    specversion: "1.0",
    id: `settings/${version}`,
    source: "/gantry/task-agent",
    type: eventType(kind),
    subject: "settings",
    time: iso(at),
    datacontenttype: "application/json",
    seq,
    taskseq: version,
    data: {
      task: "settings",
      pipeline: "settings",
      title: "Settings",
      requestedBy: by,
      url: "/settings",
      event: event as FeedEvent["data"]["event"],
    },
  };
}

/** Without secret parameters and the files of definitions. */
function shownFact(pipeline: Pipeline, fact: TaskEvent): TaskEvent {
  const shown = shownEvent(pipeline, fact);
  if (shown.kind !== "TaskRequested") return shown;
  return { ...shown, params: hideSecretParams(pipeline.params, shown.params) };
}

/** An event of a task as readers of the feed see it. */
export function eventOfTask({ state, pipeline }: TaskRecord, item: JournalEvent): FeedEvent {
  const { seq, version } = item;
  const fact = taskStream.eventOf(item);
  const { kind, at } = fact;
  const event = shownFact(pipeline, fact);
  return {
    specversion: "1.0",
    id: `${state.id}/${version}`,
    source: "/gantry/task-agent",
    type: eventType(kind),
    subject: state.id,
    time: iso(at),
    datacontenttype: "application/json",
    seq,
    taskseq: version,
    data: {
      task: state.id,
      pipeline: state.pipeline,
      title: state.title,
      ...(state.app === undefined ? {} : { app: state.app }),
      requestedBy: state.requestedBy,
      url: state.url,
      event: event as FeedEvent["data"]["event"],
    },
  };
}
