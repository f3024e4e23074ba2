// `/agent/v1`, for the platform plane: wire/agent/routes.ts declares the routes, this file answers them.

import type { KnownSystems } from "@gantry/core/app/apps-may.ts";
import type { ClustersAt } from "@gantry/core/app/known-clusters.ts";
import { siteProblem } from "@gantry/core/app/read-app.ts";
import { ACTIONS } from "@gantry/core/choice/actions.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { requireBearer } from "@gantry/runtime/http/bearer.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import { notModified } from "@gantry/runtime/http/conditional.ts";
import { addRoutes, type RouteHandlers } from "@gantry/runtime/http/serve-routes.ts";
import type { EnrolmentView } from "@gantry/wire/agent/agent-api.ts";
import { AGENT_PREFIX, AGENT_ROUTES, type AgentRoutes } from "@gantry/wire/agent/routes.ts";
import { tagOf } from "@gantry/wire/agent/views.ts";
import { requireProtocol } from "@gantry/wire/protocol-version.ts";
import Router from "@koa/router";
import { approvalsOf, listApprovals } from "../approvals/list-approvals.ts";
import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { DefinitionSet } from "../definitions/definition-set.ts";
import type { OwnPipelines } from "../definitions/own-pipelines.ts";
import type { RunnerRegistry } from "../dispatch/runner-registry.ts";
import type { Feed } from "../events/feed.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Enrolment, Identities } from "../identity/identities.ts";
import type { Leases } from "../leases/leases.ts";
import type { LogStore } from "../logs/log-store.ts";
import type { Pauses } from "../pauses/pauses.ts";
import type { Polling } from "../polling/polling.ts";
import type { Proposals } from "../proposals/proposals.ts";
import type { Seal } from "../secrets/seal.ts";
import type { Settings } from "../settings/settings.ts";
import type { SecretsAt } from "../tasks/decide-secrets.ts";
import type { Definitions } from "../tasks/definitions.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { taskStream } from "../tasks/task-stream.ts";
import type { Tasks } from "../tasks/tasks.ts";
import type { Templates } from "../templates/templates.ts";
import type { Triggers } from "../triggers/triggers.ts";
import type { Deliveries } from "../webhooks/deliveries.ts";
import { openAppPipelines } from "./app-pipelines.ts";
import { appHandlers } from "./app-routes.ts";
import { type Offers, pipelineView } from "./app-view.ts";
import { artifactReads } from "./artifact-reads.ts";
import { deliveryHandlers } from "./delivery-routes.ts";
import { deploymentHandlers } from "./deployment-routes.ts";
import { listTasks } from "./list-tasks.ts";
import { sendLog } from "./logs.ts";
import { pauseHandlers } from "./pause-routes.ts";
import { type RunnerOperationsDeps, runnerOperations } from "./runner-operations.ts";
import { settingsHandlers } from "./settings-routes.ts";
import { taskCalls } from "./task-calls.ts";
import { triggerHandlers } from "./trigger-routes.ts";

export type PortalRoutesDeps = {
  readonly journal: Journal;
  readonly tasks: Tasks;
  readonly definitions: Definitions;
  readonly ownPipelines: OwnPipelines;
  readonly leases: Leases;
  readonly logs: LogStore;
  readonly artifacts?: ArtifactStore | undefined;
  readonly feed: Feed;
  readonly fleet: Fleet;
  readonly registry: RunnerRegistry;
  readonly identities: Pick<Identities, "createEnrolment" | "renewKey">;
  readonly settings: Settings;
  readonly definitionSet: Pick<DefinitionSet, "view" | "part" | "sync">;
  readonly templates: Templates;
  readonly proposals: Proposals;
  readonly deliveries: Deliveries;
  readonly polling: Pick<Polling, "sources">;
  readonly triggers: Triggers;
  readonly pauses: Pauses;
  readonly portalUrl: string;
  readonly seal?: Seal | undefined;
  readonly newId: () => string;
  readonly token: string;
  readonly admit?: (principal: string) => void;
  readonly paramsBytes?: number;
  readonly knownSites?: () => readonly string[];
  readonly knownClusters?: () => Promise<ClustersAt>;
  readonly knownSystems?: KnownSystems;
  readonly knownSecrets?: () => Promise<SecretsAt>;
  readonly onCancel: (task: TaskRecord) => void;
  /** Takes a runner out of service. */
  readonly onRemove: (runner: string) => Promise<void>;
} & RunnerOperationsDeps;

