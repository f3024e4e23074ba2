// A fake portal for the tests of the console, over real HTTP: the built files with the real content security policy, the
// data of data.fixture.ts and tasks.fixture.ts, a feed that the test controls, and a record of the requests.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import type { Verb } from "@gantry/core/access/verbs.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import type { PauseView } from "@gantry/wire/agent/pauses.ts";
import type { RerunPlanView } from "@gantry/wire/agent/rerun-plan.ts";
import type { TriggerView } from "@gantry/wire/agent/triggers/triggers.ts";
import type { WebhookDelivery } from "@gantry/wire/agent/triggers/webhooks.ts";
import { ASKED, ASKING_TASK } from "./approvals.fixture.ts";
import { buildConsole } from "./build.ts";
import { APPS, BUILDS, INBOX, LOG, PIPELINES, PROPOSAL, SITES, SUMMARY } from "./data.fixture.ts";
import { FLEET, targetsOf } from "./fleet.fixture.ts";
import { listAt, textAt } from "./src/data/json-access.ts";
import { COMMIT, TASKS } from "./tasks.fixture.ts";

export type FakePortal = {
  readonly url: string;
  /** Every request that was not a GET: method, path, Idempotency-Key and body. */
  readonly requests: readonly { readonly what: string; readonly key: string | undefined; readonly body: unknown }[];
  /** Sends an event to every open feed. */
  readonly emit: (event: JsonObject) => void;
  /** The next POST fails with these errors in its fields. */
  readonly refuseNext: (
    errors: readonly { readonly pointer: string; readonly detail: string }[],
    code?: string,
  ) => void;
  /** Cuts every open stream. With `forGood` no new one can be opened, but pages of the feed can be read. */
  readonly cut: (options?: { readonly forGood?: boolean }) => void;
  /** The log of every step with this id, from now on. */
  readonly setLog: (step: string, text: string, isFinal: boolean) => void;
  readonly close: () => Promise<void>;
};

type FakeLog = { readonly bytes: Buffer; readonly isFinal: boolean };

const DELIVERIES: readonly WebhookDelivery[] = [
  {
    ...{ id: "w0000000000000000002", source: "bitbucket", host: "bitbucket-dc", bytes: 2_104, state: "started" },
    ...{ receivedAt: "2026-11-20T06:58:00Z", decidedAt: "2026-11-20T06:58:00Z", repository: "APPS/orders" },
    summary: "kim pushed 1a2b3c4 to main",
    apps: ["orders"],
    results: [
      {
        ...{ app: "orders", pipeline: "ci", task: "t0ci-failed" },
        reason: "The host did not say which files have changed, so all count as changed.",
      },
    ],
  },
  {
    ...{
      id: "w0000000000000000001",
      source: "github",
      host: "github",
      bytes: 812,
      state: "nothing",
      apps: [],
      results: [],
    },
    ...{ receivedAt: "2026-11-20T06:50:00Z", decidedAt: "2026-11-20T06:50:00Z" },
    ...{ summary: "The event star starts nothing.", reason: "The event star starts nothing." },
  },
];

const TOLD = { createdAt: "2026-11-20T07:00:00Z" };

const POLICY =
  "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES: { readonly [extension: string]: string } = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};
/** What the console asks for. */
const MAY: readonly Verb[] = [
  ...([
    "run-ci",
    "run-cd",
    "start-task",
    "create-app",
    "change-app",
    "remove-app",
    "pause-app",
    "cancel",
    "rerun",
    "resolve",
    "mark-done",
    "override-policy",
  ] as const),
  ...([
    "enrol",
    "manage-runners",
    "pause-pipeline",
    "manage-settings",
    "manage-tokens",
    "manage-people",
    "view-audit",
  ] as const),
];
const TRIGGERS: readonly TriggerView[] = [
  {
    id: "orders:nightly:schedule-1",
    pipeline: "nightly",
    app: "orders",
    kind: "schedule",
    text: "0 3 * * 1-5 Europe/Berlin",
    timeZone: "Europe/Berlin",
    nextAt: "2026-12-01T02:00:00.000Z",
    nextInZone: "2026-12-01 03:00 CET",
    plannedAt: "2026-12-01T02:00:00.000Z",
    count: 12,
    last: {
      at: "2026-11-30T02:00:00.000Z",
      nothing: "The condition of the trigger is not met: the name of the app is orders.",
    },
  },
  {
    id: "orders:cd:upstream-1",
    pipeline: "cd",
    app: "orders",
    kind: "upstream",
    text: "end of ci (succeeded)",
    paused: { by: "kim", at: "2026-11-30T02:00:00.000Z", reason: "the database moves" },
  },
];
const OTHERS = [{ name: "report", title: "Weekly report", button: "Make the report" }];
const PAUSES: readonly PauseView[] = [
  { of: "app", name: "orders", by: "kim", at: "2026-11-30T02:00:00.000Z", reason: "The database moves" },
];
const RERUN_PLAN: RerunPlanView = {
  task: "t0ci-failed",
  definition: { name: "ci", version: "sha256:0" },
  isSameDefinition: true,
  params: {},
  jobs: [
    { key: "checkout", id: "checkout", title: "Check out", does: "reuse", because: "it succeeded" },
    { key: "build", id: "build", title: "Build", does: "run", because: "it ended as failed" },
  ],
};

