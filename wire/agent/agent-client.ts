// The client of routes.ts, for portal-api and notify-agent. Safe to share and to use concurrently; fetch keeps its
// connections alive. Errors are those of `Caller`.

import { GantryError } from "@gantry/core/errors.ts";
import type { z } from "zod";
import { type Caller, type CallerOptions, type CallOptions, makeCaller } from "../http-client.ts";
import type { ChangeSettings, SettingsChangeView, SettingsNow, SettingsView } from "../settings/settings.ts";
import {
  type AppOutcome,
  type adoptApp,
  type answerApproval,
  type cancelTask,
  type changeApp,
  type createEnrolment,
  type EnrolmentView,
  type FeedPage,
  LOG_FINAL_HEADER,
  LOG_SIZE_HEADER,
  type planRerun,
  type rerunTask,
  type resolveJob,
  type StartTask,
} from "./agent-api.ts";
import type { AppPipelinesView } from "./app-pipelines.ts";
import type { ApprovalView } from "./approvals.ts";
import { ARTIFACT_SIZE_HEADER, type ArtifactFileView, type ArtifactView } from "./artifacts.ts";
import type { DefinitionsView, FollowedPart, SetPart } from "./definitions.ts";
import type { DemandView, holdFor, MadeView, RollbackPlanView, rollbackFor } from "./deployments.ts";
import type { FleetChanges, FleetQuery, FleetView } from "./fleet.ts";
import type { PauseView, pauseFor, resumeFor } from "./pauses.ts";
import type { AppProposal, startProposal } from "./proposals.ts";
import type { RerunPlanView } from "./rerun-plan.ts";
import { AGENT_PREFIX, AGENT_ROUTES as routes } from "./routes.ts";
import {
  type askRunnerFor,
  RUNNER_LOG_MS,
  type RunnerDetail,
  type RunnerLog,
  type RunnerLogQuery,
} from "./sites/runners.ts";
import type { RunnerView, SiteView } from "./sites/views.ts";
import type { SyncTemplates, TemplatesView } from "./templates.ts";
import type { PollingView } from "./triggers/polling.ts";
import type { pauseTrigger, runTrigger, TriggerView } from "./triggers/triggers.ts";
import type { ReceiveDelivery, WebhookDelivery } from "./triggers/webhooks.ts";
import type { AppView, BuildView, FeedEvent, PipelineView, stepDescription, TaskSummary, TaskView } from "./views.ts";

export type Page<T> = { readonly items: readonly T[]; readonly nextCursor?: string | undefined };

export type PageQuery = { readonly limit?: number | undefined; readonly cursor?: string | undefined };

export type TaskQuery = PageQuery & {
  readonly state?: string | undefined;
  readonly app?: string | undefined;
  readonly pipeline?: string | undefined;
  /** At most `MAX_APPS`. Throws `bad-request` when the task-agent is of an older version. */
  readonly apps?: readonly string[] | undefined;
};

export type BuildQuery = PageQuery & {
  readonly branch?: string | undefined;
  /** At most `MAX_APPS`; absent: all apps. */
  readonly apps?: readonly string[] | undefined;
};

export type DeliveryQuery = PageQuery & {
  readonly source?: string | undefined;
  readonly state?: WebhookDelivery["state"] | undefined;
  /** At most `MAX_APPS`; absent: all apps. */
  readonly apps?: readonly string[] | undefined;
};

export type LogPlace = {
  readonly task: string;
  readonly job: string;
  readonly step: string;
  /** Absent: the latest attempt. */
  readonly attempt?: number | undefined;
};

/** Part of a log. `size`: bytes of the whole log so far; `final`: it will not grow. */
export type LogPiece = {
  readonly bytes: Buffer;
  readonly from: number;
  readonly size: number;
  readonly final: boolean;
};

export type ArtifactPlace = {
  readonly task: string;
  /** Key of the job. */
  readonly job: string;
  readonly name: string;
  /** Of the file. */
  readonly path: string;
};