type Handlers = RouteHandlers<AgentRoutes>;

export function portalRoutes(deps: PortalRoutesDeps): Router {
  const router = new Router({ prefix: AGENT_PREFIX });
  router.use(requireBearer([deps.token]));
  router.use(requireProtocol("the task-agent"));
  const handlers: Handlers = {
    ...taskHandlers(deps),
    ...appHandlers(deps),
    ...deploymentHandlers(deps, { calls: taskCalls(deps), ofApps: openAppPipelines(deps) }),
    ...catalogHandlers(deps),
    ...runnerHandlers(deps),
    ...triggerHandlers(deps),
    ...settingsHandlers(deps.settings),
    ...deliveryHandlers(deps),
    ...pauseHandlers(deps),
    fleet: ({ body }) => deps.fleet.page(body),
    fleetChanges: ({ ctx, query: { after, wait } }) => deps.fleet.changes(after, wait, clientGoneSignal(ctx)),
    ...runnerOperations(deps),
    feed: ({ ctx, query: { after, limit, wait } }) =>
      after === undefined ? deps.feed.newest() : deps.feed.page(after, limit, wait, clientGoneSignal(ctx)),
  };
  addRoutes(router, AGENT_ROUTES, handlers);
  return router;
}

/** More reruns of one task are not listed. */
const MAX_RERUNS = 50;

type TaskRoute =
  | "startTask"
  | "tasks"
  | "task"
  | "taskTags"
  | "taskEvents"
  | "log"
  | "artifacts"
  | "artifactFiles"
  | "artifactContent"
  | "cancel"
  | "rerun"
  | "planRerun"
  | "resolve"
  | "approvals"
  | "answerApproval";

function taskHandlers(deps: PortalRoutesDeps): Pick<Handlers, TaskRoute> {
  const { feed, leases, logs, tasks } = deps;
  const { requireTask, view, start, cancel, rerun, planRerun, resolve, answer } = taskCalls(deps);
  const ofApps = openAppPipelines(deps);
  return {
    startTask: async ({ body }) => {
      if (body.app !== undefined && body.button) {
        const pipeline = await ofApps.choose(body.app, body.button, body.principal);
        if (pipeline !== body.pipeline) throw new GantryError("pipeline-chosen", { pipeline });
      }
      return start(body);
    },
    tasks: ({ query }) => listTasks(deps, query),
    task: async ({ ctx, params: { id }, query: { after, wait } }) => {
      let record = await requireTask(id);
      if (wait > 0 && record.version <= after) {
        await feed.taskChanged(record.state.id, record.version, wait, clientGoneSignal(ctx));
        record = await requireTask(id);
      }
      const reruns = await rerunsOf(deps.journal, record.state);
      return notModified(ctx, tagOfRecord(record, leases, reruns)) ? undefined : view(record, reruns);
    },
    taskTags: async ({ query: { ids } }) => {
      const records = await Promise.all(ids.map((id) => tasks.read(id)));
      const found = records.filter((record) => record !== undefined);
      const tagged = found.map(
        async (one) => [one.state.id, tagOfRecord(one, leases, await rerunsOf(deps.journal, one.state))] as const,
      );
      return { tags: Object.fromEntries(await Promise.all(tagged)) };
    },
    taskEvents: async ({ params: { id }, query: { after, limit } }) => {
      const { state } = await requireTask(id);
      return { items: await feed.ofTask(state.id, after, limit) };
    },
    log: async ({ ctx, params, query }) => sendLog(ctx, await requireTask(params.id), params, query, logs),
    ...artifactReads(deps, requireTask),
    cancel: ({ params, body }) => cancel(params.id, body),
    rerun: ({ params, body }) => rerun(params.id, body),
    planRerun: ({ params, body }) => planRerun(params.id, body),
    resolve: ({ params, body }) => resolve(params.id, body),
    approvals: async ({ query: { task, ...query } }) => {
      if (task === undefined) return listApprovals(deps, query);
      const record = await tasks.read(task);
      return { items: record ? await approvalsOf(deps.journal, record) : [] };
    },
    answerApproval: ({ params, body }) => answer(params.id, params.job, body),
  };
}

type CatalogRoute =
  | "pipelines"
  | "pipeline"
  | "appPipelines"
  | "steps"
  | "definitions"
  | "definitionPart"
  | "syncDefinitions"
  | "templates"
  | "syncTemplates";

