// The only place that talks to Argo CD. Its gateway has an error table of its own, which is read here and nowhere else:
// the gRPC code decides, not the HTTP status (`exists with another spec` is 400, an absent app is 403 or 404).

import { sameRepository } from "@gantry/core/app/same-repository.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { ArgocdSystem } from "@gantry/core/site/systems.ts";
import type { z } from "zod";
import { type CallOptions, createHttp, type Http, type OtherAnswer } from "../http.ts";
import { isTransient, type Refresh } from "./decide-comparison.ts";
import { keyOfObject } from "./decide-observed.ts";
import {
  type Application,
  application,
  applications,
  type Cluster,
  canI,
  cluster,
  clusters,
  type ListedApplication,
  listedObjects,
  type ManagedResource,
  managedResources,
  manifests,
  type Project,
  project,
  type Refusal,
  type Repository,
  repositories,
  repository,
  repositoryTemplates,
  type TreeNode,
  tree,
  userInfo,
} from "./model.ts";
import {
  DENIED,
  isOtherSpec,
  NOT_FOUND,
  PRECONDITION,
  readRefusal,
  refusalError,
  registrationFailure,
} from "./refusals.ts";

/** Statuses whose bodies hold a gRPC code. 401, 429 and 5xx are the transport's. */
const ANSWERS = [400, 403, 404, 409] as const;

/** `exists-different`: Argo CD has one of this name with other fields, and `upsert` was not asked for. */
export type Created<T> = T | "exists-different";
export type SyncStart = { readonly kind: "started" } | { readonly kind: "not-now"; readonly reason: string };

export type NewApplication = {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: Readonly<Record<string, unknown>>;
};
export type NewProject = NewApplication;
export type NewRepository = {
  readonly repo: string;
  readonly type: "git";
  readonly username?: string;
  readonly password?: string;
  readonly bearerToken?: string;
};
export type SyncRequest = {
  /** Without one, what the app follows. Argo CD refuses a commit for an app with auto-sync. */
  readonly revision?: string;
  /** Default: true. */
  readonly prune?: boolean;
  readonly infos: readonly { readonly name: string; readonly value: string }[];
};

export type ArgoCd = ReturnType<typeof connect>;

/**
 * A client of one Argo CD with the rights of one account. Calls may run concurrently. `undefined` means that the object does
 * not exist or, for projects, repositories and clusters, that this account may not see it: Argo CD answers the same. Besides
 * the transport's errors: `system-forbidden`, `system-refused` with Argo CD's own sentence, and `conflict` when two updates
 * met. `system-forbidden` about an application is also what Argo CD answers while it cannot reach its Kubernetes API.
 */
export function connect(system: ArgocdSystem, access: { readonly fetch: typeof fetch; readonly signal: AbortSignal }) {
  const http = createHttp({
    system: system.name,
    baseUrl: system.url,
    headers: { authorization: `Bearer ${system.token}` },
    fetch: access.fetch,
    signal: access.signal,
  });

  const calls: Calls = { system: system.name, http, ask: asker(system.name, http) };
  return {
    ...accountCalls(calls),
    ...clusterCalls(calls),
    ...projectCalls(calls),
    ...repositoryCalls(calls),
    ...applicationCalls(calls),
    ...operationCalls(calls),
  };
}

type Calls = { readonly system: string; readonly http: Http; readonly ask: ReturnType<typeof asker> };

function accountCalls({ ask }: Calls) {
  return {
    /** The name of this account; undefined when nobody is signed in, which Argo CD answers to no token at all. */
    userName: async (): Promise<string | undefined> => {
      const call = { schema: userInfo, what: "read who the token belongs to" };
      const { loggedIn, username } = await ask.always("get", "/api/v1/session/userinfo", call);
      return loggedIn ? (username ?? "?") : undefined;
    },
    /** Asks Argo CD about a right of this account, as `argocd account can-i` does. */
    canI: async (action: string, resource: string, object: string): Promise<boolean> => {
      const path = [resource, action, object].map(encodeURIComponent).join("/");
      const call = { schema: canI, what: `ask whether it may ${action} ${resource}` };
      return (await ask.always("get", `/api/v1/account/can-i/${path}`, call)).value === "yes";
    },
  };
}

