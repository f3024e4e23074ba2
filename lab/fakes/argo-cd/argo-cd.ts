// A fake Argo CD of one site: the API below /api, with simulated clusters. It clones and renders real repositories and
// queries the registries of the images. It has the pitfalls of the real one: an app is OutOfSync until it is refreshed, a
// status is stale for a moment after a sync, and times have no fractions of a second.

import { join } from "node:path";
import type Router from "@koa/router";
import { Answer, type FakeServer, type FakeServerOptions, openState, serve } from "../fake-server.ts";
import { fakePage } from "../page.ts";
import { type Account, bodyOf, checkContentType, newMeta, signedIn } from "./answers.ts";
import { type Controller, startController } from "./controller.ts";
import { openGitReader } from "./git.ts";
import type { Manifest, State, Timing } from "./model.ts";
import { applicationPage } from "./page.ts";
import type { FakeArgoCd, Trouble } from "./refresh.ts";
import type { PullCredential } from "./registry.ts";
import { applicationRoutes } from "./routes-apps.ts";
import { clusterRoutes, projectRoutes, repositoryRoutes, sessionRoutes, templateRoutes } from "./routes-setup.ts";
import { streamRoutes } from "./stream.ts";

export type ArgoCdOptions = FakeServerOptions & {
  /** The token of the account `gantry`, which has the capability `apiKey`. */
  readonly token: string;
  /** Rights that the account `gantry` lacks. */
  readonly without?: readonly string[];
  /** More accounts, for people or for other tokens. */
  readonly accounts?: readonly Account[];
  /** The clusters that are registered from the start. */
  readonly clusters: readonly { readonly name: string; readonly server: string }[];
  /** The credentials with which nodes pull images, by registry. */
  readonly pullCredentials?: readonly PullCredential[];
  /** For tests: allows repositories that are folders (`file:///…`). */
  readonly allowFileRepositories?: boolean;
  readonly timing?: Partial<Timing>;
};

export type ArgoCd = FakeServer & {
  /** Sets faults behind Argo CD. They stay until the next call. */
  readonly trouble: Trouble;
  /** Changes an object in a cluster as a manual change would; `undefined` deletes it. */
  readonly changeByHand: (
    cluster: string,
    kind: string,
    name: string,
    change: (manifest: Manifest) => Manifest | undefined,
  ) => void;
};

const TIMING: Timing = { syncMs: 150, rolloutMs: 600, refreshEveryMs: 120_000 };

/**
 * Starts the fake. In addition to the API, `/applications/{namespace}/{name}` is the page of an app, `GET /_lab/clusters`
 * lists what runs in each cluster. `POST /_lab/clusters/{name}/scale` `{kind, name, replicas}` and `…/delete` `{kind, name}`
 * change a cluster without Argo CD.
 */
export async function startArgoCd(options: ArgoCdOptions): Promise<ArgoCd> {
  const { state, save } = openState<State>(options, newState);
  const accounts: Account[] = [
    { name: "gantry", token: options.token, without: options.without ?? [] },
    ...(options.accounts ?? []),
  ];
  for (const { name, server } of options.clusters) {
    state.clusters[server] = {
      namespaces: ["default", "kube-system"],
      live: {},
      ...state.clusters[server],
      name,
      server,
    };
  }
  save();
  const watchers = new Set<(name: string) => void>();
  const fake: FakeArgoCd = {
    state,
    save,
    git: openGitReader({
      dir: join(options.dir, options.name, "git"),
      allowFile: options.allowFileRepositories === true,
    }),
    timing: { ...TIMING, ...options.timing },
    credentials: options.pullCredentials ?? [],
    trouble: { kubernetes: "up", manifests: { left: 0, message: "" } },
    failures: new Map(),
    changed: (name) => {
      for (const watcher of watchers) watcher(name);
    },
  };
  const controller = startController(fake);
  const changeByHand = byHand(fake, controller);
  const server = await serve(options, (router, app) => {
    app.use(async (ctx, next) => {
      if (!ctx.path.startsWith("/api/")) return next();
      checkContentType(ctx);
      const open = ctx.path === "/api/version" || (ctx.path === "/api/v1/session" && ctx.method === "POST");
      if (!open) ctx.state.account = signedIn(ctx, accounts, state);
      await next();
    });
    sessionRoutes(router, fake, accounts);
    projectRoutes(router, fake, accounts);
    clusterRoutes(router, fake);
    repositoryRoutes(router, fake, accounts);
    templateRoutes(router, fake, accounts);
    applicationRoutes(router, { fake, controller });
    streamRoutes(router, fake, watchers);
    pageRoutes(router, fake, changeByHand);
  });
  return {
    ...server,
    trouble: fake.trouble,
    changeByHand,
    close: async () => {
      await controller.close();
      await server.close();
    },
  };
}

function newState(): State {
  const state: State = { version: 1, sessions: {}, projects: {}, repositories: {}, clusters: {}, apps: {}, images: {} };
  state.projects.default = {
    metadata: newMeta(state, { name: "default" }),
    spec: { sourceRepos: ["*"], destinations: [{ server: "*", namespace: "*" }] },
  };
  return state;
}

function pageRoutes(router: Router, { state }: FakeArgoCd, changeByHand: ArgoCd["changeByHand"]): void {
  router.get("/applications/:namespace/:name", (ctx) => {
    const record = state.apps[String(ctx.params.name)];
    if (!record) throw new Answer(404, "There is no such application in this fake.");
    ctx.type = "html";
    ctx.body = applicationPage(record);
  });
  router.get("/", (ctx) => {
    const apps = Object.values(state.apps).map(({ object }) => object);
    const rows = apps.map(
      (app) =>
        [
          app.metadata.name,
          `${app.status.health?.status ?? "Unknown"}, ${app.status.sync?.status ?? "Unknown"}`,
        ] as const,
    );
    ctx.type = "html";
    ctx.body = fakePage(
      "Argo CD",
      "Applications",
      rows,
      apps.map((app) => [app.metadata.name, `/applications/${app.metadata.namespace}/${app.metadata.name}`]),
    );
  });
  router.get("/_lab/clusters", (ctx) => {
    ctx.body = Object.values(state.clusters).map(({ name, server, live }) => {
      const objects = Object.values(live).map((one) => ({ app: one.app, manifest: one.manifest }));
      return { name, server, objects };
    });
  });
  router.post("/_lab/clusters/:name/delete", async (ctx) => {
    const { kind, name } = await bodyOf(ctx);
    changeByHand(String(ctx.params.name), String(kind), String(name), () => undefined);
    ctx.status = 204;
  });
  router.post("/_lab/clusters/:name/scale", async (ctx) => {
    const { kind, name, replicas } = await bodyOf(ctx);
    changeByHand(String(ctx.params.name), String(kind), String(name), (manifest) => ({
      ...manifest,
      spec: { ...(manifest.spec as Record<string, unknown>), replicas: Number(replicas) },
    }));
    ctx.status = 204;
  });
}

function byHand({ state, save }: FakeArgoCd, controller: Controller): ArgoCd["changeByHand"] {
  return (cluster, kind, name, change) => {
    const live = Object.values(state.clusters).find((one) => one.name === cluster)?.live ?? {};
    for (const [key, one] of Object.entries(live)) {
      if (one.manifest.kind !== kind || one.manifest.metadata.name !== name) continue;
      const manifest = change(structuredClone(one.manifest));
      if (manifest) live[key] = { ...one, manifest };
      else delete live[key];
    }
    save();
    controller.wake();
  };
}
