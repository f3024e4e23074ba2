// The rights that routes declare. Each determines which verb a request needs, and on what. An object that the caller may not
// see is reported as missing before anything else about it is revealed.

import { needInWords } from "@gantry/core/access/decide-right.ts";
import type { RightRequest } from "@gantry/core/access/selector.ts";
import { STARTS, type StartVerb, startVerb, type Verb, type VerbOn, verbEntry } from "@gantry/core/access/verbs.ts";
import type { AppFields } from "@gantry/core/app/app-shape.ts";
import { ACTIONS, type Action } from "@gantry/core/choice/actions.ts";
import { appOfOwn } from "@gantry/core/choice/check-own.ts";
import { explain, GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { PipelineView } from "@gantry/wire/agent/views.ts";
import type { Portal } from "../../portal.ts";
import { refusal } from "../decide-access.ts";
import { deploys, sitesOfApp, targetParams } from "../decide-sites.ts";
import type { AppAsSeen } from "../gains.ts";
import { childrenAsked } from "./asked-children.ts";
import { recordOf, sitesOfStart, sitesOfTask, sitesOfVerb } from "./asked-sites.ts";
import { type AskedOfTask, type Guard, ifUnknown, type Start, type Who } from "./guard.ts";

export function onInstallation(verb: VerbOn<"installation">): Guard<unknown, unknown, unknown> {
  return { verb, on: "installation", check: (asked) => requireRight(asked, { verb }, "") };
}

/** For a list: the handler filters it with `visible.ts`. */
export function listOf(verb: "view" | "view-sites" | "view-pipelines"): Guard<unknown, unknown, unknown> {
  return { verb, on: "list", check: () => {} };
}

/** `pipeline`: the one that the route starts. */
export function onApp(
  verb: VerbOn<"app">,
  pipeline?: "ci" | "cd",
): Guard<{ readonly app: string }, unknown, { readonly params: JsonObject } | unknown> {
  return {
    verb,
    on: "app",
    check: async ({ body, ...asked }) => {
      const { app } = asked.params;
      const start = pipeline && { pipeline: await chosenNow(asked, verb, app, pipeline), params: paramsOf(body) };
      const missing = () => new GantryError("app-unknown", { app });
      await requireOnApp(asked, verb, { app, ...start }, missing);
      await requireDeployOfOwn(asked, { app, ...start }, missing);
      if (start) await requireChildren(asked, { app, ...start }, missing);
      if (hasOverride(body)) await requireOnApp(asked, "override-policy", { app, ...start }, missing);
    },
  };
}

/** What a plan shows, and where it runs, is up to its own pipeline; whom it is for is up to CD. */
export function onCdPlan(pipeline: string): Guard<{ readonly app: string }, unknown, { readonly params: JsonObject }> {
  const onCd = onApp("run-cd", "cd");
  return {
    ...onCd,
    check: async (asked) => {
      await onCd.check(asked);
      const { app } = asked.params;
      const missing = () => new GantryError("app-unknown", { app });
      await requireOnApp(asked, "run-cd", { app, pipeline, params: asked.body.params }, missing);
    },
  };
}

/** A rollback is a CD of its targets. */
export const onRollback: Guard<
  { readonly app: string },
  unknown,
  { readonly targets?: readonly string[] | undefined }
> = {
  verb: "run-cd",
  on: "app",
  check: async ({ body, ...asked }) => {
    const { app } = asked.params;
    const pipeline = await chosenNow(asked, "run-cd", app, "cd");
    const { targets } = body;
    const isPlaced = asked.rights.needs.sites && targets !== undefined;
    const view = isPlaced ? await asked.portal.agent.pipeline(pipeline).catch(ifUnknown) : undefined;
    const params = Object.fromEntries((view ? targetParams(view) : []).map((name) => [name, targets ?? []]));
    const missing = () => new GantryError("app-unknown", { app });
    const start = { app, pipeline, params: params as JsonObject };
    await requireOnApp(asked, "run-cd", start, missing);
    await requireChildren(asked, start, missing);
  },
};

/** Creating an app needs the right on its name. Nothing is revealed about an existing app of this name. */
export const onNewApp: Guard<
  unknown,
  unknown,
  { readonly params?: JsonObject | undefined; readonly name?: string | undefined; readonly app?: AppFields | undefined }
> = {
  verb: "create-app",
  on: "new-app",
  check: async (asked) => {
    const { params, name, app } = asked.body;
    if (params) {
      const start = { app: nameOf(params), pipeline: "create-app", params };
      await requireStart(asked, "create-app", start);
      return requireChildren(asked, start, undefined);
    }
    const sites = asked.rights.needs.sites && app ? sitesOfApp(JSON.parse(JSON.stringify(app))) : undefined;
    requireAdoption(asked, name, { team: app?.team, sites });
  },
};

/** The present name needs the right to change the app, the new one that to create it. */
export const onRename: Guard<{ readonly app: string }, unknown, { readonly to: string }> = {
  verb: "change-app",
  on: "app",
  check: async (asked) => {
    await onApp("change-app").check(asked);
    const { needs } = asked.rights;
    const known = needs.sites ? await asked.portal.agent.app(asked.params.app).catch(ifUnknown) : undefined;
    requireAdoption(asked, asked.body.to, { team: undefined, sites: known && sitesOfApp(known.record) });
  },
};

/** The verb of starting a pipeline depends on the pipeline. */
export const onStart: Guard<
  unknown,
  unknown,
  {
    readonly pipeline: string;
    readonly app?: string | undefined;
    readonly params: JsonObject;
    readonly fanOut?: { readonly param: string; readonly values: readonly JsonValue[] } | undefined;
  }
> = {
  verb: "start-task",
  on: "start",
  check: async (asked) => {
    const { fanOut, ...start } = asked.body;
    // Each value may be another place.
    for (const value of fanOut?.values ?? [])
      await onStart.check({ ...asked, body: { ...start, params: { ...start.params, [fanOut?.param ?? ""]: value } } });
    if (fanOut) return;
    const { pipeline, app, params } = start;
    if (STARTS.every((verb) => asked.rights.mayEverywhere(verb)) && asked.rights.mayEverywhere("view")) return;
    requirePipeline(asked, pipeline);
    const { app: kind, action } = await kindOf(asked.portal, pipeline);
    // The task-agent refuses it.
    if (kind === "existing" && app === undefined) return;
    const verb = startVerb(kind, action);
    const missing = kind === "existing" ? () => new GantryError("app-unknown", { app: app ?? "" }) : undefined;
    if (kind === "new") await requireStart(asked, verb, { app: nameOf(params) ?? app, pipeline, params });
    else await requireOnApp(asked, verb, { app: missing && app, pipeline, params }, missing);
    if (missing) await requireDeployOfOwn(asked, { app, pipeline, params }, missing);
    await requireChildren(asked, { app, pipeline, params }, missing);
  },
};

/** `of`: the verb and the job, for a request that is about one job. */
export function onTask<B = unknown, P extends { readonly id: string } = { readonly id: string }>(
  verb: VerbOn<"app">,
  of?: (body: B, params: P) => { readonly verb: VerbOn<"app">; readonly job: string },
): Guard<P, unknown, B> {
  return {
    verb,
    on: "task",
    check: async (asked) => {
      const { portal, rights, params } = asked;
      const request = of?.(asked.body, params);
      const needed = request?.verb ?? verb;
      // A rerun starts the pipeline again, so it also needs the right to start it.
      const verbs = verb === "rerun" ? [needed, ...STARTS] : [needed];
      if ([...verbs, "view" as const].every((one) => rights.mayEverywhere(one))) return;
      const missing = (): GantryError => new GantryError("not-found", { kind: "task", name: params.id });
      const facts = await portal.facts.task(params.id);
      if (!facts) throw missing();
      const record = await recordOf(asked, facts.app);
      if (!rights.may({ ...record, ...facts, verb: "view" })) throw missing();
      const sites =
        rights.needs.sites && verbEntry(needed).placed
          ? await sitesOfTask(asked, request?.job, verb === "rerun" ? paramsOf(asked.body) : undefined)
          : undefined;
      requireRight(asked, { ...record, ...facts, sites, verb: needed }, "app");
      if (verb !== "rerun") return;
      const kind = await kindOf(portal, facts.pipeline).catch(ifUnknown);
      const start = startVerb(kind?.app, kind?.action);
      requireRight(asked, { ...record, ...facts, sites, verb: start }, "app");
      if (await mayDeployAgain(asked, facts.pipeline))
        requireRight(asked, { ...record, ...facts, sites, verb: "run-cd" }, "app");
      const { children, params: earlier } = await portal.agent.task(params.id);
      const again = { ...facts, params: { ...earlier, ...paramsOf(asked.body) } };
      await requireChildren(asked, again, missing, children);
    },
  };
}

/** A pipeline of an app's own repository is visible to those who may see the app. */
export const onPipeline: Guard<{ readonly name: string }, { readonly app?: string | undefined }, unknown> = {
  verb: "view-pipelines",
  on: "pipeline",
  check: async (asked) => {
    const { name } = asked.params;
    requirePipeline(asked, name);
    const app = asked.query.app ?? appOfOwn(name);
    if (app === undefined || asked.rights.mayEverywhere("view")) return;
    if (asked.rights.may({ ...(await recordOf(asked, app)), app, verb: "view" })) return;
    throw asked.query.app === undefined
      ? new GantryError("pipeline-unknown", { pipeline: name })
      : new GantryError("app-unknown", { app });
  },
};

/**
 * The people of an app write its own pipelines: the name of the button does not say what they do. What pushes or uses Argo CD
 * needs the right to run CD.
 */
export async function requireDeployOfOwn(who: Who, start: Start, missing: () => GantryError): Promise<void> {
  const { pipeline } = start;
  if (pipeline === undefined || appOfOwn(pipeline) === undefined || who.rights.mayEverywhere("run-cd")) return;
  const { jobs } = await who.portal.agent.pipeline(pipeline);
  if (deploys(jobs)) await requireOnApp(who, "run-cd", start, missing);
}

/**
 * Jobs of the pipeline may run others on behalf of the caller, who needs the right to run each of them where it would run. `known`: more
 * of them, which an older file runs.
 */
export async function requireChildren(
  who: Who,
  { app, pipeline, params }: Start,
  missing: (() => GantryError) | undefined,
  known: readonly string[] = [],
): Promise<void> {
  if (pipeline === undefined || STARTS.every((verb) => who.rights.mayEverywhere(verb))) return;
  for (const child of await childrenAsked(who.portal, { pipeline, params }, known)) {
    const kind = await kindOf(who.portal, child.pipeline).catch(ifUnknown);
    const verb = startVerb(kind?.app, kind?.action);
    const isOfApp = kind?.app === "existing";
    await requireOnApp(who, verb, { ...child, app: isOfApp ? app : undefined }, isOfApp ? missing : undefined);
  }
}

/** Why the caller may not rerun a task because of the pipelines that it runs, as sentences; undefined: they do not prevent it. */
export async function refusalOfChildren(
  who: Who,
  task: { readonly app?: string | undefined; readonly pipeline: string },
  children: readonly string[],
): Promise<string | undefined> {
  if (children.length === 0) return undefined;
  try {
    await requireChildren(who, { app: task.app, pipeline: task.pipeline }, undefined, children);
    return undefined;
  } catch (error) {
    if (!(error instanceof GantryError) || error.code !== "forbidden") throw error;
    const { why, todo } = explain(error);
    return [`It runs other pipelines (${children.join(", ")}).`, why, todo].filter(Boolean).join(" ");
  }
}

/** Of an own pipeline: the file of then counts as well as the newest. */
async function mayDeployAgain({ portal, params }: AskedOfTask, pipeline: string): Promise<boolean> {
  if (appOfOwn(pipeline) === undefined) return false;
  const now = await portal.agent.pipeline(pipeline).catch(ifUnknown);
  return deploys([...(await portal.agent.task(params.id)).jobs, ...(now?.jobs ?? [])]);
}

/** Whether a pipeline is for an app, and which button starts it. Throws `pipeline-unknown`. */
export async function kindOf(portal: Portal, pipeline: string): Promise<Pick<PipelineView, "app" | "action">> {
  const action = ACTIONS.find((one) => one === pipeline);
  return action ? { app: "existing", action } : portal.agent.pipeline(pipeline);
}

export async function requireOnApp(
  who: Who,
  verb: VerbOn<"app">,
  start: Start,
  missing: (() => GantryError) | undefined,
): Promise<void> {
  const { rights } = who;
  if (rights.mayEverywhere(verb) && rights.mayEverywhere("view")) return;
  const { app, pipeline } = start;
  const record = await recordOf(who, app);
  // Rights on the app itself, not on its pipelines. A caller who may see the app may learn which verb is missing.
  if (missing && !rights.may({ ...record, app, verb: "view" })) throw missing();
  const sites = await sitesOfVerb(who, verb, start);
  requireRight(who, { ...record, app, pipeline, sites, verb }, app === undefined ? "pipeline" : "app");
}

/** The pipeline that a button starts, as known now. It is asked for only if the right may depend on it. */
async function chosenNow({ portal, rights }: Who, verb: Verb, app: string, action: Action): Promise<string> {
  // An own pipeline may need the right to run CD, too.
  if (rights.mayEverywhere(verb) && rights.mayEverywhere("run-cd")) return action;
  const known = await portal.agent.appPipelines(app).catch(ifUnknown);
  const choice = known?.[action];
  return choice && "name" in choice ? choice.name : action;
}

/** For an app that does not exist yet: there is nothing to hide. */
async function requireStart(who: Who, verb: StartVerb, start: Start): Promise<void> {
  const { app, pipeline } = start;
  if (who.rights.mayEverywhere(verb)) return;
  const sites = await sitesOfStart(who, verb, start);
  const request = { app, pipeline, sites, verb };
  if (who.rights.may(request)) return;
  // Only a caller who may see the app learns who has the right: the name may be that of an app of others.
  if (who.rights.may({ app, verb: "view" })) requireRight(who, request, "app");
  throw refusal(who.caller, verbEntry(verb).does);
}

/** An app without a task. It is judged by its name, or as one of the team that it names. */
export function requireAdoption(
  who: Who,
  app: string | undefined,
  { team, sites }: { readonly team: string | undefined; readonly sites: readonly string[] | undefined },
): void {
  const { rights } = who;
  if (rights.mayEverywhere("create-app")) return;
  const request = { app, sites, verb: "create-app" } as const;
  if (rights.may(request) || rights.may({ ...request, team })) return;
  if (rights.may({ app, verb: "view" })) requireRight(who, request, "app");
  throw refusal(who.caller, verbEntry("create-app").does);
}

/** The app as it would be: a change may bring it to sites where the caller may not change apps. */
export function requireChangeAt(who: Pick<Who, "caller" | "rights">, app: AppAsSeen): void {
  if (who.rights.needs.sites) requireRight(who, { ...app, verb: "change-app" }, "app");
}

/** A pipeline that the caller may see. */
export function onNamedPipeline(verb: VerbOn<"pipeline">): Guard<{ readonly name: string }, unknown, unknown> {
  return {
    verb,
    on: "pipeline",
    check: async (asked) => {
      const { name: pipeline } = asked.params;
      // They may also end what was said of a pipeline that is gone.
      if (asked.rights.mayEverywhere(verb) && asked.rights.mayEverywhere("view-pipelines")) return;
      await onPipeline.check({ ...asked, query: {} });
      await asked.portal.agent.pipeline(pipeline);
      requireRight(asked, { verb, pipeline }, "pipeline");
    },
  };
}

function requirePipeline({ rights }: Who, pipeline: string): void {
  if (!rights.may({ verb: "view-pipelines", pipeline })) throw new GantryError("pipeline-unknown", { pipeline });
}

/** `on`: what the request is about, as in "on this app". */
export function requireRight(
  { caller, rights }: Pick<Who, "caller" | "rights">,
  request: RightRequest,
  on: string,
): void {
  if (rights.may(request)) return;
  const decision = rights.decide(request);
  throw refusal(caller, verbEntry(request.verb).does, { why: decision.reason, todo: needInWords(decision, on) });
}

function paramsOf(body: unknown): JsonObject {
  const { params = {} } = (body ?? {}) as { readonly params?: JsonObject };
  return params;
}

function hasOverride(body: unknown): boolean {
  return (body as { readonly override?: unknown } | undefined)?.override !== undefined;
}

function nameOf({ name }: JsonObject): string | undefined {
  return typeof name === "string" ? name : undefined;
}
