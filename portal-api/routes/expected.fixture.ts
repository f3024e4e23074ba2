// The table of rights that the tests hold the routes to. It does not read what the routes declare: a route that is missing
// here fails the tests, and so does one that needs another right than this table says.

import type { Verb } from "@gantry/core/access/verbs.ts";

/** What a request is about. */
export type At = {
  readonly app: string;
  readonly task: string;
  readonly site: string;
  readonly runner: string;
  readonly pipeline: string;
};
export const OWN: At = { app: "orders", task: "t1", site: "seoul", runner: "seoul-1", pipeline: "ci" };

export type Expected = {
  /** The verb that it needs, on what it is about. */
  readonly right: "anyone" | "signed-in" | Verb;
  /** The verb without which it is answered like something that does not exist; absent where nothing can be hidden. */
  readonly hides?: "view" | "view-sites" | "view-pipelines";
  /** Other verbs that it needs. */
  readonly also?: readonly Verb[];
  /** A list: it is open to every caller and has only what the caller may see. */
  readonly list?: true;
  /** When it is allowed. */
  readonly status: number;
  readonly path: (at: At) => string;
  readonly body?: (at: At) => object;
  /** The fields of a form, instead of a body. */
  readonly form?: () => string;
};

const task = (at: At, rest = ""): string => `/v1/tasks/${at.task}${rest}`;
const app = (at: At, rest = ""): string => `/v1/apps/${at.app}${rest}`;
const LIST = { list: true, status: 200 } as const;

