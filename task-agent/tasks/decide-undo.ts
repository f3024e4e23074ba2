// Builds the pipeline that undoes a failed creation of an app, or what any failed task created: one step for each step that created something, newest first.
// Pure.

import { GantryError } from "@gantry/core/errors.ts";
import { render } from "@gantry/core/expr/template.ts";
import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";
import type {
  BegunEffect,
  Job,
  Pipeline,
  StepDescription,
  StepSpec,
  UndoAction,
} from "@gantry/core/pipeline/pipeline.ts";
import type { EffectState, JobState, TaskState } from "@gantry/core/task/model.ts";
import { jobScope } from "@gantry/core/task/scope.ts";
import type { MadeView } from "@gantry/wire/agent/deployments.ts";

export type PastTask = { readonly state: TaskState; readonly pipeline: Pipeline };

/** Steps that have an undo → the effect that it takes back. */
export type Undoable = ReadonlyMap<string, string>;

export function undoableSteps(steps: readonly Pick<StepDescription, "name" | "effects" | "undo">[]): Undoable {
  return new Map(
    steps.flatMap(({ name, effects: [first], undo }) => (undo && first !== undefined ? [[name, first]] : [])),
  );
}

type Made = {
  readonly site: string;
  readonly title: string;
  /** What the step did, e.g. `create repository APPS/orders`. */
  readonly what: string;
  readonly action: UndoAction;
};

const TIMEOUT_MS = 15 * 60_000;

/** The pipeline that undoes the failed creation of an app; the app is removed when it succeeds. As `undoPipeline`. */
export function undoCreation(app: string, tasks: readonly PastTask[], undoable: Undoable): Pipeline | undefined {
  const summary = `Takes back what the failed creation of ${app} made.`;
  const pipeline = undoPipeline({ summary, button: "Undo the creation of", app: "existing" }, tasks, undoable);
  return pipeline && { ...pipeline, undoes: true };
}

/**
 * What the failed creation of an app made, or may have made, and an undo takes back, in its order. `tasks`, `undoable`: as
 * `undoPipeline`.
 */
export function madeByCreation(tasks: readonly PastTask[], undoable: Undoable): readonly MadeView[] {
  const all = merged(tasks.flatMap((task) => madeBy(task, undoable)));
  const once = new Map(all.map((made) => [keyOf(made), made]));
  return [...once.values()].map(({ what, site, action: { output, begun } }) => ({
    what,
    site,
    ...(typeof output.url === "string" ? { url: output.url } : {}),
    ...(begun !== undefined && begun.result === undefined ? { unsure: true as const } : {}),
  }));
}

/** The pipeline that undoes what this task itself created, not what it has taken over from another task. As `undoPipeline`. */
export function undoTask({ state, pipeline }: PastTask, undoable: Undoable): Pipeline | undefined {
  const jobs = Object.fromEntries(Object.entries(state.jobs).filter(([, { attempt }]) => attempt > 0));
  const words = {
    summary: `Takes back what ${pipeline.name} made.`,
    button: `Undo ${pipeline.title}`,
    app: pipeline.app,
  };
  return undoPipeline(words, [{ state: { ...state, jobs }, pipeline }], undoable);
}

/**
 * `tasks`: newest first. Undefined if no step created, or began to create, anything that can be undone.
 */
function undoPipeline(
  words: Pick<Pipeline, "summary" | "button" | "app">,
  tasks: readonly PastTask[],
  undoable: Undoable,
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

/** The steps of one task that created something, or began to, newest first as far as their jobs are ordered. */
function madeBy({ state, pipeline }: PastTask, undoable: Undoable): readonly Made[] {
  return Object.values(state.jobs)
    .toReversed()
    .flatMap((job) => {
      const specs = [...pipeline.jobs, ...pipeline.finally].find(({ id }) => id === job.id)?.steps ?? [];
      return specs.toReversed().flatMap((spec) => {
        const { action } = spec;
        const creates = action.kind === "uses" ? undoable.get(action.uses) : undefined;
        if (action.kind !== "uses" || creates === undefined) return [];
        const step = job.steps.find(({ id }) => id === spec.id);
        const effect = creatingEffect(state, job, spec.id, creates);
        const isDone = step?.state === "succeeded";
        if (!isDone && effect === undefined) return [];
        const input = inputOf({ state, pipeline }, job, action.with);
        if (input === undefined) return [];
        const output = isDone ? { ...step.outputs, ...(effect ? { created: true } : {}) } : {};
        return [
          {
            site: job.site,
            title: `Undo: ${spec.title}`,
            what: effect?.what ?? spec.title,
            action: {
              kind: "undo",
              uses: action.uses,
              with: input,
              output,
              ...(isDone || effect === undefined ? {} : { begun: begunBy(state, effect) }),
            },
          },
        ];
      });
    });
}

function begunBy({ id, requestedAt }: TaskState, { result }: EffectState): BegunEffect {
  return { task: id, requestedAtMs: requestedAt, ...(result === undefined ? {} : { result }) };
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
 * The effect by which the step created something, or began to: its record is written before the call, so it is there although
 * the answer was lost. A later attempt of the step reports that it found what an earlier one created; this record is more
 * reliable.
 */
function creatingEffect(state: TaskState, job: JobState, step: string, creates: string): EffectState | undefined {
  return Object.values(state.effects).find(
    (effect) =>
      effect.job === job.key && effect.step === step && effect.effect === creates && effect.result?.created !== false,
  );
}

/**
 * One entry per object: a rerun finds what the earlier task created. It counts as created if any of the tasks created it, or
 * began to and a later one found it. If all only began to, each of them is looked for, by its own mark.
 */
function merged(all: readonly Made[]): readonly Made[] {
  return [...Map.groupBy(all, keyOf).values()].flatMap((same) => {
    const ended = same.filter(({ action }) => action.begun === undefined);
    const maker = ended.find(({ action }) => action.output.created === true);
    if (maker !== undefined) return [maker];
    const begun = same.filter(({ action }) => action.begun !== undefined);
    const [found] = ended;
    if (found === undefined || begun.length === 0) return begun;
    return [
      {
        ...found,
        what: begun[0]?.what ?? found.what,
        action: { ...found.action, output: { ...found.action.output, created: true } },
      },
    ];
  });
}

function keyOf({ site, action }: Made): string {
  return JSON.stringify([site, action.uses, action.with]);
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
