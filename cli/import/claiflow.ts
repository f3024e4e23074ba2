// claiflow: a flow becomes a pipeline. Steps between two loops share a job; a loop is a job with `each`.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { expressionOf, outputsOf, type Scope } from "./claiflow-values.ts";
import { member, Untranslatable } from "./expression.ts";
import type { ForeignFile, Path } from "./foreign-file.ts";
import type { Notes } from "./notes.ts";
import { compact, type ImportOptions, idOf, listOf, orNothing } from "./target.ts";

type Note = (path: Path, what: string) => void;
type Job = { readonly id: string; readonly body: { [key: string]: JsonValue } };
type Flow = {
  readonly note: Note;
  readonly commands: JsonObject;
  readonly jobs: Job[];
  readonly site: string;
  /** Names of params → whether a loop runs over it. */
  readonly inputs: Map<string, boolean>;
};

/** The name of a command is all that a flow says of it: what it does is in the code of a client. */
const UNKNOWN = "is not in the file: write it into the step, or give it with --commands";

export function importClaiflow({ root, placeOf }: ForeignFile, options: ImportOptions, notes: Notes): JsonObject {
  const note: Note = (path, what) => notes.add(placeOf(path), what);
  const [flow, at] = stepsOf(root);
  const site = options.site ?? "${{ params.site }}";
  const state: Flow = { note, commands: options.commands ?? {}, jobs: [], site, inputs: inputsIn(flow) };
  let scope: Scope = { inputs: { kind: "inputs" } };
  let hidden: ReadonlySet<string> | undefined;
  let last: string | undefined;
  const shown: { [id: string]: string } = {};
  for (const [index, step] of flow.entries()) {
    const path = [...at, index];
    if (!isJsonObject(step)) continue;
    const id = typeof step.$id === "string" ? step.$id : `step${index + 1}`;
    if (step.$print !== undefined) {
      hidden = new Set(isJsonObject(step.$print) ? listOf(step.$print.hide).map(String) : []);
      continue;
    }
    scope =
      step.$range === undefined ? readBranches(state, step, id, path, scope) : readLoop(state, step, id, path, scope);
    const meaning = scope[id];
    if (meaning?.kind === "loop") last = outputsOf(meaning);
    if (meaning?.kind === "step") last = meaning.value;
    if (last !== undefined) shown[id] = last;
  }
  const results = hidden
    ? Object.fromEntries(Object.entries(shown).filter(([id]) => !hidden.has(id)))
    : last
      ? { result: last }
      : {};
  return compact({
    name: options.name,
    title: typeof root.name === "string" ? root.name : undefined,
    summary: typeof root.summary === "string" ? root.summary : undefined,
    app: "none",
    params: orNothing({
      ...(options.site === undefined ? { site: { type: "string", title: "Site", ui: "site" } } : {}),
      ...paramsOf(root.inputs, state.inputs),
    }),
    jobs: Object.fromEntries(state.jobs.map(({ id, body }) => [id, body])),
    outputs: orNothing(
      Object.fromEntries(Object.entries(results).map(([id, value]) => [plain(id), `\${{ ${inTask(value, state)} }}`])),
    ),
  });
}

/** A template of a database has the flow as text or as a list; a file may also be the list alone. */
function stepsOf(root: JsonObject): readonly [readonly JsonValue[], Path] {
  const flow = root.flow ?? root.steps;
  return [
    typeof flow === "string" ? listOf(parsedText(flow)) : listOf(flow),
    root.flow === undefined ? ["steps"] : ["flow"],
  ];
}

/** JSON as text, as a database has it. What is none counts as nothing. */
function parsedText(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}

/** The job of the steps after the last loop. */
function currentJob(state: Flow): Job {
  const last = state.jobs.at(-1);
  if (last && last.body.each === undefined) return last;
  return newJob(state, state.jobs.length === 0 ? "run" : `run-${state.jobs.length + 1}`);
}

function newJob(state: Flow, id: string, more: JsonObject = {}): Job {
  const needs = orNothing(state.jobs.map((job) => job.id));
  const job: Job = { id, body: { ...compact({ needs, site: state.site, ...more }), steps: [], outputs: {} } };
  state.jobs.push(job);
  return job;
}

