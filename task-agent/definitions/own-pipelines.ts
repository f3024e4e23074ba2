// Pipelines of apps: files in the folder .gantry of their source repositories, where the platform team allows it. They are
// read when somebody presses a button, by a task at the site that builds the app, so that what was pushed before is what runs.

import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { releaseBranchOf } from "@gantry/core/app/targets.ts";
import { appOfOwn, asOwn, isStillAllowed, ownProblems } from "@gantry/core/choice/check-own.ts";
import { type OwnRule, ownRuleFor } from "@gantry/core/choice/own-policy.ts";
import type { DefinitionFiles } from "@gantry/core/definitions/check-set.ts";
import { GantryError, type Problem } from "@gantry/core/errors.ts";
import { isJsonObject } from "@gantry/core/json.ts";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import { type PipelineText, upstreamProblems } from "@gantry/core/trigger/upstream.ts";
import { keepDefinition, type LiveDefinitions } from "../tasks/definitions.ts";
import { type Definition, definitionOf } from "../tasks/read-definitions.ts";
import { type OwnDefinitions, type StartDeps, startTask } from "../tasks/start-task.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { appStream } from "../tasks/task-stream.ts";
import { unpack } from "./bundle.ts";
import { foundBy } from "./decide-sync.ts";
import { type OwnSource, type OwnState, ownStream } from "./own-stream.ts";

export type OwnPipelines = OwnDefinitions & {
  /** Whether the platform team lets the app have any. */
  readonly mayHave: (app: AppState) => boolean;
  /** Those in force for the app: as read last, without what the platform team does not allow any more. */
  readonly of: (app: AppState) => Promise<readonly Definition[]>;
  /** As read last; undefined before, and for an app that may have none. */
  readonly state: (app: AppState) => Promise<OwnState | undefined>;
  /**
   * Reads them now, if the app may have any. Resolves when the files are in force. Throws `pipeline-invalid` for mistakes in
   * them, and `pipelines-unread` when the task does not end in time or fails.
   */
  readonly read: (app: AppState, principal: string) => Promise<void>;
};

/** No app may have any. */
export const NO_OWN_PIPELINES: OwnPipelines = {
  mayHave: () => false,
  of: async () => [],
  state: async () => undefined,
  named: async () => undefined,
  allows: async () => false,
  read: async () => {},
};

export type OwnDeps = StartDeps & {
  readonly definitions: LiveDefinitions;
  readonly pipeline: Definition;
  /** Resolves when the task has a newer version, or after `waitMs`. */
  readonly taskChanged: (task: string, version: number, waitMs: number, signal: AbortSignal) => Promise<void>;
  readonly monotonicMs: () => number;
};

const FOLDER = ".gantry";
/** To check a large file takes a second. */
const MAX_FILES = 20;
const MAX_PROBLEMS = 100;
/** How long a button waits for its files. A runner that is idle needs about a second. */
const MAX_WAIT_MS = 25_000;
const MAX_CONFLICTS = 8;

export function openOwnPipelines(deps: OwnDeps): OwnPipelines {
  const { journal, definitions } = deps;
  const ruleOf = (app: AppState): OwnRule | undefined => ownRuleFor(definitions.own?.() ?? [], factsOf(app));
  const load = async (app: AppState): Promise<OwnState | undefined> =>
    ruleOf(app) && (await ownStream.load(journal, app.name))?.state;
  const of: OwnPipelines["of"] = async (app) => {
    const rule = ruleOf(app);
    const state = await load(app);
    if (!rule || !state || !isDeepStrictEqual(state.source, sourceOf(app, rule))) return [];
    const all = state.definitions.map(async ({ name: _, ...rest }) => ({
      ...rest,
      pipeline: await definitions.pinned(rest.version),
    }));
    return (await Promise.all(all)).filter(({ pipeline }) => isStillAllowed(pipeline, rule));
  };
  return {
    mayHave: (app) => ruleOf(app) !== undefined,
    state: load,
    of,
    allows: async (pipeline, app) => {
      const loaded = await appStream.load(journal, app);
      const rule = loaded && ruleOf(loaded.state);
      return rule !== undefined && isStillAllowed(pipeline, rule);
    },
    named: async (name, app) => {
      const loaded = app === appOfOwn(name) ? await appStream.load(journal, app ?? "") : undefined;
      return loaded && (await of(loaded.state)).find(({ pipeline }) => pipeline.name === name);
    },
    read: async (app, principal) => {
      const rule = ruleOf(app);
      if (!rule) return;
      const source = sourceOf(app, rule);
      const ended = await waitFor(deps, await startRead(deps, app, source.branch, principal));
      const found = foundBy(ended.state);
      if ("problem" in found) throw unread(app, found.problem);
      const files = await unpack(found.bundle);
      if ("problem" in files) throw unread(app, files.problem);
      const checked = await checkFiles(deps, app, rule, files.files);
      for (const one of checked.definitions) await keepDefinition(journal, one);
      const { problems } = checked;
      await store(deps, app, {
        ...{ task: ended.state.id, at: await deps.tasks.now(), source, commit: found.commit },
        definitions:
          problems.length > 0
            ? []
            : checked.definitions.map(({ pipeline: { name }, version, file = "" }) => ({ name, version, file })),
        ...(problems.length > 0 ? { problems } : {}),
      });
      const [first] = problems;
      if (first === undefined) return;
      const problem = `${first.file}:${first.line}: ${first.detail}`;
      throw new GantryError(
        "pipeline-invalid",
        { file: first.file ?? FOLDER, count: problems.length, problem },
        { problems },
      );
    },
  };
}

