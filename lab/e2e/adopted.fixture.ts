// Apps of teams as Gantry finds them: repositories made by git, applications in Argo CD, and people at the git host.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import type { AppInput } from "@gantry/core/app/app-shape.ts";
import type { Build } from "@gantry/core/build/build.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { GantryProcess } from "../processes/gantry-process.ts";
import { latestFirst, tempFolder } from "./outside.fixture.ts";

const run = promisify(execFile);
export type Files = { readonly [path: string]: string };

/** Files are copied on top of it without a builder. */
export const BASE = "ARG REGISTRY\nFROM ${REGISTRY}/library/web-base:1\n";

export type PullRequest = {
  readonly id: number;
  readonly state: string;
  readonly fromRef: { readonly displayId: string; readonly latestCommit: string };
};

export type ListedApp = {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly project: string;
    readonly source: { readonly path: string; readonly targetRevision: string };
    readonly destination: { readonly name?: string; readonly server?: string; readonly namespace: string };
    readonly syncPolicy?: object;
  };
  readonly status: {
    readonly summary?: { readonly images?: readonly string[] };
    readonly sync?: { readonly status: string };
  };
};

export type Field = Awaited<ReturnType<typeof openField>>;

/** Gantry with its lab: two sites, a git host, registries, and an Argo CD per site. */
export async function openField(t: TestContext) {
  const ends = latestFirst(t);
  const data = await tempFolder(ends, "adopted");
  const gantry = await GantryProcess.start(join(data, "gantry"));
  ends.after(() => gantry.stop());
  const git = gitHostOf(gantry, data);
  const ended = async (path: string, params: object): Promise<TaskView> =>
    gantry.ended((await gantry.press(path, { params })).id);
  return {
    gantry,
    ...git,
    argo: (site: string) => argoOf(gantry, site, join(data, "gantry", "world")),
    adopt: async (name: string, app: AppInput): Promise<void> => {
      const answer = await gantry.call("POST", "/v1/apps", { adopt: true, name, app }, { "idempotency-key": name });
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
    },
    change: async (name: string, patch: object): Promise<void> => {
      const answer = await gantry.call("PATCH", `/v1/apps/${name}`, patch, { "if-match": "*" });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
    },
    forget: async (name: string): Promise<void> => {
      const answer = await gantry.call("DELETE", `/v1/apps/${name}?undo=false`);
      assert.ok(answer.status < 300, JSON.stringify(answer.body));
      assert.equal((await gantry.call("GET", `/v1/apps/${name}`)).status, 404);
    },
    ci: async (name: string): Promise<Build> => {
      const task = await ended(`/v1/apps/${name}/ci`, {});
      assert.equal(task.state, "succeeded", `CI of ${name}: ${task.headline} ${JSON.stringify(task.failure)}`);
      const { items } = (await gantry.call("GET", `/v1/apps/${name}/builds`)).body as { items: Build[] };
      assert.ok(items[0]);
      return items[0];
    },
    cd: async (name: string, targets?: readonly string[]): Promise<TaskView> => {
      const task = await ended(`/v1/apps/${name}/cd`, targets === undefined ? {} : { targets });
      assert.equal(task.state, "succeeded", `CD of ${name}: ${task.headline} ${JSON.stringify(task.failure)}`);
      return task;
    },
    start: (name: string) => gantry.press(`/v1/apps/${name}/cd`, { params: {} }),
    refusedCd: (name: string): Promise<TaskView> => ended(`/v1/apps/${name}/cd`, {}),
  };
}

