// Converts the form of the file to the form that runs: short forms expanded, durations in milliseconds, defaults filled in.
// Nothing is checked here; rules.ts does that.

import { approversOf } from "../access/approval.ts";
import { normaliseArtifacts, normaliseCaches, normaliseDownloads } from "../artifact/normalise-artifacts.ts";
import { bareCondition } from "../expr/condition.ts";
import type { JsonValue } from "../json.ts";
import { normaliseTriggers } from "../trigger/normalise-triggers.ts";
import { truncate } from "../truncate.ts";
import { parseDuration } from "./duration.ts";
import type { JobFile, ParamFile, PipelineFile, StepFile } from "./file.ts";
import type { Approval, Job, ParamSchema, ParamsSchema, Pipeline, StepDescription, StepSpec } from "./pipeline.ts";
import { RETRY_ON, type Retry } from "./retry.ts";
import { innerTypes, normaliseType } from "./types/normalise-type.ts";
import { WORK, type Work, workOfStep } from "./work.ts";

export const DEFAULT_JOB_TIMEOUT_MS = 3_600_000;
/** The id of the job that `undo` adds, and the name of the pipeline that it runs. */
const UNDO = "undo";
const DEFAULT_RETRY_DELAY_MS = 10_000;

export function normalise(file: PipelineFile, steps: ReadonlyMap<string, StepDescription>): Pipeline {
  const title = file.title ?? file.name;
  return {
    name: file.name,
    title,
    summary: file.summary ?? "",
    button: file.button ?? `Run ${file.title ?? file.name}`,
    app: file.app ?? "existing",
    ...(file.action === undefined ? {} : { action: file.action }),
    ...(file.apps === undefined ? {} : { apps: file.apps }),
    ...(file.triggers === undefined ? {} : { triggers: normaliseTriggers(file.triggers) }),
    params: paramsSchema(file.params ?? {}),
    concurrency:
      file.concurrency === undefined
        ? undefined
        : typeof file.concurrency === "string"
          ? { group: file.concurrency, policy: "queue" }
          : { ...file.concurrency, policy: file.concurrency.policy ?? "queue" },
    ...(file.priority === undefined ? {} : { priority: file.priority }),
    ...expiry(file.expires),
    jobs: Object.entries(file.jobs).map(([id, job]) => normaliseJob(id, job, steps)),
    finally: [
      ...Object.entries(file.finally ?? {}).map(([id, job]) => normaliseJob(id, job, steps)),
      ...(file.undo === undefined ? [] : [undoJob(steps)]),
    ],
    ...(file.undo === undefined ? {} : { undo: file.undo }),
    ...(file.callback === undefined
      ? {}
      : { callback: typeof file.callback === "string" ? { url: file.callback } : file.callback }),
    outputs: file.outputs ?? {},
    remember: file.remember ?? {},
    ...(file.build === undefined ? {} : { build: file.build }),
  };
}

function normaliseJob(id: string, job: JobFile, steps: ReadonlyMap<string, StepDescription>): Job {
  return {
    id,
    title: job.title ?? id,
    needs: list(job.needs),
    site: job.site ?? "",
    labels: list(job.labels),
    each: job.each,
    ...normaliseMatrix(job.matrix),
    ...(job.maxParallel === undefined ? {} : { maxParallel: job.maxParallel }),
    ...(job.continueOnError === undefined || job.continueOnError === false
      ? {}
      : { continueOnError: job.continueOnError }),
    ...(job.failFast === undefined || job.failFast === false ? {} : { failFast: job.failFast }),
    when: bareCondition(job.when),
    timeoutMs: duration(job.timeout) ?? DEFAULT_JOB_TIMEOUT_MS,
    ...(job.concurrency === undefined ? {} : { concurrency: normaliseJobConcurrency(job.concurrency) }),
    ...expiry(job.expires),
    retry: normaliseRetry(job.retry ?? 0),
    mode: job.mode ?? "strict",
    retrySafe: job.retrySafe ?? false,
    env: job.env ?? {},
    outputs: job.outputs ?? {},
    ...(job.outputTypes === undefined ? {} : { outputTypes: normaliseTypes(job.outputTypes) }),
    ...(job.deploys === undefined ? {} : { deploys: job.deploys }),
    ...(job.environment === undefined ? {} : { environment: job.environment }),
    ...(job.approval === undefined ? {} : { approval: normaliseApproval(job.approval) }),
    ...(job.download === undefined ? {} : { download: normaliseDownloads(job.download) }),
    ...(job.artifacts === undefined ? {} : { artifacts: normaliseArtifacts(job.artifacts) }),
    ...(job.cache === undefined ? {} : { cache: normaliseCaches(job.cache) }),
    ...(job.pipeline === undefined ? {} : { pipeline: job.pipeline }),
    ...(job.params === undefined ? {} : { params: job.params }),
    ...(job.wait === false ? { wait: false as const } : {}),
    steps: normaliseSteps(job.steps ?? [], steps),
    work: workOf(job.steps ?? [], steps),
  };
}

/** Takes back what the task has created, when it has failed. */
function undoJob(steps: ReadonlyMap<string, StepDescription>): Job {
  const file: JobFile = { title: "Undo", pipeline: UNDO, when: 'status == "failed"' };
  return { ...normaliseJob(UNDO, file, steps), undo: true };
}

function normaliseJobConcurrency(file: NonNullable<JobFile["concurrency"]>): NonNullable<Job["concurrency"]> {
  const { policy = "queue", ...rest } = typeof file === "string" ? { group: file } : file;
  return { ...rest, policy };
}