const STEPS: readonly StepDescription[] = [
  {
    name: "argocd/sync",
    title: "Sync an application of Argo CD",
    input: { type: "object", properties: { app: {}, revision: {}, prune: {} }, required: ["app", "revision"] },
    output: { type: "object", properties: { revision: {} }, required: ["revision"] },
    ...{ needs: ["argocd"], effects: ["sync"], timeoutMs: 900_000, undo: false },
  },
  {
    name: "definitions/read",
    title: "Read the definitions",
    input: { type: "object", properties: {} },
    output: { type: "object", properties: {} },
    ...{ needs: [], effects: [], timeoutMs: 60_000, undo: false },
  },
];

/** The targets of an app; nobody must approve a deployment to them. */
function demandsOf(record: JsonObject): readonly JsonObject[] {
  return listAt(record, "targets").map((target) => {
    const environment = textAt(target, "environment");
    return {
      target: textAt(target, "name") ?? "",
      site: textAt(target, "site") ?? "",
      ...(environment === undefined ? {} : { environment }),
    };
  });
}

const RESPONSES: { readonly [path: string]: unknown } = {
  "/v1/me": {
    name: "dana",
    role: "admin",
    via: "session",
    may: MAY,
    mayNot: {},
    version: "0.1.0",
    feedUp: true,
  },
  "/v1/apps": { items: APPS },
  "/v1/fleet": FLEET,
  ...Object.fromEntries(APPS.map(({ name }) => [`/v1/apps/${name}/targets`, targetsOf(name)])),
  "/v1/runners/tokyo-1/log": {
    runner: "tokyo-1",
    from: "latest",
    lines: ['{"level":"info","msg":"session opened"}', '{"level":"info","msg":"an operator reads this log"}'],
    held: 40,
    dropped: 0,
  },
  "/v1/tasks/t0ci-failed/callbacks": {
    items: [
      {
        ...TOLD,
        url: "https://ci.example.com/ended",
        state: "delivered",
        tries: 1,
        deliveredAt: "2026-11-20T07:00:01Z",
      },
      {
        ...{ ...TOLD, url: "https://old.example.com/hook", state: "refused", tries: 0 },
        problem: "old.example.com is not among the `hosts` of `callbacks`",
      },
    ],
  },
  "/v1/tasks/t0ci-failed/artifacts": {
    items: [
      {
        ...{ job: "test", name: "reports", attempt: 1, site: "seoul", files: 2, bytes: 3_400_000, state: "kept" },
        ...{ savedAt: "2026-11-20T07:00:00Z", keptUntil: "2026-12-20T07:00:00Z" },
      },
      {
        ...{ job: "test", name: "trace", attempt: 1, site: "seoul", files: 1, bytes: 5, state: "expired" },
        ...{ savedAt: "2026-11-20T07:00:00Z", keptUntil: "2026-11-21T07:00:00Z" },
      },
    ],
  },
  "/v1/tasks/t0ci-failed/jobs/test/artifacts/reports/files": {
    items: [
      { path: "reports/unit & more.xml", size: 1_024, digest: `sha256:${"a".repeat(64)}`, executable: false },
      { path: "reports/<b>.txt", size: 3_398_976, digest: `sha256:${"b".repeat(64)}`, executable: false },
    ],
  },
  [`/v1/app-proposals/${PROPOSAL.id}`]: PROPOSAL,
  "/v1/pipelines": { items: PIPELINES },
  "/v1/steps": { items: STEPS },
  "/v1/triggers": { items: TRIGGERS },
  "/v1/pauses": { items: PAUSES },
  "/v1/definitions": {
    inForce: {
      source: {
        kind: "git",
        repository: { project: "PLATFORM", slug: "definitions", branch: "main" },
        commit: COMMIT,
        subject: "Deploy two sites at once",
        task: "t0sync",
      },
      since: "2026-11-20T07:00:00Z",
      definitions: PIPELINES.map(({ name, version }) => ({ name, version, file: `pipelines/${name}.yaml` })),
      environments: ["production"],
    },
    refused: {
      at: "2026-11-20T07:10:00Z",
      commit: "b".repeat(40),
      count: 2,
      problems: [
        { file: "pipelines/cd.yaml", line: 12, column: 7, detail: "site is missing" },
        { file: "environments.yaml", line: 2, column: 3, detail: "environments.production: unknown key requries" },
      ],
    },
    sync: {
      repository: { project: "PLATFORM", slug: "definitions", branch: "main" },
      everySeconds: 300,
      task: "t0sync",
      requestedAt: "2026-11-20T07:10:00Z",
      state: "read",
    },
  },
  "/v1/templates": {
    project: "TEMPLATES",
    read: {
      at: "2026-11-20T06:00:00Z",
      project: "TEMPLATES",
      templates: [
        {
          name: "web-service",
          title: "Web service",
          summary: "A small HTTP service with tests.",
          kind: "source",
          deploy: "web-service-deploy",
          params: { javaVersion: { type: "integer", title: "Java version", enum: [17, 21], default: 17 } },
          state: "same",
        },
      ],
      projects: ["APPS"],
      clusters: [],
    },
  },
  "/v1/sites": { items: SITES },
  "/v1/inbox": { items: INBOX },
  "/v1/channels": {
    items: [
      { name: "mails", kind: "mail", insecureSkipVerify: true },
      { name: "ops", kind: "messenger" },
    ],
  },
  "/v1/settings": {
    version: 3,
    items: [
      {
        key: "dispatch.pausedSites",
        title: "Sites at which no job is started",
        value: null,
        allowed: "a list of names of sites",
        unset: "none",
        processes: ["task-agent"],
      },
    ],
  },
  "/v1/settings/history": {
    items: [
      {
        version: 3,
        at: "2026-11-20T07:00:00Z",
        by: "dana",
        reason: "a slow page",
        changes: [{ key: "log.portalApi", from: null, to: "debug" }],
      },
    ],
  },
  "/v1/audit": {
    items: [
      {
        seq: 8,
        at: "2026-11-20T07:00:00Z",
        kind: "done",
        of: 7,
        who: { name: "dana", role: "admin" },
        from: { ip: "10.1.2.3", client: "cli", token: "dana-laptop" },
        route: "runCd",
        verb: "run CD",
        on: { app: "orders", task: "t0cd" },
        status: 202,
        result: "done",
        prev: "0",
        hash: "1",
      },
      {
        seq: 6,
        at: "2026-11-20T06:59:00Z",
        kind: "refused",
        who: { name: "kim", role: "viewer" },
        from: { ip: "10.1.2.4", client: "console" },
        route: "createToken",
        verb: "create tokens",
        on: {},
        status: 403,
        code: "forbidden",
        count: 12,
        result: "refused",
        prev: "0",
        hash: "1",
      },
    ],
  },
  "/v1/people": {
    items: [
      {
        name: "dana",
        displayName: "Dana Kim",
        groups: ["web"],
        role: "none",
        roles: [{ role: "developer", via: "web", on: "apps team:web" }],
        pausedS: 4,
        state: "active",
        createdBy: "admin",
        createdAt: "2026-11-01T08:00:00Z",
      },
      {
        name: "seoul:ann",
        groups: ["web"],
        issuer: "seoul",
        role: "admin",
        roles: [{ role: "admin" }],
        state: "active",
        createdBy: "seoul",
        createdAt: "2026-11-01T08:00:00Z",
        lastSignInAt: "2026-11-20T06:50:00Z",
      },
    ],
  },
  "/v1/me/account": {
    person: { name: "dana", displayName: "Dana Kim", role: "admin", groups: ["web", "payments"], state: "active" },
    hasPassword: true,
    mayCreateTokens: true,
  },
  "/v1/me/sessions": {
    items: [
      {
        id: "a".repeat(64),
        openedAt: "2026-11-20T07:00:00Z",
        expiresAt: "2026-11-20T19:00:00Z",
        signIn: "password",
        address: "10.1.2.3",
        userAgent: "Mozilla/5.0",
        isCurrent: true,
      },
      {
        id: "b".repeat(64),
        openedAt: "2026-11-20T06:00:00Z",
        expiresAt: "2026-11-20T18:00:00Z",
        signIn: "sso",
        address: "10.1.2.4",
        userAgent: "Mozilla/5.0 (X11; Linux x86_64)",
        isCurrent: false,
      },
    ],
  },
  "/v1/me/tokens": {
    items: [
      {
        name: "laptop",
        owner: "dana",
        role: "admin",
        createdBy: "dana",
        createdAt: "2026-11-01T08:00:00Z",
        expiresAt: "2027-01-30T08:00:00Z",
        lastUsedAt: "2026-11-20T06:50:00Z",
      },
    ],
  },
  "/v1/tokens": {
    items: [{ name: "ci-bot", role: "developer", createdBy: "dana", createdAt: "2026-11-01T08:00:00Z" }],
  },
  "/v1/webhook-deliveries": { items: DELIVERIES },
  "/v1/approvals": { items: ASKED },
  [`/v1/tasks/${ASKING_TASK.id}`]: ASKING_TASK,
  "/v1/builds": { items: [...BUILDS, { ...BUILDS[1], app: "payments", number: 4, unmet: {} }] },
  ...Object.fromEntries(TASKS.map((task) => [`/v1/tasks/${task.id}`, task])),
  ...Object.fromEntries(APPS.map((app) => [`/v1/apps/${app.name}`, app])),
  ...Object.fromEntries(
    APPS.flatMap(({ name, record }) => [
      [`/v1/apps/${name}/demands`, { items: demandsOf(record) }],
      [`/v1/apps/${name}/rollback`, { targets: [] }],
    ]),
  ),
  "/v1/apps/search/undo": {
    items: [
      { what: "create the Jira project SEA", site: "platform", url: "http://jira.example/browse/SEA" },
      { what: "create repository APPS/search", site: "platform", url: "http://git.example/projects/APPS/repos/search" },
    ],
  },
  ...Object.fromEntries(
    APPS.map(({ name }) => [`/v1/apps/${name}/builds`, { items: name === "orders" ? BUILDS : [] }]),
  ),
  ...Object.fromEntries(
    APPS.map(({ name }) => [`/v1/apps/${name}/pipelines`, { ci: { name: "ci" }, cd: { name: "cd" }, others: OTHERS }]),
  ),
  ...Object.fromEntries(PIPELINES.map((pipeline) => [`/v1/pipelines/${pipeline.name}`, pipeline])),
};

