// Why something failed: what happened, why, what to do, and the code.

import type { StepView } from "@gantry/wire/agent/views.ts";
import { readable } from "../parts/format.ts";

export function FailureBox({ failure, isOurs }: { failure: NonNullable<StepView["failure"]>; isOurs: boolean }) {
  return (
    <div class={`failure hue-${isOurs ? "orange" : "red"}`}>
      <p class="strong">{readable(failure.message)}</p>
      {failure.why === undefined ? null : <p>{readable(failure.why)}</p>}
      {failure.line === undefined || failure.why?.includes(failure.line.trim()) ? null : (
        <p class="mono failure-line">{readable(failure.line)}</p>
      )}
      <p>
        {failure.todo} <span class="soft mono">{failure.code}</span>
      </p>
      {(failure.problems ?? []).map((problem) => (
        <p key={problem.detail} class="soft">
          {problem.file === undefined ? null : (
            <span class="mono">
              {problem.file}
              {problem.line === undefined ? "" : `:${problem.line}`}{" "}
            </span>
          )}
          {problem.detail}
        </p>
      ))}
    </div>
  );
}
