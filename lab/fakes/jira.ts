// Fake Jira: Data Center (REST v2) or Cloud (REST v3). Projects, issues, a three-status workflow, comments with
// properties, and a search that lags behind creation as the real one does.

import Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import {
  Answer,
  type FakeServer,
  type FakeServerOptions,
  openState,
  originOf,
  readJson,
  serve,
} from "./fake-server.ts";
import { fakePage } from "./page.ts";

export type JiraOptions = FakeServerOptions & {
  readonly flavour: "cloud" | "data-center";
  /** The only account. Data Center takes the token as Bearer, or with the name as Basic; Cloud only the latter. */
  readonly username: string;
  readonly token: string;
  /** How long a new issue stays invisible to search. */
  readonly searchLagMs?: number;
  /** Permissions that the account lacks, e.g. `ADMINISTER`. */
  readonly without?: readonly string[];
};

type Project = { id: number; key: string; name: string; description: string; type: string; issues: number };
type Comment = { id: number; body: unknown; properties: { key: string; value: unknown }[]; createdMs: number };
type Issue = {
  id: number;
  key: string;
  project: string;
  type: string;
  summary: string;
  description: unknown;
  labels: string[];
  status: StatusName;
  createdMs: number;
  comments: Comment[];
};
type State = { nextId: number; projects: Project[]; issues: Issue[] };

type StatusName = "To Do" | "In Progress" | "Done";
const STATUSES: Record<StatusName, { id: string; category: { id: number; key: string; colorName: string } }> = {
  "To Do": { id: "10000", category: { id: 2, key: "new", colorName: "blue-gray" } },
  "In Progress": { id: "10001", category: { id: 4, key: "indeterminate", colorName: "yellow" } },
  Done: { id: "10002", category: { id: 3, key: "done", colorName: "green" } },
};
const TRANSITIONS: readonly { id: string; name: string; from: readonly StatusName[]; to: StatusName }[] = [
  { id: "11", name: "Stop progress", from: ["In Progress"], to: "To Do" },
  { id: "21", name: "Start progress", from: ["To Do"], to: "In Progress" },
  { id: "31", name: "Resolve", from: ["To Do", "In Progress"], to: "Done" },
  { id: "41", name: "Reopen", from: ["Done"], to: "To Do" },
];

/** Everything below /rest needs the account; the pages below /browse do not. */
export async function startJira(options: JiraOptions): Promise<FakeServer> {
  const { state, save } = openState<State>(options, () => ({ nextId: 10_000, projects: [], issues: [] }));
  const fake: FakeJira = { options, state, save, cloud: options.flavour === "cloud" };
  return serve(options, (router) => {
    const api = new Router({ prefix: `/rest/api/${fake.cloud ? 3 : 2}` });
    api.use(async (ctx, next) => {
      if (!known(fake, ctx.get("authorization"))) throw complaint(401, "You are not authenticated.");
      await next();
    });
    addAccount(api, fake);
    addProjects(api, fake);
    addIssues(api, fake);
    addComments(api, fake);
    router.use(api.routes());
    addPages(router, fake);
  });
}

type FakeJira = {
  readonly options: JiraOptions;
  readonly state: State;
  readonly save: () => void;
  readonly cloud: boolean;
};

const PERMISSIONS = ["ADMINISTER", "BROWSE_PROJECTS", "CREATE_ISSUES", "ADD_COMMENTS", "TRANSITION_ISSUES"] as const;

function addAccount(api: Router, { options, state, cloud }: FakeJira): void {
  api.get("/myself", (ctx) => {
    const self = `${originOf(ctx)}${ctx.path}`;
    const id = cloud ? { accountId: options.username, accountType: "atlassian" } : { name: options.username };
    ctx.body = { self, displayName: options.username, active: true, ...id };
  });
  api.get("/mypermissions", (ctx) => {
    const asked = typeof ctx.query.permissions === "string" ? ctx.query.permissions.split(",") : undefined;
    if (cloud && asked === undefined) throw complaint(400, "The permissions query parameter is required.");
    const { projectKey } = ctx.query;
    if (projectKey !== undefined && !state.projects.some(({ key }) => key === projectKey))
      throw complaint(404, `No project could be found with key '${String(projectKey)}'.`);
    const names = PERMISSIONS.filter((name) => !cloud || asked?.includes(name));
    const permissions = names.map((key) => {
      const havePermission = options.without?.includes(key) !== true;
      return [key, { id: key, key, name: key, type: "GLOBAL", description: "", havePermission }];
    });
    ctx.body = { permissions: Object.fromEntries(permissions) };
  });
}

