// An outline of a pipeline: its jobs in order, with their steps.

import type { PipelineView } from "@gantry/wire/agent/views.ts";
import { Prose } from "../parts/prose.tsx";

export function PipelineOutline({ pipeline }: { pipeline: PipelineView }) {
  return (
    <>
      {(pipeline.turns ?? []).map((sentence) => (
        <p class="soft" key={sentence}>
          <Prose text={sentence} />
        </p>
      ))}
      <Jobs pipeline={pipeline} />
    </>
  );
}

function Jobs({ pipeline }: { pipeline: PipelineView }) {
  return (
    <ol class="plan">
      {pipeline.jobs.map((job) => (
        <li key={job.id}>
          <p>
            <span class="strong">
              <Prose text={job.title} />
            </span>
            <span class="soft">
              <Prose
                text={
                  job.needs.length === 0
                    ? " first"
                    : ` after ${job.needs.map((id) => titleOf(pipeline, id)).join(", ")}`
                }
              />
              {job.pipeline === undefined ? ` · at ${siteOf(job.site)}` : ` · runs ${job.pipeline}`}
            </span>
          </p>
          {job.asks === undefined ? null : (
            <p class="soft">
              waits for an approval: <Prose text={job.asks} />
            </p>
          )}
          <ol>
            {job.steps.map((step) => (
              <li key={step.id}>
                <span>
                  <Prose text={step.title} />
                </span>
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

/** A site that depends on the app or on a param is an expression; this says what it means. */
function siteOf(site: unknown): string {
  const text = typeof site === "string" ? site : JSON.stringify(site);
  if (!text.includes("${{")) return text;
  if (/\beach\b/.test(text)) return "the site of each target";
  if (/\bapp\.build\b/.test(text)) return "the build site of the app";
  const param = /^\$\{\{\s*params\.(\w+)\s*\}\}$/.exec(text)?.[1];
  return param === undefined ? "a site that is decided when it runs" : `the chosen ${param}`;
}