function catalogHandlers(deps: PortalRoutesDeps): Pick<Handlers, CatalogRoute> {
  const { definitions, definitionSet, templates } = deps;
  const ofApps = openAppPipelines(deps);
  const offers = async (): Promise<Offers> => ({ ...(await templates.offers()), site: deps.knownSites?.() ?? [] });
  return {
    pipelines: async () => {
      const offered = await offers();
      return { items: definitions.list().map((one) => pipelineView(one, offered, definitions.current)) };
    },
    appPipelines: ({ params: { name } }) => ofApps.view(name),
    pipeline: async ({ params: { name }, query: { app } }) => {
      const action = ACTIONS.find((one) => one === name);
      const definition = app && action ? await ofApps.chosen(app, action) : await ofApps.named(name);
      if (!definition) throw new GantryError("pipeline-unknown", { pipeline: name });
      return pipelineView(await ofApps.preset(definition, app), await offers(), definitions.current);
    },
    templates: () => templates.view(),
    syncTemplates: async ({ body }) => {
      deps.admit?.(body.principal);
      return taskCalls(deps).view(await templates.sync(body));
    },
    steps: () => ({ items: definitions.steps }),
    definitions: () => definitionSet.view(),
    definitionPart: ({ query: { part, known } }) => definitionSet.part(part, known),
    syncDefinitions: async ({ body: { principal } }) => taskCalls(deps).view(await definitionSet.sync(principal)),
  };
}

type RunnerRoute =
  | "runners"
  | "runnerSite"
  | "createEnrolment"
  | "renewRunnerKey"
  | "removeRunner"
  | "readmitRunner"
  | "sites";

/** Throws `bad-request` for a site that nobody knows. The first site of an installation is always a new one. */
function requireKnownSite(site: string, sites: readonly string[]): void {
  const detail = sites.length === 0 ? undefined : siteProblem(site, sites);
  if (detail === undefined) return;
  const problem = `${detail}. For the first runner of a new site, set newSite (\`gantry runner enrol --new-site\`)`;
  throw new GantryError("bad-request", { problem }, { problems: [{ pointer: "/site", detail: problem }] });
}

function runnerHandlers({
  registry,
  identities,
  templates,
  onRemove,
  knownSites,
}: PortalRoutesDeps): Pick<Handlers, RunnerRoute> {
  return {
    runners: async () => ({ items: await registry.runners() }),
    runnerSite: async ({ params: { name } }) => {
      const found = await registry.find(name);
      if (found?.facts.runner !== name) throw new GantryError("not-found", { kind: "runner", name });
      return { site: found.facts.site };
    },
    createEnrolment: async ({ body: { site, runner, newSite = false, principal } }) => {
      if (!newSite) requireKnownSite(site, knownSites?.() ?? []);
      return enrolmentView(await identities.createEnrolment({ site, runner, by: principal }));
    },
    renewRunnerKey: async ({ params, body }) => enrolmentView(await identities.renewKey(params.name, body.principal)),
    removeRunner: async ({ params }) => {
      await onRemove(params.name);
      return undefined;
    },
    readmitRunner: async ({ params }) => {
      await registry.setRemoved(params.name, false);
      return undefined;
    },
    sites: async () => {
      const clusters = new Map((await templates.clusters()).map(({ site, ...rest }) => [site, rest]));
      const items = await registry.sites();
      return {
        items: items.map((site) => {
          const known = clusters.get(site.name);
          return known ? { ...site, clusters: known } : site;
        }),
      };
    },
  };
}

function enrolmentView({ site, runner, token, expiresAt }: Enrolment): EnrolmentView {
  return { site, ...(runner === undefined ? {} : { runner }), token, expiresAt: new Date(expiresAt).toISOString() };
}

/** The tasks that rerun this one, oldest first; only an ended task can be rerun. */
async function rerunsOf(journal: Journal, { id, phase }: TaskState): Promise<readonly string[]> {
  if (phase !== "ended") return [];
  const { items } = await journal.find({ index: "reruns-of", prefix: `${id}/`, limit: MAX_RERUNS });
  return items.map((item) => taskStream.stateOf(item).id);
}

function tagOfRecord({ state, version }: TaskRecord, leases: Leases, reruns: readonly string[]): string {
  const silent = Object.values(state.jobs).filter((job) => leases.silentSince(state.id, job.key) !== undefined);
  return tagOf(version, silent.length, reruns.length);
}