/** Part of a file. `size`: bytes of the whole file. */
export type ArtifactPiece = { readonly bytes: Buffer; readonly size: number };

type Asking = Pick<CallOptions, "signal">;

export type AgentClient = {
  readonly startTask: (request: StartTask) => Promise<TaskView>;
  readonly tasks: (query: TaskQuery, call?: Asking) => Promise<Page<TaskSummary>>;
  readonly task: (id: string, call?: Asking) => Promise<TaskView>;
  /** Task → its current tag, for at most `MAX_TAGS` tasks; unknown tasks are left out. */
  readonly taskTags: (ids: readonly string[], call?: Asking) => Promise<ReadonlyMap<string, string>>;
  /** Events of one task after a taskseq, oldest first. For all events, call it again after the last one until none is left. */
  readonly taskEvents: (id: string, after: number, limit: number, call?: Asking) => Promise<readonly FeedEvent[]>;
  /** Bytes from an offset. With `waitMs` the answer is held until there are bytes or the log is final. */
  readonly log: (
    place: LogPlace,
    from: number,
    limit: number,
    call?: Asking & { waitMs?: number },
  ) => Promise<LogPiece>;
  readonly artifacts: (task: string, call?: Asking) => Promise<readonly ArtifactView[]>;
  /** Throw `not-found`, and `artifact-missing` when its time is over. */
  readonly artifactFiles: (place: Omit<ArtifactPlace, "path">, call?: Asking) => Promise<readonly ArtifactFileView[]>;
  readonly artifactContent: (
    place: ArtifactPlace,
    from: number,
    limit: number,
    call?: Asking,
  ) => Promise<ArtifactPiece>;
  readonly cancel: (id: string, body: z.input<typeof cancelTask>) => Promise<TaskView>;
  readonly planRerun: (id: string, body: z.input<typeof planRerun>) => Promise<RerunPlanView>;
  readonly rerun: (id: string, body: z.input<typeof rerunTask>) => Promise<TaskView>;
  readonly resolve: (id: string, body: z.input<typeof resolveJob>) => Promise<TaskView>;
  readonly approvals: (
    query: PageQuery & { readonly task?: string | undefined },
    call?: Asking,
  ) => Promise<Page<ApprovalView>>;
  readonly answerApproval: (id: string, job: string, body: z.input<typeof answerApproval>) => Promise<TaskView>;
  readonly apps: (query: PageQuery, call?: Asking) => Promise<Page<AppView>>;
  readonly app: (name: string, call?: Asking) => Promise<AppView>;
  /** The targets of apps as they are now. */
  readonly fleet: (query: FleetQuery, call?: Asking) => Promise<FleetView>;
  /** With `waitMs` it is held while there is nothing after `after`; without `after` it answers where changes begin. */
  readonly fleetChanges: (
    query: { readonly after?: string | undefined; readonly waitMs?: number },
    call?: Asking,
  ) => Promise<FleetChanges>;
  readonly builds: (app: string, query: PageQuery, call?: Asking) => Promise<Page<BuildView>>;
  /** Of all apps, newest first. A page may have fewer builds than `limit` although there are more. */
  readonly newestBuilds: (query: BuildQuery, call?: Asking) => Promise<Page<BuildView>>;
  readonly build: (app: string, number: number, call?: Asking) => Promise<BuildView>;
  /** What the environment of each target demands of people and of the time. */
  readonly demands: (app: string, call?: Asking) => Promise<Page<DemandView>>;
  readonly rollbackPlan: (
    app: string,
    query: { readonly targets?: readonly string[] | undefined; readonly to?: number | undefined },
    call?: Asking,
  ) => Promise<RollbackPlanView>;
  /** Answers the task. Throws `rollback-impossible`. */
  readonly rollback: (app: string, body: z.input<typeof rollbackFor>) => Promise<TaskView>;
  readonly holdBuild: (app: string, number: number, body: z.input<typeof holdFor>) => Promise<BuildView>;
  readonly releaseBuild: (app: string, number: number, principal: string) => Promise<BuildView>;
  /** Looks for an app to adopt. Throws `bad-request` with pointers for repositories that it could not have. */
  readonly startProposal: (body: z.input<typeof startProposal>) => Promise<AppProposal>;
  /** Throws `not-found`. */
  readonly appProposal: (id: string, call?: Asking) => Promise<AppProposal>;
  /** Throw `place-taken`, `conflict`, and `bad-request` with pointers. */
  readonly adoptApp: (name: string, body: z.input<typeof adoptApp>) => Promise<AppOutcome>;
  readonly changeApp: (name: string, body: z.input<typeof changeApp>) => Promise<AppOutcome>;
  readonly renameApp: (name: string, to: string, principal: string) => Promise<AppView>;
  /** Take back a failed creation, show what that would take back, or only forget the app. Throw `app-unknown` and `conflict`. */
  readonly undoApp: (name: string, principal: string) => Promise<TaskView>;
  readonly undoPlan: (name: string, call?: Asking) => Promise<Page<MadeView>>;
  /** `keep`: although its failed creation left something; else that is `creation-left`. */
  readonly forgetApp: (name: string, principal: string, keep?: boolean) => Promise<void>;
  readonly pipelines: (call?: Asking) => Promise<Page<PipelineView>>;
  readonly pipeline: (
    name: string,
    query?: { readonly app?: string | undefined },
    call?: Asking,
  ) => Promise<PipelineView>;
  readonly appPipelines: (app: string, call?: Asking) => Promise<AppPipelinesView>;
  /** The set of definitions in force, and why a newer one is not. */
  readonly definitions: (call?: Asking) => Promise<DefinitionsView>;
  /** The files of one of its folders; only the version, if that is `known`. */
  readonly definitionPart: (part: FollowedPart, known: string | undefined, call?: Asking) => Promise<SetPart>;
  /** Reads their repository now. Throws `conflict` when there is none. */
  readonly syncDefinitions: (principal: string) => Promise<TaskView>;
  /** Those in force. `apps`: at most `MAX_APPS`; absent: of all, and those without an app. */
  readonly triggers: (
    query: { readonly apps?: readonly string[] | undefined },
    call?: Asking,
  ) => Promise<Page<TriggerView>>;
  /** All throw `not-found`. */
  readonly trigger: (id: string, call?: Asking) => Promise<TriggerView>;
  readonly pauseTrigger: (id: string, body: z.input<typeof pauseTrigger>) => Promise<TriggerView>;
  readonly resumeTrigger: (id: string, principal: string) => Promise<TriggerView>;
  /** Throws `conflict` for anything but a schedule, and what starting a task throws. */
  /** What people have paused, oldest first. */
  readonly pauses: (call?: Asking) => Promise<Page<PauseView>>;
  /** Answers what is paused afterwards, as `resume` does. */
  readonly pause: (body: z.input<typeof pauseFor>) => Promise<Page<PauseView>>;
  readonly resume: (body: z.input<typeof resumeFor>) => Promise<Page<PauseView>>;
  readonly runTrigger: (id: string, body: z.input<typeof runTrigger>) => Promise<TaskView>;
  readonly templates: (call?: Asking) => Promise<TemplatesView>;
  /** Reads the templates, and pushes before if that is asked for. Throws `bad-request` without a project. */
  readonly syncTemplates: (body: SyncTemplates) => Promise<TaskView>;
  /** `isNew`: false for a copy of one that was received before. Durable when it resolves. */
  readonly receiveDelivery: (body: ReceiveDelivery) => Promise<{ readonly id: string; readonly isNew: boolean }>;
  /** Newest first. A page may have fewer than `limit` although there are more. */
  readonly deliveries: (query: DeliveryQuery, call?: Asking) => Promise<Page<WebhookDelivery>>;
  /** Throws `not-found`. */
  readonly delivery: (id: string, call?: Asking) => Promise<WebhookDelivery>;
  /** Answers the new delivery. Throws `not-found`. */
  readonly redeliver: (id: string, principal: string) => Promise<WebhookDelivery>;
  /** The git hosts that are polled. */
  readonly polling: (call?: Asking) => Promise<Page<PollingView>>;
  readonly steps: (call?: Asking) => Promise<Page<z.infer<typeof stepDescription>>>;
  readonly runners: (call?: Asking) => Promise<Page<RunnerView>>;
  /** Also of a runner out of service. Throws `not-found`. */
  readonly runnerSite: (name: string, call?: Asking) => Promise<{ readonly site: string }>;
  readonly createEnrolment: (body: z.input<typeof createEnrolment>) => Promise<EnrolmentView>;
  /** Ends the key of a runner; the answer has a one-time token for a new one. Throws `not-found`. */
  readonly renewRunnerKey: (name: string, principal: string) => Promise<EnrolmentView>;
  /** Throws `not-found`, also for one out of service. */
  readonly runner: (name: string, call?: Asking) => Promise<RunnerDetail>;
  /** Its own log, which it sends now: may take 20 s. Throws `not-found`, `conflict`, `runner-cannot` and `runner-silent`. */
  readonly runnerLog: (name: string, query: RunnerLogQuery, call?: Asking) => Promise<RunnerLog>;
  /** Drains or stops a runner. Throws `not-found`, `conflict` and `runner-cannot`. */
  readonly askRunner: (name: string, request: z.output<typeof askRunnerFor>) => Promise<RunnerDetail>;
  /** Out of service, and back. Throw `not-found`. */
  readonly removeRunner: (name: string) => Promise<void>;
  readonly readmitRunner: (name: string) => Promise<void>;
  readonly sites: (call?: Asking) => Promise<Page<SiteView>>;
  /** Without `after`: no events, only the current end of the feed. */
  readonly settings: (call?: Asking) => Promise<SettingsView>;
  /** Throws `bad-request` with every invalid value, or `version-differs`. */
  readonly changeSettings: (request: ChangeSettings) => Promise<SettingsView>;
  /** Newest first. */
  readonly settingsHistory: (query: PageQuery, call?: Asking) => Promise<Page<SettingsChangeView>>;
  /** For processes that apply settings. The answer is held for up to `waitMs` while the version is not above `after`. */
  readonly settingsNow: (
    query: { readonly after: number; readonly waitMs: number },
    call?: Asking,
  ) => Promise<SettingsNow>;
  readonly feed: (
    query: { readonly after?: number; readonly limit: number; readonly waitMs?: number },
    call?: Asking,
  ) => Promise<FeedPage>;
};

