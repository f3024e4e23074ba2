// The routes of `/agent/v1`: what portal-api, notify-agent and the CLI's all-in-one ask of the task-agent. JSON over HTTP,
// a bearer token shared inside the platform plane. The principal is who asked at the portal; the agent trusts the portal.
// Every list is { items, nextCursor? }. Errors are problem+json.

import { route } from "@gantry/runtime/http/route.ts";
import { z } from "zod";
import { changeSettingsFor, settingsChange, settingsNow, settingsView } from "../settings/settings.ts";
import {
  adoptApp,
  answerApproval,
  appOutcome,
  cancelTask,
  changeApp,
  createEnrolment,
  enrolmentView,
  feedPage,
  forgetApp,
  MAX_TAGS,
  name,
  planRerun,
  removeApp,
  renameApp,
  renewRunnerKey,
  rerunTask,
  resolveJob,
  runnerSite,
  startTask,
  taskTags,
} from "./agent-api.ts";
import { appPipelinesView } from "./app-pipelines.ts";
import { approvalView } from "./approvals.ts";
import { definitionsView, FOLLOWED_PARTS, setPart, syncDefinitions } from "./definitions.ts";
import { DEPLOYMENT_ROUTES, madeView } from "./deployments.ts";
import { FLEET_ROUTES } from "./fleet.ts";
import { JOB_OUTPUT_ROUTES } from "./job-output-routes.ts";
import { PAUSE_ROUTES } from "./pauses.ts";
import { appProposal, startProposal } from "./proposals.ts";
import { limit, pageQuery, someApps } from "./queries.ts";
import { REQUEST_ERRORS } from "./request-errors.ts";
import { rerunPlanView } from "./rerun-plan.ts";
import { RUNNER_ROUTES } from "./sites/runners.ts";
import { runnerView, siteView } from "./sites/views.ts";
import { syncTemplates, templatesView } from "./templates.ts";
import { TRIGGER_ROUTES } from "./triggers/trigger-routes.ts";
import { DELIVERY_ROUTES } from "./triggers/webhook-routes.ts";
import { appView, buildView, feedEvent, page, pipelineView, stepDescription, taskSummary, taskView } from "./views.ts";

export const AGENT_PREFIX = "/agent/v1";

const whole = z.coerce.number().pipe(z.int().min(0));
const positive = z.coerce.number().pipe(z.int().min(1));
const count = whole.default(0);
/** Milliseconds for which the answer is held while there is nothing new. */
const wait = z.coerce.number().pipe(z.int().min(0).max(30_000)).default(0);