function addProjects(api: Router, { state, save, cloud }: FakeJira): void {
  api.get("/project/:key", (ctx) => {
    const project = state.projects.find((one) => one.key === ctx.params.key || String(one.id) === ctx.params.key);
    if (!project) throw complaint(404, `No project could be found with key '${ctx.params.key}'.`);
    const { id, key, name, description } = project;
    const self = `${originOf(ctx)}${ctx.path}`;
    ctx.body = { id: String(id), key, name, description, self, ...(cloud ? { projectTypeKey: project.type } : {}) };
  });
  api.get("/projectvalidate/key", (ctx) => {
    const key = String(ctx.query.key ?? "");
    const text = keyProblem(state, key);
    ctx.body = { errorMessages: [], errors: text === undefined ? {} : { projectKey: text } };
  });
  const input = z.object({
    key: z.string(),
    name: z.string().min(1).max(80),
    projectTypeKey: z.string(),
    projectTemplateKey: z.string().optional(),
    description: z.string().default(""),
    [cloud ? "leadAccountId" : "lead"]: z.string(),
  });
  const create = async (ctx: Koa.Context): Promise<void> => {
    const wanted = checked(input, await readJson(ctx));
    const [key, name] = [String(wanted.key), String(wanted.name)];
    const errors: Record<string, string> = {};
    const text = keyProblem(state, key);
    if (text !== undefined) errors.projectKey = text;
    if (state.projects.some((one) => one.name.toLowerCase() === name.toLowerCase())) {
      errors.projectName = "A project with that name already exists.";
    }
    if (Object.keys(errors).length > 0) throw new Answer(400, { errorMessages: [], errors });
    const id = ++state.nextId;
    const [description, type] = [String(wanted.description), String(wanted.projectTypeKey)];
    state.projects.push({ id, key, name, description, type, issues: 0 });
    save();
    ctx.status = 201;
    ctx.body = { id, key, self: `${originOf(ctx)}${ctx.path.replace(/\/$/, "")}/${id}` };
  };
  api.post("/project", create);
  api.delete("/project/:key", (ctx) => {
    const project = state.projects.find((one) => one.key === ctx.params.key || String(one.id) === ctx.params.key);
    if (!project) throw complaint(404, `No project could be found with key '${ctx.params.key}'.`);
    state.projects = state.projects.filter((one) => one !== project);
    state.issues = state.issues.filter((one) => one.project !== project.key);
    save();
    ctx.status = 204;
  });
}