const ENROLMENT = {
  site: "tokyo",
  runner: "tokyo-9",
  token: "one-time-token",
  expiresAt: "2026-11-20T07:10:00Z",
  command: "GANTRY_TASK_RUNNER_ENROL=one-time-token node task-runner/main.ts --name tokyo-9 --site tokyo",
};

export async function startFakePortal(port = 0): Promise<FakePortal> {
  const dist = await mkdtemp(join(tmpdir(), "gantry-console-"));
  await buildConsole(dist);
  const requests: { what: string; key: string | undefined; body: unknown }[] = [];
  const feeds = new Set<ServerResponse>();
  const logs = new Map<string, FakeLog>();
  let refusal: { readonly errors: readonly unknown[]; readonly code: string } | undefined;
  let hasStreams = true;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://portal");
    response.setHeader("Content-Security-Policy", POLICY);
    if (request.method !== "GET") {
      const body = await readBody(request);
      const key = request.headers["idempotency-key"];
      requests.push({ what: `${request.method} ${url.pathname}`, key: Array.isArray(key) ? key[0] : key, body });
      const refused = refusal;
      refusal = undefined;
      if (refused) sendProblem(response, 422, refused.code, refused.errors);
      else if (/enrolments$|renew-key$/.test(url.pathname)) sendJson(response, 201, ENROLMENT);
      else if (url.pathname === "/v1/app-proposals") sendJson(response, 202, { ...PROPOSAL, state: "running" });
      else if (url.pathname.endsWith("/rerun-plan")) sendJson(response, 200, RERUN_PLAN);
      else sendJson(response, 202, TASKS[0]);
      return;
    }
    if (url.pathname === "/v1/events" && !request.headers.accept?.includes("event-stream")) {
      sendJson(response, 200, { items: [], last: 1 });
      return;
    }
    if (url.pathname === "/v1/events") {
      if (!hasStreams) {
        sendProblem(response, 503, "unavailable", []);
        return;
      }
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      response.write('retry: 400\n\nevent: link\ndata: {"up":true}\n\n');
      feeds.add(response);
      response.once("close", () => feeds.delete(response));
      return;
    }
    if (url.pathname === "/v1/fleet/changes") {
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      response.write("retry: 400\n\n");
      return;
    }
    if (url.pathname.startsWith("/v1/")) {
      sendApi(response, url, logs);
      return;
    }
    const isFile = extname(url.pathname) !== "";
    response.setHeader("Content-Type", TYPES[extname(url.pathname)] ?? "text/html; charset=utf-8");
    // As the real portal does: the name contains a hash of the content.
    if (isFile) response.setHeader("Cache-Control", "public, max-age=31536000, immutable");
    response.end(await readFile(join(dist, isFile ? url.pathname : "index.html")));
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.statusCode = 404;
      response.end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    emit: (event) => {
      for (const feed of feeds) feed.write(`id: ${Number(event.seq)}\ndata: ${JSON.stringify(event)}\n\n`);
    },
    refuseNext: (errors, code = "bad-params") => {
      refusal = { errors, code };
    },
    cut: ({ forGood = false } = {}) => {
      hasStreams = !forGood;
      for (const feed of feeds) feed.destroy();
    },
    setLog: (step, text, isFinal) => void logs.set(step, { bytes: Buffer.from(text), isFinal }),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(dist, { recursive: true, force: true });
    },
  };
}

