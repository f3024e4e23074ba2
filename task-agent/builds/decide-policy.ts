// May the build be deployed to the targets of the request? Asked before the task starts, so nothing is committed. Pure.

import { releaseBranchOf, targetsOf } from "@gantry/core/app/targets.ts";
import type { Build } from "@gantry/core/build/build.ts";
import { type Environments, type PolicyTarget, unmetRequirements } from "@gantry/core/build/environments.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import type { AppState } from "@gantry/core/task/model.ts";

export type PolicyFacts = {
  readonly pipeline: Pipeline;
  readonly params: JsonObject;
  readonly app: AppState;
  readonly environments: Environments;
};

/**
 * What the build lacks for the targets that parameters with `ui: target` name, each sentence once. A pipeline without such a
 * parameter may deploy to any target of the app.
 */
export function policyProblems(build: Build, { pipeline, params, app, environments }: PolicyFacts): readonly string[] {
  const all = targetsOf(app.record);
  const choices = Object.entries(pipeline.params.properties).filter(([, param]) => param["x-ui"] === "target");
  const chosen = choices.flatMap(([name]) => [params[name] ?? []].flat());
  const targets = choices.length === 0 ? all : all.filter(({ name }) => chosen.includes(name));
  return [...new Set(targets.flatMap((target) => unmetFor(build, target, app, environments)))];
}

/** What the build lacks for one target of the app. */
export function unmetFor(
  build: Build,
  target: PolicyTarget,
  app: AppState,
  environments: Environments,
): readonly string[] {
  const facts = { environments, releaseBranch: releaseBranchOf(app.record), deployedIn: deployedIn(app, build) };
  return unmetRequirements(build, target, facts);
}

/** Names of the app's targets where the build was deployed last, and successfully. */
export function targetsRunning(
  { deployed = {}, record }: Pick<AppState, "deployed" | "record">,
  number: number,
): readonly string[] {
  const names = new Set(targetsOf(record).map(({ name }) => name));
  return Object.entries(deployed)
    .filter(([target, { build, outcome }]) => names.has(target) && outcome === "succeeded" && build === number)
    .map(([target]) => target);
}

/** An environment counts when the build is deployed to every target of the app in it. */
function deployedIn(app: AppState, { number }: Build): readonly string[] {
  const running = targetsRunning(app, number);
  const byEnvironment = Map.groupBy(targetsOf(app.record), ({ environment }) => environment);
  return [...byEnvironment].flatMap(([environment, targets]) =>
    environment !== undefined && targets.every(({ name }) => running.includes(name)) ? [environment] : [],
  );
}
