// Rules for expressions: they are valid, and everything that they use exists and is available at that place.

import { BUILD_KEYS } from "../build/build.ts";
import { VARIABLES } from "../expr/environment.ts";
import { checkExpression } from "../expr/expression.ts";
import type { Reference } from "../expr/references.ts";
import { cutText } from "../expr/template.ts";
import type { PathProblem } from "../issues.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import { namesOf } from "../matrix/matrix.ts";
import { didYouMean } from "../suggest.ts";
import { factNames } from "../trigger/facts.ts";
import type { TriggerKind } from "../trigger/trigger.ts";
import { resolve } from "./json-schema.ts";
import { type Job, mayWait, type Pipeline, type StepSpec } from "./pipeline.ts";
import { placesOf, type TemplatePlace, type Variable } from "./places.ts";
import type { RuleContext } from "./rule.ts";
import { type Found, sourcesIn, textsOf } from "./template-sources.ts";
import { declaredType, optionalMember, wrongMember } from "./types/known-types.ts";

const TASK_FACTS = ["id", "url", "requestedBy", "pipeline", "app", "rollback"];
const BUILD_FIELDS: readonly string[] = [...BUILD_KEYS, "number", "app", "task", "by", "at"];
const SECRET = /^[A-Za-z_][A-Za-z0-9_.-]{0,99}$/;

export function goodExpressions(context: RuleContext): readonly PathProblem[] {
  return placesOf(context.pipeline).flatMap((place) =>
    place.condition
      ? checkCondition(context, place, String(place.template))
      : textsOf(place.template, place.path).flatMap(({ source, path }) => checkText(context, place, source, path)),
  );
}

/** Parameters that may be absent but are used unconditionally. Not an error, because a `when:` may guard them. */
export function absentParams({ pipeline }: RuleContext): readonly PathProblem[] {
  const { properties, required } = pipeline.params;
  const mayBeAbsent = (name: string) =>
    Object.hasOwn(properties, name) && properties[name]?.default === undefined && !required.includes(name);
  return doubtsAbout(pipeline, ({ variable, path: [name, ...rest], certain }) => {
    if (variable !== "params" || name === undefined || certain < 1) return undefined;
    if (mayBeAbsent(name))
      return `params.${name} may be absent; give it a default, or write params.?${name}.orValue(…)`;
    const absent = Object.hasOwn(properties, name) && optionalMember(properties[name], rest, certain - 1);
    if (!absent) return undefined;
    const before = ["params", name, ...absent.slice(0, -1)].join(".");
    return `${before}.${absent.at(-1)} may be absent; make it required, or write ${before}.?${absent.at(-1)}.orValue(…)`;
  });
}

/** Facts of a trigger that not every start of the task has. Not an error, because a `when:` may guard them. */
export function absentFacts({ pipeline }: RuleContext): readonly PathProblem[] {
  const isInTrigger = ({ path }: TemplatePlace): boolean => path[0] === "triggers";
  return doubtsAbout(pipeline, ({ variable, path: [name], certain }, place) =>
    variable !== "trigger" || name === undefined || name === "kind" || certain < 1 || isInTrigger(place)
      ? undefined
      : `trigger.${name} is absent when a person starts the task; write trigger.?${name}.orValue(…)`,
  );
}

/** Secrets that are not among the known ones. Not an error, because the sites may have others. */
export function unknownSecrets({ pipeline }: RuleContext, known: readonly string[]): readonly PathProblem[] {
  return doubtsAbout(pipeline, ({ variable, path: [name] }) =>
    variable !== "secrets" || name === undefined || known.includes(name)
      ? undefined
      : `there is no secret ${name}${didYouMean(name, known)}`,
  );
}

function doubtsAbout(
  pipeline: Pipeline,
  doubt: (reference: Reference, place: TemplatePlace) => string | undefined,
): readonly PathProblem[] {
  return placesOf(pipeline).flatMap((place) =>
    sourcesIn(place).flatMap(({ source, path }) => {
      const expression = checkExpression(source);
      if ("problem" in expression) return [];
      return expression.references.flatMap((reference) => {
        const detail = doubt(reference, place);
        return detail === undefined ? [] : [problemAt(path, detail, source, reference.offset)];
      });
    }),
  );
}

function checkCondition(context: RuleContext, place: TemplatePlace, source: string): readonly PathProblem[] {
  if (source === "always") return [];
  if (source === "true" || source === "false") {
    const detail =
      source === "true"
        ? "`when: true` has no effect; write `when: always`, or leave it out"
        : "`when: false` never runs";
    return [{ path: place.path, detail, on: "value" }];
  }
  return checkSource(context, place, source, place.path);
}