function sendApi(response: ServerResponse, url: URL, logs: ReadonlyMap<string, FakeLog>): void {
  const path = url.pathname;
  const found = path === "/v1/tasks" ? tasksOf(url) : RESPONSES[decodeURIComponent(path)];
  if (found === undefined && path.endsWith("/log"))
    sendLog(response, url, logs.get(path.split("/").at(-2) ?? "") ?? DEFAULT_LOG);
  else if (path.endsWith("/summary")) {
    response.writeHead(200, { "content-type": "text/markdown; charset=utf-8" });
    response.end(SUMMARY);
  } else if (found === undefined && path.endsWith("/artifacts")) sendJson(response, 200, { items: [] });
  else if (found === undefined) sendNotFound(response, path);
  else sendJson(response, 200, found);
}

function tasksOf(url: URL): unknown {
  const wanted = (name: "app" | "pipeline" | "state"): ((task: (typeof TASKS)[number]) => boolean) => {
    const value = url.searchParams.get(name);
    return (task) => value === null || task[name] === value;
  };
  return { items: TASKS.filter(wanted("app")).filter(wanted("pipeline")).filter(wanted("state")) };
}

const DEFAULT_LOG: FakeLog = { bytes: Buffer.from(LOG), isFinal: true };

function sendLog(response: ServerResponse, url: URL, { bytes, isFinal }: FakeLog): void {
  const from = Number(url.searchParams.get("from") ?? 0);
  const limit = Number(url.searchParams.get("limit") ?? bytes.length);
  const line = bytes.subarray(0, from).filter((byte) => byte === 0x0a).length + 1;
  response.writeHead(200, {
    "content-type": "text/plain; charset=utf-8",
    "gantry-log-size": String(bytes.length),
    "gantry-log-final": String(isFinal),
    ...(url.searchParams.has("lineNumber") ? { "gantry-log-line": String(line) } : {}),
  });
  response.end(bytes.subarray(from, from + limit));
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

function sendNotFound(response: ServerResponse, path: string): void {
  response.writeHead(404, { "content-type": "application/problem+json" });
  const words = { title: "Not found", detail: `RESPONSES has nothing at ${path}.`, todo: "Look for another one." };
  response.end(JSON.stringify({ type: "about:blank", status: 404, code: "not-found", requestId: "r1", ...words }));
}

function sendProblem(response: ServerResponse, status: number, code: string, errors: readonly unknown[]): void {
  response.writeHead(status, { "content-type": "application/problem+json" });
  const words = { title: "The parameters do not fit", detail: "Some do not fit.", todo: "Change them and send again." };
  response.end(JSON.stringify({ type: "about:blank", status, code, requestId: "r1", errors, ...words }));
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return parts.length === 0 ? undefined : JSON.parse(Buffer.concat(parts).toString("utf8"));
}

// For development: `node console/portal.fixture.ts` serves the console with this data.
if (import.meta.main) console.log((await startFakePortal(Number(process.argv[2] ?? 0))).url);
