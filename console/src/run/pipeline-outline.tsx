// What a pipeline will do: its jobs in order, with their steps.

import type { PipelineView } from "@gantry/wire/agent/views.ts";

export function PipelineOutline({ pipeline }: { pipeline: PipelineView }) {
  return (
    <ol class="plan">
      {pipeline.jobs.map((job) => (
        <li key={job.id}>
          <p>
            <span class="strong">{job.title}</span>
            <span class="soft">
              {job.needs.length === 0
                ? " at once"
                : ` after ${job.needs.map((id) => titleOf(pipeline, id)).join(", ")}`}
              {" · at "}
              {siteOf(job.site)}
            </span>
          </p>
          <ol>
            {job.steps.map((step) => (
              <li key={step.id}>
                <span>{step.title}</span>
                <span class="faint mono">{step.uses ?? "script"}</span>
              </li>
            ))}
          </ol>
        </li>
      ))}
    </ol>
  );
}

function titleOf(pipeline: PipelineView, id: string): string {
  return pipeline.jobs.find((job) => job.id === id)?.title ?? id;
}

/** Sites that depend on the app are expressions; people read what they mean. */
function siteOf(site: unknown): string {
  const text = typeof site === "string" ? site : JSON.stringify(site);
  if (text.includes("each.")) return "the site of each target";
  return text.includes("${{") ? "the build site of the app" : text;
}
