// Which apps may bring pipelines of their own, as the platform team writes it in `own-pipelines.yaml`. Pure.

import { z } from "zod";
import { matchesApp, type RightRequest } from "../access/selector.ts";
import type { Problem } from "../errors.ts";
import { describeIssues, type Path } from "../issues.ts";
import { appPatterns } from "../pipeline/file.ts";
import { placedProblem } from "../pipeline/placed-problem.ts";
import { plainValue, readSource } from "../pipeline/source.ts";
import type { Action } from "./actions.ts";

/** `others`: pipelines with a button of their own. Builds are deployed by pipelines of the platform team only. */
const OWN_ACTIONS = ["ci", "others"] as const;

const rule = z.strictObject({
  apps: appPatterns,
  actions: z.array(z.enum(OWN_ACTIONS)).min(1),
  /** The branch whose files count. Default: the release branch of the app. */
  branch: z.string().min(1).max(250).optional(),
  /** Whether they may make builds. What such a build says of scan, gate and tests never satisfies an environment. */
  builds: z.boolean().default(false),
});
const shape = z.strictObject({ allow: z.array(rule).max(500) });

export type OwnRule = z.output<typeof rule>;
export type OwnPolicy = readonly OwnRule[];

/** Reads the file. Everything that is wrong is reported at once, with file, line and column. */
export function readOwnPolicy(
  file: string,
  text: string,
): { readonly policy: OwnPolicy } | { readonly problems: readonly Problem[] } {
  const { root, problems: found } = readSource(text);
  if (root === undefined || found.length > 0)
    return { problems: found.map(({ at, detail }) => ({ detail, file, line: at.line, column: at.column })) };
  const value = plainValue(root);
  const parsed = shape.safeParse(value);
  if (parsed.success) return { policy: parsed.data.allow };
  const issues = describeIssues(parsed.error.issues, value, { keysAt, whole: "the file" });
  return { problems: issues.map(({ path, detail, on }) => placedProblem({ root, file }, path, detail, on)) };
}

/** `action`: the button that a pipeline is for; undefined for one of its own. */
export function isAllowed({ actions }: Pick<OwnRule, "actions">, action: Action | undefined): boolean {
  return action !== "cd" && actions.includes(action ?? "others");
}

/** The first rule for the app. Undefined: it may have no pipelines of its own. */
export function ownRuleFor(policy: OwnPolicy, app: Pick<RightRequest, "app" | "team" | "labels">): OwnRule | undefined {
  return policy.find(({ apps }) => matchesApp(apps, app, {}));
}

function keysAt(path: Path): readonly string[] {
  return path.length === 0 ? Object.keys(shape.shape) : path.length === 2 ? Object.keys(rule.shape) : [];
}
