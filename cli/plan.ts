// `gantry plan FILE`: prints the jobs of a pipeline in the order in which they run, as text or as a Mermaid diagram.

import { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { formatDuration } from "@gantry/core/pipeline/duration.ts";
import { expandJob } from "@gantry/core/pipeline/expand.ts";
import { checkParams } from "@gantry/core/pipeline/params.ts";
import type { Job, Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import { parse as parseYaml } from "yaml";
import { line } from "./lint.ts";
import { type FileIo, readArgument, readCatalogue, readPipeline } from "./pipeline-file.ts";

const USAGE = `Usage: gantry plan FILE [--param NAME=VALUE]… [--app FILE]

Shows the jobs of a pipeline in the order in which they run. Expressions with unknown values are shown as they are.

  --param NAME=VALUE   a parameter; the value is read as YAML
  --app FILE           the app's record, as JSON or YAML: { name, source, targets, facts … }
  --format FORMAT      text (default) or mermaid
  --steps FILE         the step catalogue (default: that of this version)
`;

/** One job of the plan. `known` is false when its site or its elements depend on unknown values. */
export type PlannedJob = {
  readonly job: Job;
  readonly key: string;
  readonly site: string;
  readonly final: boolean;
  readonly known: boolean;
};

type Options = {
  readonly file: string;
  readonly params: JsonObject;
  readonly app: string | undefined;
  readonly format: "text" | "mermaid";
  readonly steps: string | undefined;
};

export async function plan(argv: readonly string[], io: FileIo): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === "string") {
    (options === "" ? io.stdout : io.stderr)(options === "" ? USAGE : `${options}\n\n${USAGE}`);
    return options === "" ? 0 : 2;
  }
  const { pipeline, problems } = readPipeline(io, options.file, readCatalogue(io, options.steps));
  for (const one of problems) io.stderr(`${line(one)}\n`);
  if (pipeline === undefined) return 2;
  const app = options.app === undefined ? undefined : readApp(io, options.app);
  const scope: JsonObject = isJsonObject(app) ? { app, task: {} } : { task: {} };
  const { params, problems: wrong } = checkParams(pipeline.params, options.params, scope);
  const given = wrong.filter(({ pointer = "" }) => Object.hasOwn(options.params, pointer.split("/")[1] ?? ""));
  for (const one of given) io.stderr(`--param: ${one.detail}\n`);
  if (given.length > 0) return 2;
  const jobs = planJobs(pipeline, { ...scope, params });
  io.stdout(options.format === "mermaid" ? planMermaid(jobs) : planText(pipeline, jobs));
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
        return expandJob(job, scope).map(({ key, site }) => ({ job, key, site, final, known: true }));
      } catch (error) {
        if (!(error instanceof GantryError)) throw error;
        const key = job.each === undefined && job.matrix === undefined ? job.id : `${job.id}[…]`;
        return [{ job, key, site: String(job.site), final, known: false }];
      }
    });
  return [...inOrder(pipeline.jobs, false), ...inOrder(pipeline.finally, true)];
}

export function planText(pipeline: Pipeline, jobs: readonly PlannedJob[]): string {
  const lines = [`${pipeline.name}: ${pipeline.title}`, ...(pipeline.summary === "" ? [] : [pipeline.summary])];
  for (const { job, key, site, final } of jobs) {
    const facts = [
      `at ${site}`,
      ...(job.needs.length > 0 ? [`after ${job.needs.join(", ")}`] : []),
      ...(final ? ["at the end, also after a failure"] : []),
      ...(job.when === undefined ? [] : [`when ${job.when}`]),
      `at most ${formatDuration(job.timeoutMs)}`,
    ];
    lines.push("", `${key} · ${job.title}`, `  ${facts.join(" · ")}`);
    job.steps.forEach((step, index) => {
      const action = step.action.kind === "uses" ? step.action.uses : "script";
      lines.push(`  ${String(index + 1).padStart(2)}. ${step.title} (${action})`);
    });
  }
  return `${lines.join("\n")}\n`;
}

export function planMermaid(jobs: readonly PlannedJob[]): string {
  const node = new Map(jobs.map((one, index) => [one.key, `j${index}`]));
  const lines = jobs.map((one) => {
    const text = `${one.job.title}<br/>${one.key} at ${one.site}`;
    return `  ${node.get(one.key)}["${text.replaceAll('"', "#quot;")}"]`;
  });
  for (const one of jobs) {
    for (const before of jobs.filter((other) => one.job.needs.includes(other.job.id))) {
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

/** The options, an empty text for `--help`, or an error message. */
function readOptions(argv: readonly string[]): Options | string {
  const options = {
    param: { type: "string", multiple: true },
    app: { type: "string" },
    format: { type: "string" },
    steps: { type: "string" },
    help: { type: "boolean", short: "h" },
  } as const;
  try {
    const { values, positionals } = parseFlags(argv, options);
    if (values.help === true) return "";
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) return "Name exactly one file.";
    const format = values.format ?? "text";
    if (format !== "text" && format !== "mermaid") return `There is no format ${format}.`;
    return { file, params: readParams(values.param ?? []), app: values.app, format, steps: values.steps };
  } catch (error) {
    // parseArgs and YAML throw for invalid arguments; the message says which.
    return error instanceof Error ? error.message : String(error);
  }
}

function readParams(texts: readonly string[]): JsonObject {
  return Object.fromEntries(
    texts.map((text): [string, JsonValue] => {
      const at = text.indexOf("=");
      if (at < 1) throw new Error(`--param ${text}: write NAME=VALUE`);
      return [text.slice(0, at), parseYaml(text.slice(at + 1), { maxAliasCount: 0 }) as JsonValue];
    }),
  );
}
