// Turns a request into the first event of a task, or says why the request is refused. Pure.

import { claimProblems, type ReportedSystem } from "@gantry/core/app/apps-may.ts";
import type { ClustersAt } from "@gantry/core/app/known-clusters.ts";
import { targetsOf } from "@gantry/core/app/targets.ts";
import { type Build, buildScope } from "@gantry/core/build/build.ts";
import type { Environments } from "@gantry/core/build/environments.ts";
import { callbacksOf } from "@gantry/core/callback/decide-callbacks.ts";
import { canonicalJson } from "@gantry/core/canonical-json.ts";
import { GantryError, type Problem } from "@gantry/core/errors.ts";
import { renderText } from "@gantry/core/expr/template.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { checkParams, paramProblemInWords } from "@gantry/core/pipeline/params.ts";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import { withoutSecretParams } from "@gantry/core/pipeline/secret-params.ts";
import { ROLLOUT } from "@gantry/core/rollout/rollout-pipeline.ts";
import { atSite, readableDefaults, type SiteDefaults, siteOfTask } from "@gantry/core/site/site-defaults.ts";
import type { TaskEventOf } from "@gantry/core/task/events.ts";
import { concurrencyOf, isFromFork } from "@gantry/core/task/from-fork.ts";
import { taskTitle } from "@gantry/core/task/messages.ts";
import type { AppState, Parent, Rollback } from "@gantry/core/task/model.ts";
import { keptJobs, type PlannedJob, planRerun, type RerunOf } from "@gantry/core/task/plan-rerun.ts";
import { type Priority, readPriority } from "@gantry/core/task/priority.ts";
import { rollbackScope } from "@gantry/core/task/scope.ts";
import { BY_PERSON } from "@gantry/core/trigger/facts.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import { buildParamOf, type ChosenBuild } from "../builds/choose-build.ts";
import { policyProblems } from "../builds/decide-policy.ts";
import type { RollbackRequest } from "../builds/decide-rollback.ts";
import { appRequested, appScope, expectedRecord } from "./decide-app.ts";
import { placeProblems, tooManyPlaces } from "./decide-places.ts";
import { type SecretsAt, secretProblems } from "./decide-secrets.ts";
import type { Definition } from "./definitions.ts";

export type Rerun = Pick<RerunOf, "of" | "before" | "from"> & { readonly definition: "pinned" | "newest" };

/**
 * `trigger`: what starts it, as expressions see it. Absent: a person. `causedBy`: people because of whom the trigger does. `rollback`:
 * build and targets are those of a rollback, whatever the parameters are.
 */
export type StartRequest = StartTask & {
  readonly trigger?: JsonObject;
  readonly causedBy?: readonly string[];
  readonly child?: ChildOf;
  readonly rollback?: RollbackRequest;
  /** The definition of the task, which is none of those in force. It is stored. */
  readonly definition?: Definition;
  /** What people asked for, where pipeline, params and definition were made from it. The key is of this. */
  readonly asked?: Pick<StartTask, "pipeline" | "params">;
};

/** What a task that does the work of a job has from its parent. */
export type ChildOf = {
  readonly parent: Parent;
  readonly definition: Definition;
  /** The versions of the pipelines that children of the parent run, by name. */
  readonly children: Children;
  /** The concurrency groups of the tasks that wait for its end. */
  readonly groupsAbove: readonly string[];
};

type Children = NonNullable<TaskEventOf<"TaskRequested">["children"]>;

export type StartFacts = {
  readonly definition: Definition;
  readonly request: StartRequest;
  /** Name of the app that the task is for or creates. */
  readonly name: string | undefined;
  /** The app as stored. */
  readonly app: AppState | undefined;
  readonly at: number;
  readonly id: string;
  readonly url: string;
  readonly rerun: Rerun | undefined;
  /** Sites that runners serve; undefined when unknown. */
  readonly sites?: readonly string[] | undefined;
  /** The clusters of a site; undefined where nobody knows. */
  readonly clustersAt?: ClustersAt | undefined;
  /** The pipeline file of now that has the name of the definition. */
  readonly newest?: Pipeline | undefined;
  /** The build that the request deploys, or why there is none. Undefined for a pipeline that deploys no build. */
  readonly build?: ChosenBuild | undefined;
  /** What the task takes back. Undefined: it is no rollback. */
  readonly rollback?: Rollback | undefined;
  /** What environments demand of a build. Default: nothing but the release branch. */
  readonly environments?: Environments;
  /** What the installation presets at each site. Default: nothing. */
  readonly siteDefaults?: SiteDefaults;
  /** What apps may have at a site; undefined where nobody knows. */
  readonly systemsAt?: ((site: string) => readonly ReportedSystem[]) | undefined;
  /** The versions in force of the pipelines that its jobs, and those of its children, run. Default: they run none. */
  readonly children?: Children;
  /** The names of the secrets of a site; undefined where nobody knows. */
  readonly secretsAt?: SecretsAt | undefined;
};

