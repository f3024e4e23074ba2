// A small task-agent for tests: keeps tasks, events and logs in memory and answers wire/agent/routes.ts over real HTTP. It
// runs nothing by itself: a test decides what happens next.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Outcome } from "@gantry/core/task/states.ts";
import { pause, systemClock } from "@gantry/runtime/clock.ts";
import { createApp } from "@gantry/runtime/http/app.ts";
import { requireBearer } from "@gantry/runtime/http/bearer.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import { type Listening, listen } from "@gantry/runtime/http/listen.ts";
import type { ApprovalView } from "@gantry/wire/agent/approvals.ts";
import type { StartProposal } from "@gantry/wire/agent/proposals.ts";
import { AGENT_PREFIX, AGENT_ROUTES } from "@gantry/wire/agent/routes.ts";
import type { RunnerView, SiteView } from "@gantry/wire/agent/sites/views.ts";
import type { TriggerView } from "@gantry/wire/agent/triggers/triggers.ts";
import type { AppView, BuildView, FeedEvent, PipelineView, TaskView } from "@gantry/wire/agent/views.ts";
import type Koa from "koa";
import { makeRoutes } from "./fake-agent-routes.fixture.ts";
import {
  APP,
  APPROVAL,
  AT,
  BUILD,
  type FakeState,
  need,
  newEvent,
  newState,
  newTask,
  PIPELINE,
  RUNNER,
  SITE,
} from "./fake-agent-state.fixture.ts";

export const AGENT_TOKEN = "a-token-of-the-platform-plane";

export type FakeAgent = {
  readonly url: string;
  readonly token: string;
  readonly requests: string[];
  /** Adds a task as if it had been started. */
  readonly addTask: (fields?: Partial<TaskView>) => TaskView;
  /** Requests to look for an app. */
  readonly looks: () => readonly StartProposal[];
  readonly addApp: (fields: Partial<AppView>) => AppView;
  /** Something waits for people. */
  readonly addApproval: (fields: Partial<ApprovalView>) => void;
  readonly addBuild: (app: string, fields: Partial<BuildView>) => void;
  /** Adds a runner, and its site when it is the first one there. */
  readonly addRunner: (name: string, site: string, running?: RunnerView["running"]) => void;
  /** A job that waits at a site. */
  readonly queue: (site: string, job: SiteView["queue"][number]) => void;
  readonly addPipeline: (fields: Partial<PipelineView>) => void;
  readonly addTrigger: (trigger: TriggerView) => void;
  /** The set of definitions in force has this source and these environments. */
  readonly setDefinitions: (set: Partial<FakeState["set"]>) => void;
  readonly emit: (task: string, kind: string, more?: JsonObject) => FeedEvent;
  readonly end: (task: string, outcome: Outcome) => FeedEvent;
  readonly writeLog: (text: string, options?: { final?: boolean }) => void;
  /** The whole state as text, to compare before and after. */
  readonly state: () => string;
  /** Forgets everything, as an agent with another journal would. */
  readonly wipe: () => void;
  /** During an outage every connection is cut. */
  readonly setOut: (out: boolean) => void;
  /** Without tags it behaves like the previous version, which does not have the route for tags. */
  readonly setTags: (known: boolean) => void;
  /** Without it behaves like a version that cannot list the tasks of some apps. */
  readonly setAppsQuery: (known: boolean) => void;
  readonly close: () => Promise<void>;
};

export async function startFakeAgent(): Promise<FakeAgent> {
  let state = newState();
  let isOut = false;
  let knowsTags = true;
  let knowsApps = true;
  const requests: string[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const one of [...waiting]) one();
  };

  const emit: FakeAgent["emit"] = (task, kind, more = {}) => {
    const view = need(state, task);
    const event = newEvent(state, view, kind, more);
    state.events.push(event);
    state.tasks.set(task, { ...view, version: view.version + 1 });
    wake();
    return event;
  };

  const addTask: FakeAgent["addTask"] = (fields = {}) => {
    const task = { ...newTask(`t${state.tasks.size + 1}`), ...fields };
    state.tasks.set(task.id, task);
    emit(task.id, "TaskRequested");
    return need(state, task.id);
  };

  /** Waits until something happens, for at most `ms`, or until the client leaves. */
  const hold = (ctx: Koa.Context, ms: number): Promise<void> =>
    pause(systemClock, ms, clientGoneSignal(ctx), (done) => {
      waiting.add(done);
      return () => waiting.delete(done);
    });

  const silent = (): void => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  const app = createApp({ name: "fake-agent", logger });
  app.use(async (ctx, next) => {
    requests.push(`${ctx.method} ${ctx.url}`);
    if (isOut) {
      ctx.respond = false;
      ctx.req.socket.destroy();
      return;
    }
    await next();
  });
  app.use(requireBearer([AGENT_TOKEN]));
  app.use((ctx, next) => {
    if (!knowsApps && "apps" in ctx.query) throw new GantryError("bad-request", { problem: "unknown key apps" });
    return next();
  });
  app.use((ctx, next) =>
    ctx.path === `${AGENT_PREFIX}${AGENT_ROUTES.taskTags.path}` && !knowsTags ? undefined : next(),
  );
  app.use(makeRoutes({ state: () => state, addTask, emit, hold }).routes());
  const server: Listening = await listen(app, { host: "127.0.0.1", port: 0 });

  return {
    url: server.url,
    token: AGENT_TOKEN,
    requests,
    looks: () => state.looks,
    addTask,
    addApp: (fields) => {
      const app = { ...APP, ...fields };
      state.apps.set(app.name, app);
      return app;
    },
    addApproval: (fields) => {
      state.approvals.push({ ...APPROVAL, ...fields });
    },
    addBuild: (app, fields) => {
      const before = state.builds.get(app) ?? [];
      state.builds.set(app, [{ ...BUILD, app, ...fields }, ...before]);
    },
    addRunner: (name, site, running = []) => {
      const systems = SITE.systems.map((system) => ({ ...system, url: `http://harbor.${site}` }));
      const known = state.sites.get(site) ?? { ...SITE, name: site, systems, runners: [] };
      state.sites.set(site, { ...known, runners: [...known.runners, { ...RUNNER, name, site, running }] });
    },
    queue: (site, job) => {
      const known = state.sites.get(site) ?? SITE;
      state.sites.set(site, { ...known, queue: [...known.queue, job] });
    },
    addTrigger: (trigger) => {
      state.triggers.set(trigger.id, trigger);
    },
    addPipeline: (fields) => {
      const pipeline = { ...PIPELINE, ...fields };
      state.pipelines.set(pipeline.name, pipeline);
    },
    setDefinitions: (set) => {
      state.set = { ...state.set, ...set };
    },
    emit,
    end: (task, outcome) => {
      state.tasks.set(task, { ...need(state, task), state: outcome, endedAt: AT });
      return emit(task, "TaskEnded", { outcome });
    },
    writeLog: (text, { final = false } = {}) => {
      state.log = { bytes: Buffer.concat([state.log.bytes, Buffer.from(text)]), final };
      wake();
    },
    state: () => JSON.stringify([[...state.tasks], [...state.keys], state.events, [...state.deliveries]]),
    wipe: () => {
      state = newState();
      wake();
    },
    setOut: (out) => {
      isOut = out;
      wake();
    },
    setTags: (known) => {
      knowsTags = known;
    },
    setAppsQuery: (known) => {
      knowsApps = known;
    },
    close: async () => {
      wake();
      await server.close();
    },
  };
}
