// Which pipeline a button of an app starts. The platform team offers pipelines for an action; an app names one, or its labels
// select one. Pure.

import { matchesApp } from "../access/selector.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { didYouMean } from "../suggest.ts";
import { type Action, actionOf } from "./actions.ts";

/** What the choice depends on. */
export type Offered = Pick<Pipeline, "name" | "action" | "apps" | "origin">;

export type Choice = { readonly name: string } | { readonly problem: string };

/**
 * The pipeline that the app names in `pipelines`, else its own, else the only one whose `apps` includes it, else the one with
 * the name of the action. `offered`: the pipelines in force, and those of the app's own that it may use. `problem`: a sentence
 * for the person who pressed the button.
 */
export function choosePipeline(
  action: Action,
  { name: app, record }: { readonly name: string; readonly record: JsonObject },
  offered: readonly Offered[],
): Choice {
  const named = isJsonObject(record.pipelines) ? record.pipelines[action] : undefined;
  if (typeof named === "string") {
    const problem = namedProblem(action, named, offered);
    return problem === undefined ? { name: named } : { problem: `The app ${app} names ${problem}.` };
  }
  const own = offered.find((one) => one.origin === "app" && actionOf(one) === action);
  if (own) return { name: own.name };
  const facts = factsOf({ name: app, record });
  const selected = offered.filter((one) => actionOf(one) === action && one.apps && matchesApp(one.apps, facts, {}));
  const [first, second] = selected;
  if (first && second) {
    const names = selected.map(({ name }) => name).toSorted();
    return {
      problem: `Several pipelines select the app ${app}: ${names.join(", ")}. Name one of them in \`pipelines.${action}\` of the app.`,
    };
  }
  const found = first ?? offered.find((one) => one.name === action && one.apps === undefined);
  if (found) return { name: found.name };
  return { problem: `No pipeline with \`action: ${action}\` is for the app ${app}.` };
}

/**
 * Whether the triggers of a pipeline start it for this app: where it is for a button, if that button of the app starts it; otherwise,
 * for the apps that it names, and without those for every app.
 */
export function isStartedFor(
  pipeline: Offered & Pick<Pipeline, "app">,
  app: { readonly name: string; readonly record: JsonObject },
  offered: readonly Offered[],
): boolean {
  if (pipeline.app !== "existing") return false;
  const action = actionOf(pipeline);
  if (action !== undefined) {
    const choice = choosePipeline(action, app, offered);
    return "name" in choice && choice.name === pipeline.name;
  }
  return pipeline.apps === undefined || matchesApp(pipeline.apps, factsOf(app), {});
}

/** What is wrong with a name in `pipelines` of an app, to follow "names". */
export function namedProblem(action: Action, name: string, offered: readonly Offered[]): string | undefined {
  const found = offered.find((one) => one.name === name);
  if (found && actionOf(found) === action) return undefined;
  const able = offered.filter((one) => actionOf(one) === action).map((one) => one.name);
  if (found) return `the pipeline ${name}, which is not for ${action}: \`action: ${action}\` is missing in its file`;
  return `the pipeline ${name}, which does not exist${didYouMean(name, able)}`;
}

function factsOf({ name, record }: { readonly name: string; readonly record: JsonObject }) {
  return { app: name, team: textOf(record.team), labels: labelsOf(record.labels) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function labelsOf(value: unknown): { readonly [name: string]: string } {
  if (value === null || typeof value !== "object") return {};
  return Object.fromEntries(Object.entries(value).filter((one): one is [string, string] => typeof one[1] === "string"));
}