function clusterCalls({ ask }: Calls) {
  return {
    /** Names of the clusters that this account may see; empty when it may see none. */
    clusterNames: async (): Promise<readonly string[]> => (await listClusters(ask)).map(({ name }) => name),
    clusters: (): Promise<readonly { readonly name: string; readonly server: string }[]> => listClusters(ask),
  };
}

async function listClusters(ask: Calls["ask"]) {
  const answer = await ask.maybe("get", "/api/v1/clusters", { schema: clusters, what: "list the clusters" });
  return (answer?.items ?? []).map(({ name, server = "" }) => ({ name, server }));
}

function projectCalls({ ask }: Calls) {
  return {
    getProject: (name: string): Promise<Project | undefined> =>
      ask.maybe("get", `/api/v1/projects/${encodeURIComponent(name)}`, {
        schema: project,
        what: `look at project ${name}`,
      }),

    createProject: (desired: NewProject, name: string): Promise<Created<Project>> =>
      ask.create("/api/v1/projects", {
        json: { project: desired, upsert: false },
        schema: project,
        what: `create project ${name}`,
      }),

    /** `desired` is what was read, changed: its `resourceVersion` guards against a change in between. */
    updateProject: (desired: Project): Promise<Project> =>
      ask.always("put", `/api/v1/projects/${encodeURIComponent(desired.metadata.name)}`, {
        json: { project: desired },
        schema: project,
        what: `update project ${desired.metadata.name}`,
      }),

    /** Needs the right `clusters, get`; undefined without it. */
    getCluster: (name: string): Promise<Cluster | undefined> =>
      ask.maybe("get", `/api/v1/clusters/${encodeURIComponent(name)}`, {
        query: { "id.type": "name" },
        schema: cluster,
        what: `look at cluster ${name}`,
      }),

    deleteProject: (name: string): Promise<unknown> =>
      ask.maybe("delete", `/api/v1/projects/${encodeURIComponent(name)}`, { what: `delete project ${name}` }),
  };
}

function repositoryCalls({ system, http, ask }: Calls) {
  return {
    getRepository: (url: string): Promise<Repository | undefined> =>
      ask.maybe("get", `/api/v1/repositories/${encodeURIComponent(url)}`, {
        schema: repository,
        what: `look at repository ${url}`,
      }),

    /** Those that this account may see. Argo CD may test them all first, which takes long if a host does not answer. */
    listRepositories: async (): Promise<readonly Repository[]> => {
      const call = { schema: repositories, what: "list the repositories" };
      return (await ask.maybe("get", "/api/v1/repositories", call))?.items ?? [];
    },

    /** Beginnings of addresses for which Argo CD has credentials, as far as this account may see them. */
    listTemplates: async (): Promise<readonly string[]> => {
      const call = { schema: repositoryTemplates, what: "list the credential templates" };
      return ((await ask.maybe("get", "/api/v1/repocreds", call))?.items ?? []).map(({ url }) => url);
    },

    /** Argo CD tries the credentials first; what git says then comes as a status 500, see `registrationFailure`. */
    createRepository: async (
      desired: NewRepository & Readonly<Record<string, unknown>>,
      upsert: boolean,
    ): Promise<Created<unknown>> => {
      const what = `register repository ${desired.repo}`;
      const answer = await http.post("/api/v1/repositories", {
        query: { upsert },
        json: desired,
        schema: repository,
        what,
        expect: [...ANSWERS, 500],
      });
      if (answer.ok) return answer.body;
      const said = readRefusal(system, what, answer);
      if (answer.status !== 500 && isOtherSpec(said)) return "exists-different";
      throw registrationFailure(system, what, desired, answer.status, said);
    },

    /** Succeeds when there is none: Argo CD answers 403 for one that is not registered, as for one that may not be deleted. */
    deleteRepository: async (url: string): Promise<void> => {
      const path = `/api/v1/repositories/${encodeURIComponent(url)}`;
      try {
        await ask.maybe("delete", path, { what: `remove repository ${url}` });
      } catch (error) {
        const denied = error instanceof GantryError && error.code === "system-forbidden";
        if (!denied || (await ask.maybe("get", path, { what: `look at repository ${url}` })) !== undefined) throw error;
      }
    },
  };
}

