// What portal-api, notify-agent and the CLI's all-in-one ask of the task-agent. HTTP, JSON, bearer token shared inside
// the platform plane, paths below `/agent/v1`. The principal is who asked at the portal; the agent trusts the portal.
//
//   POST tasks                                   startTask → 202 TaskView; the same key and body again → the same task
//   GET  tasks?state=&app=&pipeline=&limit=&cursor=   page of TaskSummary, newest first
//   GET  tasks/{id}                              TaskView, ETag; ?after=<version>&wait=<ms> holds until it is newer
//   GET  task-tags?ids=<id>,<id>…                { tags: { id: tag } } of at most 200 tasks: what tells whether a view is still
//                                                what it was (views.ts `taskTag`). Unknown ids are left out.
//   GET  tasks/{id}/events?after=<taskseq>&limit=   page of FeedEvent of one task, oldest first
//   GET  tasks/{id}/jobs/{job}/steps/{step}/log?attempt=&from=&limit=&wait=   bytes from an offset; see the headers below;
//                                                with wait (ms) it holds until there are bytes after `from` or the log is final
//   POST tasks/{id}/cancel | rerun | resolve     202 TaskView (rerun: of the new task)
//   GET  apps?limit=&cursor=, apps/{name}, pipelines, pipelines/{name}, steps, runners, sites
//   POST runners/{name}/remove | readmit         204: out of service, so that it can neither register nor renew; and back
//   GET  settings                                what operators may change while everything runs; ETag
//   POST settings                                the same after a change; 412 when it was made for another version
//   GET  settings/history?limit=&cursor=         page of changes, newest first
//   GET  settings/now?after=<version>&wait=<ms>  { version, values } for processes; holds until it is newer
//   GET  feed?after=<seq>&limit=&wait=<ms>       { events, last }, of all tasks in one order. `last` is the seq up to
//                                                which this page was read: ask for the next one after it. Without
//                                                `after`: no events, and the newest seq there is.
// Every list and page is { items, nextCursor? }. Errors are problem+json.

import { z } from "zod";
import { feedEvent } from "./views.ts";

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/, "lower case letters, digits and hyphens")
  .max(63);

export const startTask = z.object({
  pipeline: name,
  app: name.optional(),
  params: z.record(z.string(), z.json()).default({}),
  /** Scoped by principal; the first answer is given again for 7 days. */
  idempotencyKey: z.string().min(1).max(200),
  principal: z.string().min(1).max(200),
});
export type StartTask = z.infer<typeof startTask>;

export const cancelTask = z.object({ principal: z.string(), reason: z.string().max(500).optional() });
export const rerunTask = z.object({
  principal: z.string(),
  idempotencyKey: z.string().min(1).max(200),
  /** `failed` keeps jobs that succeeded with their outputs; `all` runs everything again. */
  from: z.enum(["failed", "all"]).default("failed"),
  /** `pinned`: the pipeline file that the task ran with; `newest`: the one in force now. */
  definition: z.enum(["pinned", "newest"]).default("pinned"),
});
/** The answer to a held job. */
export const resolveJob = z.object({
  principal: z.string(),
  job: z.string(),
  answer: z.enum(["run-again", "mark-done", "fail"]),
  reason: z.string().max(500).optional(),
});

export const MAX_TAGS = 200;
export const taskTags = z.object({ tags: z.record(z.string(), z.string()) });

export const feedPage = z.object({ events: z.array(feedEvent), last: z.int() });
export type FeedPage = z.infer<typeof feedPage>;

/**
 * Header of a request for the feed: the name of a reader that comes back. It has everything up to `after`, and nothing
 * after it leaves the journal before the reader has come further, or was silent for a week.
 */
export const READER_HEADER = "gantry-reader";

/** Headers of a log answer: where the log stands, and whether more can come. */
export const LOG_SIZE_HEADER = "gantry-log-size";
export const LOG_FINAL_HEADER = "gantry-log-final";
