// The names that a rule may use. The compiler compares them with the union of task events, so a new event or field cannot be
// forgotten here, and a misspelt name is detected when a rule is read.

import type { TaskEvent, TaskEventKind } from "../task/events.ts";

type FieldOf<E> = E extends unknown ? keyof E : never;

const KINDS: { readonly [K in TaskEventKind]: true } = {
  TaskRequested: true,
  TaskUnblocked: true,
  TaskRequeued: true,
  JobExpanded: true,
  JobKept: true,
  JobReady: true,
  JobWaiting: true,
  JobClaimed: true,
  JobStarted: true,
  StepStarted: true,
  StepWaiting: true,
  StepRetrying: true,
  StepEnded: true,
  EffectBegun: true,
  EffectEnded: true,
  AttemptEnded: true,
  AttemptLost: true,
  ReportCameLate: true,
  JobCancelRequested: true,
  JobHeld: true,
  JobResolved: true,
  JobSkipped: true,
  JobEnded: true,
  TaskCancelRequested: true,
  TaskFinalizing: true,
  TaskEnded: true,
};

/** Never in the events that other processes get. */
type Hidden = "siteDefaults";

const FIELDS: { readonly [F in Exclude<FieldOf<TaskEvent>, Hidden>]: true } = {
  answer: true,
  app: true,
  appScope: true,
  at: true,
  attempt: true,
  because: true,
  behind: true,
  build: true,
  by: true,
  choice: true,
  code: true,
  definition: true,
  digest: true,
  durationMs: true,
  effect: true,
  failedAt: true,
  failure: true,
  fence: true,
  final: true,
  group: true,
  headline: true,
  job: true,
  jobs: true,
  kept: true,
  key: true,
  kind: true,
  notBefore: true,
  outcome: true,
  outputs: true,
  override: true,
  params: true,
  pipeline: true,
  progress: true,
  reason: true,
  requestedBy: true,
  rerunOf: true,
  result: true,
  retryAfterMs: true,
  runner: true,
  started: true,
  step: true,
  steps: true,
  task: true,
  tolerated: true,
  text: true,
  title: true,
  trigger: true,
  try: true,
  url: true,
  what: true,
};

export const EVENT_KINDS: readonly string[] = Object.keys(KINDS);
/** `type` is the CloudEvent's. */
export const EVENT_MEMBERS: readonly string[] = [...Object.keys(FIELDS), "type"];
export const TASK_MEMBERS: readonly string[] = ["id", "pipeline", "title", "app", "requestedBy", "url"];
