// `gantry pipeline plan FILE` and `graph FILE`: prints the jobs of a pipeline in the order in which they run, as text or as a Mermaid diagram.

import { approvalText, turnsText } from "@gantry/core/concurrency/turns-text.ts";
import { explain, GantryError } from "@gantry/core/errors.ts";
import { referencesIn } from "@gantry/core/expr/template.ts";
import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";
import { formatDuration } from "@gantry/core/pipeline/duration.ts";
import { expandJob } from "@gantry/core/pipeline/expand.ts";
import { checkParams, paramProblemInWords } from "@gantry/core/pipeline/params.ts";
import type { Job, Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import { inZone, nextTimes } from "@gantry/core/trigger/times.ts";
import { waitsFor } from "@gantry/core/trigger/trigger-text.ts";
import { parse as parseYaml } from "yaml";
import { readParams } from "../params.ts";
import type { Call } from "../table/command.ts";
import { line } from "./lint.ts";
import { type FileIo, readArgument, readCatalogue, readPipeline } from "./pipeline-file.ts";

/** One job of the plan. `known` is false when its site or its elements depend on unknown values. */
export type PlannedJob = {
  readonly job: Job;
  readonly key: string;
  readonly site: string;
  readonly final: boolean;
  readonly known: boolean;
  /** Why it does not run, or ends at once, with these values. */
  readonly problem?: string;
};

type Flags = {
  readonly param: readonly string[];
  readonly app: string | undefined;
  readonly steps: string | undefined;
};
const NEXT_TIMES = 5;

type OfFile<F> = Call<F, readonly [file: string]>;

export async function plan(call: OfFile<Flags & { readonly format: string | undefined }>): Promise<number> {
  if (call.flags.format === "mermaid") return graph(call);
  return show(call, (pipeline, jobs) => `${planText(pipeline, jobs)}${triggersText(pipeline, Date.now())}`);
}

export async function graph(call: OfFile<Flags>): Promise<number> {
  return show(call, (_, jobs) => planMermaid(jobs));
}

/** The exit code: 2 when the file or a parameter is wrong. */
function show(
  { io, flags, args: [file] }: OfFile<Flags>,
  print: (pipeline: Pipeline, jobs: readonly PlannedJob[]) => string,
): number {
  const { pipeline, problems } = readPipeline(io, file, readCatalogue(io, flags.steps));
  for (const one of problems) io.stderr(`${line(one)}\n`);
  if (pipeline === undefined) return 2;
  const app = flags.app === undefined ? undefined : readApp(io, flags.app);
  const scope: JsonObject = isJsonObject(app) ? { app, task: {} } : { task: {} };
  const named = readParams(flags.param, io);
  const { params, problems: wrong } = checkParams(pipeline.params, named, scope);
  const given = wrong.filter(({ pointer = "" }) => Object.hasOwn(named, pointer.split("/")[1] ?? ""));
  for (const one of given) io.stderr(`--param: ${paramProblemInWords(one)}\n`);
  if (given.length > 0) return 2;
  io.stdout(print(pipeline, planJobs(pipeline, { ...scope, params })));
  return 0;
}

function readApp(io: FileIo, path: string): unknown {
  const text = readArgument(io, path);
  try {
    return parseYaml(text);
  } catch (error) {
    const [reason = ""] = (error as Error).message.split("\n");
    const problem = `It is not YAML: ${reason.replace(/:$/, "")}.`;
    throw new GantryError("argument-unusable", { argument: `The file ${path}`, problem }, { cause: error });
  }
}

/** Every job comes after the jobs it needs; `finally` jobs are last. */
export function planJobs(pipeline: Pipeline, scope: JsonObject): readonly PlannedJob[] {
  const inOrder = (jobs: readonly Job[], final: boolean) =>
    sorted(jobs).flatMap((job): readonly PlannedJob[] => {
      try {
        const expanded = expandJob(job, scope);
        const empty = { job, key: job.id, site: String(job.site), final, known: true };
        if (expanded.length === 0) return [{ ...empty, problem: "not run, because its `each` gives an empty list" }];
        return expanded.map(({ key, site }) => ({ job, key, site, final, known: true }));
      } catch (error) {
        if (!(error instanceof GantryError)) throw error;
        const key = job.each === undefined && job.matrix === undefined ? job.id : `${job.id}[…]`;
        const { message, why } = explain(error);
        const problem = isKnown(job, pipeline, scope) ? { problem: `ends with an error: ${message} ${why}` } : {};
        return [{ job, key, site: String(job.site), final, known: false, ...problem }];
      }
    });
  return [...inOrder(pipeline.jobs, false), ...inOrder(pipeline.finally, true)];
}

/** Whether the task would know no more than the plan does. */
function isKnown({ each, site, labels }: Job, { params: { required } }: Pipeline, scope: JsonObject): boolean {
  const params = isJsonObject(scope.params) ? scope.params : {};
  const isMissing = (name: string): boolean => required.includes(name) && !Object.hasOwn(params, name);
  return referencesIn([each ?? null, site, [...labels]]).every(({ variable, path: [name] }) => {
    if (variable === "params") return name === undefined ? !required.some(isMissing) : !isMissing(name);
    return variable === "each" || (variable === "app" && scope.app !== undefined);
  });
}

export function planText(pipeline: Pipeline, jobs: readonly PlannedJob[]): string {
  const summary = pipeline.summary === "" ? [] : [pipeline.summary];
  const lines = [`${pipeline.name}: ${pipeline.title}`, ...summary, ...turnsText(pipeline)];
  for (const { job, key, site, final, problem } of jobs) {
    const facts = [
      ...(job.pipeline === undefined ? [`at ${site}`] : [runsInWords(job.pipeline, job.wait)]),
      ...(job.needs.length > 0 ? [`after ${job.needs.join(", ")}`] : []),
      ...(final ? ["at the end, also after a failure"] : []),
      ...(job.when === undefined ? [] : [`when ${job.when}`]),
      ...(job.pipeline === undefined ? [`at most ${formatDuration(job.timeoutMs)}`] : []),
    ];
    lines.push("", `${key} · ${job.title}`, `  ${facts.join(" · ")}`);
    if (job.approval !== undefined) lines.push(`  asks: ${approvalText(job.approval)}`);
    if (problem !== undefined) lines.push(`  ${problem}`);
    job.steps.forEach((step, index) => {
      const action = step.action.kind === "uses" ? step.action.uses : "script";
      lines.push(`  ${String(index + 1).padStart(2)}. ${step.title} (${action})`);
    });
  }
  return `${lines.join("\n")}\n`;
}

function runsInWords(pipeline: string, wait: false | undefined): string {
  return `runs ${pipeline} as a task of its own${wait === false ? ", and does not wait for its end" : ""}`;
}

/** What starts the pipeline by itself, and the next five times of its schedules. */
export function triggersText({ triggers = [] }: Pipeline, nowMs: number): string {
  const lines = triggers.flatMap((trigger) => {
    const times = trigger.kind === "schedule" ? nextTimes(trigger, nowMs, NEXT_TIMES) : [];
    const jitter =
      trigger.kind === "schedule" && trigger.jitterMs > 0 ? ` + up to ${formatDuration(trigger.jitterMs)}` : "";
    const none = trigger.kind === "schedule" && times.length === 0 ? ["    never again"] : [];
    const zone = trigger.kind === "schedule" ? trigger.timeZone : "UTC";
    return [`  ${waitsFor(trigger)}`, ...times.map((at) => `    ${inZone(at, zone)}${jitter}`), ...none];
  });
  return lines.length === 0 ? "" : `\nStarts by itself at:\n${lines.join("\n")}\n`;
}

export function planMermaid(jobs: readonly PlannedJob[]): string {
  const node = new Map(jobs.map((one, index) => [one.key, `j${index}`]));
  const lines = jobs.map((one) => {
    const { pipeline } = one.job;
    const text = `${one.job.title}<br/>${one.key} ${pipeline === undefined ? `at ${one.site}` : `runs ${pipeline}`}`;
    return `  ${node.get(one.key)}["${text.replaceAll('"', "#quot;")}"]`;
  });
  const byId = Map.groupBy(jobs, ({ job }) => job.id);
  for (const one of jobs) {
    for (const before of one.job.needs.flatMap((need) => byId.get(need) ?? [])) {
      lines.push(`  ${node.get(before.key)} --> ${node.get(one.key)}`);
    }
  }
  return `flowchart LR\n${lines.join("\n")}\n`;
}

/** In the order of the file, except that a job comes after those it needs. */
function sorted(jobs: readonly Job[]): readonly Job[] {
  const ids = new Set(jobs.map((job) => job.id));
  const done = new Set<string>();
  const result: Job[] = [];
  while (result.length < jobs.length) {
    const next = jobs.find((job) => !done.has(job.id) && job.needs.every((need) => done.has(need) || !ids.has(need)));
    if (next === undefined) break; // A cycle, which the parser rejects.
    done.add(next.id);
    result.push(next);
  }
  return result;
}