/** The first event of the task, without its position in its group, and the change of the app. */
export type Started = {
  readonly event: TaskEventOf<"TaskRequested">;
  /** Of a rerun: what runs again and what is taken over. */
  readonly plan?: readonly PlannedJob[] | undefined;
  readonly app: AppState | undefined;
  readonly appEvents: readonly JsonObject[];
};

export function decideStart(facts: StartFacts): Started | GantryError {
  const { definition, request, name, app, at, id, url, rerun } = facts;
  const { pipeline, version } = definition;
  const impossible = impossibleRequest(facts);
  if (impossible) return impossible;
  const appRequest = { id, app: name ?? "", by: request.principal, at, rerun: rerun !== undefined };
  // Checked before the parameters, because their defaults may be read from the app.
  const existing = pipeline.app === "existing" ? appRequested(pipeline, app, appRequest) : undefined;
  if (existing instanceof GantryError) return existing;

  const tooMany = tooManyPlaces(pipeline, request.params);
  if (tooMany) return tooMany;
  const scope = pipeline.app === "new" ? { name: name ?? "" } : appScope(app);
  const task = {
    ...{ id, url, requestedBy: request.principal, pipeline: pipeline.name, app: name ?? "" },
    ...rollbackScope(facts.rollback),
  };
  const { siteDefaults = {} } = facts;
  const params = goodParams(facts, scope, task);
  if (params instanceof GantryError) return params;
  const plan = rerun && planRerun({ ...rerun, after: pipeline });
  const kept = plan ? keptJobs(rerun, plan) : {};
  const secrets = secretProblems(pipeline, { params, app: scope }, facts.secretsAt, Object.keys(kept));
  if (secrets.length > 0) {
    const problem = secrets.map(({ detail }) => detail).join("; ");
    return new GantryError("secret-unknown", { pipeline: pipeline.name, problem }, { problems: secrets });
  }
  const build = facts.build && "build" in facts.build ? facts.build.build : undefined;
  const rollback = facts.rollback ?? rollbackAgain(rerun, params);
  // The build has met the demands of the environment when it was deployed there first.
  const unmet = ownDeployRefusal(facts) ?? (rollback ? undefined : policyRefusal(facts, build, params));
  if (unmet) return unmet;
  const change = pipeline.app === "new" ? newApp(facts, params, appRequest) : existing;
  if (change instanceof GantryError) return change;
  const readable = readableDefaults(pipeline, siteDefaults);
  // A rerun is about the same commit.
  const trigger = rerun ? rerun.of.trigger : request.trigger;
  const causedBy = (rerun ? rerun.of.causedBy : request.causedBy) ?? [];
  const ofTask = { params, app: scope, trigger: trigger ?? BY_PERSON, task };
  const groupScope = build === undefined ? ofTask : { ...ofTask, build: buildScope(build) };
  const concurrency = concurrencyOf(pipeline, { app: name, ...(trigger === undefined ? {} : { trigger }) });
  const group = concurrency && renderText(concurrency.group, groupScope);
  if (group !== undefined && request.child?.groupsAbove.includes(group)) return waitsForEver(pipeline, group);
  const priority = priorityOf(pipeline, groupScope);
  const callbacks = callbacksOf(pipeline, request.callback, rerun?.of.callbacks, groupScope);
  const event: Started["event"] = {
    kind: "TaskRequested",
    at,
    task: id,
    pipeline: pipeline.name,
    definition: version,
    title: taskTitle(rollback ? "Roll back" : pipeline.button, name),
    ...(name === undefined ? {} : { app: name }),
    appScope: scope,
    params,
    ...(build === undefined ? {} : { build: buildScope(build) }),
    ...(readable === undefined ? {} : { siteDefaults: readable }),
    ...(request.override === undefined ? {} : { override: request.override.reason }),
    ...(rollback === undefined ? {} : { rollback }),
    requestedBy: request.principal,
    ...(causedBy.length === 0 ? {} : { causedBy }),
    ...(trigger === undefined ? {} : { trigger }),
    ...family(facts),
    url,
    ...(rerun ? { rerunOf: rerun.of.id, kept } : {}),
    ...(group === undefined ? {} : { group }),
    ...(priority === "normal" ? {} : { priority }),
    // Whoever wrote the commit of a fork chooses the outputs, so nobody is told of them as of ours.
    ...(callbacks.length === 0 || isFromFork({ trigger }) ? {} : { callbacks }),
  };
  // The newest task of the app is never one that people outside have caused.
  const changed = isFromFork(event) ? undefined : change;
  return { event, plan, app: changed?.app, appEvents: changed?.events ?? [] };
}

