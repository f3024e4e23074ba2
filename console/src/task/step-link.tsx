// A step as a link that selects it, as in the list, the timeline and the graph.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { JobView, StepView } from "@gantry/wire/agent/views.ts";
import type { ComponentChildren } from "preact";
import { withQuery } from "../frame/router.ts";
import { Prose, withoutBackticks } from "../parts/prose.tsx";
import { StateGlyph } from "../parts/state-badge.tsx";
import { Duration } from "../parts/values.tsx";
import { hasFailed, isSilent, isTolerated, type Selection } from "./decide-selection.ts";

type Props = {
  readonly job: JobView;
  readonly step: StepView;
  readonly selected: Selection | undefined;
  readonly children?: ComponentChildren;
};

export function StepLink({ job, step, selected, children }: Props) {
  const isSelected = selected?.job === job.key && selected.step === step.id;
  return (
    <a
      href={withQuery({ job: job.key, step: step.id, attempt: undefined })}
      class={isSelected ? "step is-selected" : "step"}
      aria-current={isSelected ? "true" : undefined}
      title={withoutBackticks(step.title)}
    >
      <StateGlyph
        state={step.state}
        isSilent={isSilent(job) && step.state === "running"}
        isTolerated={isTolerated(step) || (hasFailed(step) && isTolerated(job))}
      />
      <span class="hidden">{STATE_LOOKS[step.state].word}: </span>
      <span class="name">
        <Prose text={step.title} />
      </span>
      {step.tries > 1 ? <span class="tries">×{step.tries}</span> : null}
      {children}
    </a>
  );
}

/** How long the step took, or has been running; nothing before it starts. */
export function StepDuration({ step }: { step: StepView }) {
  if (step.startedAt === undefined) return null;
  return (
    <span class="took soft">
      <Duration ms={step.durationMs} since={step.startedAt} />
    </span>
  );
}