function addIssues(api: Router, fake: FakeJira): void {
  const { state, save, cloud } = fake;
  const input = z.object({
    fields: z.object({
      project: z.object({ key: z.string() }),
      issuetype: z.object({ name: z.string() }),
      summary: z.string().min(1).max(255),
      description: cloud
        ? z
            .object({ type: z.literal("doc"), version: z.literal(1) })
            .loose()
            .optional()
        : z.string().optional(),
      labels: z.array(z.string().regex(/^\S+$/)).default([]),
    }),
  });
  api.post("/issue", async (ctx) => {
    const { fields } = checked(input, await readJson(ctx));
    const project = state.projects.find((one) => one.key === fields.project.key);
    if (!project) throw complaint(400, "", { project: "valid project is required" });
    project.issues += 1;
    const issue: Issue = {
      id: ++state.nextId,
      key: `${project.key}-${project.issues}`,
      project: project.key,
      type: fields.issuetype.name,
      summary: fields.summary,
      description: fields.description ?? null,
      labels: fields.labels,
      status: "To Do",
      createdMs: Date.now(),
      comments: [],
    };
    state.issues.push(issue);
    save();
    ctx.status = 201;
    ctx.body = { id: String(issue.id), key: issue.key, self: `${originOf(ctx)}${ctx.path}/${issue.id}` };
  });
  api.get("/issue/:key", (ctx) => {
    ctx.body = shown(ctx, issueOf(state, ctx.params.key));
  });
  api.get("/issue/:key/transitions", (ctx) => {
    const issue = issueOf(state, ctx.params.key);
    const open = TRANSITIONS.filter((one) => one.from.includes(issue.status));
    ctx.body = { transitions: open.map(({ id, name, to }) => ({ id, name, to: statusShown(ctx, to) })) };
  });
  const move = z.object({ transition: z.object({ id: z.coerce.string() }) });
  api.post("/issue/:key/transitions", async (ctx) => {
    const issue = issueOf(state, ctx.params.key);
    const { id } = checked(move, await readJson(ctx)).transition;
    const found = TRANSITIONS.find((one) => one.id === id && one.from.includes(issue.status));
    // Data Center answers a wrong id with 500, Cloud with 400.
    if (!found) throw complaint(cloud ? 400 : 500, `Transition id '${id}' is not valid for this issue.`);
    issue.status = found.to;
    save();
    ctx.status = 204;
  });
  const search = z.object({
    jql: z.string(),
    maxResults: z.number().default(50),
    fields: z.array(z.string()).optional(),
  });
  api.post(cloud ? "/search/jql" : "/search", async (ctx) => {
    const { jql, maxResults, fields } = checked(search, await readJson(ctx));
    const visibleBefore = Date.now() - (fake.options.searchLagMs ?? 0);
    const found = state.issues.filter((one) => one.createdMs <= visibleBefore).filter(filterOf(jql));
    const page = found.slice(0, maxResults);
    if (cloud) {
      // Without `fields`, Cloud returns only ids.
      ctx.body = { isLast: true, issues: page.map((one) => (fields ? shown(ctx, one) : { id: String(one.id) })) };
    } else ctx.body = { startAt: 0, maxResults, total: found.length, issues: page.map((one) => shown(ctx, one)) };
  });
  if (cloud) {
    api.post("/search", () => {
      throw complaint(410, "The requested API has been removed. Use /rest/api/3/search/jql.");
    });
  }
}

function addComments(api: Router, { state, save, cloud }: FakeJira): void {
  const input = z.object({
    body: cloud ? z.object({ type: z.literal("doc"), version: z.literal(1) }).loose() : z.string().min(1),
    properties: z.array(z.object({ key: z.string(), value: z.unknown() })).default([]),
  });
  const shownComment = (ctx: Koa.Context, issue: Issue, { id, body, createdMs, properties }: Comment): object => ({
    id: String(id),
    self: `${originOf(ctx)}/rest/api/${cloud ? 3 : 2}/issue/${issue.id}/comment/${id}`,
    body,
    created: new Date(createdMs).toISOString().replace("Z", "+0000"),
    ...(String(ctx.query.expand ?? "").includes("properties") ? { properties } : {}),
  });
  api.post("/issue/:key/comment", async (ctx) => {
    const issue = issueOf(state, ctx.params.key);
    const { body, properties } = checked(input, await readJson(ctx));
    const comment = { id: ++state.nextId, body, properties, createdMs: Date.now() };
    issue.comments.push(comment);
    save();
    ctx.status = 201;
    ctx.body = shownComment(ctx, issue, comment);
  });
  api.get("/issue/:key/comment", (ctx) => {
    const issue = issueOf(state, ctx.params.key);
    const newestFirst = String(ctx.query.orderBy ?? "").startsWith("-");
    const all = newestFirst ? issue.comments.toReversed() : issue.comments;
    const maxResults = Number(ctx.query.maxResults ?? 50);
    const comments = all.slice(0, maxResults).map((one) => shownComment(ctx, issue, one));
    ctx.body = { startAt: 0, maxResults, total: all.length, comments };
  });
}