/** A command, or `$condition` with `$then` and `$else`. */
function readBranches(state: Flow, step: JsonObject, id: string, path: Path, scope: Scope, when?: string): Scope {
  if (step.$condition === undefined) return readCommand(state, currentJob(state), step, id, path, scope, when);
  const condition = said(state, path, () => expressionOf(step.$condition ?? null, inScope(scope, state)));
  const branch = (key: "$then" | "$else", inside: Scope, holds: string): Scope =>
    listOf(step[key]).reduce<Scope>((all, one, index) => {
      if (!isJsonObject(one)) return all;
      const inner = typeof one.$id === "string" ? one.$id : `${id}${key.slice(1)}${index + 1}`;
      return readBranches(
        state,
        one,
        inner,
        [...path, key, index],
        all,
        when === undefined ? holds : `(${when}) && ${holds}`,
      );
    }, inside);
  return branch("$else", branch("$then", scope, `(${condition ?? "1 == 2"})`), `!(${condition ?? "1 == 2"})`);
}

function readCommand(
  state: Flow,
  job: Job,
  step: JsonObject,
  id: string,
  path: Path,
  scope: Scope,
  when?: string,
): Scope {
  const command = String(step.$command ?? "");
  const known = state.commands[command];
  const inputs = step.inputs ?? {};
  const inside = inScope(scope, state, job.id);
  const stepId = idOf(id, "step");
  const value = said(state, path, () => expressionOf(inputs, inside)) ?? "{}";
  const made: { [key: string]: JsonValue } = {
    id: stepId,
    title: command === "" ? id : command,
    ...(when === undefined ? {} : { when }),
  };
  let result = `fromJson(${member(["steps", stepId])}.outputs.result)`;
  if (isJsonObject(known) && typeof known.uses === "string") {
    made.uses = known.uses;
    if (isJsonObject(inputs))
      made.with = Object.fromEntries(
        Object.entries(inputs).map(([key, one]) => [
          key,
          `\${{ ${said(state, path, () => expressionOf(one, inside)) ?? '""'} }}`,
        ]),
      );
    result = `${member(["steps", stepId])}.outputs`;
  } else if (isJsonObject(known) && typeof known.run === "string") {
    made.run = known.run;
    if (typeof known.shell === "string") made.shell = known.shell;
    made.env = { INPUTS: `\${{ toJson(${value}) }}` };
  } else {
    state.note(path, `the command ${command} ${UNKNOWN}`);
    made.run = `echo ${JSON.stringify(`the command ${command} was not carried over`)}\nexit 1\n`;
    made.env = { INPUTS: `\${{ toJson(${value}) }}` };
  }
  (job.body.steps as JsonValue[]).push(made);
  // A step that a condition has skipped has no output.
  if (when === undefined) (job.body.outputs as { [name: string]: JsonValue })[plain(id)] = `\${{ ${result} }}`;
  return { ...scope, [id]: { kind: "step", value: `${job.id}:${result}`, inputs, scope: inside } };
}

function readLoop(state: Flow, step: JsonObject, id: string, path: Path, scope: Scope): Scope {
  const inside = inScope(scope, state);
  const range = step.$range ?? [];
  const each: JsonValue = Array.isArray(range)
    ? range.map((val: JsonValue, key: number) => ({ key, val }))
    : `\${{ ${said(state, path, () => expressionOf(range, inside)) ?? "[]"}.map(one, {"val": one}) }}`;
  if (!Array.isArray(range) && JSON.stringify(step.$steps ?? []).includes(`$${id}.key`))
    state.note([...path, "$range"], `\`$${id}.key\` is only known for a list that is written in the flow`);
  const job = newJob(state, idOf(id, "loop"), { each });
  const steps: string[] = [];
  let own: Scope = { ...scope, [id]: { kind: "element", value: "each" } };
  for (const [index, one] of listOf(step.$steps).entries()) {
    if (!isJsonObject(one)) continue;
    if (one.$range !== undefined || one.$condition !== undefined || one.$print !== undefined) {
      state.note([...path, "$steps", index], "a loop, a condition or a print inside of a loop has no counterpart");
      continue;
    }
    const inner = typeof one.$id === "string" ? one.$id : `step${index + 1}`;
    own = readCommand(state, job, one, inner, [...path, "$steps", index], own);
    steps.push(plain(inner));
  }
  return { ...scope, [id]: { kind: "loop", list: `${job.id}:each`, steps } };
}

