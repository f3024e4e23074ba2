// What a rollback does at each target: back to the build that was deployed there successfully before the present one. Pure.

import { targetsOf } from "@gantry/core/app/targets.ts";
import type { Build } from "@gantry/core/build/build.ts";
import type { Environments } from "@gantry/core/build/environments.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import type { AppState, Deployment, Rollback } from "@gantry/core/task/model.ts";
import { buildParamOf, targetParamsOf } from "./choose-build.ts";

/** `targets`: absent for those of the newest deployment. `to`: absent for the last good build of each target. */
export type RollbackRequest = {
  readonly targets?: readonly string[] | undefined;
  readonly to?: number | undefined;
  readonly reason?: string | undefined;
};

/** `problem`: why the target cannot be rolled back, as a sentence without a full stop. */
export type RollbackTarget = {
  readonly target: string;
  readonly site?: string | undefined;
  readonly environment?: string | undefined;
  /** What was deployed there last. */
  readonly from?: Deployment | undefined;
} & ({ readonly to: Build; readonly since: number } | { readonly problem: string });

export type RollbackFacts = {
  readonly app: AppState;
  /** The builds that `goodNumbers` names, as far as they are kept. */
  readonly builds: ReadonlyMap<number, Build>;
};

/** The numbers of the builds that a rollback of the app could be about. */
export function goodNumbers({ good = {}, deployed = {} }: AppState): readonly number[] {
  const all = [...Object.values(good).flat(), ...Object.values(deployed)];
  return [...new Set(all.flatMap(({ build }) => build ?? []))];
}

/** One entry for each target that the request is about, in the order of a rollback. */
export function rollbackTargets(
  facts: RollbackFacts,
  { targets, to }: RollbackRequest,
  environments: Environments,
): readonly RollbackTarget[] {
  const { app } = facts;
  const known = targetsOf(app.record);
  const wanted = targets ?? ofNewestDeployment(app);
  const unknown = wanted.filter((name) => !known.some((one) => one.name === name));
  const chosen = inReverse(known, environments).filter(({ name }) => wanted.includes(name));
  return [
    ...chosen.map(({ name: target, site, environment }): RollbackTarget => {
      const from = app.deployed?.[target];
      return { target, site, environment, from, ...wayBack(facts, target, to) };
    }),
    ...unknown.map((target) => ({ target, problem: `${app.name} has no target ${target}` })),
  ];
}

/** The targets that the task deployed to which deployed last. */
function ofNewestDeployment({ deployed = {}, record }: AppState): readonly string[] {
  const names = new Set(targetsOf(record).map(({ name }) => name));
  const all = Object.entries(deployed).filter(([target]) => names.has(target));
  const newest = all.toSorted(([, a], [, b]) => b.at - a.at)[0]?.[1];
  return all.filter(([, { task }]) => task === newest?.task).map(([target]) => target);
}

/** What is deployed last comes first: an environment before those that it needs, and later targets before earlier ones. */
function inReverse(
  targets: ReturnType<typeof targetsOf>,
  environments: Environments,
): readonly ReturnType<typeof targetsOf>[number][] {
  const depth = (name: string | undefined): number => {
    let at = name;
    let steps = 0;
    for (; at !== undefined && Object.hasOwn(environments, at) && steps < 100; steps += 1)
      at = environments[at]?.requires.environment;
    return steps;
  };
  return targets.toReversed().toSorted((a, b) => depth(b.environment) - depth(a.environment));
}

function wayBack(
  { app, builds }: RollbackFacts,
  target: string,
  wanted: number | undefined,
): { readonly to: Build; readonly since: number } | { readonly problem: string } {
  const now = app.deployed?.[target];
  if (!now) return { problem: "nothing was deployed there yet" };
  const others = (app.good?.[target] ?? []).filter(({ build }) => build !== now.build);
  const named = others.find(({ build }) => build === wanted);
  if (wanted !== undefined && !named)
    return {
      problem:
        now.build === wanted
          ? `build #${wanted} is what is deployed there`
          : `build #${wanted} is not among the last builds that ran well there${listed(others)}`,
    };
  for (const { build, at } of named ? [named] : others) {
    const found = build === undefined ? undefined : builds.get(build);
    if (found && (named || found.held === undefined)) return { to: found, since: at };
  }
  return {
    problem:
      others.length === 0
        ? "there is no earlier build that ran well there"
        : `the earlier builds that ran well there are held or no longer kept${listed(others)}`,
  };
}

function listed(others: readonly Deployment[]): string {
  return others.length === 0 ? "" : `: ${others.map(({ build }) => `#${build}`).join(", ")}`;
}

export type DecidedRollback = {
  readonly params: JsonObject;
  readonly rollback: Rollback;
  /** The builds that are held from now on. */
  readonly holds: readonly number[];
};

/** The parameters of the task, and what it takes back. Refuses `rollback-impossible`. */
export function decideRollback(
  facts: RollbackFacts,
  pipeline: Pipeline,
  request: RollbackRequest,
  environments: Environments,
): DecidedRollback | GantryError {
  const { name: app } = facts.app;
  const impossible = (problem: string): GantryError => new GantryError("rollback-impossible", { app, problem });
  const [buildParam, [targetParam]] = [buildParamOf(pipeline), targetParamsOf(pipeline)];
  if (buildParam === undefined || targetParam === undefined)
    return impossible(`The pipeline ${pipeline.name} has no parameter for a build, or none for targets.`);
  const all = rollbackTargets(facts, request, environments);
  const problems = all.flatMap((one) => ("problem" in one ? [`${one.target}: ${one.problem}`] : []));
  const able = all.flatMap((one) => ("to" in one ? [one] : []));
  const [first] = able;
  // Targets that the request names must all go back. Of the newest deployment, those go back that can.
  if (!first || (request.targets !== undefined && problems.length > 0))
    return impossible(problems.length === 0 ? "Nothing was deployed yet." : `${problems.join("; ")}.`);
  if (able.some(({ to }) => to.number !== first.to.number)) {
    const ways = able.map(({ target, to }) => `${target} to #${to.number}`).join(", ");
    return impossible(`Its targets go back to different builds: ${ways}. Ask for the targets of one build at a time.`);
  }
  const from = Object.fromEntries(able.map(({ target, from: now }) => [target, takenBack(now)]));
  const taken = able.flatMap(({ from: now }) => now?.build ?? []);
  const isHeld = (number: number): boolean => facts.builds.get(number)?.held !== undefined;
  return {
    params: { [buildParam]: String(first.to.number), [targetParam]: able.map(({ target }) => target) },
    rollback: { from, ...(request.reason === undefined ? {} : { reason: request.reason }) },
    holds: [...new Set(taken)].filter((number) => number > first.to.number && !isHeld(number)),
  };
}

function takenBack(now: Deployment | undefined): Rollback["from"][string] {
  const { build, commit, task = "" } = now ?? {};
  return { ...(build === undefined ? {} : { build }), ...(commit === undefined ? {} : { commit }), task };
}
