// Calls to the API of the portal. Every failure is thrown as a Problem: what happened, why, what to do, and its code.

import type { Role } from "@gantry/core/access/roles.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import type { AppOutcome } from "@gantry/wire/agent/agent-api.ts";
import type { ApprovalView } from "@gantry/wire/agent/approvals.ts";
import type { AppProposal } from "@gantry/wire/agent/proposals.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { parseJson } from "./json.ts";

export type FieldError = { readonly pointer?: string | undefined; readonly detail: string };

class Problem extends Error {
  readonly body: ProblemBody;
  constructor(body: ProblemBody) {
    super(body.title);
    this.body = body;
  }
}

export type Page<T> = { readonly items: readonly T[]; readonly nextCursor?: string };

/** GETs JSON. Throws a Problem; opens the sign-in page when nobody is signed in. */
export async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  const answer = await ask(path, {
    headers: { accept: "application/json" },
    cache: "no-cache",
    signal: signal ?? null,
  });
  return parseJson<T>(await answer.text());
}

/** Sends a change. `key` is the Idempotency-Key: two requests with the same key have the effect of one. */
export async function send<T>(
  method: "POST" | "PATCH" | "DELETE",
  path: string,
  body?: JsonObject,
  key?: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<T | undefined> {
  const answer = await ask(path, {
    method,
    headers: {
      accept: "application/json",
      ...headers,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(key === undefined ? {} : { "idempotency-key": key }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return answer.status === 204 ? undefined : parseJson<T>(await answer.text());
}

/** As `fetch`, but throws a Problem for every failure. Rejects with an AbortError when it is aborted. */
export async function ask(path: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(path, init).catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new Problem({
      ...NOWHERE,
      title: "The portal cannot be reached",
      detail: "The connection to the portal is interrupted.",
      todo: "Nothing is lost. This page tries again automatically.",
      code: "portal-unreachable",
    });
  });
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  // A change of password with a wrong old one is also answered 401.
  if (answer.status === 401 && problem.code !== "password-wrong") {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  throw new Problem(problem);
}

const NOWHERE = { type: "about:blank", status: 0, requestId: "" };

async function problemOf(answer: Response): Promise<ProblemBody> {
  const type = answer.headers.get("content-type") ?? "";
  if (type.includes("json")) return parseJson<ProblemBody>(await answer.text());
  return {
    ...NOWHERE,
    status: answer.status,
    title: `The portal answered ${answer.status}`,
    detail: "The response does not say why. It may come from a proxy between this page and the portal.",
    todo: "Try again. If it happens again, ask the administrator of the portal.",
    code: `http-${answer.status}`,
  };
}

export function problemFrom(error: unknown): ProblemBody {
  if (error instanceof Problem) return error.body;
  const detail = error instanceof Error ? error.message : String(error);
  return {
    ...NOWHERE,
    title: "Error in the console",
    detail,
    todo: "Reload the page. If it happens again, report it with this text.",
    code: "console",
  };
}

/** What waits for people, and whether this person may answer. */
export type AskedApproval = ApprovalView & {
  readonly mayApprove: boolean;
  readonly mayReject: boolean;
  readonly whyNot?: string;
};

const part = encodeURIComponent;

/** A new Idempotency-Key, as a UUID. `crypto.randomUUID` is not available on pages without HTTPS. */
export function newKey(): string {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

type Query = { readonly [name: string]: string | undefined };

function search(query: Query): string {
  const given = Object.entries(query).filter((one): one is [string, string] => one[1] !== undefined);
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

/** Addresses of the API. */
export const v1 = {
  me: "/v1/me",
  apps: "/v1/apps",
  app: (name: string) => `/v1/apps/${part(name)}`,
  /** What the undo of a failed creation would delete. */
  undoPlan: (app: string) => `/v1/apps/${part(app)}/undo`,
  removeApp: (app: string, query: { readonly undo: "true" | "false"; readonly keep?: "true" }) =>
    `/v1/apps/${part(app)}${search(query)}`,
  targets: (app: string) => `/v1/apps/${part(app)}/targets`,
  fleet: (query: Query = {}) => `/v1/fleet${search(query)}`,
  builds: (app: string) => `/v1/apps/${part(app)}/builds`,
  demands: (app: string) => `/v1/apps/${part(app)}/demands`,
  /** With `targets`, what a rollback of them would do. */
  rollback: (app: string, targets?: readonly string[]) =>
    `/v1/apps/${part(app)}/rollback${search({ targets: targets?.join() })}`,
  cdPlans: (app: string) => `/v1/apps/${part(app)}/cd-plans`,
  cdPlan: (task: string) => `/v1/tasks/${part(task)}/cd-plan`,
  releaseBuild: (app: string, build: number) => `/v1/apps/${part(app)}/builds/${build}/release`,
  newestBuilds: (query: Query = {}) => `/v1/builds${search(query)}`,
  webhookDeliveries: (query: Query = {}) => `/v1/webhook-deliveries${search(query)}`,
  redeliver: (id: string) => `/v1/webhook-deliveries/${part(id)}/redeliver`,
  tasks: (query: Query = {}) => `/v1/tasks${search(query)}`,
  task: (id: string) => `/v1/tasks/${part(id)}`,
  log: (id: string, job: string, step: string, attempt?: number) =>
    `/v1/tasks/${part(id)}/jobs/${part(job)}/steps/${part(step)}/log${attempt === undefined ? "" : `?attempt=${attempt}`}`,
  summary: (id: string, job: string, step: string, attempt?: number) =>
    `/v1/tasks/${part(id)}/jobs/${part(job)}/steps/${part(step)}/summary${attempt === undefined ? "" : `?attempt=${attempt}`}`,
  callbacks: (id: string) => `/v1/tasks/${part(id)}/callbacks`,
  artifacts: (id: string) => `/v1/tasks/${part(id)}/artifacts`,
  artifactFiles: (id: string, job: string, name: string) =>
    `/v1/tasks/${part(id)}/jobs/${part(job)}/artifacts/${part(name)}/files`,
  artifactContent: (id: string, job: string, name: string, path: string, preview = false) =>
    `/v1/tasks/${part(id)}/jobs/${part(job)}/artifacts/${part(name)}/content${search({ path, preview: preview ? "true" : undefined })}`,
  cancel: (id: string) => `/v1/tasks/${part(id)}/cancel`,
  rerunPlan: (id: string) => `/v1/tasks/${part(id)}/rerun-plan`,
  rerun: (id: string) => `/v1/tasks/${part(id)}/rerun`,
  resolve: (id: string) => `/v1/tasks/${part(id)}/resolve`,
  approvals: (query: Query = {}) => `/v1/approvals${search(query)}`,
  approval: (id: string, job: string) => `/v1/tasks/${part(id)}/jobs/${part(job)}/approval`,
  override: (id: string, job: string) => `/v1/tasks/${part(id)}/jobs/${part(job)}/override`,
  pipelines: "/v1/pipelines",
  steps: "/v1/steps",
  pipeline: (name: string, app?: string) =>
    `/v1/pipelines/${part(name)}${app === undefined ? "" : `?app=${part(app)}`}`,
  appPipelines: (app: string) => `/v1/apps/${part(app)}/pipelines`,
  triggers: (query: Query = {}) => `/v1/triggers${search(query)}`,
  pauseTrigger: (id: string) => `/v1/triggers/${part(id)}/pause`,
  resumeTrigger: (id: string) => `/v1/triggers/${part(id)}/resume`,
  pauses: "/v1/pauses",
  pauseApp: (app: string) => `/v1/apps/${part(app)}/pause`,
  resumeApp: (app: string) => `/v1/apps/${part(app)}/resume`,
  pausePipeline: (name: string) => `/v1/pipelines/${part(name)}/pause`,
  resumePipeline: (name: string) => `/v1/pipelines/${part(name)}/resume`,
  pauseSite: (site: string) => `/v1/sites/${part(site)}/pause`,
  resumeSite: (site: string) => `/v1/sites/${part(site)}/resume`,
  runTrigger: (id: string) => `/v1/triggers/${part(id)}/run`,
  proposals: "/v1/app-proposals",
  /** Held until it is there, for up to 20 s. */
  proposal: (id: string) => `/v1/app-proposals/${part(id)}?wait=20000`,
  sites: "/v1/sites",
  runner: (name: string) => `/v1/runners/${part(name)}`,
  drainRunner: (name: string) => `/v1/runners/${part(name)}/drain`,
  undrainRunner: (name: string) => `/v1/runners/${part(name)}/undrain`,
  stopRunner: (name: string) => `/v1/runners/${part(name)}/stop`,
  runnerLog: (name: string, from: "oldest" | "latest") => `/v1/runners/${part(name)}/log?from=${from}`,
  renewKey: (name: string) => `/v1/runners/${part(name)}/renew-key`,
  enrolments: "/v1/enrolments",
  inbox: "/v1/inbox",
  people: "/v1/people",
  person: (name: string) => `/v1/people/${part(name)}`,
  resetPerson: (name: string) => `/v1/people/${part(name)}/reset`,
  disablePerson: (name: string) => `/v1/people/${part(name)}/disable`,
  enablePerson: (name: string) => `/v1/people/${part(name)}/enable`,
  personSessions: (name: string) => `/v1/people/${part(name)}/sessions`,
  tokens: "/v1/tokens",
  account: "/v1/me/account",
  password: "/v1/me/password",
  sessions: "/v1/me/sessions",
  session: (id: string) => `/v1/me/sessions/${part(id)}`,
  ownTokens: "/v1/me/tokens",
  ownToken: (name: string) => `/v1/me/tokens/${part(name)}`,
  rotateOwnToken: (name: string) => `/v1/me/tokens/${part(name)}/rotate`,
  audit: (query: Query = {}) => `/v1/audit${search(query)}`,
  channels: "/v1/channels",
  definitions: "/v1/definitions",
  syncDefinitions: "/v1/definitions/sync",
  templates: "/v1/templates",
  readTemplates: "/v1/templates/read",
  pushTemplates: "/v1/templates/push",
  settings: "/v1/settings",
  settingsHistory: "/v1/settings/history",
  token: (name: string) => `/v1/tokens/${part(name)}`,
};

/** Addresses of the console. */
export const to = {
  app: (name: string) => `/apps/${part(name)}`,
  changeApp: (name: string) => `/apps/${part(name)}/change`,
  adopt: "/adopt",
  task: (id: string, at: { readonly [name: string]: string } = {}) => {
    const query = new URLSearchParams(at).toString();
    return `/tasks/${part(id)}${query === "" ? "" : `?${query}`}`;
  },
  tasks: (query: { readonly [name: string]: string }) => `/tasks?${new URLSearchParams(query)}`,
  pipeline: (name: string) => `/pipelines/${part(name)}`,
};

/** The request that starts a pipeline. create-app, ci and cd have addresses of their own. */
export function startCall(
  pipeline: string,
  app: string | undefined,
  params: { readonly [name: string]: JsonValue },
): { readonly path: string; readonly body: JsonObject } {
  if (pipeline === "create-app") return { path: "/v1/apps", body: { params } };
  if ((pipeline === "ci" || pipeline === "cd") && app !== undefined) {
    return { path: `${v1.app(app)}/${pipeline}`, body: { params } };
  }
  return { path: "/v1/tasks", body: { pipeline, ...(app === undefined ? {} : { app }), params } };
}

export type Me = {
  readonly name: string;
  readonly role: Role;
  /** Verbs that are allowed on something; for the others, what they need and who may use them. */
  readonly may: readonly string[];
  readonly mayNot: { readonly [verb: string]: string };
  readonly version: string;
};

export type Enrolment = { readonly runner?: string; readonly expiresAt: string; readonly command: string };

export type TokenView = {
  readonly name: string;
  readonly role: Me["role"];
  readonly createdBy: string;
  readonly createdAt: string;
  readonly expiresAt?: string;
  readonly lastUsedAt?: string;
  readonly scope?: { readonly [list: string]: readonly string[] };
};

export type PersonView = {
  readonly name: string;
  readonly displayName?: string;
  readonly groups: readonly string[];
  readonly issuer?: string;
  readonly state: "active" | "invited" | "disabled";
  readonly roles: readonly { readonly role: string; readonly via?: string; readonly on?: string }[];
  /** Seconds. */
  readonly pausedS?: number;
  readonly lastSignInAt?: string;
};

export type Activation = { readonly url: string; readonly expiresAt: string };

export type Account = {
  readonly person?: {
    readonly name: string;
    readonly displayName?: string;
    readonly role: string;
    readonly groups: readonly string[];
  };
  readonly hasPassword: boolean;
  readonly mayCreateTokens: boolean;
};

export type SessionView = {
  readonly id: string;
  readonly openedAt?: string;
  readonly signIn?: string;
  readonly address?: string;
  readonly userAgent?: string;
  readonly isCurrent: boolean;
};

export function start(
  pipeline: string,
  app: string | undefined,
  params: { readonly [name: string]: JsonValue },
  { key, reason = "" }: { readonly key: string; readonly reason?: string | undefined },
): Promise<TaskView | undefined> {
  const { path, body } = startCall(pipeline, app, params);
  return send<TaskView>("POST", path, reason === "" ? body : { ...body, override: { reason } }, key);
}

/** `shared`: files that other apps write, too. */
export type SavedApp = Pick<AppOutcome, "app" | "shared">;

/** Adopts an existing app. `dryRun`: checks everything and writes nothing. */
export async function adoptApp(name: string, app: JsonObject, dryRun: boolean): Promise<SavedApp> {
  return needed(await send<SavedApp>("POST", v1.apps, { adopt: true, name, app, dryRun }, newKey()));
}

/** Looks, and resolves when the proposal is there or could not be made. */
export async function lookForApp(body: JsonObject): Promise<AppProposal> {
  let proposal = needed(await send<AppProposal>("POST", v1.proposals, body));
  while (proposal.state === "running") {
    const answer = await ask(v1.proposal(proposal.id), { headers: { accept: "application/json" } });
    proposal = parseJson<AppProposal>(await answer.text());
  }
  return proposal;
}

/** `revision`: the one on which the change is based; without it, any. */
export async function patchApp(
  name: string,
  patch: JsonObject,
  revision: string | undefined,
  dryRun: boolean,
): Promise<SavedApp> {
  const headers = { "if-match": revision === undefined ? "*" : `"${revision}"` };
  const path = `${v1.app(name)}${dryRun ? "?dryRun=true" : ""}`;
  return needed(await send<SavedApp>("PATCH", path, patch, undefined, headers));
}

function needed<T>(answer: T | undefined): T {
  if (answer === undefined) throw new Error("The portal answered without content.");
  return answer;
}
