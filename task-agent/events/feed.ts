// The way out: every fact of every task, in one order, as CloudEvents.

import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { Journal, JournalEvent } from "@gantry/journal/journal.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import type { FeedPage } from "@gantry/wire/agent/agent-api.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { iso } from "../api/view.ts";
import { SETTINGS_STREAM } from "../settings/settings.ts";
import { type TaskRecord, type Tasks, taskStream } from "../tasks/tasks.ts";

export type Feed = {
  /** Events after `seq` of all tasks; holds up to `waitMs` while there are none. `last` is how far the reader has come. */
  readonly page: (after: number, limit: number, waitMs: number, gone: AbortSignal) => Promise<FeedPage>;
  /** No events, only where the feed stands now: for readers that want what comes, not what was. */
  readonly newest: () => Promise<FeedPage>;
  readonly ofTask: (task: string, after: number, limit: number) => Promise<readonly FeedEvent[]>;
  /** Resolves when the task has a newer version, the time is up or the asker has left. */
  readonly taskChanged: (task: string, version: number, waitMs: number, gone: AbortSignal) => Promise<void>;
};

/** What comes so soon after the first goes out with it: nobody who reads the feed is in a hurry, and runners go first. */
const GATHER_MS = 20;

export function openFeed(journal: Journal, tasks: Tasks, clock: Clock): Feed {
  const waiting = new Map<string, Set<() => void>>();
  tasks.listen((after) => {
    for (const wake of waiting.get(after.state.id) ?? []) wake();
  });

  const dress = async (event: JournalEvent): Promise<FeedEvent | undefined> => {
    if (event.stream === SETTINGS_STREAM) return settingsEvent(event);
    if (!event.stream.startsWith("task/")) return undefined;
    const record = await tasks.readSince(event.stream.slice("task/".length), event.version);
    return record ? eventOfTask(record, event) : undefined;
  };
  const dressed = async (events: readonly JournalEvent[]): Promise<FeedEvent[]> =>
    (await Promise.all(events.map(dress))).filter((event) => event !== undefined);

  return {
    page: async (after, limit, waitMs, gone) => {
      const until = clock.monotonicMs() + waitMs;
      for (let from = after; ; ) {
        const left = Math.max(0, until - clock.monotonicMs());
        let raw = await journal.feed({ after: from, limit });
        if (raw.length === 0 && left > 0) {
          const news = await journal.feed({ after: from, limit: 1, waitMs: left, signal: gone });
          if (news.length > 0) {
            await pause(clock, GATHER_MS, gone);
            raw = await journal.feed({ after: from, limit });
          }
        }
        const last = raw.at(-1)?.seq ?? from;
        const events = await dressed(raw);
        // Other streams have events too: a page without any of a task is not worth an answer yet.
        if (events.length > 0 || raw.length === 0 || gone.aborted) return { events, last };
        from = last;
      }
    },
    newest: async () => {
      const answer = await journal.append([]);
      if (!answer.ok) throw new Error("an empty batch cannot meet a conflict");
      return { events: [], last: answer.seq };
    },
    ofTask: async (task, after, limit) => dressed(await journal.events(taskStream(task), after, limit)),
    taskChanged: async (task, version, waitMs, gone) => {
      const waiters = waiting.get(task) ?? new Set();
      waiting.set(task, waiters);
      await pause(clock, waitMs, gone, (wake) => {
        waiters.add(wake);
        // It may have changed between the caller's look and this moment.
        tasks.read(task).then(
          (record) => record && record.version > version && wake(),
          () => wake(), // The store fails: the asker finds out by looking again.
        );
        return () => {
          waiters.delete(wake);
          if (waiters.size === 0) waiting.delete(task);
        };
      });
    },
  };
}

/** `TaskEnded` → `dev.gantry.task.ended.v1` */
export function eventType(kind: string): string {
  const [noun = "", ...rest] = kind.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
  return `dev.gantry.${noun}.${rest.join("-")}.v1`;
}

/** In the shape of a task's event, because that is what readers know; nothing of a task is in it. */
function settingsEvent({ seq, version, event }: JournalEvent): FeedEvent {
  const { at, by } = event as { readonly at: number; readonly by: string };
  return {
    specversion: "1.0",
    id: `settings/${version}`,
    source: "/gantry/task-agent",
    type: eventType("SettingsChanged"),
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

/** As readers of the feed see it. */
export function eventOfTask({ state }: TaskRecord, { seq, version, event }: JournalEvent): FeedEvent {
  const fact = event as unknown as TaskEvent;
  return {
    specversion: "1.0",
    id: `${state.id}/${version}`,
    source: "/gantry/task-agent",
    type: eventType(fact.kind),
    subject: state.id,
    time: iso(fact.at),
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