function applicationCalls({ ask }: Calls) {
  return {
    /** With `refresh`, it answers when Argo CD has asked git again and compared; `hard` also forgets cached manifests. */
    getApplication: (name: string, inProject: string, refresh?: Refresh): Promise<Application | undefined> =>
      ask.present("get", appPath(name), {
        query: { project: inProject, refresh },
        schema: application,
        what: `look at app ${name}`,
      }),

    /** `namespace/name` of all that this account may see. */
    applicationKeys: async (): Promise<readonly string[]> => {
      const fields = ["items.metadata.name", "items.metadata.namespace"].join(",");
      const call = { query: { fields }, schema: listedObjects, what: "list the applications" };
      const { items } = await ask.always("get", "/api/v1/applications", call);
      return (items ?? []).flatMap((one) => keyOfObject(one) ?? []);
    },
    /** Those of all projects that this account may see. */
    allApplications: () => listAll(ask),
    /** Those of them that deploy from this repository, however its address is spelled. */
    listApplications: async (repoUrl: string): Promise<readonly ListedApplication[]> =>
      (await listAll(ask)).filter(({ spec: { source, sources } }) =>
        [source, ...(sources ?? [])].some((one) => one?.repoURL !== undefined && sameRepository(one.repoURL, repoUrl)),
      ),

    /** `validate` asks git for the path. It is off, because the path may have been pushed a moment ago. */
    createApplication: (desired: NewApplication, name: string, upsert: boolean): Promise<Created<Application>> =>
      ask.create("/api/v1/applications", {
        query: { upsert, validate: false },
        json: desired,
        schema: application,
        what: `${upsert ? "update" : "create"} app ${name}`,
      }),

    deleteApplication: (name: string, inProject: string): Promise<unknown> =>
      ask.maybe("delete", appPath(name), {
        query: { cascade: true, propagationPolicy: "foreground", project: inProject },
        what: `delete app ${name}`,
      }),
  };
}

async function listAll(ask: Calls["ask"]): Promise<readonly ListedApplication[]> {
  const fields = ["metadata.name", "metadata.namespace", "spec"].map((field) => `items.${field}`).join(",");
  const answer = await ask.maybe("get", "/api/v1/applications", {
    query: { fields },
    schema: applications,
    what: "list the applications",
  });
  return answer?.items ?? [];
}