export type AgentClientOptions = Omit<CallerOptions, "what" | "prefix">;

// long: it has one line for each route.
export function makeAgentClient(options: AgentClientOptions): AgentClient {
  const caller = makeCaller({ ...options, what: "task-agent", prefix: AGENT_PREFIX });
  const call: Caller["call"] = (...request) => caller.call(...request).catch(tooOld);
  const { bytes } = caller;
  const params = {};
  return {
    startTask: (body) => call(routes.startTask, { params, body }),
    tasks: ({ apps, ...query }, options) =>
      call(routes.tasks, { params, query: { ...query, apps: apps?.join() } }, options),
    task: (id, options) => call(routes.task, { params: { id }, query: {} }, options),
    taskTags: async (ids, options) => {
      // Its caller reads every view from an older agent.
      const { tags } = await caller.call(routes.taskTags, { params, query: { ids: ids.join() } }, options);
      return new Map(Object.entries(tags));
    },
    taskEvents: async (id, after, limit, options) =>
      (await call(routes.taskEvents, { params: { id }, query: { after, limit } }, options)).items,
    log: async ({ task, job, step, attempt }, from, limit, options) => {
      const query = { attempt, from, limit, wait: options?.waitMs };
      const answer = await bytes(routes.log, { params: { id: task, job, step }, query }, options);
      return {
        bytes: answer.bytes,
        from,
        size: Number(answer.headers.get(LOG_SIZE_HEADER) ?? from + answer.bytes.length),
        final: answer.headers.get(LOG_FINAL_HEADER) === "true",
      };
    },
    artifacts: async (id, options) => (await call(routes.artifacts, { params: { id } }, options)).items,
    artifactFiles: async ({ task, job, name }, options) =>
      (await call(routes.artifactFiles, { params: { id: task, job, name } }, options)).items,
    artifactContent: async ({ task, job, name, path }, from, limit, options) => {
      const request = { params: { id: task, job, name }, query: { path, from, limit } };
      const answer = await bytes(routes.artifactContent, request, options).catch(tooOld);
      return { bytes: answer.bytes, size: Number(answer.headers.get(ARTIFACT_SIZE_HEADER) ?? answer.bytes.length) };
    },
    cancel: (id, body) => call(routes.cancel, { params: { id }, body }),
    planRerun: (id, body) => call(routes.planRerun, { params: { id }, body }).catch(knowsNoDefinition),
    rerun: (id, body) => call(routes.rerun, { params: { id }, body }).catch(knowsNoDefinition),
    resolve: (id, body) => call(routes.resolve, { params: { id }, body }),
    approvals: (query, options) => call(routes.approvals, { params, query }, options),
    answerApproval: (id, job, body) => call(routes.answerApproval, { params: { id, job }, body }),
    apps: (query, options) => call(routes.apps, { params, query }, options),
    app: (name, options) => call(routes.app, { params: { name } }, options),
    fleet: (body, options) => call(routes.fleet, { params, body }, options),
    fleetChanges: ({ after, waitMs = 0 }, options) =>
      call(routes.fleetChanges, { params, query: { after, wait: waitMs } }, { ...options, waitMs }),
    builds: (name, query, options) => call(routes.builds, { params: { name }, query }, options),
    newestBuilds: ({ apps, ...query }, options) =>
      call(routes.newestBuilds, { params, query: { ...query, apps: apps?.join() } }, options),
    build: (name, number, options) => call(routes.build, { params: { name, number: String(number) } }, options),
    demands: (name, options) => call(routes.demands, { params: { name } }, options),
    rollbackPlan: (name, { targets, to }, options) =>
      call(routes.rollbackPlan, { params: { name }, query: { targets: targets?.join(), to } }, options),
    rollback: (name, body) => call(routes.rollback, { params: { name }, body }),
    holdBuild: (name, number, body) => call(routes.holdBuild, { params: { name, number: String(number) }, body }),
    releaseBuild: (name, number, principal) =>
      call(routes.releaseBuild, { params: { name, number: String(number) }, body: { principal } }),
    startProposal: (body) => call(routes.startProposal, { params, body }),
    appProposal: (id, options) => call(routes.appProposal, { params: { id } }, options),
    adoptApp: (name, body) => call(routes.adoptApp, { params: { name }, body }),
    changeApp: (name, body) => call(routes.changeApp, { params: { name }, body }),
    renameApp: (name, to, principal) => call(routes.renameApp, { params: { name }, body: { to, principal } }),
    undoApp: (name, principal) => call(routes.undoApp, { params: { name }, body: { principal } }),
    undoPlan: (name, options) => call(routes.undoPlan, { params: { name } }, options),
    forgetApp: async (name, principal, keep) =>
      void (await call(routes.forgetApp, { params: { name }, body: { principal, ...(keep ? { keep } : {}) } })),
    pipelines: (options) => call(routes.pipelines, { params }, options),
    pipeline: (name, query = {}, options) => call(routes.pipeline, { params: { name }, query }, options),
    appPipelines: (name, options) => call(routes.appPipelines, { params: { name } }, options),
    syncDefinitions: (principal) => call(routes.syncDefinitions, { params, body: { principal } }),
    definitions: (options) => call(routes.definitions, { params }, options),
    definitionPart: (part, known, options) => call(routes.definitionPart, { params, query: { part, known } }, options),
    triggers: ({ apps }, options) => call(routes.triggers, { params, query: { apps: apps?.join() } }, options),
    trigger: (id, options) => call(routes.trigger, { params: { id } }, options),
    pauseTrigger: (id, body) => call(routes.pauseTrigger, { params: { id }, body }),
    resumeTrigger: (id, principal) => call(routes.resumeTrigger, { params: { id }, body: { principal } }),
    pauses: (options) => call(routes.pauses, { params }, options),
    pause: (body) => call(routes.pause, { params, body }),
    resume: (body) => call(routes.resume, { params, body }),
    runTrigger: (id, body) => call(routes.runTrigger, { params: { id }, body }),
    templates: (options) => call(routes.templates, { params }, options),
    syncTemplates: (body) => call(routes.syncTemplates, { params, body }),
    receiveDelivery: (body) => call(routes.receiveDelivery, { params, body }),
    deliveries: ({ apps, ...query }, options) =>
      call(routes.deliveries, { params, query: { ...query, apps: apps?.join() } }, options),
    delivery: (id, options) => call(routes.delivery, { params: { id } }, options),
    redeliver: (id, principal) => call(routes.redeliver, { params: { id }, body: { principal } }),
    polling: (options) => call(routes.polling, { params }, options),
    steps: (options) => call(routes.steps, { params }, options),
    runners: (options) => call(routes.runners, { params }, options),
    runnerSite: (name, options) => call(routes.runnerSite, { params: { name } }, options),
    createEnrolment: (body) => call(routes.createEnrolment, { params, body }),
    renewRunnerKey: (name, principal) => call(routes.renewRunnerKey, { params: { name }, body: { principal } }),
    runner: (name, options) => call(routes.runner, { params: { name } }, options),
    runnerLog: (name, query, options) =>
      call(routes.runnerLog, { params: { name }, query }, { ...options, waitMs: RUNNER_LOG_MS }),
    askRunner: (name, body) => call(routes.askRunner, { params: { name }, body }),
    removeRunner: async (name) => void (await call(routes.removeRunner, { params: { name } })),
    readmitRunner: async (name) => void (await call(routes.readmitRunner, { params: { name } })),
    sites: (options) => call(routes.sites, { params }, options),
    settings: (options) => call(routes.settings, { params }, options),
    changeSettings: (body) => call(routes.changeSettings, { params, body }),
    settingsHistory: (query, options) => call(routes.settingsHistory, { params, query }, options),
    settingsNow: ({ after, waitMs }, options) => {
      const query = { wait: waitMs, after: after < 0 ? undefined : after };
      // Its caller rarely asks an older agent again, and raises no alarm.
      return caller.call(routes.settingsNow, { params, query }, { ...options, waitMs });
    },
    feed: ({ after, limit, waitMs = 0 }, options) =>
      call(routes.feed, { params, query: { after, limit, wait: waitMs } }, { ...options, waitMs }),
  };
}

/** An agent of the version before, which is still running during an update, lacks the newest routes. */
function tooOld(error: unknown): never {
  const isOlder = error instanceof GantryError && error.code === "not-found" && error.details.kind === "address";
  throw isOlder ? olderAgent(error) : error;
}

/** The version before refuses fields that it does not know. It would run another pipeline file than was asked for. */
function knowsNoDefinition(error: unknown): never {
  const isOlder =
    error instanceof GantryError &&
    error.code === "bad-request" &&
    /definition|from/.test(JSON.stringify(error.problems));
  throw isOlder ? olderAgent(error) : error;
}

function olderAgent(cause: GantryError): GantryError {
  const problem = "Its version is older than the portal's and does not have this yet; update it.";
  return new GantryError("unavailable", { what: "The task-agent", problem }, { cause });
}
