// Why something failed: what happened, why, what to do, and the error code.

import type { StepView } from "@gantry/wire/agent/views.ts";
import { readable } from "../parts/format.ts";
import { Prose } from "../parts/prose.tsx";

type Failure = NonNullable<StepView["failure"]>;

/** `isPlatformError`: the platform failed (`errored`), not the work of the user (`failed`); the colour says which. */
export function FailureBox({ failure, isPlatformError }: { failure: Failure; isPlatformError: boolean }) {
  const { message, why, line, todo, code, problems = [] } = failure;
  return (
    <div class={`failure hue-${isPlatformError ? "orange" : "red"}`}>
      <p class="strong">
        <Prose text={readable(message)} />
      </p>
      {why === undefined ? null : (
        <p>
          <Prose text={readable(why)} />
        </p>
      )}
      {line === undefined || why?.includes(line.trim()) ? null : <p class="mono failure-line">{readable(line)}</p>}
      <p>
        <Prose text={todo ?? ""} /> <span class="soft mono">{code}</span>
      </p>
      {problems.map((problem) => (
        <p key={`${problem.file}:${problem.line}:${problem.detail}`} class="soft">
          {problem.file === undefined ? null : (
            <span class="mono">
              {problem.file}
              {problem.line === undefined ? "" : `:${problem.line}`}{" "}
            </span>
          )}
          <Prose text={problem.detail} />
        </p>
      ))}
    </div>
  );
}
