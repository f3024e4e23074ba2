// The messages of the runner protocol, between task-runner and task-agent; routes.ts has the calls. The runner makes all
// calls: JSON over HTTP, with long polls. The wire carries durations only, never clock times.
//
// Every message but `session` has the session; every message about a job has a JobRef with its fence. A stale fence is
// answered 409 `lease-lost` and changes nothing. All calls are safe to repeat. Unknown fields are ignored; protocol-version.ts has the other rules for different versions.

import { ACTIONS } from "@gantry/core/choice/actions.ts";
import { ANNOTATION_LEVELS, MAX_FILE, MAX_MESSAGE, MAX_OF_JOB, MAX_TITLE } from "@gantry/core/log/annotation.ts";
import { MAX_PROGRESS_TEXT } from "@gantry/core/log/progress.ts";
import { RETRY_ON } from "@gantry/core/pipeline/retry.ts";
import { WORK } from "@gantry/core/pipeline/work.ts";
import { OUTCOMES } from "@gantry/core/task/states.ts";
import { z } from "zod";
import { runnerSettings } from "../settings/settings.ts";
import { runnerName } from "./identity.ts";

const id = z.string().min(1).max(200);
const ms = z.int().min(0);
/** A monotonic number: store time in microseconds, so it is below 2^53 until the year 2255. */
export const fence = z.int().positive();
/** A runner has fewer jobs than this; a message about more of them is refused as a whole. */
const MAX_JOBS = 1_000;
/** A runner with more secrets reports none of them. */
export const MAX_SECRETS = 1_000;
const json = z.json();
const jsonObject = z.record(z.string(), json);

export const jobRef = z.object({
  task: id,
  /** Key of the job within the task, with its `each` value: `deploy[seoul]`. */
  job: id,
  attempt: z.int().positive(),
  fence,
  /** Proves that the agent gave this fence to this runner. Comes with an offer and is sent back, since version 2. */
  proof: z.string().max(100).optional(),
});
export type JobRef = z.infer<typeof jobRef>;

/** For a side that does not know proofs. */
export function withoutProof<T extends { readonly ref: JobRef }>(item: T): T {
  const { proof: _, ...ref } = item.ref;
  return { ...item, ref };
}

export const failureSchema = z.object({
  code: z.string().max(100),
  message: z.string().max(4_000),
  why: z.string().max(4_000).optional(),
  todo: z.string().max(4_000).optional(),
  line: z.string().max(4_000).optional(),
  /** Of the script that failed; decides about `retry`. Older runners do not send it. */
  exitCode: z.int().optional(),
  problems: z
    .array(
      z.object({
        detail: z.string().max(2_000),
        pointer: z.string().optional(),
        file: z.string().optional(),
        line: z.int().optional(),
        column: z.int().optional(),
      }),
    )
    .max(100)
    .optional(),
});

export const sessionRequest = z.object({
  runner: runnerName,
  /** New for every process of the runner. */
  bootId: z.uuid(),
  /** Counts the registrations of this process. A registration that arrives after a later one is refused and ignored. */
  registration: z.int().min(1).optional(),
  site: id,
  labels: z.array(z.string().max(100)).max(100),
  slots: z.int().min(1).max(MAX_JOBS),
  /** What jobs it takes. Absent: all, and the runner is older: it does not check what steps act on. */
  runs: z.array(z.enum(WORK)).min(1).max(WORK.length).optional(),
  /** It keeps the limits of pull requests from forks, and has a sandbox for their scripts. Absent: not, or the runner is older. */
  forks: z.literal(true).optional(),
  /** Which requests of operators this process follows: `stop`, `log`. Absent: none, or the runner is older. */
  obeys: z.array(z.string().max(20)).max(20).optional(),
  version: z.string().max(100),
  host: z.object({ name: z.string(), platform: z.string(), cpus: z.int(), memoryMb: z.int() }),
  /** The systems of the site for display, without credentials in their URLs. */
  systems: z
    .array(
      z.object({
        name: z.string(),
        kind: z.string(),
        url: z.string(),
        standIn: z.boolean(),
        insecureSkipVerify: z.boolean().optional(),
        /** What records of apps may name there, see core/app/apps-may.ts. Absent: the runner is older, or no app has anything there. */
        appsMay: z.array(z.string().max(500)).max(1_000).optional(),
        namespaces: z.array(z.string().max(500)).max(1_000).optional(),
      }),
    )
    .max(200),
  /** The names of the secrets that its configuration lists, never their values. Absent: the runner is older. */
  secrets: z.array(z.string().max(200)).max(MAX_SECRETS).optional(),
  /** The attempts that this process still has, from its own journal. Leases that are not listed are lost at once. */
  running: z.array(z.object({ ref: jobRef, started: z.boolean() })).max(MAX_JOBS),
});
export type SessionRequest = z.infer<typeof sessionRequest>;