function normaliseMatrix(file: JobFile["matrix"]): Pick<Job, "matrix" | "matrixInclude" | "matrixExclude"> {
  if (file === undefined) return { matrix: undefined };
  const { include, exclude, ...matrix } = file;
  return {
    matrix,
    ...(include === undefined ? {} : { matrixInclude: include }),
    ...(exclude === undefined ? {} : { matrixExclude: exclude }),
  };
}

function normaliseApproval(file: NonNullable<JobFile["approval"]>): Approval {
  const { question, inputs, ...approvers } = typeof file === "string" ? { question: file } : file;
  return { question, ...approversOf(approvers), ...(inputs === undefined ? {} : { inputs: paramsSchema(inputs) }) };
}

function workOf(files: readonly StepFile[], steps: ReadonlyMap<string, StepDescription>): readonly Work[] {
  const found = files.map(({ uses }) => {
    const step = uses === undefined ? undefined : steps.get(uses);
    return uses !== undefined && step === undefined ? undefined : workOfStep(step);
  });
  return WORK.filter((work) => found.includes(work));
}

/** Without `on`, every bad outcome is retried: the usual reason for `retry` is a script that sometimes fails. */
function normaliseRetry(file: NonNullable<JobFile["retry"]>): Retry {
  const {
    max,
    delay,
    on = RETRY_ON,
    exitCodes,
    errors,
    backoff,
    maxDelay,
  } = typeof file === "number" ? { max: file } : file;
  const maxDelayMs = duration(maxDelay);
  return {
    max,
    delayMs: duration(delay) ?? DEFAULT_RETRY_DELAY_MS,
    on,
    ...(exitCodes === undefined ? {} : { exitCodes }),
    ...(errors === undefined ? {} : { errors }),
    ...(backoff === undefined ? {} : { backoff }),
    ...(maxDelayMs === undefined ? {} : { maxDelayMs }),
  };
}

function normaliseSteps(files: readonly StepFile[], steps: ReadonlyMap<string, StepDescription>): readonly StepSpec[] {
  const ids = stepIds(files);
  return files.map((step, index) => ({
    id: ids[index] ?? `step-${index + 1}`,
    title: step.title ?? defaultTitle(step, steps),
    when: bareCondition(step.when),
    timeoutMs: duration(step.timeout),
    ...(step.retry === undefined ? {} : { retry: normaliseRetry(step.retry) }),
    ...(step.continueOnError === true ? { continueOnError: true as const } : {}),
    ...(step.scope === undefined ? {} : { scope: step.scope }),
    ...(step.missingSystem === undefined ? {} : { missingSystem: step.missingSystem }),
    env: step.env ?? {},
    action:
      step.uses === undefined
        ? {
            kind: "run",
            run: step.run ?? "",
            shell: step.shell ?? "sh",
            workingDirectory: step.workingDirectory,
          }
        : { kind: "uses", uses: step.uses, with: step.with ?? {} },
  }));
}

/**
 * A step without an id is named after the step that it uses (`git/checkout` is `checkout`); a script is named `run`. If the
 * id is taken, a number is added.
 */
export function stepIds(files: readonly { readonly id?: unknown; readonly uses?: unknown }[]): readonly string[] {
  const taken = new Set(files.flatMap((step) => (typeof step.id === "string" ? [step.id] : [])));
  return files.map((step) => {
    if (typeof step.id === "string") return step.id;
    const base = typeof step.uses === "string" ? (step.uses.split("/").at(-1) ?? "step") : "run";
    let id = base;
    for (let count = 2; taken.has(id); count += 1) id = `${base}-${count}`;
    taken.add(id);
    return id;
  });
}

function defaultTitle(step: StepFile, steps: ReadonlyMap<string, StepDescription>): string {
  if (step.uses !== undefined) return steps.get(step.uses)?.title ?? step.uses;
  const first = (step.run ?? "").split("\n").find((line) => line.trim() !== "") ?? "Run a script";
  return truncate(first.trim(), 80);
}

/** The JSON Schema of params in the form of a file. */
export function paramsSchema(params: NonNullable<PipelineFile["params"]>): ParamsSchema {
  const entries = Object.entries(params).map(([name, param]): [string, ParamFile] => [
    name,
    typeof param === "string" ? { type: param, required: true } : param,
  ]);
  return {
    type: "object",
    properties: Object.fromEntries(entries.map(([name, param]) => [name, paramSchema(param)])),
    // Only a parameter without a default can be missing.
    required: entries
      .filter(([, param]) => param.required === true && param.default === undefined)
      .map(([name]) => name),
    additionalProperties: false,
  };
}

function paramSchema(file: ParamFile): ParamSchema {
  const { required: _, ui, items, properties, additionalProperties, ...rest } = file;
  const inner = innerTypes({ items, properties, additionalProperties });
  return { ...rest, ...inner, ...(ui === undefined ? {} : { "x-ui": ui }) };
}

function normaliseTypes(file: NonNullable<JobFile["outputTypes"]>): NonNullable<Job["outputTypes"]> {
  return Object.fromEntries(Object.entries(file).map(([name, type]) => [name, normaliseType(type)]));
}

function expiry(text: string | undefined): { readonly expiresMs?: number } {
  const expiresMs = duration(text);
  return expiresMs === undefined ? {} : { expiresMs };
}

function duration(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text);
}

function list<T extends JsonValue>(value: string | readonly T[] | undefined): readonly (T | string)[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}
