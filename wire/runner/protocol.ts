// The runner protocol: what a task-runner and the task-agent say to each other. Started by the runner, JSON over HTTP,
// long poll. Only durations are on the wire, never clock times. Paths are below `/runner/v1`.
//
//   POST session          register; the newest bootId of a runner wins, the older session gets 410
//   POST poll             offers and cancels; held open up to waitMs
//   POST claim, decline   ownership starts with a claim that was answered 200
//   POST start            work starts after it was answered 200
//   POST heartbeat        renews leases; runs beside the work
//   POST progress         what steps do, numbered per attempt from 1 without gap; repeats are ignored
//   POST effect/begin, effect/end     the permit for a change to the outside world
//   POST report           how the attempt ended; the first terminal report wins
//   POST logs/{task}/{job}/{attempt}/{step}?fence=&offset=&crc=    raw bytes, appended at offset
//
// Every message but `session` carries the session; everything about a job carries a JobRef with its fence. A stale fence
// is answered 409 `lease-lost` and changes nothing. All calls are safe to repeat. Fields that the other side does not know
// are ignored; versions.ts has the rest of what makes versions get along.

import { RETRY_ON } from "@gantry/core/pipeline/retry.ts";
import { OUTCOMES } from "@gantry/core/task/states.ts";
import { z } from "zod";
import { runnerSettings } from "../settings/settings.ts";

const id = z.string().min(1).max(200);
const ms = z.int().min(0);
/** A number that only grows; store time in microseconds, so below 2^53 until the year 2255. */
export const fence = z.int().positive();
const json = z.json();
const jsonObject = z.record(z.string(), json);

export const jobRef = z.object({
  task: id,
  /** Key of the job within the task, with its `each` value: `deploy[seoul]`. */
  job: id,
  attempt: z.int().positive(),
  fence,
});
export type JobRef = z.infer<typeof jobRef>;

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
  runner: id,
  /** New for every process of the runner. */
  bootId: z.uuid(),
  /** Counts the registrations of this process. One that arrives after a later one is refused and changes nothing. */
  registration: z.int().min(1).optional(),
  site: id,
  labels: z.array(z.string().max(100)).max(100),
  slots: z.int().min(1).max(1_000),
  version: z.string().max(100),
  host: z.object({ name: z.string(), platform: z.string(), cpus: z.int(), memoryMb: z.int() }),
  /** The site's systems, without addresses' credentials, for people to see. */
  systems: z
    .array(
      z.object({
        name: z.string(),
        kind: z.string(),
        url: z.string(),
        standIn: z.boolean(),
        insecureSkipVerify: z.boolean().optional(),
      }),
    )
    .max(200),
  /** What this process still holds, from its own journal. Leases that are not listed are lost at once. */
  running: z.array(z.object({ ref: jobRef, started: z.boolean() })).max(1_000),
});
export type SessionRequest = z.infer<typeof sessionRequest>;

export const sessionReply = z.object({
  session: id,
  /** The version of the protocol that both use from now on; absent: 1. */
  protocol: z.int().optional(),
  directives: z.array(z.object({ ref: jobRef, do: z.enum(["continue", "cancel", "drop"]) })),
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
export const cancelDirective = z.object({ ref: jobRef, graceMs: ms, reason: z.string() });
export type CancelDirective = z.infer<typeof cancelDirective>;
export const pollReply = z.object({
  offers: z.array(offer),
  cancels: z.array(cancelDirective),
  /** What an operator has set; in every answer, because any answer may be lost. Absent: nothing, or an older agent. */
  settings: runnerSettings.optional(),
});
export type PollReply = z.infer<typeof pollReply>;

export const claimRequest = z.object({ session: id, offer: id, ref: jobRef });
export const declineRequest = z.object({ session: id, offer: id, ref: jobRef, reason: z.string().max(500) });

export const leaseSchema = z.object({
  renewEveryMs: ms,
  /** The runner stops the work by itself when it has not been able to renew for so long (strict: always; lenient: late). */
  selfFenceMs: ms,
  /** The agent gives the job away when it has heard nothing for so long. */
  reassignAfterMs: ms,
});
export type Lease = z.infer<typeof leaseSchema>;

/** See core/pipeline/retry.ts. */
const retrySpec = z.object({
  max: z.int().min(0),
  delayMs: ms,
  on: z.array(z.enum(RETRY_ON)).optional(),
  exitCodes: z.array(z.int()).optional(),
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
  env: jsonObject,
  action: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("uses"), uses: z.string(), with: jsonObject }),
    z.object({
      kind: z.literal("run"),
      run: z.string(),
      shell: z.enum(["sh", "bash", "node", "python3"]),
      workingDirectory: z.string().optional(),
    }),
  ]),
});

/** Everything a runner needs for one attempt of a job. Expressions are evaluated by the runner, secrets resolved there. */
export const jobSpec = z.object({
  pipeline: z.string(),
  app: z.string().optional(),
  title: z.string(),
  site: z.string(),
  mode: z.enum(["strict", "lenient"]),
  timeoutMs: ms,
  requestedBy: z.string(),
  requestedAtMs: z.number(),
  taskUrl: z.string(),
  env: jsonObject,
  outputs: jsonObject,
  steps: z.array(stepSpec),
  /** params, app, task, each, site, needs: the scope of the expressions; `steps`, `status`, `secrets` are the runner's. */
  scope: jsonObject,
});
export type JobSpec = z.infer<typeof jobSpec>;

export const claimReply = z.object({ lease: leaseSchema, spec: jobSpec });
export type ClaimReply = z.infer<typeof claimReply>;

export const startRequest = z.object({ session: id, ref: jobRef });

export const heartbeatRequest = z.object({
  session: id,
  items: z.array(z.object({ ref: jobRef })).max(1_000),
});
export const heartbeatReply = z.object({
  items: z.array(
    z.discriminatedUnion("state", [
      z.object({ ref: jobRef, state: z.literal("ok") }),
      z.object({ ref: jobRef, state: z.literal("cancel"), graceMs: ms, reason: z.string() }),
      z.object({ ref: jobRef, state: z.literal("lost") }),
    ]),
  ),
});
export type HeartbeatReply = z.infer<typeof heartbeatReply>;

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
    /** Why it was skipped, in words. */
    reason: z.string().max(1_000).optional(),
  }),
]);
export type StepProgress = z.infer<typeof stepProgress>;

export const progressRequest = z.object({
  session: id,
  ref: jobRef,
  /** Number of the first event; the agent answers with the last number it has. */
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
  /** An earlier attempt began it and never said how it ended: probe first. */
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
  /** The last progress number of this attempt; the agent refuses the report (409 `conflict`) until it has them all. */
  progress: z.int().min(0),
});
export type ReportRequest = z.infer<typeof reportRequest>;

/** `final` closes the log of a step; later bytes are refused. */
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
