// One job of a pipeline file becomes one job of the task, or one per element of `each`, or one per combination of `matrix`.

import { type Evaluation, expressionFailed, newEvaluation } from "../expr/expression.ts";
import { render, renderText } from "../expr/template.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { combinationsOf, MAX_EXPANDED, nameOfElement } from "../matrix/matrix.ts";
import type { Job } from "./pipeline.ts";

export type ExpandedJob = {
  /** Unique in the task: `build`, `deploy[seoul]`. */
  readonly key: string;
  /** The element, the values of the matrix by axis, or null. */
  readonly each: JsonValue;
  readonly site: string;
  readonly labels: readonly string[];
  /** Its failure does not count for what comes after it. */
  readonly continueOnError?: true;
};

/** All jobs of a task but those of `finally`. Every change of a task is stored with all of its jobs. */
export const MAX_TASK_JOBS = 2_000;
/** A runner has at most so many labels of at most so many characters: what asks for more would wait for ever. */
const MAX_LABELS = 100;
const MAX_LABEL = 100;
export const SITE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

type ExpandOptions = {
  /** The defaults of a site. Default: none. */
  readonly defaultsAt?: (site: string) => JsonObject;
  /** Shared by all expressions of the job: the values of the scope may be large, and each element evaluates the same ones. */
  readonly evaluation?: Evaluation;
};

/**
 * `scope` has the variables that the job's `each`, `site` and `labels` use; `each` and `defaults` are added here. An empty list
 * gives no jobs. Throws GantryError `expression-failed`.
 */
export function expandJob(
  job: Job,
  scope: JsonObject,
  { defaultsAt = () => ({}), evaluation = newEvaluation() }: ExpandOptions = {},
): readonly ExpandedJob[] {
  const elements = elementsOf(job, scope, evaluation);
  const seen = new Set<string>();
  return elements.map(({ name, each }) => {
    const key = name === undefined ? job.id : `${job.id}[${name}]`;
    if (seen.has(key)) throw expressionFailed(shownEach(job), `two elements of \`each\` have the name ${name}`);
    seen.add(key);
    const inner = { ...scope, each };
    const site = renderText(job.site, inner, evaluation);
    if (job.pipeline === undefined && !SITE.test(site))
      throw expressionFailed(String(job.site), `its value ${JSON.stringify(site)} is not the name of a site`);
    const labels = labelsOf(job, { ...inner, defaults: defaultsAt(site) }, evaluation);
    return { key, each, site, labels, ...(mayFail(job, inner, evaluation) ? { continueOnError: true } : {}) };
  });
}

/** Error messages name a literal list instead of repeating it. */
export function shownEach({ each, matrix }: Pick<Job, "each" | "matrix">): string {
  return typeof each === "string" ? each : matrix ? "matrix" : "each";
}

function elementsOf(
  job: Job,
  scope: JsonObject,
  evaluation: Evaluation,
): readonly { name: string | undefined; each: JsonValue }[] {
  if (job.matrix !== undefined) return combinationsOf(job).map(({ name, values }) => ({ name, each: values }));
  if (job.each === undefined) return [{ name: undefined, each: null }];
  const list = render(job.each, scope, evaluation);
  const shown = shownEach(job);
  if (!isList(list)) throw expressionFailed(shown, "`each` must give a list");
  if (list.length > MAX_EXPANDED) throw expressionFailed(shown, `\`each\` gives more than ${MAX_EXPANDED} elements`);
  return list.map((each, index) => ({ name: nameOfElement(each, index), each }));
}

function mayFail({ continueOnError }: Job, scope: JsonObject, evaluation: Evaluation): boolean {
  const value = continueOnError && render(continueOnError, scope, evaluation);
  if (value === undefined || typeof value === "boolean") return value === true;
  throw expressionFailed(String(continueOnError), "`continueOnError` must give true or false");
}

function labelsOf(job: Job, scope: JsonObject, evaluation: Evaluation): readonly string[] {
  const labels = job.labels.flatMap((label) => renderLabels(label, scope, evaluation));
  if (labels.length > MAX_LABELS) throw expressionFailed("labels", `it gives more than ${MAX_LABELS} labels`);
  return labels;
}

/** An expression may give one label, or a list of labels. */
function renderLabels(template: string, scope: JsonObject, evaluation: Evaluation): readonly string[] {
  const value = render(template, scope, evaluation);
  const texts = isList(value) ? value.slice(0, MAX_LABELS + 1) : [renderText(template, scope, evaluation)];
  return texts.map((one) => {
    if (typeof one !== "string")
      throw expressionFailed(template, "its value is a list with something other than texts");
    const label = one.trim();
    if (label === "") throw expressionFailed(template, "its value is an empty text, which is not a label");
    if (label.length > MAX_LABEL)
      throw expressionFailed(template, `its value is a label of more than ${MAX_LABEL} characters`);
    return label;
  });
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
