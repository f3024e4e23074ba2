// The messages between the supervisor and a worker thread. They are plain data: errors and stop reasons are converted here
// and rebuilt on the other side. Messages in one direction arrive in order.

import { type ErrorCode, GantryError } from "@gantry/core/errors.ts";
import { Stopped } from "../attempts/stop.ts";
import type { WireObject } from "../steps/clip.ts";
import type {
  EffectRequest,
  JobEvent,
  JobRequest,
  JobResult,
  Permit,
  SaveRequest,
  TakenFiles,
  TakeRequest,
} from "./job-executor.ts";

export type ToWorker =
  | { readonly kind: "job"; readonly request: JobRequest }
  | { readonly kind: "stop"; readonly reason: PlainStop }
  | { readonly kind: "lost"; readonly reason: PlainStop }
  /** The event loop of the worker answers with `pong`: it is not blocked and has received all earlier messages. */
  | { readonly kind: "ping"; readonly id: number }
  | PermitReply
  | ArtifactReply;

export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "pong"; readonly id: number }
  | { readonly kind: "event"; readonly event: JobEvent }
  | PermitRequest
  | ArtifactRequest
  | { readonly kind: "done"; readonly result: JobResult }
  /** The worker itself failed. The text contains no secret. */
  | { readonly kind: "crashed"; readonly problem: string };

export type PermitRequest =
  | { readonly kind: "effect-begin"; readonly id: number; readonly effect: EffectRequest }
  /** The step no longer waits for this permit. */
  | { readonly kind: "effect-cancel"; readonly id: number; readonly reason: PlainError }
  | { readonly kind: "effect-end"; readonly id: number; readonly key: string; readonly result: WireObject };

/** `permit`: the answer to `effect-begin`; `effect-end` is answered without one. */
export type PermitReply =
  | { readonly kind: "effect-reply"; readonly id: number; readonly permit?: Permit }
  | { readonly kind: "effect-error"; readonly id: number; readonly error: PlainError };

export type ArtifactRequest =
  | { readonly kind: "artifact-save"; readonly id: number; readonly artifact: SaveRequest }
  | { readonly kind: "artifact-take"; readonly id: number; readonly wanted: TakeRequest }
  /** The step no longer waits. */
  | { readonly kind: "artifact-cancel"; readonly id: number; readonly reason: PlainError };

/** `taken`: the answer to `artifact-take`; `artifact-save` is answered without one. */
export type ArtifactReply =
  | { readonly kind: "artifact-reply"; readonly id: number; readonly taken?: readonly TakenFiles[] }
  | { readonly kind: "artifact-error"; readonly id: number; readonly error: PlainError };

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

/** Fields of a line of the runner's log, with errors converted to plain data. */
export function plainFields(fields: object): object {
  return JSON.parse(
    JSON.stringify(fields, (_, value: unknown) =>
      value instanceof Error ? { ...plainError(value), stack: value.stack } : value,
    ),
  ) as object;
}
