// What the supervisor and a worker thread say to each other. Plain data; errors and reasons to stop are taken apart here
// and put together again on the other side. The messages of one direction arrive in their order.

import { type ErrorCode, GantryError } from "@gantry/core/errors.ts";
import type { StepProgress } from "@gantry/wire/runner/protocol.ts";
import type { EffectWish, Permit } from "../attempts/permits.ts";
import { Stopped } from "../attempts/stop.ts";
import type { Group } from "../state/disk-state.ts";
import type { WireObject } from "../steps/clip.ts";
import type { StepLimit } from "../steps/job-context.ts";
import type { JobRequest, JobResult } from "./job-executor.ts";

export type ToWorker =
  | { readonly k: "job"; readonly order: JobRequest }
  | { readonly k: "stop"; readonly reason: PlainStop }
  | { readonly k: "lost"; readonly reason: PlainStop }
  /** Answered with `heard` by the event loop of the worker: it is not blocked, and has all that was said before. */
  | { readonly k: "ping"; readonly id: number }
  | { readonly k: "answer"; readonly id: number; readonly permit?: Permit }
  | { readonly k: "refused"; readonly id: number; readonly error: PlainError };

export type FromWorker =
  | { readonly k: "ready" }
  | { readonly k: "heard"; readonly id: number }
  | { readonly k: "tell"; readonly event: StepProgress }
  | { readonly k: "log"; readonly step: string; readonly file: string }
  | { readonly k: "grown"; readonly step: string; readonly size: number; readonly isClosed: boolean }
  | { readonly k: "begin"; readonly id: number; readonly wish: EffectWish }
  /** The step does not wait for this permit any more. */
  | { readonly k: "give-up"; readonly id: number; readonly reason: PlainError }
  | { readonly k: "end"; readonly id: number; readonly key: string; readonly result: WireObject }
  | { readonly k: "group"; readonly group: Group }
  | { readonly k: "group-gone" | "survivor"; readonly pgid: number }
  | { readonly k: "limit"; readonly limit: StepLimit | undefined }
  | { readonly k: "line"; readonly level: Level; readonly fields: object; readonly text: string }
  /** `isAbandoned`: code of the job may still run. */
  | { readonly k: "done"; readonly result: JobResult; readonly isAbandoned: boolean }
  /** The hands themselves are at fault. The text holds no secret. */
  | { readonly k: "broken"; readonly problem: string };

export type Level = "debug" | "info" | "warn" | "error";
type PlainStop = Pick<Stopped, "kind" | "message" | "graceMs" | "failure">;
type PlainError = {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly details: GantryError["details"];
};

export function plainStop({ kind, message, graceMs, failure }: Stopped): PlainStop {
  return { kind, message, graceMs, failure };
}

export function stopOf({ kind, message, graceMs, failure }: PlainStop): Stopped {
  return new Stopped(kind, message, { graceMs, ...(failure ? { failure } : {}) });
}

export function plainError(error: unknown): PlainError {
  if (error instanceof GantryError) return { code: error.code, message: error.message, details: error.details };
  return { code: undefined, message: error instanceof Error ? error.message : String(error), details: {} };
}

export function errorOf({ code, message, details }: PlainError): Error {
  return code === undefined ? new Error(message) : new GantryError(code, details);
}

/** Fields of a log line, with errors as data. */
export function plainFields(fields: object): object {
  return JSON.parse(
    JSON.stringify(fields, (_, value: unknown) =>
      value instanceof Error ? { ...plainError(value), stack: value.stack } : value,
    ),
  ) as object;
}