function addPages(router: Router, { state }: FakeJira): void {
  router.get("/", (ctx) => {
    const links = state.projects.map(({ key, name }) => [`${key} · ${name}`, `/browse/${key}`] as const);
    ctx.type = "html";
    ctx.body = fakePage("Jira", "Projects", [], links);
  });
  router.get("/browse/:key", (ctx) => {
    const key = String(ctx.params.key);
    const project = state.projects.find((one) => one.key === key);
    const issue = state.issues.find((one) => one.key === key);
    if (!project && !issue) throw new Answer(404, "Not Found");
    ctx.type = "html";
    if (project) {
      const links = state.issues
        .filter((one) => one.project === key)
        .map((one) => [`${one.key} · ${one.summary} (${one.status})`, `/browse/${one.key}`] as const);
      const rows = [["Key", key] as const, ["Description", project.description] as const];
      ctx.body = fakePage("Jira", project.name, rows, links);
    } else if (issue) {
      const rows = [
        ["Key", key],
        ["Type", issue.type],
        ["Status", issue.status],
        ["Labels", issue.labels.join(", ")],
        ...issue.comments.map(({ body }) => ["Comment", typeof body === "string" ? body : JSON.stringify(body)]),
      ] as [string, string][];
      ctx.body = fakePage("Jira", issue.summary, rows, [[issue.project, `/browse/${issue.project}`]]);
    }
  });
}

function known({ options, cloud }: FakeJira, authorization: string): boolean {
  const pair = Buffer.from(`${options.username}:${options.token}`).toString("base64");
  return authorization === `Basic ${pair}` || (!cloud && authorization === `Bearer ${options.token}`);
}

function complaint(status: number, message: string, errors: Record<string, string> = {}): Answer {
  return new Answer(status, { errorMessages: message === "" ? [] : [message], errors });
}

function checked<T>(schema: z.core.$ZodType<T>, body: unknown): T {
  const parsed = z.safeParse(schema, body);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((one) => [String(one.path.at(-1) ?? "body"), one.message]);
  throw complaint(400, "", Object.fromEntries(errors) as Record<string, string>);
}

function keyProblem(state: State, key: string): string | undefined {
  if (!/^[A-Z][A-Z0-9]{1,9}$/.test(key)) {
    return "Project keys must start with an uppercase letter, followed by one or more uppercase alphanumeric characters.";
  }
  const taken = state.projects.find((one) => one.key === key);
  return taken && `Project '${taken.name}' uses this project key.`;
}

function issueOf(state: State, key: string | undefined): Issue {
  const found = state.issues.find((one) => one.key === key || String(one.id) === key);
  if (!found) throw complaint(404, "Issue does not exist or you do not have permission to see it.");
  return found;
}

function shown(ctx: Koa.Context, { id, key, summary, description, labels, type, status }: Issue): object {
  const fields = { summary, description, labels, issuetype: { name: type }, status: statusShown(ctx, status) };
  return { id: String(id), key, self: `${originOf(ctx)}/rest/api/2/issue/${id}`, fields };
}

function statusShown(ctx: Koa.Context, name: StatusName): object {
  const { id, category } = STATUSES[name];
  return { id, name, self: `${originOf(ctx)}/rest/api/2/status/${id}`, statusCategory: { name, ...category } };
}

/** The part of JQL that is used here: `a = "b" AND …`, with an order that is ignored. */
function filterOf(jql: string): (issue: Issue) => boolean {
  const terms = jql.replace(/\s+order by .*$/i, "").split(/\s+and\s+/i);
  const tests = terms.map((term) => {
    const [, field, value] = /^\s*(project|labels|key|status)\s*=\s*"?([^"]*?)"?\s*$/i.exec(term) ?? [];
    if (field === undefined || value === undefined) {
      throw complaint(400, `Error in the JQL Query: the fake does not know '${term}'.`);
    }
    return (issue: Issue): boolean => {
      const actual = issue[field.toLowerCase() as "project" | "labels" | "key" | "status"];
      return Array.isArray(actual) ? actual.includes(value) : actual.toLowerCase() === value.toLowerCase();
    };
  });
  return (issue) => tests.every((passes) => passes(issue));
}
