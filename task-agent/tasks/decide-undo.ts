// Builds the pipeline that undoes a failed creation of an app, or what any failed task created: one step for each step that created something, newest first.
// Pure.

import { GantryError } from "@gantry/core/errors.ts";
import { render } from "@gantry/core/expr/template.ts";
import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";
import type { Job, Pipeline, StepSpec, UndoAction } from "@gantry/core/pipeline/pipeline.ts";
import type { EffectState, JobState, StepState, TaskState } from "@gantry/core/task/model.ts";
import { jobScope } from "@gantry/core/task/scope.ts";
import type { MadeView } from "@gantry/wire/agent/deployments.ts";

export type PastTask = { readonly state: TaskState; readonly pipeline: Pipeline };

type Made = {
  readonly site: string;
  readonly title: string;
  /** What the step did, e.g. `create repository APPS/orders`. */
  readonly what: string;
  readonly action: UndoAction;
};

const TIMEOUT_MS = 15 * 60_000;

/** The pipeline that undoes the failed creation of an app; the app is removed when it succeeds. As `undoPipeline`. */
export function undoCreation(
  app: string,
  tasks: readonly PastTask[],
  undoable: ReadonlySet<string>,
): Pipeline | undefined {
  const summary = `Takes back what the failed creation of ${app} made.`;
  const pipeline = undoPipeline({ summary, button: "Undo the creation of", app: "existing" }, tasks, undoable);
  return pipeline && { ...pipeline, undoes: true };
}

/** What the failed creation of an app made and an undo takes back, in its order. `tasks`, `undoable`: as `undoPipeline`. */
export function madeByCreation(tasks: readonly PastTask[], undoable: ReadonlySet<string>): readonly MadeView[] {
  return merged(tasks.flatMap((task) => madeBy(task, undoable))).map(({ what, site, action }) => {
    const { url } = action.output;
    return { what, site, ...(typeof url === "string" ? { url } : {}) };
  });
}

/** The pipeline that undoes what this task itself created, not what it has taken over from another task. As `undoPipeline`. */
export function undoTask({ state, pipeline }: PastTask, undoable: ReadonlySet<string>): Pipeline | undefined {
  const jobs = Object.fromEntries(Object.entries(state.jobs).filter(([, { attempt }]) => attempt > 0));
  const words = {
    summary: `Takes back what ${pipeline.name} made.`,
    button: `Undo ${pipeline.title}`,
    app: pipeline.app,
  };
  return undoPipeline(words, [{ state: { ...state, jobs }, pipeline }], undoable);
}

/**
 * `tasks`: newest first. `undoable`: names of the steps that have an undo. Undefined if no step created anything that can be
 * undone.
 */
function undoPipeline(
  words: Pick<Pipeline, "summary" | "button" | "app">,
  tasks: readonly PastTask[],
  undoable: ReadonlySet<string>,
): Pipeline | undefined {
  const all = merged(tasks.flatMap((task) => madeBy(task, undoable)));
  const jobs: Job[] = [];
  for (const made of all) {
    const last = jobs.at(-1);
    const step = stepOf(made, jobs.length, last?.steps.length ?? 0);
    if (last?.site === made.site) jobs[jobs.length - 1] = { ...last, steps: [...last.steps, step] };
    else jobs.push({ ...newJob(jobs.length, made.site, last?.id), steps: [step] });
  }
  if (jobs.length === 0) return undefined;
  return {
    name: "undo",
    title: "Undo",
    ...words,
    origin: "platform",
    params: { type: "object", properties: {}, required: [], additionalProperties: false },
    concurrency: undefined,
    jobs,
    finally: [],
    outputs: {},
    remember: {},
  };
}

/** The steps of one task that created something, newest first as far as their jobs are ordered. */
function madeBy({ state, pipeline }: PastTask, undoable: ReadonlySet<string>): readonly Made[] {
  return Object.values(state.jobs)
    .toReversed()
    .flatMap((job) => {
      const specs = [...pipeline.jobs, ...pipeline.finally].find(({ id }) => id === job.id)?.steps ?? [];
      return specs.toReversed().flatMap((spec) => {
        const { action } = spec;
        const step = job.steps.find(({ id }) => id === spec.id);
        if (action.kind !== "uses" || !undoable.has(action.uses) || step?.state !== "succeeded") return [];
        const input = inputOf({ state, pipeline }, job, action.with);
        if (input === undefined) return [];
        const effect = creatingEffect(state, job, step);
        const output = { ...step.outputs, ...(effect ? { created: true } : {}) };
        return [
          {
            site: job.site,
            title: `Undo: ${spec.title}`,
            what: effect?.what ?? spec.title,
            action: { kind: "undo", uses: action.uses, with: input, output },
          },
        ];
      });
    });
}

/** The input of the step; undefined if it contains a secret, which only the site can resolve. */
function inputOf({ state, pipeline }: PastTask, job: JobState, template: JsonObject): JsonObject | undefined {
  const steps = Object.fromEntries(job.steps.map(({ id, outputs }) => [id, { outputs }]));
  try {
    const input = render(template, { ...jobScope(pipeline, state, job.id, job), steps });
    return isJsonObject(input) ? input : undefined;
  } catch (error) {
    if (error instanceof GantryError) return undefined;
    throw error;
  }
}

/**
 * A later attempt of the step reports that it found what an earlier one created. The record of the effect is more reliable.
 */
function creatingEffect(state: TaskState, job: JobState, step: StepState): EffectState | undefined {
  return Object.values(state.effects).find(
    (effect) => effect.job === job.key && effect.step === step.id && effect.result?.created === true,
  );
}

/**
 * One entry per object: a rerun finds what the earlier task created. It counts as created if any of the tasks created it.
 */
function merged(all: readonly Made[]): readonly Made[] {
  const byInput = Map.groupBy(all, ({ site, action }) => JSON.stringify([site, action.uses, action.with]));
  return [...byInput.values()].flatMap((same) => {
    const maker = same.find(({ action }) => action.output.created === true);
    return maker === undefined ? [] : [maker];
  });
}

function stepOf({ title, action }: Made, job: number, step: number): StepSpec {
  return { id: `undo-${job}-${step}`, title, when: undefined, timeoutMs: undefined, env: {}, action };
}

function newJob(number: number, site: string, after: string | undefined): Omit<Job, "steps"> {
  return {
    id: `undo-${number}`,
    title: "Undo",
    needs: after === undefined ? [] : [after],
    site,
    labels: [],
    each: undefined,
    matrix: undefined,
    when: undefined,
    timeoutMs: TIMEOUT_MS,
    retry: { max: 0, delayMs: 0 },
    mode: "lenient",
    retrySafe: true,
    env: {},
    outputs: {},
    // Most of these objects were created with the accounts of the git host and of Argo CD.
    work: ["deploy"],
  };
}