export const sessionReply = z.object({
  session: id,
  /** The protocol version of this session; absent: 1. */
  protocol: z.int().optional(),
  directives: z.array(z.object({ ref: jobRef, do: z.enum(["continue", "cancel", "drop"]) })).max(MAX_JOBS),
});
export type SessionReply = z.infer<typeof sessionReply>;

export const pollRequest = z.object({
  session: id,
  freeSlots: z.int().min(0),
  waitMs: z.int().min(0).max(25_000),
});
export type PollRequest = z.infer<typeof pollRequest>;

export const offer = z.object({ offer: id, ref: jobRef, ttlMs: ms });
export type Offer = z.infer<typeof offer>;
export const cancelDirective = z.object({ ref: jobRef, graceMs: ms, reason: z.string().max(4_000) });
export type CancelDirective = z.infer<typeof cancelDirective>;
/** An operator ends this process of the runner. `now`: also its running jobs. `reason`: who and why, for its log. */
export const stopOrder = z.object({ now: z.boolean(), reason: z.string().max(1_000) });
export type StopOrder = z.infer<typeof stopOrder>;
/** An operator reads the runner's own log: at most `lines` of those that it keeps, from this end of them. */
export const logOrder = z.object({ id, from: z.enum(["oldest", "latest"]), lines: z.int().min(1).max(1_000) });
export type LogOrder = z.infer<typeof logOrder>;
export const pollReply = z.object({
  offers: z.array(offer).max(MAX_JOBS),
  cancels: z.array(cancelDirective).max(MAX_JOBS),
  /** Settings of operators; in every answer, because any answer may be lost. Absent: none, or an older agent. */
  settings: runnerSettings.optional(),
  /** In every answer, because any answer may be lost. Absent: the runner works on, or the agent is older. */
  stop: stopOrder.optional(),
  /** Repeated until it is answered. */
  log: logOrder.optional(),
});
export type PollReply = z.infer<typeof pollReply>;

/** Of one line, in characters. */
export const MAX_OWN_LINE = 8_192;
/** Of all lines of an answer, in bytes of JSON. */
export const MAX_OWN_LOG = 1_048_576;
/** Lines of the runner's own log, oldest first, masked. */
export const ownLog = z.object({
  session: id,
  /** Of the request. */
  id,
  lines: z.array(z.string().max(MAX_OWN_LINE)).max(1_000),
  /** How many lines the runner keeps, and how many older ones it kept no longer. */
  held: z.int().min(0),
  dropped: z.int().min(0),
});
export type OwnLog = z.infer<typeof ownLog>;

export const claimRequest = z.object({ session: id, offer: id, ref: jobRef });
export const declineRequest = z.object({ session: id, offer: id, ref: jobRef, reason: z.string().max(500) });

export const leaseSchema = z.object({
  renewEveryMs: ms,
  /** The runner stops the work when it could not renew the lease for this long (strict: always; lenient: late). */
  selfFenceMs: ms,
  /** The agent reassigns the job when the lease was not renewed for this long. */
  reassignAfterMs: ms,
});
export type Lease = z.infer<typeof leaseSchema>;

/** See core/pipeline/retry.ts. */
const retrySpec = z.object({
  max: z.int().min(0),
  delayMs: ms,
  on: z.array(z.enum(RETRY_ON)).optional(),
  exitCodes: z.array(z.int()).optional(),
  /** Older runners ignore it: the step is then tried again after every error. */
  errors: z.array(z.string()).optional(),
  backoff: z.enum(["fixed", "exponential"]).optional(),
  maxDelayMs: ms.optional(),
});

