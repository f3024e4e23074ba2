// Which environments the definitions declare, and which targets are in another one. Pure.

import type { PathProblem } from "../issues.ts";
import type { JsonObject } from "../json.ts";
import { didYouMean } from "../suggest.ts";
import type { AppFields } from "./app-shape.ts";
import { listed } from "./read-app.ts";
import { targetsOf } from "./targets.ts";

/**
 * Targets in environments that are not declared, where some are: a name with a typing error would evade what the real one demands.
 * What the app has already is not refused: an environment may have been removed, and the app can still be changed. `before`:
 * the record of the app; empty for a new one. `declared`: undefined when unknown.
 */
export function environmentProblems(
  { targets }: Pick<AppFields, "targets">,
  { before, declared = [] }: { readonly before: JsonObject; readonly declared: readonly string[] | undefined },
): readonly PathProblem[] {
  if (declared.length === 0) return [];
  const had = targetsOf(before).map(({ environment }) => environment);
  return targets.flatMap(({ environment }, at): PathProblem[] => {
    if (environment === undefined || declared.includes(environment) || had.includes(environment)) return [];
    const near = didYouMean(environment, declared);
    const detail = `there is no environment ${environment}${near}; environments.yaml declares ${listed(declared)}. A new one is declared there first, with \`${environment}: {}\``;
    return [{ path: ["targets", at, "environment"], detail, on: "value" }];
  });
}

/** The environments of the targets that are not declared: nothing is demanded of what is deployed there. */
export function undeclaredIn(record: JsonObject, declared: readonly string[]): readonly string[] {
  const named = targetsOf(record).flatMap(({ environment }) => environment ?? []);
  return [...new Set(named)].filter((one) => !declared.includes(one));
}

/** What people are told of these environments, as a sentence without a full stop. `names`: not empty. */
export function undeclaredText(names: readonly string[]): string {
  return `environments.yaml declares no environment ${names.join(", ")}: its targets take every build of the release branch`;
}
