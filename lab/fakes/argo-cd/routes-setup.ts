// Session, version, projects, clusters and repositories.

import type Router from "@koa/router";
import { type Account, bodyOf, bump, CODE, lacks, need, newMeta, newSession, refuse, text } from "./answers.ts";
import { same } from "./cluster.ts";
import { GitProblem } from "./git.ts";
import { servedBy } from "./kinds.ts";
import { type Cluster, clonedAs, type Project, type Repository, type RepositoryTemplate } from "./model.ts";
import type { FakeArgoCd } from "./refresh.ts";

const VERSION = "v3.5.1+standin";

export function sessionRoutes(router: Router, { state, save }: FakeArgoCd, accounts: readonly Account[]): void {
  router.get("/api/version", (ctx) => {
    ctx.body = { Version: VERSION };
  });
  router.post("/api/v1/session", async (ctx) => {
    const { username, password } = await bodyOf(ctx);
    const account = accounts.find(
      (one) => one.name === username && one.password !== undefined && one.password === password,
    );
    if (!account) throw refuse(CODE.unauthenticated, "Invalid username or password");
    ctx.body = { token: newSession(state, account.name) };
    save();
  });
  router.get("/api/v1/session/userinfo", (ctx) => {
    ctx.body = { loggedIn: true, username: ctx.state.account, iss: "argocd" };
  });
  router.get("/api/v1/account/can-i/:resource/:action/:subresource", (ctx) => {
    const { resource = "", action = "" } = ctx.params;
    const account = accounts.find((one) => one.name === ctx.state.account);
    ctx.body = { value: account?.without?.includes(`${resource}, ${action}`) ? "no" : "yes" };
  });
  router.post("/api/v1/account/:name/token", async (ctx) => {
    ctx.body = { token: newSession(state, String(ctx.params.name)) };
    save();
  });
}

export function projectRoutes(router: Router, { state, save }: FakeArgoCd, accounts: readonly Account[]): void {
  const find = (name: unknown): Project => {
    const project = state.projects[String(name)];
    if (project) return project;
    throw refuse(CODE.notFound, `appprojects.argoproj.io "${String(name)}" not found`);
  };
  router.get("/api/v1/projects", (ctx) => {
    ctx.body = { metadata: {}, items: Object.values(state.projects) };
  });
  router.get("/api/v1/projects/:name", (ctx) => {
    ctx.body = find(ctx.params.name);
  });
  router.post("/api/v1/projects", async (ctx) => {
    const { project: desired, upsert } = (await bodyOf(ctx)) as { project?: Partial<Project>; upsert?: boolean };
    const there = state.projects[String(desired?.metadata?.name)];
    if (there && !same(there.spec, desired?.spec) && upsert !== true) {
      throw refuse(CODE.invalid, "existing project spec is different, use upsert flag to force update");
    }
    if (there && upsert === true) {
      there.spec = desired?.spec ?? {};
      bump(state, there.metadata);
    }
    const made = there ?? { metadata: newMeta(state, desired?.metadata), spec: desired?.spec ?? {} };
    state.projects[made.metadata.name] = made;
    save();
    ctx.body = made;
  });
  router.put("/api/v1/projects/:name", async (ctx) => {
    const { project: desired } = (await bodyOf(ctx)) as { project?: Partial<Project> };
    const there = find(ctx.params.name);
    // Argo CD checks this right only when a destination has a server; a destination with only a name does not need it.
    if (desired?.spec?.destinations?.some(({ server }) => server)) need(ctx, accounts, "clusters, update");
    if (desired?.metadata?.resourceVersion !== there.metadata.resourceVersion) {
      throw refuse(
        CODE.aborted,
        `Operation cannot be fulfilled on appprojects "${there.metadata.name}": the object has been modified`,
      );
    }
    there.spec = desired.spec ?? {};
    bump(state, there.metadata);
    save();
    ctx.body = there;
  });
  router.delete("/api/v1/projects/:name", (ctx) => {
    const { name } = find(ctx.params.name).metadata;
    const users = Object.values(state.apps).filter((one) => one.object.spec.project === name).length;
    if (users > 0) throw refuse(CODE.invalid, `project is referenced by ${users} applications`);
    delete state.projects[name];
    save();
    ctx.body = {};
  });
}