function operationCalls({ system, http, ask }: Calls) {
  return {
    /** Starts a sync. `not-now`: another operation runs, or a sync window is closed; both pass by themselves. */
    sync: async (name: string, inProject: string, request: SyncRequest): Promise<SyncStart> => {
      const what = `sync app ${name}`;
      const answer = await http.post(`${appPath(name)}/sync`, {
        json: { name, project: inProject, prune: true, ...request },
        schema: application,
        what,
        expect: ANSWERS,
      });
      if (answer.ok) return { kind: "started" };
      const said = readRefusal(system, what, answer);
      const busy = said.code === PRECONDITION && said.message.includes("another operation is already in progress");
      const closed = said.code === DENIED && said.message.includes("sync window");
      if (busy) return { kind: "not-now", reason: `another operation of ${name} is in progress` };
      if (closed) return { kind: "not-now", reason: `a sync window of ${name} is closed` };
      throw refusalError(system, what, said);
    },

    /** Ends the operation that runs. Throws `system-refused` when none does. */
    terminate: (name: string, project: string): Promise<unknown> =>
      ask.maybe("delete", `${appPath(name)}/operation`, { query: { project }, what: `end the sync of app ${name}` }),

    managedResources: async (name: string, inProject: string): Promise<readonly ManagedResource[]> => {
      const answer = await ask.always("get", `${appPath(name)}/managed-resources`, {
        query: { project: inProject },
        schema: managedResources,
        what: `compare app ${name}`,
      });
      return answer.items ?? [];
    },

    /** What Argo CD makes of a commit of the repository; `problem`: in its words, why it cannot. */
    manifests: async (
      name: string,
      inProject: string,
      revision: string,
    ): Promise<{ readonly manifests: readonly string[] } | { readonly problem: string }> => {
      const what = `render app ${name} at ${revision}`;
      const answer = await http.get(`${appPath(name)}/manifests`, {
        query: { project: inProject, revision },
        schema: manifests,
        what,
        expect: [...ANSWERS, 500],
      });
      if (answer.ok) return { manifests: answer.body.manifests ?? [] };
      const said = readRefusal(system, what, answer);
      if (said.code === DENIED || isTransient(said.message)) throw refusalError(system, what, said);
      return { problem: said.message };
    },

    tree: async (name: string, inProject: string): Promise<readonly TreeNode[]> => {
      const answer = await ask.always("get", `${appPath(name)}/resource-tree`, {
        query: { project: inProject },
        schema: tree,
        what: `look at the resources of app ${name}`,
      });
      return answer.nodes ?? [];
    },
  };
}

function appPath(name: string): string {
  return `/api/v1/applications/${encodeURIComponent(name)}`;
}

type Ask<T> = Pick<CallOptions<T>, "query" | "json"> & { readonly schema?: z.core.$ZodType<T>; readonly what: string };
type Verb = "get" | "post" | "put" | "delete";

function asker(system: string, http: Http) {
  const call = <T>(verb: Verb, path: string, options: Ask<T>) => {
    // Everything but GET needs exactly this content type, also a DELETE without a body: else 415.
    const headers: Record<string, string> = verb === "get" ? {} : { "content-type": "application/json" };
    return http[verb]<T>(path, { ...options, headers, expect: ANSWERS });
  };
  const refusalOf = (what: string, answer: OtherAnswer): Refusal => readRefusal(system, what, answer);
  return {
    async always<T>(verb: Verb, path: string, options: Ask<T>): Promise<T> {
      const answer = await call(verb, path, options);
      if (answer.ok) return answer.body;
      throw refusalError(system, options.what, refusalOf(options.what, answer));
    },
    /** Undefined when it does not exist. */
    async present<T>(verb: "get" | "delete", path: string, options: Ask<T>): Promise<T | undefined> {
      const answer = await call(verb, path, options);
      if (answer.ok) return answer.body;
      const said = refusalOf(options.what, answer);
      if (said.code === NOT_FOUND) return undefined;
      throw refusalError(system, options.what, said);
    },
    /** Undefined when it does not exist, or a GET of it is denied. */
    async maybe<T>(verb: "get" | "delete", path: string, options: Ask<T>): Promise<T | undefined> {
      const answer = await call(verb, path, options);
      if (answer.ok) return answer.body;
      const said = refusalOf(options.what, answer);
      if (said.code === NOT_FOUND || (verb === "get" && said.code === DENIED)) return undefined;
      throw refusalError(system, options.what, said);
    },
    async create<T>(path: string, options: Ask<T>): Promise<Created<T>> {
      const answer = await call("post", path, options);
      if (answer.ok) return answer.body;
      const said = refusalOf(options.what, answer);
      if (isOtherSpec(said)) return "exists-different";
      throw refusalError(system, options.what, said);
    },
  };
}