/** A child has those of its parent, and a rerun with its own file those of its task. */
function family({
  definition,
  request,
  rerun,
  children = {},
}: StartFacts): Pick<Started["event"], "parent" | "children"> {
  const known = request.child?.children ?? (rerun?.definition === "pinned" ? (rerun.of.children ?? {}) : children);
  const runsOthers = [...definition.pipeline.jobs, ...definition.pipeline.finally].some((job) => job.pipeline);
  return {
    ...(request.child === undefined ? {} : { parent: request.child.parent }),
    ...(runsOthers ? { children: known } : {}),
  };
}

function waitsForEver({ name }: Pipeline, group: string): GantryError {
  return new GantryError("conflict", {
    what: `The pipeline ${name}`,
    problem: "was not started",
    why: `It would wait for its turn in the concurrency group ${group}, which the task has that waits for its end.`,
    todo: "Give the two pipelines different concurrency groups.",
  });
}

/** The parameters with their defaults, or what is wrong with them. */
function goodParams(facts: StartFacts, scope: JsonObject, task: JsonObject): JsonObject | GantryError {
  const { definition, request, name, sites, clustersAt, siteDefaults = {} } = facts;
  const { pipeline } = definition;
  const preset = atSite(pipeline, siteDefaults, siteOfTask(pipeline, scope, request.params));
  const checked = checkParams(preset.params, withBuild(request.params, facts.build), { app: scope, task });
  const { params } = checked;
  const ofBuild = buildProblems(facts.build);
  const wrong = [
    // What is wrong with a build is said better than by the pattern of its parameter.
    ...checked.problems.filter(({ pointer }) => !ofBuild.some((one) => one.pointer === pointer)),
    ...nameProblems(definition, name, checked.problems),
    ...ofBuild,
  ];
  // Only values with a valid form can be places.
  const problems = wrong.length > 0 ? wrong : placeProblems({ pipeline, params, app: scope, sites, clustersAt });
  if (problems.length === 0) return params;
  const problem = problems.map(paramProblemInWords).join("; ");
  return new GantryError("bad-params", { pipeline: pipeline.name, problem }, { problems });
}

/** A rerun with other parameters is about another build or other targets, so the demands of the environments count. */
function rollbackAgain(rerun: Rerun | undefined, params: JsonObject): Rollback | undefined {
  return rerun && canonicalJson(rerun.of.params) === canonicalJson(params) ? rerun.of.rollback : undefined;
}

/** The pipeline of an app cannot put itself before the tasks of other apps. Throws GantryError `expression-failed`. */
function priorityOf({ priority, origin }: Pipeline, scope: JsonObject): Priority {
  const wanted = priority === undefined ? "normal" : readPriority(renderText(priority, scope));
  return origin === "app" && wanted === "high" ? "normal" : wanted;
}

/** What no value of a parameter can mend. */
function impossibleRequest({
  definition: { pipeline },
  request,
  name,
  rerun,
  newest,
}: StartFacts): GantryError | undefined {
  if (rerun && name !== rerun.of.app)
    return new GantryError("bad-request", {
      problem: "a rerun is for the app of its task; start a new task for another one",
    });
  const unknown = rerun && unknownJob(rerun, pipeline);
  if (unknown) return unknown;
  if (pipeline.app === "existing" && name === undefined)
    return new GantryError("bad-request", { problem: `app is missing: the pipeline ${pipeline.name} runs for an app` });
  if (request.child && pipeline.app === "new")
    return new GantryError("bad-request", { problem: `${pipeline.name} creates an app, which only people start` });
  if (pipeline.undoes)
    return new GantryError("conflict", {
      what: "A task that takes back a creation",
      problem: "cannot be rerun",
      why: "DELETE /v1/apps/{app}?undo=true starts a new one.",
    });
  // A pinned file from before there were builds would deploy without the policies of environments.
  if (rerun && newest && buildParamOf(newest) !== undefined && buildParamOf(pipeline) === undefined)
    return new GantryError("conflict", {
      what: `Task ${rerun.of.id}`,
      problem: "cannot be rerun with its own pipeline file",
      why: `That file is older than builds. Run ${newest.button} again: it deploys a build.`,
    });
  return undefined;
}

function unknownJob({ of, from }: Rerun, { jobs, finally: last }: Pipeline): GantryError | undefined {
  if (typeof from !== "object") return undefined;
  if (jobs.some(({ id }) => id === from.job || (of.expanded[id] ?? []).includes(from.job))) return undefined;
  if (last.some(({ id }) => id === from.job || (of.expanded[id] ?? []).includes(from.job)))
    return new GantryError("bad-request", { problem: `${from.job} is a job of finally, which runs in every rerun` });
  return new GantryError("not-found", { kind: "job", name: from.job });
}

