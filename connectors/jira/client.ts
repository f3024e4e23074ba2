// Client of Jira Cloud (REST v3) and Jira Data Center (REST v2). The package jira-client composes the requests for both.
// Its own transport is not used, because it loses status codes and cannot be aborted. The package never gets credentials.

import type { JiraSystem } from "@gantry/core/site/systems.ts";
import type JiraApi from "jira-client";
import { z } from "zod";
import { basicAuth, createHttp, type Http, type HttpAnswer, type OtherAnswer } from "../http.ts";
import { adfOf } from "./adf.ts";

export type Project = z.infer<typeof project>;
export type Issue = z.infer<typeof issue>;
export type Transition = z.infer<typeof transitions>["transitions"][number];
export type NewProject = {
  readonly key: string;
  readonly name: string;
  readonly description: string;
  readonly template: string | undefined;
};
export type NewIssue = {
  readonly project: string;
  readonly type: string;
  readonly summary: string;
  readonly description: string | undefined;
  readonly labels: readonly string[];
};
/** Identifies a comment that Gantry wrote: an entity property, which Jira does not show to people. */
export type CommentMark = { readonly key: string; readonly value: string };

/** Errors are those of `Call` in ../http.ts. Safe to use concurrently. */
export type JiraClient = {
  /** The name of this account, for people. */
  readonly myself: () => Promise<string>;
  /** Which of these permissions it has, globally or in a project. */
  readonly permissions: (names: readonly string[], project?: string) => Promise<readonly string[]>;
  /** Undefined: it does not exist, or this account may not see it. */
  readonly project: (key: string) => Promise<Project | undefined>;
  readonly createProject: (project: NewProject) => Promise<{ readonly id: string }>;
  /** Cloud keeps it in its trash for 60 days; Data Center deletes it for good. No error when there is none. */
  readonly deleteProject: (id: string) => Promise<void>;
  /** Without the lag of the search index for the first issue of the project. */
  readonly hasIssues: (project: string) => Promise<boolean>;
  readonly issue: (key: string) => Promise<Issue>;
  readonly createIssue: (issue: NewIssue) => Promise<{ readonly id: string; readonly key: string }>;
  /** Issues with this label. The search index lags behind by seconds, sometimes minutes. */
  readonly labelled: (project: string, label: string) => Promise<readonly Issue[]>;
  readonly transitions: (key: string) => Promise<readonly Transition[]>;
  readonly transition: (key: string, id: string) => Promise<void>;
  readonly comment: (key: string, text: string, mark: CommentMark) => Promise<{ readonly id: string }>;
  /** The newest comment with this mark, among the last 100. */
  readonly markedComment: (key: string, mark: CommentMark) => Promise<{ readonly id: string } | undefined>;
};

/** Loads jira-client on first use: it is large, and most jobs do not use Jira. */
export async function openJira(system: JiraSystem, fetcher: typeof fetch, signal: AbortSignal): Promise<JiraClient> {
  const { default: Api } = await import("jira-client");
  const authorization = system.username ? basicAuth(system.username, system.token) : `Bearer ${system.token}`;
  const http = createHttp({
    system: system.title ?? system.name,
    baseUrl: system.url,
    headers: { authorization },
    fetch: fetcher,
    signal,
  });
  return clientOf({ http, system, api: (request) => new Api({ ...LIBRARY, apiVersion: version(system), request }) });
}

type Link = {
  readonly http: Http;
  readonly system: JiraSystem;
  readonly api: (request: LibraryRequest) => JiraApi;
};

function clientOf(link: Link): JiraClient {
  const { http, system } = link;
  const cloud = system.flavour === "cloud";
  const base = `/rest/api/${version(system)}`;
  return {
    myself: async () => {
      const call = { what: "read who the token belongs to", schema: z.object({ displayName: z.string() }) };
      return (await http.get(`${base}/myself`, call)).body.displayName;
    },
    permissions: async (names, key) => {
      const query = { permissions: names.join(","), projectKey: key };
      const call = { what: "read the permissions of the account", schema: permissions, query };
      const { body } = await http.get(`${base}/mypermissions`, call);
      return names.filter((name) => body.permissions[name]?.havePermission === true);
    },
    project: async (key) => {
      const call = { what: `read project ${key}`, schema: project, expect: [404] };
      const answer = await ask(link, call, (api) => api.getProject(key));
      return answer.ok ? answer.body : undefined;
    },
    createProject: async (wanted) => {
      const call = { what: `create project ${wanted.key}`, schema: z.object({ id }) };
      const answer = await ask(link, call, (api) => api.createProject(projectBody(system, wanted)));
      return bodyOf(answer);
    },
    deleteProject: async (projectId) => {
      const call = { what: `delete project ${projectId}`, expect: [404], query: cloud ? { enableUndo: true } : {} };
      await http.delete(`${base}/project/${encodeURIComponent(projectId)}`, call);
    },
    hasIssues: async (key) => {
      const what = `look for issues of ${key}`;
      const first = await http.get(`${base}/issue/${key}-1`, { what, query: { fields: "status" }, expect: [404] });
      if (first.ok) return true;
      const schema = z.object({ issues: z.array(z.object({ id })) });
      const json = { jql: `project = "${key}"`, maxResults: 1, fields: ["status"] };
      return (await http.post(`${base}/search${cloud ? "/jql" : ""}`, { what, schema, json })).body.issues.length > 0;
    },
    issue: async (key) => {
      const call = { what: `read issue ${key}`, schema: issue, query: { fields: ISSUE_FIELDS } };
      return (await http.get(`${base}/issue/${encodeURIComponent(key)}`, call)).body;
    },
    createIssue: async (wanted) => {
      const call = { what: `create an issue in ${wanted.project}`, schema: z.object({ id, key: z.string() }) };
      const answer = await ask(link, call, (api) => api.addNewIssue(issueBody(cloud, wanted)));
      return bodyOf(answer);
    },
    labelled: async (key, label) => {
      const jql = `project = "${key}" AND labels = "${label}" ORDER BY created ASC`;
      const call = { what: `search ${key}`, schema: z.object({ issues: z.array(issue) }) };
      // Cloud has removed /search, the only search that jira-client supports.
      const json = { jql, maxResults: 10, fields: ISSUE_FIELDS.split(",") };
      if (cloud) return (await http.post(`${base}/search/jql`, { ...call, json })).body.issues;
      const { jql: text, ...options } = json;
      return bodyOf(await ask(link, call, (api) => api.searchJira(text, options))).issues;
    },
    transitions: async (key) => {
      const call = { what: `read the transitions of ${key}`, schema: transitions };
      return bodyOf(await ask(link, call, (api) => api.listTransitions(key))).transitions;
    },
    transition: async (key, transition) => {
      const call = { what: `transition ${key}`, schema: z.unknown() };
      await ask(link, call, (api) => api.transitionIssue(key, { transition: { id: transition } }));
    },
    comment: async (key, text, { key: name, value }) => {
      const call = { what: `comment on ${key}`, schema: z.object({ id }) };
      const comment = { body: cloud ? adfOf(text) : text, properties: [{ key: name, value }] };
      return bodyOf(await ask(link, call, (api) => api.addCommentAdvanced(key, comment)));
    },
    markedComment: async (key, mark) => {
      const query = { expand: "properties", orderBy: "-created", maxResults: 100 };
      const call = { what: `read the comments of ${key}`, schema: comments, query };
      const answer = await http.get(`${base}/issue/${encodeURIComponent(key)}/comment`, call);
      const found = answer.body.comments.find((one) =>
        one.properties?.some((property) => property.key === mark.key && property.value === mark.value),
      );
      return found && { id: found.id };
    },
  };
}