function gitHostOf(gantry: GantryProcess, data: string) {
  const { url, username = "", secret = "" } = gantry.lab("bitbucket");
  const authorization = `Basic ${Buffer.from(`${username}:${secret}`).toString("base64")}`;
  const rest = async <T>(path: string, method = "GET", body?: object): Promise<T> => {
    const answer = await fetch(`${url}/rest${path}`, {
      method,
      headers: { authorization, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  };
  const folder = (slug: string): string => join(data, slug);
  const gitIn = async (slug: string, ...args: string[]): Promise<string> => {
    const identity = ["-c", "user.name=A developer", "-c", "user.email=dev@lab.invalid"];
    return (await run("git", ["-C", folder(slug), ...identity, ...args])).stdout;
  };
  const write = async (slug: string, files: Files): Promise<void> => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder(slug), path)), { recursive: true });
      await writeFile(join(folder(slug), path), text);
    }
    await gitIn(slug, "add", "--all");
  };
  const inRepository = (slug: string): string => `/api/latest/projects/APPS/repos/${slug}`;
  return {
    cloneUrl: (slug: string): string => `${url}/scm/apps/${slug}.git`,
    makeRepository: async (slug: string, files: Files): Promise<void> => {
      await rest("/api/latest/projects/APPS/repos", "POST", { name: slug, scmId: "git", defaultBranch: "main" });
      // It prepares a new repository until it has said so.
      for (let state = ""; state !== "AVAILABLE"; ) ({ state } = await rest<{ state: string }>(inRepository(slug)));
      await mkdir(folder(slug), { recursive: true });
      await gitIn(slug, "init", "--quiet", "--initial-branch=main");
      await write(slug, files);
      await gitIn(slug, "commit", "--quiet", "-m", "Begin");
      const address = new URL(`${url}/scm/apps/${slug}.git`);
      address.username = username;
      address.password = secret;
      await gitIn(slug, "remote", "add", "origin", address.href);
      await gitIn(slug, "push", "--quiet", "--set-upstream", "origin", "main");
    },
    /** The account of Argo CD, which may only read. */
    reader: gantry.lab("bitbucket").reader,
    /** What the git host answers to the first request of a push with these credentials. */
    pushAnswer: async (slug: string, { username: user, password }: Registered): Promise<number> => {
      const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
      const address = `${url}/scm/apps/${slug}.git/info/refs?service=git-receive-pack`;
      return (await fetch(address, { headers })).status;
    },
    /** The git host answers 503 to the next request that matches `METHOD path`. */
    failOnce: async (match: string): Promise<void> => {
      const body = JSON.stringify({ match, kind: "status", status: 503, times: 1 });
      assert.ok((await fetch(`${url}/_lab/faults`, { method: "POST", body })).ok);
    },
    /** A developer changes files and pushes. */
    push: async (slug: string, files: Files): Promise<void> => {
      await gitIn(slug, "pull", "--quiet", "--rebase");
      await write(slug, files);
      await gitIn(slug, "commit", "--quiet", "-m", "Change");
      await gitIn(slug, "push", "--quiet");
    },
    /** All files of the branch, and how many commits it has. */
    contents: async (slug: string): Promise<{ readonly files: Files; readonly commits: number }> => {
      await gitIn(slug, "pull", "--quiet", "--rebase");
      const names = (await gitIn(slug, "ls-files", "-z")).split("\0").filter((name) => name !== "");
      const texts = await Promise.all(names.map((name) => gitIn(slug, "show", `HEAD:${name}`)));
      const files = Object.fromEntries(names.map((name, at) => [name, texts[at] ?? ""]));
      return { files, commits: Number(await gitIn(slug, "rev-list", "--count", "HEAD")) };
    },
    protect: (slug: string, approvals: number): Promise<void> =>
      rest(`${inRepository(slug)}/restrictions`, "POST", { branch: "main", approvals }),
    pullRequests: async (slug: string): Promise<readonly PullRequest[]> =>
      (await rest<{ values: PullRequest[] }>(`${inRepository(slug)}/pull-requests?state=ALL`)).values,
    approve: (slug: string, id: number): Promise<void> =>
      rest(`${inRepository(slug)}/pull-requests/${id}/approve`, "POST", {}),
    merge: async (slug: string, id: number): Promise<void> => {
      const { version } = await rest<{ version: number }>(`${inRepository(slug)}/pull-requests/${id}`);
      await rest(`${inRepository(slug)}/pull-requests/${id}/merge?version=${version}`, "POST", {});
    },
    check: (commit: string, state: "INPROGRESS" | "SUCCESSFUL" | "FAILED"): Promise<void> =>
      rest(`/build-status/latest/commits/${commit}`, "POST", {
        key: "yaml-lint",
        state,
        url: "https://ci.lab.invalid/1",
      }),
  };
}

type Exchange = { readonly method: string; readonly path: string };
type Registered = { readonly username?: string; readonly password?: string };

/** `world`: the folder of the fakes. */
function argoOf(gantry: GantryProcess, site: string, world: string) {
  const { url, secret } = gantry.lab(`${site}-argocd`);
  const api = async <T>(path: string, method = "GET", body?: object): Promise<T> => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  };
  return {
    apps: async (project: string): Promise<readonly ListedApp[]> =>
      (await api<{ items: ListedApp[] }>(`/applications?project=${project}`)).items,
    /** Requests that are not GET since the last call. */
    writes: async (): Promise<readonly string[]> => {
      const exchanges = (await (await fetch(`${url}/_lab/exchanges`)).json()) as readonly Exchange[];
      await fetch(`${url}/_lab/exchanges`, { method: "DELETE" });
      return exchanges.filter(({ method }) => method !== "GET").map(({ method, path }) => `${method} ${path}`);
    },
    /** The repositories that are registered, with the credentials that Argo CD shows to nobody. */
    registered: async (): Promise<Readonly<Record<string, Registered>>> => {
      const text = await readFile(join(world, `${site}-argocd`, "state.json"), "utf8");
      return (JSON.parse(text) as { repositories: Record<string, Registered> }).repositories;
    },
    /** As an administrator would, before there was a Gantry. */
    makeApp: async (name: string, project: string, spec: object): Promise<void> => {
      const anywhere = { sourceRepos: ["*"], destinations: [{ server: "*", namespace: "*" }] };
      await api("/projects", "POST", { project: { metadata: { name: project }, spec: anywhere } });
      const { reader } = gantry.lab("bitbucket");
      const { source } = spec as { source: { repoURL: string } };
      const account = { username: reader?.username, password: reader?.secret };
      await api("/repositories", "POST", { repo: source.repoURL, type: "git", ...account });
      await api("/applications", "POST", { metadata: { name }, spec: { project, ...spec } });
    },
  };
}
