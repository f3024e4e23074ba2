// The client of agent-api.ts, used by portal-api and notify-agent. Safe to share and to use concurrently; connections
// are kept alive by fetch. Errors are those of `Caller`.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import type { z } from "zod";
import { type CallerOptions, type CallOptions, makeCaller } from "../http-client.ts";
import {
  type ChangeSettings,
  type SettingsChangeView,
  type SettingsNow,
  type SettingsView,
  settingsChange,
  settingsNow,
  settingsView,
} from "../settings/settings.ts";
import {
  type cancelTask,
  type FeedPage,
  feedPage,
  LOG_FINAL_HEADER,
  LOG_SIZE_HEADER,
  type rerunTask,
  type resolveJob,
  type StartTask,
  taskTags,
} from "./agent-api.ts";
import {
  type AppView,
  appView,
  type FeedEvent,
  feedEvent,
  type PipelineView,
  page,
  pipelineView,
  type RunnerView,
  runnerView,
  type SiteView,
  siteView,
  stepDescription,
  type TaskSummary,
  type TaskView,
  taskSummary,
  taskView,
} from "./views.ts";

export type Page<T> = { readonly items: readonly T[]; readonly nextCursor?: string | undefined };

export type PageQuery = { readonly limit?: number | undefined; readonly cursor?: string | undefined };

export type TaskQuery = PageQuery & {
  readonly state?: string | undefined;
  readonly app?: string | undefined;
  readonly pipeline?: string | undefined;
};

export type LogPlace = {
  readonly task: string;
  readonly job: string;
  readonly step: string;
  /** Absent: the newest. */
  readonly attempt?: number | undefined;
};

/** A piece of a log. `size` is how long the log is so far; `final` says that it will not grow. */
export type LogPiece = {
  readonly bytes: Buffer;
  readonly from: number;
  readonly size: number;
  readonly final: boolean;
};

type Asking = Pick<CallOptions, "signal">;
type Waiting = CallOptions & { readonly waitMs?: number };