/** Adding a route means thinking about its line. */
export const EXPECTED: { readonly [route: string]: Expected } = {
  "POST /v1/apps": {
    right: "create-app",
    status: 202,
    path: () => "/v1/apps",
    body: (at) => ({ params: { name: at.app } }),
  },
  "POST /v1/apps/{app}/ci": {
    right: "run-ci",
    hides: "view",
    status: 202,
    path: (at) => app(at, "/ci"),
    body: () => ({}),
  },
  "POST /v1/apps/{app}/cd": {
    right: "run-cd",
    hides: "view",
    status: 202,
    path: (at) => app(at, "/cd"),
    body: () => ({}),
  },
  "POST /v1/apps/{app}/cd-plans": {
    right: "run-cd",
    hides: "view",
    status: 202,
    path: (at) => app(at, "/cd-plans"),
    body: () => ({}),
  },
  "GET /v1/tasks/{id}/cd-plan": {
    right: "view",
    hides: "view",
    status: 200,
    path: (at) => `/v1/tasks/${at.task}/cd-plan`,
  },
  "POST /v1/app-proposals": {
    right: "create-app",
    status: 202,
    path: () => "/v1/app-proposals",
    body: (at) => ({ name: at.app, source: { system: "git", project: "LOOK", slug: "new" } }),
  },
  "GET /v1/app-proposals/{id}": {
    right: "create-app",
    hides: "view",
    status: 200,
    path: (at) => `/v1/app-proposals/${at.task}`,
  },
  "GET /v1/apps": { ...LIST, right: "view", path: () => "/v1/apps" },
  "GET /v1/apps/{app}/builds": { right: "view", hides: "view", status: 200, path: (at) => app(at, "/builds") },
  "GET /v1/apps/{app}/builds/{number}": {
    right: "view",
    hides: "view",
    status: 200,
    path: (at) => app(at, "/builds/7"),
  },
  "GET /v1/apps/{app}/undo": { right: "view", hides: "view", status: 200, path: (at) => app(at, "/undo") },
  "GET /v1/apps/{app}/demands": { right: "view", hides: "view", status: 200, path: (at) => app(at, "/demands") },
  "GET /v1/apps/{app}/rollback": { right: "view", hides: "view", status: 200, path: (at) => app(at, "/rollback") },
  "POST /v1/apps/{app}/rollback": {
    right: "run-cd",
    hides: "view",
    status: 202,
    path: (at) => app(at, "/rollback"),
    body: () => ({ targets: ["seoul"], reason: "It is broken" }),
  },
  "POST /v1/apps/{app}/builds/{number}/hold": {
    right: "run-cd",
    hides: "view",
    status: 200,
    path: (at) => app(at, "/builds/7/hold"),
    body: () => ({ reason: "It is broken" }),
  },
  "POST /v1/apps/{app}/builds/{number}/release": {
    right: "run-cd",
    hides: "view",
    status: 200,
    path: (at) => app(at, "/builds/7/release"),
    body: () => ({}),
  },
  "GET /v1/apps/{app}/pipelines": { right: "view", hides: "view", status: 200, path: (at) => app(at, "/pipelines") },
  "GET /v1/apps/{app}/targets": { right: "view", hides: "view", status: 200, path: (at) => app(at, "/targets") },
  "GET /v1/fleet": { ...LIST, right: "view", path: () => "/v1/fleet" },
  "GET /v1/fleet/changes": { ...LIST, right: "view", path: () => "/v1/fleet/changes?after=e.0" },
  "GET /v1/builds": { ...LIST, right: "view", path: () => "/v1/builds" },
  "GET /v1/apps/{app}": { right: "view", hides: "view", status: 200, path: (at) => app(at) },
  "PATCH /v1/apps/{app}": {
    right: "change-app",
    hides: "view",
    status: 200,
    path: (at) => app(at),
    body: () => ({ title: "Orders" }),
  },
  "POST /v1/apps/{app}/rename": {
    right: "change-app",
    also: ["create-app"],
    hides: "view",
    status: 200,
    path: (at) => app(at, "/rename"),
    // The fake task-agent allows it.
    body: (at) => ({ to: at.app }),
  },
  "POST /v1/tasks": {
    right: "run-ci",
    hides: "view",
    status: 202,
    path: () => "/v1/tasks",
    body: (at) => ({ pipeline: "ci", app: at.app }),
  },
  "GET /v1/tasks": { ...LIST, right: "view", path: () => "/v1/tasks" },
  "GET /v1/tasks/{id}": { right: "view", hides: "view", status: 200, path: (at) => task(at) },
  "GET /v1/tasks/{id}/events": { right: "view", hides: "view", status: 200, path: (at) => task(at, "/events") },
  "GET /v1/tasks/{id}/jobs/{job}/steps/{step}/log": {
    right: "view-logs",
    hides: "view",
    status: 200,
    path: (at) => task(at, "/jobs/deploy%5Bseoul%5D/steps/checkout/log"),
  },
  "GET /v1/tasks/{id}/jobs/{job}/steps/{step}/summary": {
    right: "view-logs",
    hides: "view",
    status: 200,
    path: (at) => task(at, "/jobs/deploy%5Bseoul%5D/steps/checkout/summary"),
  },
  "GET /v1/tasks/{id}/callbacks": {
    right: "view",
    hides: "view",
    status: 200,
    path: (at) => task(at, "/callbacks"),
  },
  "GET /v1/tasks/{id}/artifacts": {
    right: "view-logs",
    hides: "view",
    status: 200,
    path: (at) => task(at, "/artifacts"),
  },
  "GET /v1/tasks/{id}/jobs/{job}/artifacts/{name}/files": {
    right: "view-logs",
    hides: "view",
    status: 200,
    path: (at) => task(at, "/jobs/deploy%5Bseoul%5D/artifacts/dist/files"),
  },
  "GET /v1/tasks/{id}/jobs/{job}/artifacts/{name}/content": {
    right: "view-logs",
    hides: "view",
    status: 200,
    path: (at) => task(at, "/jobs/deploy%5Bseoul%5D/artifacts/dist/content?path=app.js"),
  },
  "POST /v1/tasks/{id}/cancel": {
    right: "cancel",
    hides: "view",
    status: 202,
    path: (at) => task(at, "/cancel"),
    body: () => ({}),
  },
  "POST /v1/tasks/{id}/rerun": {
    right: "rerun",
    also: ["run-ci"],
    hides: "view",
    status: 202,
    path: (at) => task(at, "/rerun"),
    body: () => ({}),
  },
  "POST /v1/tasks/{id}/rerun-plan": {
    right: "rerun",
    also: ["run-ci"],
    hides: "view",
    status: 200,
    path: (at) => task(at, "/rerun-plan"),
    body: () => ({}),
  },
  "POST /v1/tasks/{id}/resolve": {
    right: "resolve",
    hides: "view",
    status: 202,
    path: (at) => task(at, "/resolve"),
    body: () => ({ job: "build", answer: "fail" }),
  },
  "GET /v1/approvals": { ...LIST, right: "view", path: () => "/v1/approvals" },
  "POST /v1/tasks/{id}/jobs/{job}/approval": {
    right: "approve",
    hides: "view",
    status: 202,
    path: (at) => task(at, "/jobs/build/approval"),
    body: () => ({ answer: "approve", plan: "sha256:0" }),
  },
  "POST /v1/tasks/{id}/jobs/{job}/override": {
    right: "override-policy",
    hides: "view",
    status: 202,
    path: (at) => task(at, "/jobs/build/override"),
    body: () => ({ reason: "The shop is down." }),
  },
  "GET /v1/events": { ...LIST, right: "view", path: () => "/v1/events?after=0" },
  "GET /v1/sites": { ...LIST, right: "view-sites", path: () => "/v1/sites" },
  "GET /v1/runners": { ...LIST, right: "view-sites", path: () => "/v1/runners" },
  "POST /v1/enrolments": {
    right: "enrol",
    hides: "view-sites",
    status: 201,
    path: () => "/v1/enrolments",
    body: (at) => ({ site: at.site }),
  },
  "DELETE /v1/apps/{app}": {
    right: "remove-app",
    hides: "view",
    status: 204,
    path: (at) => app(at, "?undo=false"),
  },
  "DELETE /v1/runners/{runner}": {
    right: "manage-runners",
    hides: "view-sites",
    status: 204,
    path: (at) => `/v1/runners/${at.runner}`,
  },
  "GET /v1/runners/{runner}": {
    ...{ right: "view-sites", hides: "view-sites", status: 200 },
    path: (at) => `/v1/runners/${at.runner}`,
  },
  "GET /v1/runners/{runner}/log": {
    ...{ right: "manage-runners", hides: "view-sites", status: 200 },
    path: (at) => `/v1/runners/${at.runner}/log?from=oldest&lines=10`,
  },
  "POST /v1/runners/{runner}/stop": {
    ...{ right: "manage-runners", hides: "view-sites", status: 200 },
    path: (at) => `/v1/runners/${at.runner}/stop`,
    body: () => ({ reason: "maintenance", now: true }),
  },
  "POST /v1/runners/{runner}/drain": {
    ...{ right: "manage-runners", hides: "view-sites", status: 200 },
    path: (at) => `/v1/runners/${at.runner}/drain`,
    body: () => ({ reason: "maintenance" }),
  },
  "POST /v1/runners/{runner}/undrain": {
    ...{ right: "manage-runners", hides: "view-sites", status: 200 },
    path: (at) => `/v1/runners/${at.runner}/undrain`,
    body: () => ({}),
  },
  "POST /v1/runners/{runner}/readmit": {
    right: "manage-runners",
    hides: "view-sites",
    status: 204,
    path: (at) => `/v1/runners/${at.runner}/readmit`,
    body: () => ({}),
  },
  "POST /v1/runners/{runner}/renew-key": {
    right: "enrol",
    hides: "view-sites",
    status: 201,
    path: (at) => `/v1/runners/${at.runner}/renew-key`,
    body: () => ({}),
  },
  "GET /v1/audit": { right: "view-audit", status: 200, path: () => "/v1/audit" },
  "GET /v1/audit/entries": { right: "view-audit", status: 200, path: () => "/v1/audit/entries" },
  "GET /v1/systems": { ...LIST, right: "view-sites", path: () => "/v1/systems" },
  "GET /v1/pipelines": { ...LIST, right: "view-pipelines", path: () => "/v1/pipelines" },
  "GET /v1/pipelines/{name}": {
    right: "view-pipelines",
    hides: "view-pipelines",
    status: 200,
    path: (at) => `/v1/pipelines/${at.pipeline}`,
  },
  "GET /v1/triggers": { ...LIST, right: "view", path: () => "/v1/triggers" },
  "POST /v1/triggers/{trigger}/pause": {
    right: "run-ci",
    hides: "view",
    status: 200,
    path: (at) => `/v1/triggers/${at.app}:ci:schedule-1/pause`,
    body: () => ({ reason: "maintenance" }),
  },
  "POST /v1/triggers/{trigger}/resume": {
    right: "run-ci",
    hides: "view",
    status: 200,
    path: (at) => `/v1/triggers/${at.app}:ci:schedule-1/resume`,
    body: () => ({}),
  },
  "POST /v1/triggers/{trigger}/run": {
    right: "run-ci",
    hides: "view",
    status: 202,
    path: (at) => `/v1/triggers/${at.app}:ci:schedule-1/run`,
    body: () => ({}),
  },
  "GET /v1/pauses": { ...LIST, right: "view", path: () => "/v1/pauses" },
  "POST /v1/apps/{app}/pause": {
    ...{ right: "pause-app", hides: "view", status: 200 },
    path: (at) => app(at, "/pause"),
    body: () => ({ reason: "maintenance" }),
  },
  "POST /v1/apps/{app}/resume": {
    ...{ right: "pause-app", hides: "view", status: 204 },
    path: (at) => app(at, "/resume"),
    body: () => ({}),
  },
  "POST /v1/pipelines/{name}/pause": {
    ...{ right: "pause-pipeline", hides: "view-pipelines", status: 200 },
    path: (at) => `/v1/pipelines/${at.pipeline}/pause`,
    body: () => ({ reason: "maintenance" }),
  },
  "POST /v1/pipelines/{name}/resume": {
    ...{ right: "pause-pipeline", hides: "view-pipelines", status: 204 },
    path: (at) => `/v1/pipelines/${at.pipeline}/resume`,
    body: () => ({}),
  },
  "POST /v1/sites/{site}/pause": {
    ...{ right: "manage-runners", hides: "view-sites", status: 200 },
    path: (at) => `/v1/sites/${at.site}/pause`,
    body: () => ({ reason: "maintenance" }),
  },
  "POST /v1/sites/{site}/resume": {
    ...{ right: "manage-runners", hides: "view-sites", status: 204 },
    path: (at) => `/v1/sites/${at.site}/resume`,
    body: () => ({}),
  },
  "POST /v1/queues/pause": {
    ...{ right: "manage-settings", status: 200 },
    path: () => "/v1/queues/pause",
    body: () => ({ group: "release", reason: "maintenance" }),
  },
  "POST /v1/queues/resume": {
    ...{ right: "manage-settings", status: 204 },
    path: () => "/v1/queues/resume",
    body: () => ({ group: "release" }),
  },
  "GET /v1/definitions": { ...LIST, right: "view-pipelines", path: () => "/v1/definitions" },
  "POST /v1/platform-checks": {
    right: "manage-settings",
    status: 200,
    path: () => "/v1/platform-checks",
    body: () => ({}),
  },
  "GET /v1/templates": { ...LIST, right: "view-pipelines", path: () => "/v1/templates" },
  "POST /v1/templates/read": {
    right: "manage-settings",
    status: 202,
    path: () => "/v1/templates/read",
    body: () => ({}),
  },
  "POST /v1/templates/push": {
    right: "manage-settings",
    status: 202,
    path: () => "/v1/templates/push",
    body: () => ({}),
  },
  "POST /v1/definitions/sync": { right: "manage-settings", status: 202, path: () => "/v1/definitions/sync" },
  "GET /v1/steps": { right: "signed-in", status: 200, path: () => "/v1/steps" },
  "GET /v1/inbox": { ...LIST, right: "view", path: () => "/v1/inbox" },
  "GET /v1/deliveries": { ...LIST, right: "view", path: () => "/v1/deliveries" },
  "GET /v1/channels": { right: "manage-settings", status: 200, path: () => "/v1/channels" },
  "GET /v1/me": { right: "signed-in", status: 200, path: () => "/v1/me" },
  "GET /v1/access/can": {
    right: "view",
    hides: "view",
    status: 200,
    path: (at) => `/v1/access/can?verb=run-cd&app=${at.app}`,
  },
  "GET /v1/settings": { right: "manage-settings", status: 200, path: () => "/v1/settings" },
  "POST /v1/settings": {
    right: "manage-settings",
    status: 200,
    path: () => "/v1/settings",
    body: () => ({ version: 0, changes: { "notify.paused": true } }),
  },
  "GET /v1/settings/history": { right: "manage-settings", status: 200, path: () => "/v1/settings/history" },
  "POST /v1/tokens": {
    right: "manage-tokens",
    status: 201,
    path: () => "/v1/tokens",
    body: (at) => ({ name: `robot-${at.app}`, role: "viewer" }),
  },
  "GET /v1/tokens": { right: "manage-tokens", status: 200, path: () => "/v1/tokens" },
  "DELETE /v1/tokens/{name}": { right: "manage-tokens", status: 204, path: (at) => `/v1/tokens/robot-${at.app}` },
  "POST /v1/tokens/{name}/rotate": {
    right: "manage-tokens",
    status: 201,
    path: (at) => `/v1/tokens/robot-${at.app}/rotate`,
    body: () => ({}),
  },
  "GET /v1/me/account": { right: "signed-in", status: 200, path: () => "/v1/me/account" },
  "POST /v1/me/password": {
    right: "signed-in",
    status: 400,
    path: () => "/v1/me/password",
    body: () => ({ old: "an old password", new: "a new password" }),
  },
  "GET /v1/me/sessions": { right: "signed-in", status: 200, path: () => "/v1/me/sessions" },
  "DELETE /v1/me/sessions/{session}": {
    right: "signed-in",
    status: 404,
    path: () => `/v1/me/sessions/${"0".repeat(64)}`,
  },
  "GET /v1/me/tokens": { right: "signed-in", status: 200, path: () => "/v1/me/tokens" },
  "POST /v1/me/tokens": {
    right: "signed-in",
    status: 403,
    path: () => "/v1/me/tokens",
    body: () => ({ name: "laptop" }),
  },
  "POST /v1/me/tokens/{name}/rotate": {
    right: "signed-in",
    status: 403,
    path: () => "/v1/me/tokens/laptop/rotate",
    body: () => ({}),
  },
  "DELETE /v1/me/tokens/{name}": { right: "signed-in", status: 400, path: () => "/v1/me/tokens/laptop" },
  "GET /v1/people": { right: "manage-people", status: 200, path: () => "/v1/people" },
  "POST /v1/people": {
    right: "manage-people",
    status: 201,
    path: () => "/v1/people",
    body: (at) => ({ name: `ida-${at.app}` }),
  },
  "POST /v1/people/{name}/reset": {
    right: "manage-people",
    status: 201,
    path: (at) => `/v1/people/ida-${at.app}/reset`,
    body: () => ({}),
  },
  "POST /v1/people/{name}/disable": {
    right: "manage-people",
    status: 200,
    path: (at) => `/v1/people/ida-${at.app}/disable`,
    body: () => ({}),
  },
  "POST /v1/people/{name}/enable": {
    right: "manage-people",
    status: 200,
    path: (at) => `/v1/people/ida-${at.app}/enable`,
    body: () => ({}),
  },
  "GET /v1/people/{name}/sessions": {
    right: "manage-people",
    status: 200,
    path: (at) => `/v1/people/ida-${at.app}/sessions`,
  },
  "DELETE /v1/people/{name}/sessions": {
    right: "manage-people",
    status: 204,
    path: (at) => `/v1/people/ida-${at.app}/sessions`,
  },
  "DELETE /v1/people/{name}": { right: "manage-people", status: 204, path: (at) => `/v1/people/ida-${at.app}` },
  "POST /v1/sign-in-links": {
    right: "signed-in",
    status: 201,
    path: () => "/v1/sign-in-links",
    body: () => ({}),
  },
  "GET /sign-in": { right: "anyone", status: 200, path: () => "/sign-in" },
  "POST /sign-in": { right: "anyone", status: 401, path: () => "/sign-in", form: () => "token=unknown" },
  "POST /sign-in/link": { right: "anyone", status: 401, path: () => "/sign-in/link", form: () => "code=unknown" },
  "POST /sign-in/password": {
    right: "anyone",
    status: 401,
    path: () => "/sign-in/password",
    // Another name each time: several failures of one name are answered 429.
    form: () => `name=nobody-${crypto.randomUUID()}&password=nothing`,
  },
  "GET /sign-in/activate": { right: "anyone", status: 401, path: () => "/sign-in/activate?code=unknown" },
  "POST /sign-in/activate": {
    right: "anyone",
    status: 401,
    path: () => "/sign-in/activate",
    form: () => "code=unknown&password=p&repeated=p",
  },
  "GET /sign-in/with/{issuer}": { right: "anyone", status: 404, path: () => "/sign-in/with/unknown" },
  "GET /sign-in/callback/{issuer}": { right: "anyone", status: 404, path: () => "/sign-in/callback/unknown" },
  "POST /sign-in/back-channel/{issuer}": {
    right: "anyone",
    status: 404,
    path: () => "/sign-in/back-channel/unknown",
    form: () => "logout_token=x",
  },
  "POST /v1/webhooks/definitions": {
    right: "anyone",
    status: 404,
    path: () => "/v1/webhooks/definitions",
    body: () => ({}),
  },
  "POST /v1/webhooks/{source}": {
    right: "anyone",
    status: 404,
    path: () => "/v1/webhooks/unknown",
    body: () => ({}),
  },
  "GET /v1/polling": { right: "manage-settings", status: 200, path: () => "/v1/polling" },
  "GET /v1/webhook-deliveries": { ...LIST, right: "view", path: () => "/v1/webhook-deliveries" },
  "GET /v1/webhook-deliveries/{id}": {
    right: "view",
    hides: "view",
    status: 200,
    path: (at) => `/v1/webhook-deliveries/${at.task}`,
  },
  "POST /v1/webhook-deliveries/{id}/redeliver": {
    right: "redeliver",
    hides: "view",
    status: 202,
    path: (at) => `/v1/webhook-deliveries/${at.task}/redeliver`,
    body: () => ({}),
  },
  "POST /sign-out": { right: "anyone", status: 204, path: () => "/sign-out", body: () => ({}) },
  "GET /livez": { right: "anyone", status: 200, path: () => "/livez" },
  "GET /readyz": { right: "anyone", status: 200, path: () => "/readyz" },
  "GET /version": { right: "anyone", status: 200, path: () => "/version" },
  "GET /metrics": { right: "view-metrics", status: 200, path: () => "/metrics" },
  "GET /openapi.json": { right: "signed-in", status: 200, path: () => "/openapi.json" },
  "GET /docs": { right: "signed-in", status: 200, path: () => "/docs" },
  "GET /portal.css": { right: "anyone", status: 200, path: () => "/portal.css" },
};

/** Whether a caller with these verbs on what the request is about is allowed. */
export function isAllowed({ right, list, hides, also = [] }: Expected, verbs: readonly Verb[]): boolean {
  if (right === "anyone" || right === "signed-in" || list) return true;
  return [right, ...(hides ? [hides] : []), ...also].every((verb) => verbs.includes(verb));
}
