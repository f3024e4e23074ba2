// How people change apps outside of tasks: adopt, change, rename, forget. Pure.

import { fieldsOf, recordOf, renamedRecord } from "@gantry/core/app/app-record.ts";
import type { AppFields } from "@gantry/core/app/app-shape.ts";
import { claimProblems, type ReportedSystem } from "@gantry/core/app/apps-may.ts";
import { type ClustersAt, clusterProblems } from "@gantry/core/app/known-clusters.ts";
import { environmentProblems } from "@gantry/core/app/known-environments.ts";
import { applyPatch, isEqual } from "@gantry/core/app/merge-patch.ts";
import { placesOf } from "@gantry/core/app/places.ts";
import { pointerOf, readApp, siteProblems, systemProblems } from "@gantry/core/app/read-app.ts";
import { ACTIONS } from "@gantry/core/choice/actions.ts";
import { appOfOwn } from "@gantry/core/choice/check-own.ts";
import { namedProblem, type Offered } from "@gantry/core/choice/choose-pipeline.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { PathProblem } from "@gantry/core/issues.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { MadeView } from "@gantry/wire/agent/deployments.ts";
import { appExists, notReady } from "../tasks/decide-app.ts";

export type AppFacts = {
  readonly name: string;
  /** As stored; undefined when there is none. */
  readonly app: AppState | undefined;
  /** Depends only on the record. */
  readonly revision: string;
  /** A task of the app that has not ended. */
  readonly openTask: string | undefined;
  /** Sites that runners serve; undefined when unknown. */
  readonly sites: readonly string[] | undefined;
  /** The clusters of a site; undefined where nobody knows. */
  readonly clustersAt?: ClustersAt | undefined;
  /** What apps may have at a site; undefined where nobody knows. */
  readonly systemsAt?: ((site: string) => readonly ReportedSystem[]) | undefined;
  /** The environments that the definitions in force declare; undefined when unknown. */
  readonly environments?: readonly string[] | undefined;
  /** The pipelines in force; undefined when unknown. */
  readonly pipelines?: readonly Offered[] | undefined;
  /** What its failed creation made and an undo would take back. */
  readonly made?: readonly MadeView[] | undefined;
  readonly by: string;
  readonly at: number;
};

export type AppDecision = {
  readonly change: "create" | "change" | "unchanged";
  readonly app: AppState;
  readonly events: readonly JsonObject[];
};

/** The adopted app. Unchanged if it exists with the same record, so that a repeated request does nothing. */
export function decideAdopt(facts: AppFacts, value: JsonObject): AppDecision | GantryError {
  const { name, app, by, at } = facts;
  if (app && app.state !== "ready") return notReady(app);
  const record = recordFrom(facts, value, "/app");
  if (record instanceof GantryError) return record;
  if (app) return isEqual(app.record, record) ? { change: "unchanged", app, events: [] } : appExists(app);
  return {
    change: "create",
    app: { name, state: "ready", createdBy: by, createdAt: at, task: "", record, facts: {}, latest: {} },
    events: [{ kind: "AppAdopted", at, by, record }],
  };
}

/**
 * The app after a merge patch of its fields. `revision`: the one that the author has seen; undefined for any. While a task
 * runs, the app keeps the places that the task may be deploying to, because another app could take them.
 */
export function decideChange(
  facts: AppFacts,
  { patch, revision }: { readonly patch: JsonObject; readonly revision: string | undefined },
): AppDecision | GantryError {
  const { name, app, by, at, openTask } = facts;
  if (!app) return new GantryError("app-unknown", { app: name });
  if (app.state !== "ready") return notReady(app);
  if (revision !== undefined && revision !== facts.revision)
    return new GantryError("version-differs", { found: facts.revision, wanted: revision });
  const record = recordFrom(facts, applyPatch(fieldsOf(app.record), patch), "");
  if (record instanceof GantryError) return record;
  if (isEqual(app.record, record)) return { change: "unchanged", app, events: [] };
  if (openTask !== undefined && givesUpPlaces(app, record)) {
    const problem = `cannot give up a target while task ${openTask} runs`;
    return new GantryError("conflict", { what: `App ${name}`, problem, why: "The task may be deploying there." });
  }
  const next = { ...app, record, ...deployedAfter(app, record) };
  return { change: "change", app: next, events: [{ kind: "AppChanged", at, by, record }] };
}