const id = z.union([z.string(), z.number()]).transform(String);
const project = z.object({ id, key: z.string(), name: z.string(), description: z.string().nullish() });
const issue = z.object({
  id,
  key: z.string(),
  fields: z.object({
    summary: z.string().nullish(),
    status: z.object({ id, name: z.string() }),
    labels: z.array(z.string()).nullish(),
  }),
});
const transitions = z.object({
  transitions: z.array(z.object({ id, name: z.string(), to: z.object({ name: z.string() }) })),
});
const comments = z.object({
  comments: z.array(z.object({ id, properties: z.array(z.object({ key: z.string(), value: z.unknown() })).nullish() })),
});

/** Data Center answers with all permissions, whatever was asked for. */
const permissions = z.object({ permissions: z.record(z.string(), z.object({ havePermission: z.boolean() })) });

const ISSUE_FIELDS = "summary,status,labels";
/** jira-client only composes paths and bodies, so its target address has no effect. */
const LIBRARY = { protocol: "http", host: "jira" };

type LibraryRequest = (options: {
  readonly uri: string;
  readonly method: string;
  readonly body?: unknown;
}) => Promise<object>;
type Ask<T> = { readonly what: string; readonly schema: z.core.$ZodType<T>; readonly expect?: readonly number[] };

/** Lets jira-client compose one request and sends it through our own transport. */
async function ask<T>(
  link: Link,
  { what, schema, expect = [] }: Ask<T>,
  use: (api: JiraApi) => Promise<unknown>,
): Promise<HttpAnswer<T> | OtherAnswer> {
  let sent: Promise<HttpAnswer<T> | OtherAnswer> | undefined;
  const api = link.api(async ({ uri, method, body }) => {
    const { pathname, search } = new URL(uri);
    const path = `${pathname.replace(/\/$/, "")}${search}`;
    const call = { what, schema, expect, ...(body === undefined ? {} : { json: body }) };
    sent = method === "POST" ? link.http.post(path, call) : link.http.get(path, call);
    // The package would reduce an error to text. It gets an empty answer, and the caller reads `sent`.
    await sent.catch(() => undefined);
    return {};
  });
  await use(api);
  if (!sent) throw new Error(`jira-client sent nothing to ${what}`);
  return sent;
}

/** For calls without `expect`, where every other status has already been thrown. */
function bodyOf<T>(answer: HttpAnswer<T> | OtherAnswer): T {
  if (!answer.ok) throw new Error(`unexpected status ${answer.status}`);
  return answer.body;
}

function version(system: JiraSystem): "2" | "3" {
  return system.flavour === "cloud" ? "3" : "2";
}

/** Cloud identifies the lead by account id, Data Center by user name; template keys differ too. */
function projectBody(system: JiraSystem, wanted: NewProject): Record<string, string> {
  const { key, name, description, template } = wanted;
  const cloud = system.flavour === "cloud";
  const usual = cloud ? "gh-simplified-kanban-classic" : "gh-kanban-template";
  return {
    key,
    name,
    description,
    projectTypeKey: "software",
    projectTemplateKey: template ?? `com.pyxis.greenhopper.jira:${usual}`,
    assigneeType: "UNASSIGNED",
    [cloud ? "leadAccountId" : "lead"]: system.lead,
  };
}

function issueBody(cloud: boolean, { project, type, summary, description, labels }: NewIssue): { fields: object } {
  const text = description === undefined ? {} : { description: cloud ? adfOf(description) : description };
  return { fields: { project: { key: project }, issuetype: { name: type }, summary, labels, ...text } };
}