export function clusterRoutes(router: Router, { state, save }: FakeArgoCd): void {
  const shown = (cluster: Cluster) => ({
    name: cluster.name,
    server: cluster.server,
    config: { tlsClientConfig: { insecure: false } },
    connectionState: { status: "Successful", message: "", attemptedAt: null },
    serverVersion: "v1.34.1",
    info: {
      serverVersion: "v1.34.1",
      apiVersions: servedBy(cluster),
      applicationsCount: 0,
      cacheInfo: {},
      connectionState: { status: "Successful", message: "", attemptedAt: null },
    },
  });
  const find = (id: unknown, type: unknown): Cluster => {
    const found = Object.values(state.clusters).find(
      (one) => (type === "name" || type === "name_escaped" ? one.name : one.server) === id,
    );
    if (found) return found;
    // The answer is the same for a missing cluster and for one without permission.
    throw refuse(CODE.denied, "permission denied");
  };
  router.get("/api/v1/clusters", (ctx) => {
    ctx.body = { metadata: {}, items: Object.values(state.clusters).map(shown) };
  });
  router.get("/api/v1/clusters/:id", (ctx) => {
    ctx.body = shown(find(ctx.params.id, ctx.query["id.type"]));
  });
  router.post("/api/v1/clusters", async (ctx) => {
    const { name, server } = await bodyOf(ctx);
    const address = text(server);
    if (address === undefined) throw refuse(CODE.invalid, "server is needed");
    const there = state.clusters[address];
    if (there && there.name !== name && ctx.query.upsert !== "true") {
      throw refuse(CODE.invalid, "existing cluster spec is different; use upsert flag to force update");
    }
    const made = {
      name: text(name) ?? address,
      server: address,
      namespaces: there?.namespaces ?? ["default"],
      live: there?.live ?? {},
    };
    state.clusters[address] = made;
    save();
    ctx.body = shown(made);
  });
  router.delete("/api/v1/clusters/:id", (ctx) => {
    delete state.clusters[find(ctx.params.id, ctx.query["id.type"]).server];
    save();
    ctx.body = {};
  });
}

export function repositoryRoutes(router: Router, { state, save, git }: FakeArgoCd, accounts: readonly Account[]): void {
  const connectionOf = async (repository: Repository): Promise<object> => {
    try {
      await git.test(repository);
      return { status: "Successful", message: "", attemptedAt: null };
    } catch (error) {
      if (!(error instanceof GitProblem)) throw error;
      return { status: "Failed", message: error.message, attemptedAt: null };
    }
  };
  const shown = async (one: Repository): Promise<object> => {
    const cloned = clonedAs(state, one.repo);
    const { password: _password, bearerToken: _bearerToken, ...rest } = cloned;
    return { ...rest, connectionState: await connectionOf(cloned) };
  };
  const find = (url: unknown): Repository => {
    const repository = state.repositories[String(url)];
    if (repository) return repository;
    // The answer is the same for a repository that is not registered and for one without permission.
    throw refuse(CODE.denied, "permission denied");
  };
  const test = async (repository: Repository): Promise<void> => {
    try {
      await git.test(repository);
    } catch (error) {
      if (!(error instanceof GitProblem)) throw error;
      throw refuse(CODE.unknown, `error testing repository connectivity: ${error.message}`);
    }
  };
  router.get("/api/v1/repositories", async (ctx) => {
    const visible = lacks(ctx, accounts, "repositories, get") ? [] : Object.values(state.repositories);
    ctx.body = { metadata: {}, items: await Promise.all(visible.map(shown)) };
  });
  router.get("/api/v1/repositories/:repo", async (ctx) => {
    need(ctx, accounts, "repositories, get");
    ctx.body = await shown(find(ctx.params.repo));
  });
  router.post("/api/v1/repositories", async (ctx) => {
    need(ctx, accounts, "repositories, create");
    const desired = (await bodyOf(ctx)) as Partial<Repository>;
    if (text(desired.repo) === undefined) throw refuse(CODE.invalid, "repo is needed");
    const repository: Repository = { ...desired, repo: String(desired.repo), type: desired.type ?? "git" };
    // Repositories of one project are saved without a connection test.
    if (!text(repository.project)) await test(repository);
    const there = state.repositories[repository.repo];
    const isOther = there !== undefined && !same(there, repository);
    if (isOther && ctx.query.upsert !== "true") {
      throw refuse(CODE.invalid, "existing repository spec is different; use upsert flag to force update");
    }
    if (isOther) need(ctx, accounts, "repositories, update");
    state.repositories[repository.repo] = repository;
    save();
    ctx.body = await shown(repository);
  });
  router.post("/api/v1/repositories/:repo/validate", async (ctx) => {
    await test(clonedAs(state, String(ctx.params.repo)));
    ctx.body = {};
  });
  router.delete("/api/v1/repositories/:repo", (ctx) => {
    delete state.repositories[find(ctx.params.repo).repo];
    save();
    ctx.body = {};
  });
}

/** Credentials for all repositories whose addresses begin alike. */
export function templateRoutes(router: Router, { state, save }: FakeArgoCd, accounts: readonly Account[]): void {
  const shown = ({ password: _password, bearerToken: _bearerToken, ...one }: RepositoryTemplate) => one;
  router.get("/api/v1/repocreds", (ctx) => {
    const visible = lacks(ctx, accounts, "repositories, get") ? [] : Object.values(state.templates ?? {});
    ctx.body = { metadata: {}, items: visible.map(shown) };
  });
  router.post("/api/v1/repocreds", async (ctx) => {
    const desired = (await bodyOf(ctx)) as Partial<RepositoryTemplate>;
    const url = text(desired.url);
    if (url === undefined) throw refuse(CODE.invalid, "url is needed");
    state.templates = { ...state.templates, [url]: { ...desired, url } };
    save();
    ctx.body = shown({ ...desired, url });
  });
}