/** What was deployed to a target is not known to run where the target is now. */
function deployedAfter({ name, record, deployed }: AppState, next: JsonObject): Pick<AppState, "deployed"> {
  if (deployed === undefined) return {};
  const placesBy = (of: JsonObject) =>
    Object.fromEntries(
      Object.entries(Object.groupBy(placesOf(name, of), ({ target }) => target)).map(([target, places = []]) => [
        target,
        JSON.stringify(places.map(({ key }) => key)),
      ]),
    );
  const [before, after] = [placesBy(record), placesBy(next)];
  const kept = Object.entries(deployed).filter(([target]) => before[target] === after[target]);
  return { deployed: Object.fromEntries(kept) };
}

/** The app under its new name, and what remains under the old one. */
export function decideRename(
  facts: AppFacts,
  to: string,
): { readonly old: AppDecision; readonly renamed: AppDecision } | GantryError {
  const { name, app, by, at } = facts;
  if (!app) return new GantryError("app-unknown", { app: name });
  if (app.state !== "ready") return notReady(app);
  const busy = whileIdle(facts, "be renamed");
  if (busy) return busy;
  const record = renamedRecord(name, app.record);
  return {
    old: { change: "change", app: { ...app, state: "removed" }, events: [{ kind: "AppRenamed", at, by, to }] },
    renamed: {
      change: "change",
      app: { ...app, name: to, record },
      events: [{ kind: "AppRenamed", at, by, from: name, record }],
    },
  };
}

/** Nothing outside changes. `keep`: also not what a failed creation made, of which nobody knows any more then. */
export function decideForget(facts: AppFacts, { keep }: { readonly keep: boolean }): AppDecision | GantryError {
  const { name, app, by, at } = facts;
  if (!app) return new GantryError("app-unknown", { app: name });
  if (app.state !== "ready" && app.state !== "failed") return notReady(app);
  const busy = whileIdle(facts, "be forgotten");
  if (busy) return busy;
  const made = keep ? [] : (facts.made ?? []);
  if (made.length > 0) return new GantryError("creation-left", { app: name, made: made.map(inWords).join("; ") });
  return { change: "change", app: { ...app, state: "removed" }, events: [{ kind: "AppForgotten", at, by }] };
}

function inWords({ what, unsure }: MadeView): string {
  return unsure === true ? `perhaps ${what}` : what;
}

function whileIdle({ name, openTask }: AppFacts, what: string): GantryError | undefined {
  if (openTask === undefined) return undefined;
  const problem = `cannot ${what} while task ${openTask} runs`;
  return new GantryError("conflict", { what: `App ${name}`, problem, why: "That task has not ended." });
}

/** `bad-request` with one problem per mistake. `where` is the prefix of the pointers. */
function recordFrom(
  { name, app, sites, clustersAt, systemsAt, pipelines, environments }: AppFacts,
  value: JsonObject,
  where: string,
): JsonObject | GantryError {
  const read = readApp(name, value);
  const problems = read.ok
    ? [
        ...siteProblems(read.fields, { sites }),
        ...systemProblems(read.fields, { before: app?.record ?? {}, systemsAt }),
        ...clusterProblems(read.fields, { before: app?.record ?? {}, clustersAt }),
        ...environmentProblems(read.fields, { before: app?.record ?? {}, declared: environments }),
        ...pipelineProblems(name, read.fields, pipelines),
      ]
    : read.problems;
  if (!read.ok || problems.length > 0) return invalid(problems, where);
  const after = recordOf(name, read.fields, app?.record);
  const unlisted = claimProblems({ name, before: app?.record ?? {}, after, systemsAt });
  return unlisted.length > 0 ? invalid(unlisted, where) : after;
}

/** Pipelines that the app names and that are not in force. Its own are known only after they were read. */
function pipelineProblems(
  app: string,
  { pipelines: named = {} }: AppFields,
  offered: readonly Offered[] | undefined,
): readonly PathProblem[] {
  if (offered === undefined) return [];
  return ACTIONS.flatMap((action): PathProblem[] => {
    const name = named[action];
    if (name === undefined || appOfOwn(name) === app) return [];
    const problem = namedProblem(action, name, offered);
    return problem === undefined ? [] : [{ path: ["pipelines", action], detail: `names ${problem}`, on: "value" }];
  });
}

function invalid(problems: readonly PathProblem[], where: string): GantryError {
  const listed = problems
    .slice(0, 50)
    .map(({ path, detail }) => ({ detail: `${detail}.`, pointer: `${where}${pointerOf(path)}` }));
  const [first] = problems;
  const place = first?.path.slice(0, -1).join(".") ?? "";
  const problem = `${place === "" ? "" : `${place}: `}${first?.detail ?? "is not valid"}`;
  return new GantryError("bad-request", { problem }, { problems: listed });
}

function givesUpPlaces({ name, record }: AppState, next: JsonObject): boolean {
  const kept = new Set(placesOf(name, next).map(({ key }) => key));
  return placesOf(name, record).some(({ key }) => !kept.has(key));
}