const stepSpec = z.object({
  id,
  title: z.string(),
  when: z.string().optional(),
  /** Of one try. */
  timeoutMs: ms.optional(),
  /** Older runners ignore it: the step is then run once. */
  retry: retrySpec.optional(),
  /** Its failure does not end the job. Older runners ignore it: the job then fails with the step. */
  continueOnError: z.literal(true).optional(),
  /** It may act on more than the app of the task. Counts only in definitions of the platform. */
  scope: z.literal("site").optional(),
  /** Skip the step where the site has no system for it. Older runners ignore it: the step then ends as `errored`. */
  missingSystem: z.literal("skip").optional(),
  env: jsonObject,
  action: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("uses"), uses: z.string(), with: jsonObject }),
    // A runner that does not know it refuses the job, so it never runs what it should undo.
    z.object({
      kind: z.literal("undo"),
      uses: z.string(),
      with: jsonObject,
      output: jsonObject,
      /** The step did not come to its end. An older runner ignores it, and refuses the empty output. */
      begun: z.object({ task: z.string(), requestedAtMs: ms, result: jsonObject.optional() }).optional(),
    }),
    z.object({
      kind: z.literal("run"),
      run: z.string(),
      shell: z.enum(["sh", "bash", "node", "python3"]),
      workingDirectory: z.string().optional(),
    }),
  ]),
});

/** Everything a runner needs for one attempt of a job. The runner evaluates expressions and resolves secrets. */
export const jobSpec = z.object({
  pipeline: z.string(),
  /**
   * Who wrote the pipeline, and whether it is for an app that exists. With it the runner decides what the steps may act on, and
   * `app` of the scope says what belongs to the app. Absent: nothing is checked, because an older task-agent sent the job or
   * stored the definition. Those know definitions of the platform only. `action`: the button of an app that it is for.
   */
  definition: z
    .object({
      origin: z.enum(["platform", "app"]),
      app: z.enum(["existing", "new", "none"]),
      action: z.enum(ACTIONS).optional(),
    })
    .optional(),
  app: z.string().optional(),
  /**
   * It is a pull request from a fork, and a person has let this commit run: it has the limits of core/step/fork-steps.ts. Only runners
   * that say `forks` get it.
   */
  fork: z.object({ commit: z.string() }).optional(),
  title: z.string(),
  site: z.string(),
  mode: z.enum(["strict", "lenient"]),
  timeoutMs: ms,
  requestedBy: z.string(),
  requestedAtMs: z.number(),
  taskUrl: z.string(),
  env: jsonObject,
  outputs: jsonObject,
  /** JSON Schemas of outputs. Absent: they may be anything, or the task-agent is older. Older runners ignore it. */
  outputTypes: z.record(z.string(), jsonObject).optional(),
  steps: z.array(stepSpec).max(1_000),
  /** The scope of expressions: params, app, task, each, site, needs. The runner adds `steps`, `status` and `secrets`. */
  scope: jsonObject,
  /** Secret parameters that steps of the job name; null for one whose key is missing. Not in `scope`, and never stored. */
  secretParams: z.record(z.string(), z.string().nullable()).optional(),
});
export type JobSpec = z.infer<typeof jobSpec>;

export const claimReply = z.object({ lease: leaseSchema, spec: jobSpec });
export type ClaimReply = z.infer<typeof claimReply>;

export const startRequest = z.object({ session: id, ref: jobRef });

/** See core/log/progress.ts. */
export const toldSchema = z.object({
  step: id,
  done: z.int().min(0),
  total: z.int().positive(),
  text: z.string().max(MAX_PROGRESS_TEXT).optional(),
});
export type Told = z.infer<typeof toldSchema>;

export const heartbeatRequest = z.object({
  session: id,
  /** `told`: how far the running step is, as its script says. Older agents ignore it. */
  items: z.array(z.object({ ref: jobRef, told: toldSchema.optional() })).max(MAX_JOBS),
});
export const heartbeatReply = z.object({
  items: z
    .array(
      z.discriminatedUnion("state", [
        z.object({ ref: jobRef, state: z.literal("ok") }),
        z.object({ ref: jobRef, state: z.literal("cancel"), graceMs: ms, reason: z.string().max(4_000) }),
        z.object({ ref: jobRef, state: z.literal("lost") }),
      ]),
    )
    .max(MAX_JOBS),
  /** As in the answer to a poll: a runner that finishes its jobs polls no more. */
  stop: stopOrder.optional(),
  log: logOrder.optional(),
});
export type HeartbeatReply = z.infer<typeof heartbeatReply>;