export type AgentClient = {
  readonly startTask: (request: StartTask) => Promise<TaskView>;
  readonly tasks: (query: TaskQuery, call?: Asking) => Promise<Page<TaskSummary>>;
  readonly task: (id: string, call?: Asking) => Promise<TaskView>;
  /** The tag of each of these tasks as they are now; those that are not there are left out. At most `MAX_TAGS`. */
  readonly taskTags: (ids: readonly string[], call?: Asking) => Promise<ReadonlyMap<string, string>>;
  /** Events of one task after a taskseq, oldest first. Ask again after the last one until none come. */
  readonly taskEvents: (id: string, after: number, limit: number, call?: Asking) => Promise<readonly FeedEvent[]>;
  /** Bytes from an offset. With `waitMs` it holds until there are some or the log is final. */
  readonly log: (
    place: LogPlace,
    from: number,
    limit: number,
    call?: Asking & { waitMs?: number },
  ) => Promise<LogPiece>;
  readonly cancel: (id: string, body: z.input<typeof cancelTask>) => Promise<TaskView>;
  readonly rerun: (id: string, body: z.input<typeof rerunTask>) => Promise<TaskView>;
  readonly resolve: (id: string, body: z.input<typeof resolveJob>) => Promise<TaskView>;
  readonly apps: (query: PageQuery, call?: Asking) => Promise<Page<AppView>>;
  readonly app: (name: string, call?: Asking) => Promise<AppView>;
  readonly pipelines: (call?: Asking) => Promise<Page<PipelineView>>;
  readonly pipeline: (name: string, call?: Asking) => Promise<PipelineView>;
  readonly steps: (call?: Asking) => Promise<Page<z.infer<typeof stepDescription>>>;
  readonly runners: (call?: Asking) => Promise<Page<RunnerView>>;
  readonly sites: (call?: Asking) => Promise<Page<SiteView>>;
  /** Without `after`: no events, only where the feed stands. */
  readonly settings: (call?: Asking) => Promise<SettingsView>;
  /** Throws `bad-request` with every wrong value, and `version-differs`. */
  readonly changeSettings: (wish: ChangeSettings) => Promise<SettingsView>;
  /** Newest first. */
  readonly settingsHistory: (query: PageQuery, call?: Asking) => Promise<Page<SettingsChangeView>>;
  /** For a process that heeds them; holds up to `waitMs` while the version is not above `after`. */
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

export function makeAgentClient(options: AgentClientOptions): AgentClient {
  const { json, bytes } = makeCaller({ ...options, what: "task-agent", prefix: "/agent/v1" });
  const get = <T>(path: readonly string[], answer: z.ZodType<T>, call?: Waiting): Promise<T> =>
    json("GET", path, answer, call);
  const post = (path: readonly string[], body: JsonValue): Promise<TaskView> => json("POST", path, taskView, { body });

  return {
    startTask: (request) => post(["tasks"], request),
    tasks: (query, call) => get(["tasks"], page(taskSummary), { ...call, query }),
    task: (id, call) => get(["tasks", id], taskView, call),
    taskTags: async (ids, call) => {
      const { tags } = await get(["task-tags"], taskTags, { ...call, query: { ids: ids.join() } });
      return new Map(Object.entries(tags));
    },
    taskEvents: async (id, after, limit, call) =>
      (await get(["tasks", id, "events"], page(feedEvent), { ...call, query: { after, limit } })).items,
    log: async (place, from, limit, call) => {
      const path = ["tasks", place.task, "jobs", place.job, "steps", place.step, "log"];
      const query = { attempt: place.attempt, from, limit, wait: call?.waitMs };
      const answer = await bytes(path, { ...call, query });
      return {
        bytes: answer.bytes,
        from,
        size: Number(answer.headers.get(LOG_SIZE_HEADER) ?? from + answer.bytes.length),
        final: answer.headers.get(LOG_FINAL_HEADER) === "true",
      };
    },
    cancel: (id, body) => post(["tasks", id, "cancel"], withoutUndefined(body)),
    rerun: (id, body) => post(["tasks", id, "rerun"], withoutUndefined(body)),
    resolve: (id, body) => post(["tasks", id, "resolve"], withoutUndefined(body)),
    apps: (query, call) => get(["apps"], page(appView), { ...call, query }),
    app: (name, call) => get(["apps", name], appView, call),
    pipelines: (call) => get(["pipelines"], page(pipelineView), call),
    pipeline: (name, call) => get(["pipelines", name], pipelineView, call),
    steps: (call) => get(["steps"], page(stepDescription), call),
    runners: (call) => get(["runners"], page(runnerView), call),
    sites: (call) => get(["sites"], page(siteView), call),
    settings: (call) => get(["settings"], settingsView, call).catch(tooOld),
    changeSettings: (wish) => json("POST", ["settings"], settingsView, { body: withoutUndefined(wish) }).catch(tooOld),
    settingsHistory: (query, call) =>
      get(["settings", "history"], page(settingsChange), { ...call, query }).catch(tooOld),
    settingsNow: ({ after, waitMs }, call) => {
      const query = { wait: waitMs, ...(after < 0 ? {} : { after }) };
      return get(["settings", "now"], settingsNow, { ...call, waitMs, query });
    },
    feed: ({ after, limit, waitMs = 0 }, call) =>
      get(["feed"], feedPage, { ...call, waitMs, query: { after, limit, wait: waitMs } }),
  };
}

function tooOld(error: unknown): never {
  if (!(error instanceof GantryError) || error.code !== "not-found") throw error;
  const problem = "It is of a version that has no settings; update it.";
  throw new GantryError("unavailable", { what: "The task-agent", problem }, { cause: error });
}

/** Optional fields that are not given are left out of the body. */
function withoutUndefined(body: { readonly [name: string]: JsonValue | undefined }): JsonValue {
  return Object.fromEntries(
    Object.entries(body).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
  );
}