export const AGENT_ROUTES = {
  /** The same key and body again give the same task. */
  startTask: route({
    method: "POST",
    path: "/tasks",
    body: startTask,
    answer: taskView,
    status: 202,
    errors: [...REQUEST_ERRORS, "pipeline-chosen", "pipeline-invalid", "pipeline-unclear", "pipelines-unread"],
  }),
  /** Newest first. */
  tasks: route({
    method: "GET",
    path: "/tasks",
    query: z.strictObject({
      state: z.string().optional(),
      app: z.string().optional(),
      pipeline: z.string().optional(),
      /** Only tasks of these apps. Not together with `app`. Every page is full while there are more. */
      apps: someApps,
      limit,
      cursor: z.string().optional(),
    }),
    answer: page(taskSummary),
  }),
  /** With an ETag. With `wait` it holds until the version is above `after`. */
  task: route({
    method: "GET",
    path: "/tasks/{id}",
    query: z.strictObject({ after: count, wait }),
    answer: taskView,
    errors: ["not-found"],
  }),
  /** The tags of tasks (`taskTag`): a view with the same tag has not changed. Unknown ids are left out. */
  taskTags: route({
    method: "GET",
    path: "/task-tags",
    query: z.strictObject({
      ids: z
        .string()
        .transform((text) => text.split(","))
        .pipe(z.array(z.string().regex(/^[\w-]{1,100}$/, "must be a tag")).max(MAX_TAGS)),
    }),
    answer: taskTags,
  }),
  /** Events of one task after a taskseq, oldest first. */
  taskEvents: route({
    method: "GET",
    path: "/tasks/{id}/events",
    query: z.strictObject({ after: count, limit, wait }),
    answer: page(feedEvent),
    errors: ["not-found"],
  }),
  ...JOB_OUTPUT_ROUTES,
  ...FLEET_ROUTES,
  cancel: route({
    method: "POST",
    path: "/tasks/{id}/cancel",
    body: cancelTask,
    answer: taskView,
    status: 202,
    errors: ["already-ended", "conflict", "not-found", "task-archived"],
  }),
  /** Answers the new task. */
  rerun: route({
    method: "POST",
    path: "/tasks/{id}/rerun",
    body: rerunTask,
    answer: taskView,
    status: 202,
    errors: [...REQUEST_ERRORS, "not-found", "task-archived"],
  }),
  planRerun: route({
    method: "POST",
    path: "/tasks/{id}/rerun-plan",
    body: planRerun,
    answer: rerunPlanView,
    errors: [...REQUEST_ERRORS, "not-found", "task-archived"],
  }),
  resolve: route({
    method: "POST",
    path: "/tasks/{id}/resolve",
    body: resolveJob,
    answer: taskView,
    status: 202,
    errors: ["already-ended", "conflict", "not-found", "task-archived"],
  }),
  /** What waits for people, the oldest task last. With `task`, only of this task. */
  approvals: route({
    method: "GET",
    path: "/approvals",
    query: pageQuery.extend({ task: z.string().max(100).optional() }),
    answer: page(approvalView),
  }),
  answerApproval: route({
    method: "POST",
    path: "/tasks/{id}/jobs/{job}/approval",
    body: answerApproval,
    answer: taskView,
    status: 202,
    errors: ["bad-request", "conflict", "not-asked", "not-found", "task-archived"],
  }),
  apps: route({ method: "GET", path: "/apps", query: pageQuery, answer: page(appView) }),
  app: route({ method: "GET", path: "/apps/{name}", answer: appView, errors: ["app-unknown"] }),
  /** Starts the task that takes back a failed creation; the app is forgotten when it succeeds. */
  undoApp: route({
    method: "POST",
    path: "/apps/{name}/undo",
    body: removeApp,
    answer: taskView,
    status: 202,
    errors: ["app-unknown", "conflict"],
  }),
  /** What that task would take back, in its order. */
  undoPlan: route({
    method: "GET",
    path: "/apps/{name}/undo",
    answer: page(madeView),
    errors: ["app-unknown", "conflict"],
  }),
  /** Looks for an app that could be adopted, by a task. */
  startProposal: route({
    method: "POST",
    path: "/app-proposals",
    body: startProposal,
    answer: appProposal,
    status: 202,
    errors: ["bad-request", "conflict", "too-many"],
  }),
  /** `id`: of the task. */
  appProposal: route({
    method: "GET",
    path: "/app-proposals/{id}",
    answer: appProposal,
    errors: ["not-found"],
  }),
  /** Makes an app of what is there already. The same app again is `unchanged`. */
  adoptApp: route({
    method: "POST",
    path: "/apps/{name}/adopt",
    body: adoptApp,
    answer: appOutcome,
    errors: ["app-exists", "conflict", "overlay-taken", "place-taken"],
  }),
  changeApp: route({
    method: "POST",
    path: "/apps/{name}/change",
    body: changeApp,
    answer: appOutcome,
    errors: ["app-unknown", "conflict", "overlay-taken", "place-taken", "version-differs"],
  }),
  /** Tasks of the past keep the old name; names in other systems stay. */
  renameApp: route({
    method: "POST",
    path: "/apps/{name}/rename",
    body: renameApp,
    answer: appView,
    errors: ["app-exists", "app-unknown", "conflict", "place-taken"],
  }),
  /** An app that is ready, or whose creation failed and left nothing to undo, is no longer known. Nothing outside changes. */
  forgetApp: route({
    method: "POST",
    path: "/apps/{name}/forget",
    body: forgetApp,
    status: 204,
    errors: ["app-unknown", "conflict", "creation-left"],
  }),
  /** Newest first. */
  builds: route({
    method: "GET",
    path: "/apps/{name}/builds",
    query: pageQuery,
    answer: page(buildView),
    errors: ["app-unknown"],
  }),
  build: route({
    method: "GET",
    path: "/apps/{name}/builds/{number}",
    answer: buildView,
    errors: ["app-unknown", "not-found"],
  }),
  /** Of all apps, or of `apps`. Newest first. A page may have fewer builds than `limit` although there are more. */
  newestBuilds: route({
    method: "GET",
    path: "/builds",
    query: pageQuery.extend({ apps: someApps, branch: z.string().optional() }),
    answer: page(buildView),
  }),
  ...DEPLOYMENT_ROUTES,
  pipelines: route({ method: "GET", path: "/pipelines", answer: page(pipelineView) }),
  /** With `app`, `ci` and `cd` are what the buttons of this app start. */
  pipeline: route({
    method: "GET",
    path: "/pipelines/{name}",
    query: z.strictObject({ app: name.optional() }),
    answer: pipelineView,
    errors: ["app-unknown", "pipeline-unclear", "pipeline-unknown"],
  }),
  appPipelines: route({
    method: "GET",
    path: "/apps/{name}/pipelines",
    answer: appPipelinesView,
    errors: ["app-unknown"],
  }),
  /** The set in force, and why a newer one is not. */
  definitions: route({ method: "GET", path: "/definitions", answer: definitionsView }),
  /** The files of one folder of the set in force. `known`: the version that the asker has. */
  definitionPart: route({
    method: "GET",
    path: "/definitions/part",
    query: z.strictObject({ part: z.enum(FOLLOWED_PARTS), known: z.string().max(100).optional() }),
    answer: setPart,
  }),
  /** Reads the repository of definitions now. Answers the task that does. */
  syncDefinitions: route({
    method: "POST",
    path: "/definitions/sync",
    body: syncDefinitions,
    answer: taskView,
    status: 202,
    errors: ["conflict"],
  }),
  ...TRIGGER_ROUTES,
  /** The templates of create-app, as they were last read. */
  templates: route({ method: "GET", path: "/templates", answer: templatesView }),
  /** Reads them now, and pushes those that ship if that is asked for. Answers the task that does. */
  syncTemplates: route({
    method: "POST",
    path: "/templates/sync",
    body: syncTemplates,
    answer: taskView,
    status: 202,
    errors: ["bad-request", "conflict", "too-many"],
  }),
  ...DELIVERY_ROUTES,
  ...PAUSE_ROUTES,
  steps: route({ method: "GET", path: "/steps", answer: page(stepDescription) }),
  runners: route({ method: "GET", path: "/runners", answer: page(runnerView) }),
  ...RUNNER_ROUTES,
  /** The site of a runner that has registered, also of one out of service. */
  runnerSite: route({ method: "GET", path: "/runners/{name}/site", answer: runnerSite, errors: ["not-found"] }),
  /** A one-time token with which a runner enrols at a site. */
  createEnrolment: route({ method: "POST", path: "/enrolments", body: createEnrolment, answer: enrolmentView }),
  /** The runner's key is invalid at once at every agent. The answer has a one-time token for a new one. */
  renewRunnerKey: route({
    method: "POST",
    path: "/runners/{name}/renew-key",
    body: renewRunnerKey,
    answer: enrolmentView,
    errors: ["not-found"],
  }),
  /** Takes a runner out of service: it can neither register nor renew. */
  removeRunner: route({ method: "POST", path: "/runners/{name}/remove", status: 204, errors: ["not-found"] }),
  readmitRunner: route({ method: "POST", path: "/runners/{name}/readmit", status: 204, errors: ["not-found"] }),
  sites: route({ method: "GET", path: "/sites", answer: page(siteView) }),
  /** What operators may change while everything runs. With an ETag. */
  settings: route({ method: "GET", path: "/settings", answer: settingsView }),
  changeSettings: route({
    method: "POST",
    path: "/settings",
    body: changeSettingsFor,
    answer: settingsView,
    errors: ["version-differs"],
  }),
  /** Newest first. */
  settingsHistory: route({
    method: "GET",
    path: "/settings/history",
    query: z.strictObject({
      limit: z.coerce.number().pipe(z.int().min(1).max(200)).default(50),
      cursor: positive.optional(),
    }),
    answer: page(settingsChange),
  }),
  /** For processes; with `wait` it holds until the version is above `after`. */
  settingsNow: route({
    method: "GET",
    path: "/settings/now",
    query: z.strictObject({ after: whole.optional(), wait }),
    answer: settingsNow,
  }),
  /**
   * Events of all tasks in one order. `last` is the seq up to which this page was read: ask for the next one after it.
   * Without `after`: no events, and the newest seq there is. With `wait` it holds until there are events.
   */
  feed: route({
    method: "GET",
    path: "/feed",
    query: z.strictObject({ after: whole.optional(), limit, wait }),
    answer: feedPage,
  }),
};
export type AgentRoutes = typeof AGENT_ROUTES;