const place = z.int().positive();
/** See core/log/annotation.ts. */
export const annotationSchema = z.object({
  level: z.enum(ANNOTATION_LEVELS),
  message: z.string().max(MAX_MESSAGE),
  title: z.string().max(MAX_TITLE).optional(),
  file: z.string().max(MAX_FILE).optional(),
  line: place.optional(),
  endLine: place.optional(),
  column: place.optional(),
  endColumn: place.optional(),
});

const ofStep = {
  step: id,
  /**
   * How long ago it happened when this message was sent: an event that could not be sent at once keeps its time. Absent: it
   * happened just now, or the runner is older.
   */
  agoMs: ms.optional(),
};
export const stepProgress = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("step-started"), ...ofStep }),
  z.object({ kind: z.literal("step-waiting"), ...ofStep, reason: z.string().max(1_000), retryAfterMs: ms }),
  z.object({
    kind: z.literal("step-retrying"),
    ...ofStep,
    attempt: z.int(),
    failure: failureSchema,
    retryAfterMs: ms,
  }),
  z.object({
    kind: z.literal("step-ended"),
    ...ofStep,
    outcome: z.enum(OUTCOMES),
    durationMs: ms,
    outputs: jsonObject.optional(),
    failure: failureSchema.optional(),
    /** Why the step was skipped, as text. */
    reason: z.string().max(1_000).optional(),
    /** It failed, and the job went on. */
    tolerated: z.literal(true).optional(),
    /** What its script said about its files, and how much more it said. Older runners do not send them. */
    annotations: z.array(annotationSchema).max(MAX_OF_JOB).optional(),
    annotationsLeftOut: z.int().positive().optional(),
    /** Size of the summary that its script wrote; it is sent as a log, see summary-log.ts. Older runners send none. */
    summaryBytes: z.int().positive().optional(),
  }),
]);
export type StepProgress = z.infer<typeof stepProgress>;

export const progressRequest = z.object({
  session: id,
  ref: jobRef,
  /** Number of the first event; the answer has the number of the last event that the agent has. */
  from: z.int().positive(),
  events: z.array(stepProgress).min(1).max(100),
});
export const progressReply = z.object({ ack: z.int() });

export const effectBegin = z.object({
  session: id,
  ref: jobRef,
  step: id,
  effect: id,
  ordinal: z.int().min(0),
  what: z.string().max(500),
});
export const effectPermit = z.discriminatedUnion("answer", [
  z.object({ answer: z.literal("go"), key: z.string() }),
  /** An earlier attempt began the effect and did not report its end: probe first. */
  z.object({ answer: z.literal("verify"), key: z.string() }),
  z.object({ answer: z.literal("done"), key: z.string(), result: jsonObject }),
]);
export type EffectPermit = z.infer<typeof effectPermit>;
export const effectEnd = z.object({ session: id, ref: jobRef, key: z.string(), result: jsonObject });

export const reportRequest = z.object({
  session: id,
  ref: jobRef,
  outcome: z.enum(OUTCOMES),
  outputs: jsonObject,
  failure: failureSchema.optional(),
  /** Number of the last progress event; the agent refuses the report (409 `conflict`) until it has all of them. */
  progress: z.int().min(0),
});
export type ReportRequest = z.infer<typeof reportRequest>;

/** `final` closes the log of the step; later bytes are refused. */
export const logQuery = z.object({
  session: id,
  fence: z.coerce.number().pipe(fence),
  offset: z.coerce.number().pipe(z.int().min(0)),
  /** CRC-32 of the body, decimal. */
  crc: z.coerce.number().pipe(z.int().min(0)),
  final: z.stringbool().default(false),
});
export const logReply = z.object({ ack: z.int() });
export const MAX_LOG_CHUNK = 1_048_576;