/** Values are known as `JOB:EXPRESSION`: in the job itself that is the expression, in later ones its output. */
function inScope(scope: Scope, state: Flow, current = currentOf(state)): Scope {
  return Object.fromEntries(
    Object.entries(scope).map(([name, meaning]) => {
      if (meaning.kind === "step") return [name, { ...meaning, value: seenFrom(current, meaning.value, name) }];
      if (meaning.kind === "loop")
        return [name, { ...meaning, list: `${member(["needs", meaning.list.split(":")[0] ?? ""])}.each` }];
      return [name, meaning];
    }),
  );
}

function currentOf(state: Flow): string {
  const last = state.jobs.at(-1);
  return last && last.body.each === undefined ? last.id : "";
}

function seenFrom(current: string, value: string, name: string): string {
  const at = value.indexOf(":");
  return value.slice(0, at) === current
    ? value.slice(at + 1)
    : `${member(["needs", value.slice(0, at)])}.outputs.${plain(name)}`;
}

/** A value at the end of the task, where only outputs of jobs are known. */
function inTask(value: string, state: Flow): string {
  const whole = /^([\w-]+):(.*)$/s.exec(value);
  const loop = /^([\w-]+):each(\.map.*)$/s.exec(value);
  if (loop) return `${member(["jobs", loop[1] ?? ""])}.each${loop[2] ?? ""}`;
  if (!whole) return value;
  const job = state.jobs.find(({ id }) => id === whole[1]);
  const output = Object.entries(isJsonObject(job?.body.outputs) ? job.body.outputs : {}).find(
    ([, one]) => one === `\${{ ${whole[2] ?? ""} }}`,
  );
  return `${member(["jobs", whole[1] ?? ""])}.outputs.${output?.[0] ?? ""}`;
}

function said(state: Flow, path: Path, say: () => string): string | undefined {
  try {
    return say();
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    state.note(path, error.message);
    return undefined;
  }
}

function inputsIn(flow: readonly JsonValue[]): Map<string, boolean> {
  const inputs = new Map<string, boolean>();
  const text = JSON.stringify(flow);
  for (const [, loop, name = ""] of text.matchAll(/("\$range":)?"\$inputs\.([A-Za-z_]\w*)/g))
    inputs.set(name, (inputs.get(name) ?? false) || loop !== undefined);
  return inputs;
}

/** From the JSON Schema of the template; without one, what the flow names. */
function paramsOf(schema: JsonValue | undefined, used: ReadonlyMap<string, boolean>): JsonObject {
  const parsed = typeof schema === "string" ? parsedText(schema) : schema;
  const properties = isJsonObject(parsed) && isJsonObject(parsed.properties) ? parsed.properties : {};
  const required = isJsonObject(parsed) ? listOf(parsed.required) : [];
  const params: { [name: string]: JsonValue } = {};
  for (const [name, isList] of used)
    if (properties[name] === undefined) params[name] = isList ? { type: "array", items: "string" } : "string";
  for (const [name, value] of Object.entries(properties)) {
    const property = isJsonObject(value) ? value : {};
    const items =
      isJsonObject(property.items) && typeof property.items.type === "string" ? property.items.type : undefined;
    params[name] = compact({
      type: typeof property.type === "string" ? property.type : "string",
      description: typeof property.description === "string" ? property.description : undefined,
      items: property.type === "array" ? (items ?? "string") : undefined,
      required: required.includes(name) ? true : undefined,
    });
  }
  return params;
}

/** Names of outputs have no hyphens. */
function plain(name: string): string {
  return idOf(name, "step").replaceAll("-", "_");
}