/**
 * An app's own pipeline may push to its yaml repository and use its Argo CD applications. Nothing says which build that
 * deploys, so it is refused where an environment demands something of builds.
 */
function ownDeployRefusal({ definition: { pipeline }, app, environments = {} }: StartFacts): GantryError | undefined {
  if (pipeline.origin !== "app" || !app) return undefined;
  const deploys = [...pipeline.jobs, ...pipeline.finally].some(({ work = ["deploy"] }) => work.includes("deploy"));
  const guarded = targetsOf(app.record).find(({ environment = "" }) => Object.hasOwn(environments, environment));
  if (!deploys || !guarded) return undefined;
  const problem = `Its target ${guarded.name} is in the environment ${guarded.environment}, which demands something of builds.`;
  return new GantryError("own-pipeline-deploys", { app: app.name, pipeline: pipeline.name, problem });
}

/** What an environment demands of the build and it lacks. */
function policyRefusal(
  { definition: { pipeline }, request, app, environments = {} }: StartFacts,
  build: Build | undefined,
  params: JsonObject,
): GantryError | undefined {
  // The task of each batch asks for itself: an earlier wave may be what a later one requires.
  if (!build || !app || request.override || pipeline.name === ROLLOUT) return undefined;
  const unmet = policyProblems(build, { pipeline, params, app, environments });
  if (unmet.length === 0) return undefined;
  return new GantryError("policy-unmet", { app: app.name, number: build.number, problem: unmet.join("; ") });
}

/** The build by its number, or without one by its digest, so that a rerun deploys the same one. */
function withBuild(params: JsonObject, chosen: ChosenBuild | undefined): JsonObject {
  if (chosen === undefined || !("build" in chosen)) return params;
  const { number, images } = chosen.build;
  return { ...params, [chosen.param]: number === 0 ? (images[0]?.digest ?? "") : String(number) };
}

function buildProblems(chosen: ChosenBuild | undefined): readonly Problem[] {
  return chosen === undefined || "build" in chosen ? [] : [{ pointer: `/${chosen.param}`, detail: chosen.problem }];
}

/** The app that is being created, with what is known of its record: nobody else can take it while the task runs. */
function newApp(
  { definition: { pipeline }, app, url, systemsAt }: StartFacts,
  params: JsonObject,
  request: Parameters<typeof appRequested>[2],
): ReturnType<typeof appRequested> {
  const scope = {
    params: withoutSecretParams(pipeline.params, params),
    app: { name: request.app },
    task: { id: request.id, url, requestedBy: request.by, pipeline: pipeline.name, app: request.app },
  };
  const record = expectedRecord(pipeline, scope);
  // The creation makes the Jira project itself, and fails if it exists, so no list needs to name it.
  const listing = systemsAt && ((site: string) => systemsAt(site).filter(({ kind }) => kind !== "jira"));
  const refused = claimProblems({ name: request.app, before: app?.record ?? {}, after: record, systemsAt: listing });
  if (refused.length > 0) {
    const problem = refused.map(({ detail }) => detail).join("; ");
    const problems = refused.map(({ detail }): Problem => ({ detail: `${detail}.` }));
    return new GantryError("bad-params", { pipeline: pipeline.name, problem }, { problems });
  }
  return appRequested(pipeline, app, { ...request, record });
}

/**
 * Names of apps become parts of addresses, repositories and namespaces, so this applies in addition to the pipeline's own
 * pattern.
 */
const APP_NAME = /^[a-z][a-z0-9-]{0,62}$/;

/** "targets.0 must be text, not a number": details of a parameter begin with "it". */
export function isAppName(name: string | undefined): name is string {
  return name !== undefined && APP_NAME.test(name);
}

function nameProblems(
  { pipeline }: Definition,
  name: string | undefined,
  known: readonly Problem[],
): readonly Problem[] {
  if (pipeline.app !== "new" || isAppName(name) || known.some((one) => one.pointer === "/name")) return [];
  return [
    {
      pointer: "/name",
      detail: "it must have at most 63 lower case letters, digits and hyphens, and begin with a letter",
    },
  ];
}

/** Name of the app that a request is about: as given, or a parameter of a pipeline that creates apps. */
export function appName({ pipeline }: Definition, request: StartTask): string | undefined {
  if (pipeline.app === "none") return undefined;
  if (pipeline.app === "existing") return request.app;
  const name = request.params.name;
  return typeof name === "string" ? name : request.app;
}