function checkText(
  context: RuleContext,
  place: TemplatePlace,
  text: string,
  path: Found["path"],
): readonly PathProblem[] {
  const pieces = cutText(text);
  if ("problem" in pieces) return [{ path, detail: pieces.problem, on: "value" }];
  return pieces.flatMap((piece) =>
    piece.kind === "expression" ? checkSource(context, place, piece.source, path) : [],
  );
}

function checkSource(
  context: RuleContext,
  place: TemplatePlace,
  source: string,
  path: Found["path"],
): readonly PathProblem[] {
  const expression = checkExpression(source);
  if ("problem" in expression) {
    return [problemAt(path, `${expression.problem}${hyphenHint(source)}`, source, expression.offset)];
  }
  return expression.references.flatMap((reference) => {
    const detail = wrongReference(context, place, reference);
    return detail === undefined ? [] : [problemAt(path, detail, source, reference.offset)];
  });
}

const SECRETS_ONLY = "it can only be used in `with` and `env` of a step";

function wrongReference(context: RuleContext, place: TemplatePlace, reference: Reference): string | undefined {
  const variable = reference.variable as Variable;
  const [first] = reference.path;
  if (!place.variables.includes(variable)) return notHere(variable);
  switch (variable) {
    case "params": {
      const { properties } = context.pipeline.params;
      const known = Object.keys(properties);
      if (first !== undefined && Object.hasOwn(properties, first) && properties[first]?.secret === true)
        return place.variables.includes("secrets") ? undefined : `params.${first} is secret: ${SECRETS_ONLY}`;
      if (first === undefined) return undefined;
      return known.includes(first)
        ? wrongMember(properties[first], reference.path.slice(1), `params.${first}`)
        : `there is no param ${first}${didYouMean(first, known)}`;
    }
    case "app":
      if (context.pipeline.app === "none") return "this pipeline has `app: none`, so there is no app";
      if (context.pipeline.app === "new" && first !== "name")
        return "the app does not exist yet: only app.name is known";
      return undefined;
    case "build": {
      const { properties } = context.pipeline.params;
      if (!Object.values(properties).some((param) => param["x-ui"] === "build"))
        return "a build is only known in a pipeline that has a param with `ui: build`";
      return first === undefined || BUILD_FIELDS.includes(first)
        ? undefined
        : `there is no build.${first}${didYouMean(first, BUILD_FIELDS)}`;
    }
    case "task":
      return first === undefined || TASK_FACTS.includes(first)
        ? undefined
        : `there is no task.${first}${didYouMean(first, TASK_FACTS)}`;
    case "trigger":
      return wrongFact(context, place, first);
    case "each":
      if (place.job?.each !== undefined) return undefined;
      return place.job?.matrix === undefined
        ? "`each` is only known in a job with `each` or `matrix`"
        : wrongAxis(place.job, first);
    case "needs":
    case "jobs":
      return wrongNeed(context, place, reference);
    case "approval":
      return place.job && wrongApproval(place.job, reference.path, "approval");
    case "steps":
      return wrongStep(context, place, reference);
    case "secrets":
      if (first === undefined) return "name one secret: secrets.NAME";
      return SECRET.test(first) ? undefined : `${first} is not the name of a secret`;
    case "defaults":
      // Sites differ, and the set of definitions has them, not this file.
      return undefined;
    case "site":
    case "status":
      return first === undefined ? undefined : `${variable} is text and has no member ${first}`;
  }
}

/** Which triggers may have started the task at this place. */
function triggerKinds({ pipeline: { triggers = [] } }: Pick<RuleContext, "pipeline">, { path }: TemplatePlace) {
  const [top, index] = path;
  const here = top === "triggers" && typeof index === "number" ? triggers.slice(index, index + 1) : triggers;
  return here.map(({ kind }): TriggerKind => kind);
}

function wrongFact(context: RuleContext, place: TemplatePlace, name: string | undefined): string | undefined {
  const kinds = triggerKinds(context, place);
  const known = factNames(kinds);
  if (name === undefined || known.includes(name)) return undefined;
  const whose = kinds.length === 0 ? "this pipeline has no triggers" : `of ${[...new Set(kinds)].join(", ")}`;
  return `there is no trigger.${name} (${whose})${didYouMean(name, known)}`;
}

function wrongAxis(job: Job, axis: string | undefined): string | undefined {
  const names = namesOf(job);
  if (axis === undefined || names.includes(axis)) return undefined;
  return `the matrix has no axis ${axis}${didYouMean(axis, names)}`;
}

