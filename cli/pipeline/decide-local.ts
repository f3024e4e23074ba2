// How a pipeline file runs on this machine: which of its steps cannot, and the file as the local runner gets it. Pure.

import type { Problem } from "@gantry/core/errors.ts";
import { type PipelineText, parsePipeline } from "@gantry/core/pipeline/parse.ts";
import type { Pipeline, StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import { parseDocument } from "yaml";

/** About the app, the portal and other tasks, which are not here. */
const NOT_HERE = ["apps", "action", "remember", "build", "concurrency", "priority", "expires"];

/** The steps that need a system of a site, each as a sentence. A step that is skipped without its system does not count. */
export function needsSystems({ jobs, finally: last }: Pipeline, steps: readonly StepDescription[]): readonly string[] {
  const needs = new Map(steps.map((step) => [step.name, step.needs]));
  return [...jobs, ...last].flatMap((job) =>
    job.steps.flatMap(({ title, action, missingSystem }) => {
      if (action.kind !== "uses" || missingSystem === "skip") return [];
      const wanted = needs.get(action.uses) ?? [];
      return wanted.length === 0
        ? []
        : [
            `The step “${title}” of the job ${job.id} (${action.uses}) needs a system of the site: ${wanted.join(", ")}.`,
          ];
    }),
  );
}

/** The jobs that run other pipelines, each as a sentence. */
export function runsOthers({ jobs, finally: last }: Pipeline): readonly string[] {
  return [...jobs, ...last].flatMap(({ id, pipeline, undo }) =>
    pipeline === undefined || undo ? [] : [`The job ${id} runs the pipeline ${pipeline}, which is not in this file.`],
  );
}

/**
 * The file with every job at this site and without labels, and without an app. It may have mistakes then: it reads the
 * app. Comments and lines stay, so that places are those of the file.
 */
export function localCopy(
  { name, text, includes }: PipelineText,
  { jobs, finally: last }: Pipeline,
  site: string,
  steps: readonly StepDescription[],
): { readonly text: string; readonly problems: readonly Problem[] } {
  const document = parseDocument(text);
  document.set("app", "none");
  for (const key of NOT_HERE) document.delete(key);
  // What `undo` adds is not in the file.
  const written = last.filter(({ undo }) => !undo);
  const places = [...jobs.map(({ id }) => ["jobs", id]), ...written.map(({ id }) => ["finally", id])];
  for (const place of places) {
    document.setIn([...place, "site"], site);
    // A template that the job includes may have labels, too.
    document.setIn([...place, "labels"], []);
  }
  const copy = document.toString();
  return {
    text: copy,
    problems: parsePipeline({ name, text: copy, ...(includes ? { includes } : {}) }, steps).problems,
  };
}
