// The routes of `/agent/v1` about apps, their builds, and what Gantry proposes for an app by looking.

import type { Environments } from "@gantry/core/build/environments.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { Parsed } from "@gantry/runtime/http/route.ts";
import type { RouteHandlers } from "@gantry/runtime/http/serve-routes.ts";
import type { appOutcome } from "@gantry/wire/agent/agent-api.ts";
import type { Page } from "@gantry/wire/agent/agent-client.ts";
import type { AgentRoutes } from "@gantry/wire/agent/routes.ts";
import type { AppView } from "@gantry/wire/agent/views.ts";
import type { z } from "zod";
import { type AppOutcome, openApps } from "../apps/apps.ts";
import { listBuilds, loadBuild } from "../builds/build-stream.ts";
import { newestBuilds } from "../builds/newest-builds.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Proposals } from "../proposals/proposals.ts";
import { isAppName } from "../tasks/decide-start.ts";
import { madeFor, undoApp, undoPlan } from "../tasks/remove-app.ts";
import { appStream } from "../tasks/task-stream.ts";
import { appView, buildView } from "./app-view.ts";
import { taskCalls } from "./task-calls.ts";

type AppRoute =
  | "apps"
  | "app"
  | "builds"
  | "build"
  | "newestBuilds"
  | "startProposal"
  | "appProposal"
  | "adoptApp"
  | "changeApp"
  | "renameApp"
  | "undoApp"
  | "undoPlan"
  | "forgetApp";

type AppRoutesDeps = Parameters<typeof taskCalls>[0] &
  Omit<Parameters<typeof openApps>[0], "madeFor"> & {
    readonly fleet: Fleet;
    readonly proposals: Proposals;
    readonly admit?: (principal: string) => void;
  };

export function appHandlers(deps: AppRoutesDeps): Pick<RouteHandlers<AgentRoutes>, AppRoute> {
  const { journal, fleet } = deps;
  const environments = (): Environments => deps.definitions.environments?.() ?? {};
  const apps = openApps({ ...deps, madeFor: (app) => madeFor(deps, app) });
  return {
    apps: ({ query }) => listApps(deps, query),
    app: async ({ params: { name } }) => {
      const loaded = /^[a-z0-9-]+$/.test(name) ? await appStream.load(journal, name) : undefined;
      if (!loaded || loaded.state.state === "removed") throw new GantryError("app-unknown", { app: name });
      return { ...appView(loaded.state, environments()), live: await fleet.ofApp(name) };
    },
    builds: async ({ params: { name }, query }) => {
      const loaded = await appStream.load(journal, known(name));
      if (!loaded || loaded.state.state === "removed") throw new GantryError("app-unknown", { app: name });
      const { builds, cursor } = await listBuilds(journal, loaded.state, query);
      const declared = environments();
      return {
        items: builds.map((build) => buildView(build, loaded.state, declared)),
        ...(cursor === undefined ? {} : { nextCursor: cursor }),
      };
    },
    newestBuilds: async ({ query }) => {
      const { items, cursor } = await newestBuilds(journal, query);
      const declared = environments();
      return {
        items: items.map(({ build, app }) => buildView(build, app, declared)),
        ...(cursor === undefined ? {} : { nextCursor: cursor }),
      };
    },
    build: async ({ params: { name, number } }) => {
      const loaded = await appStream.load(journal, known(name));
      if (!loaded || loaded.state.state === "removed") throw new GantryError("app-unknown", { app: name });
      const isNumber = /^[0-9]{1,9}$/.test(number);
      const build = isNumber ? await loadBuild(journal, loaded.state, Number(number)) : undefined;
      if (!build) throw new GantryError("not-found", { kind: "build", name: `${name} #${number}` });
      return buildView(build, loaded.state, environments());
    },
    undoApp: async ({ params: { name }, body: { principal } }) =>
      taskCalls(deps).view(await undoApp(deps, name, principal)),
    startProposal: async ({ body }) => {
      deps.admit?.(body.principal);
      return deps.proposals.start(body);
    },
    appProposal: ({ params: { id } }) => deps.proposals.read(id),
    adoptApp: async ({ params: { name }, body: { principal, app, dryRun } }) => {
      if (!isAppName(name)) throw new GantryError("bad-request", { problem: `${name} is not a name of an app` });
      return outcomeView(await apps.adopt(name, { by: principal, app, dryRun }), environments());
    },
    changeApp: async ({ params: { name }, body: { principal, patch, revision, dryRun } }) =>
      outcomeView(await apps.change(known(name), { by: principal, patch, revision, dryRun }), environments()),
    renameApp: async ({ params: { name }, body: { principal, to } }) =>
      appView((await apps.rename(known(name), to, principal)).app, environments()),
    undoPlan: async ({ params: { name } }) => ({ items: [...(await undoPlan(deps, known(name)))] }),
    forgetApp: async ({ params: { name }, body: { principal, keep } }) => {
      await apps.forget(known(name), { by: principal, keep });
      return undefined;
    },
  };
}

/** Throws `app-unknown` for a name that no app can have: it is not a name of a stream either. */
function known(name: string): string {
  if (!isAppName(name)) throw new GantryError("app-unknown", { app: name });
  return name;
}

function outcomeView({ change, app, shared = [] }: AppOutcome, environments: Environments): z.input<typeof appOutcome> {
  return {
    change,
    app: appView(app, environments),
    ...(shared.length === 0 ? {} : { shared: shared.map(({ isOverlay: _, ...one }) => one) }),
  };
}

async function listApps(
  { journal, fleet, definitions }: Pick<AppRoutesDeps, "journal" | "fleet" | "definitions">,
  { limit, cursor }: Parsed<AgentRoutes["apps"]["query"]>,
): Promise<Page<AppView>> {
  const page = await journal.find({ index: "apps", limit, ...(cursor === undefined ? {} : { cursor }) });
  const environments = definitions.environments?.() ?? {};
  return {
    items: await Promise.all(
      page.items
        .map(appStream.stateOf)
        .map(async (app) => ({ ...appView(app, environments), live: await fleet.ofApp(app.name) })),
    ),
    ...(page.cursor === undefined ? {} : { nextCursor: page.cursor }),
  };
}