async function startRead(deps: OwnDeps, app: AppState, branch: string, principal: string): Promise<TaskRecord> {
  const { pipeline, definitions } = deps;
  await keepDefinition(deps.journal, pipeline);
  const request = {
    pipeline: pipeline.pipeline.name,
    app: app.name,
    params: { branch },
    principal,
    idempotencyKey: `own-pipelines/${deps.newId()}`,
  };
  return startTask({ ...deps, definitions: { ...definitions, current: () => pipeline } }, request);
}

async function waitFor({ tasks, taskChanged, monotonicMs }: OwnDeps, started: TaskRecord): Promise<TaskRecord> {
  const { id } = started.state;
  const until = monotonicMs() + MAX_WAIT_MS;
  for (let record = started; ; ) {
    if (record.state.phase === "ended") return record;
    const left = Math.ceil(until - monotonicMs());
    if (left <= 0) throw new GantryError("pipelines-unread", { task: id, problem: `Task ${id} has not ended yet.` });
    await taskChanged(id, record.version, left, AbortSignal.timeout(left));
    const next = await tasks.read(id);
    if (!next) throw new Error(`task ${id} is not in the journal`);
    record = next;
  }
}

type Checked = { readonly definitions: readonly Definition[]; readonly problems: readonly Problem[] };

/** Every file on top of the folder is a pipeline. Anybody may have written them: other work goes on between two files. */
async function checkFiles(deps: OwnDeps, app: AppState, rule: OwnRule, files: DefinitionFiles): Promise<Checked> {
  const own = [...files].filter(([path]) => !path.includes("/")).toSorted(([one], [other]) => (one < other ? -1 : 1));
  if (own.length > MAX_FILES) {
    const detail = `${FOLDER} holds ${own.length} pipelines; an app may have ${MAX_FILES}`;
    return { definitions: [], problems: [{ file: FOLDER, line: 1, detail }] };
  }
  const definitions: Definition[] = [];
  const problems: Problem[] = [];
  const read: PipelineText[] = [];
  for (const [path, text] of own) {
    const file = `${FOLDER}/${path}`;
    const checked = checkFile(deps, app, rule, { name: file, text });
    problems.push(...checked.problems);
    if (checked.pipeline) read.push({ file, text, pipeline: checked.pipeline });
    if (checked.definition) {
      problems.push(...twinProblems(definitions, checked.definition));
      definitions.push(checked.definition);
    }
    await setImmediate();
  }
  // They may also follow pipelines of the platform team.
  problems.push(...upstreamProblems(read));
  return { definitions, problems: problems.slice(0, MAX_PROBLEMS) };
}

function checkFile(
  { definitions: { steps } }: OwnDeps,
  app: AppState,
  rule: OwnRule,
  file: { readonly name: string; readonly text: string },
): { readonly definition?: Definition; readonly pipeline?: Pipeline; readonly problems: readonly Problem[] } {
  const { name, text } = file;
  if (!name.endsWith(".yaml")) return { problems: [{ file: name, line: 1, detail: "the name must end in .yaml" }] };
  const { pipeline, problems } = parsePipeline(file, steps);
  if (!pipeline) return { problems };
  const own = asOwn(app.name, pipeline, rule);
  // Who wrote it, and what it may do, is part of what tasks are pinned to, so it is part of the version.
  const author = `own pipeline of ${app.name}${rule.builds ? ", which may make builds" : ""}`;
  return {
    pipeline,
    definition: { ...definitionOf(name, `${author}\n${text}`, own), pipeline: own },
    problems: [...problems, ...ownProblems(file, pipeline, rule)],
  };
}

function twinProblems(others: readonly Definition[], { pipeline, file = "" }: Definition): readonly Problem[] {
  const twin = others.find(
    ({ pipeline: { name, action } }) => name === pipeline.name || (action && action === pipeline.action),
  );
  return twin ? [{ file, line: 1, detail: `${twin.file} is for the same button` }] : [];
}

/** The last one wins: each was read later than what is stored, or at the same time. */
async function store({ journal }: OwnDeps, { name }: AppState, state: OwnState): Promise<void> {
  for (let round = 0; round < MAX_CONFLICTS; round += 1) {
    const before = await ownStream.load(journal, name);
    const events = [{ kind: "OwnPipelinesRead", task: state.task }];
    const { ok } = await journal.append([ownStream.append(name, { expected: before?.version ?? 0, events, state })]);
    if (ok) return;
  }
  throw new GantryError("conflict", { what: `The pipelines of the app ${name}` });
}

function sourceOf({ record }: AppState, { branch = releaseBranchOf(record) }: OwnRule): OwnSource {
  const source = isJsonObject(record.source) ? record.source : {};
  return { system: String(source.system), project: String(source.project), slug: String(source.slug), branch };
}

function factsOf({ name, record: { team, labels } }: AppState): Parameters<typeof ownRuleFor>[1] {
  const texts = isJsonObject(labels) ? Object.entries(labels).map(([key, value]) => [key, String(value)]) : [];
  return { app: name, team: typeof team === "string" ? team : undefined, labels: Object.fromEntries(texts) };
}

function unread({ name }: AppState, problem: string): GantryError {
  return new GantryError("pipelines-unread", { app: name, problem: `${problem}.` });
}
