// Keeps messages of the runner within the limits of the protocol, so that none is refused for its size.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Failure } from "@gantry/core/step/outcome.ts";
import { truncate } from "@gantry/core/truncate.ts";
import type { ReportRequest, StepProgress } from "@gantry/wire/runner/protocol.ts";

type WireFailure = NonNullable<ReportRequest["failure"]>;
/** A JSON object as the protocol's schemas type it: not declared readonly. */
export type WireObject = NonNullable<Extract<StepProgress, { kind: "step-ended" }>["outputs"]>;

/** Bytes of all outputs of one step, or of one job. */
const MAX_OUTPUTS = 262_144;

export function clipFailure({ code, message, why, todo, line, problems, exitCode }: Failure): WireFailure {
  return {
    code,
    message: truncate(message, 4_000),
    ...(why === undefined ? {} : { why: truncate(why, 4_000) }),
    ...(todo === undefined ? {} : { todo: truncate(todo, 4_000) }),
    ...(line === undefined ? {} : { line: truncate(line, 4_000) }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(problems
      ? { problems: problems.slice(0, 100).map((one) => ({ ...one, detail: truncate(one.detail, 2_000) })) }
      : {}),
  };
}

/** Throws `outputs-invalid` when the outputs are too large. */
export function boundedOutputs(outputs: JsonObject): WireObject {
  return bounded(outputs, MAX_OUTPUTS, (size) => {
    return new GantryError("outputs-invalid", { problem: `They have ${size} bytes; the limit is ${MAX_OUTPUTS}.` });
  });
}

/** A copy that is plain JSON, whatever a step has put in. Throws the error that `tooLarge` creates above `limit` characters. */
export function bounded(value: JsonObject, limit: number, tooLarge: (size: number) => Error): WireObject {
  const text = JSON.stringify(value);
  if (text.length > limit) throw tooLarge(text.length);
  return JSON.parse(text) as WireObject;
}