function wrongNeed({ pipeline, jobIds }: RuleContext, place: TemplatePlace, reference: Reference): string | undefined {
  const { variable, path } = reference;
  const [id, member, output] = path;
  if (id === undefined) return undefined;
  if (!jobIds.includes(id)) return `there is no job ${id}${didYouMean(id, jobIds)}`;
  if (!place.needs.includes(id)) {
    const owner = place.job?.id ?? "the pipeline";
    return `${owner} does not need the job ${id}; add it to \`needs\``;
  }
  if (member === undefined) return undefined;
  const job = [...pipeline.jobs, ...pipeline.finally].find((one) => one.id === id);
  if (job === undefined) return undefined;
  const many = job.each !== undefined || job.matrix !== undefined;
  if (member === "outcome") return undefined;
  if (member === "approval") {
    if (many) return `the job ${id} runs once per element: its approvals are in ${variable}.${id}.each`;
    return wrongApproval(job, path.slice(2), `${variable}.${id}.approval`);
  }
  if (member === "each") return many ? undefined : `the job ${id} has neither \`each\` nor \`matrix\``;
  if (member !== "outputs")
    return `a job has outputs, outcome, approval and each, not ${member}${didYouMean(member, ["outputs", "outcome", "approval", "each"])}`;
  if (many) return `the job ${id} runs once per element: its outputs are in ${variable}.${id}.each`;
  const known = Object.keys(job.outputs);
  if (job.wait === false) return `the job ${id} does not wait for its pipeline, so it has no outputs`;
  // Those of its pipeline, which another file has.
  if (output === undefined || job.pipeline !== undefined) return undefined;
  if (!known.includes(output)) return `the job ${id} has no output ${output}${didYouMean(output, known)}`;
  const type = declaredType(pipeline, variable, path.slice(0, 3));
  return wrongMember(type, path.slice(3), `${variable}.${id}.outputs.${output}`);
}

const APPROVAL_FIELDS = ["by", "reason", "inputs"];

function wrongApproval(job: Job, [member, input]: readonly string[], name: string): string | undefined {
  if (!mayWait(job)) return `${name} is only known of a job with \`approval\`, \`environment\` or \`deploys\``;
  if (member === undefined) return undefined;
  if (!APPROVAL_FIELDS.includes(member)) return `there is no ${name}.${member}${didYouMean(member, APPROVAL_FIELDS)}`;
  if (member !== "inputs" || input === undefined) return undefined;
  const known = Object.keys(job.approval?.inputs?.properties ?? {});
  return known.includes(input) ? undefined : `the approval has no input ${input}${didYouMean(input, known)}`;
}

function wrongStep(context: RuleContext, place: TemplatePlace, { path }: Reference): string | undefined {
  const [id, member, ...rest] = path;
  if (id === undefined) return undefined;
  const step = place.steps.find((one) => one.id === id);
  if (step === undefined) {
    const later = place.job?.steps.some((one) => one.id === id) ?? false;
    if (later) return `the step ${id} has not run yet at this place`;
    return `there is no step ${id} before this place${didYouMean(
      id,
      place.steps.map((one) => one.id),
    )}`;
  }
  if (member === undefined || member === "outcome") return undefined;
  if (member !== "outputs")
    return `a step has outputs and outcome, not ${member}${didYouMean(member, ["outputs", "outcome"])}`;
  return wrongOutput(context, step, rest);
}

function wrongOutput({ steps }: RuleContext, { id, action }: StepSpec, path: readonly string[]): string | undefined {
  const root = action.kind === "uses" ? steps.get(action.uses)?.output : undefined;
  let schema: JsonValue | undefined = root;
  for (const name of path) {
    const known: JsonObject | undefined = root === undefined ? undefined : properties(root, schema);
    if (known === undefined) return undefined;
    if (!Object.hasOwn(known, name))
      return `the step ${id} has no output ${path.join(".")}${didYouMean(name, Object.keys(known))}`;
    schema = known[name];
  }
  return undefined;
}

/** The members that a schema allows, or undefined when it allows any. */
function properties(root: JsonObject, schema: JsonValue | undefined): JsonObject | undefined {
  const at = isJsonObject(schema) && typeof schema.$ref === "string" ? resolve(root, schema.$ref) : schema;
  if (!isJsonObject(at) || !isJsonObject(at.properties)) return undefined;
  return isJsonObject(at.additionalProperties) || at.additionalProperties === true ? undefined : at.properties;
}

function notHere(variable: Variable): string {
  if (variable === "secrets")
    return `${variable} can only be used in \`with\` and \`env\` of a step: they never leave the site`;
  if (variable === "steps") return "`steps` is only known in steps and in the outputs of a job";
  // The library has names of types, too.
  if (!VARIABLES.includes(variable)) return `\`${variable}\` alone is no value`;
  return `\`${variable}\` is not known at this place`;
}

/** CEL reads `steps.set-image.outputs` as a subtraction. */
function hyphenHint(source: string): string {
  const match = /\b(needs|jobs|steps|params|app)\.([A-Za-z_]\w*(?:-\w+)+)/.exec(source);
  return match === null ? "" : `; a name with a hyphen is written ${match[1]}["${match[2]}"]`;
}

function problemAt(path: Found["path"], detail: string, source: string, offset: number): PathProblem {
  return { path, detail, on: "value", within: { text: source, offset } };
}
