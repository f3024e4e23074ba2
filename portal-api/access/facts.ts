// Facts about tasks, apps and runners for access decisions, read from the task-agent and cached for a while.

import { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { AgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { AppView, TaskView } from "@gantry/wire/agent/views.ts";

/** For a task: these never change. */
export type TaskFacts = { readonly app: string | undefined; readonly pipeline: string };
/** For an app: the values in its record. */
export type AppFacts = { readonly team?: string; readonly labels?: { readonly [name: string]: string } };

export type KnownApp = { readonly name: string; readonly facts: AppFacts };

export type Facts = {
  /** Undefined for an unknown task. */
  readonly task: (id: string) => Promise<TaskFacts | undefined>;
  /** Caches the facts in a view that was read for another purpose. */
  readonly noteTask: (task: Pick<TaskView, "id" | "app" | "pipeline">) => void;
  /** Empty for an unknown app. At most a few seconds old. */
  readonly app: (name: string) => Promise<AppFacts>;
  /** Must be called when an app has changed: its cached facts are outdated. */
  readonly forgetApp: (name: string) => void;
  /**
   * All apps, at most half a minute old, but including those passed to `noteApp`. Returns the same array until the apps are
   * read again.
   */
  readonly apps: () => Promise<readonly KnownApp[]>;
  /** Must be called with an app that an event or a request names, because it may be new. */
  readonly noteApp: (name: string) => void;
  /** Must be called after an outage: the task-agent may have another history now. */
  readonly clear: () => void;
};

const MAX_ENTRIES = 20_000;
const APP_MS = 5_000;
/** Reading 10,000 apps takes about a second. */
const APPS_MS = 30_000;

export function makeFacts(agent: Pick<AgentClient, "task" | "app" | "apps">, clock: Clock): Facts {
  const tasks = new Map<string, TaskFacts>();
  const apps = new Map<string, { readonly facts: Promise<AppFacts>; readonly untilMs: number }>();
  const list = makeAppList(agent, clock);
  const noteTask: Facts["noteTask"] = ({ id, app, pipeline }) => {
    if (tasks.size >= MAX_ENTRIES) tasks.clear();
    tasks.set(id, { app, pipeline });
  };
  return {
    noteTask,
    apps: list.read,
    noteApp: list.note,
    task: async (id) => {
      const known = tasks.get(id);
      if (known) return known;
      const view = await agent.task(id).catch(ifUnknown);
      if (view) noteTask(view);
      return view && { app: view.app, pipeline: view.pipeline };
    },
    app: (name) => {
      const known = apps.get(name);
      if (known && known.untilMs > clock.monotonicMs()) return known.facts;
      if (apps.size >= MAX_ENTRIES) apps.clear();
      const facts = agent.app(name).catch(ifUnknown).then(appFacts);
      apps.set(name, { facts, untilMs: clock.monotonicMs() + APP_MS });
      facts.catch(() => apps.delete(name));
      return facts;
    },
    forgetApp: (name) => {
      apps.delete(name);
      list.clear();
    },
    clear: () => {
      tasks.clear();
      apps.clear();
      list.clear();
    },
  };
}

type AppList = { readonly read: Facts["apps"]; readonly note: Facts["noteApp"]; readonly clear: () => void };
type Loading = { readonly apps: Promise<readonly KnownApp[]>; readonly untilMs: number; names: ReadonlySet<string> };

function makeAppList(agent: Pick<AgentClient, "apps">, clock: Clock): AppList {
  /** Each name causes one read, including a name that the task-agent does not list. */
  const noted = new Set<string>();
  let list: Loading | undefined;
  return {
    read: () => {
      if (list && list.untilMs > clock.monotonicMs()) return list.apps;
      const loading: Loading = { apps: readApps(agent), untilMs: clock.monotonicMs() + APPS_MS, names: new Set() };
      list = loading;
      loading.apps.then(
        (all) => {
          loading.names = new Set(all.map(({ name }) => name));
        },
        () => {
          if (list === loading) list = undefined;
        },
      );
      return loading.apps;
    },
    note: (name) => {
      if (list?.names.has(name) || noted.has(name)) return;
      if (noted.size >= MAX_ENTRIES) noted.clear();
      noted.add(name);
      list = undefined;
    },
    clear: () => {
      noted.clear();
      list = undefined;
    },
  };
}

async function readApps(agent: Pick<AgentClient, "apps">): Promise<readonly KnownApp[]> {
  const all: KnownApp[] = [];
  let cursor: string | undefined;
  do {
    const page = await agent.apps({ limit: 1_000, cursor });
    all.push(...page.items.map((app) => ({ name: app.name, facts: appFacts(app) })));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return all;
}

export function appFacts(app: Pick<AppView, "record"> | undefined): AppFacts {
  const { team, labels }: JsonObject = app?.record ?? {};
  const texts = Object.entries(isJsonObject(labels) ? labels : {}).filter(
    (one): one is [string, string] => typeof one[1] === "string",
  );
  return {
    ...(typeof team === "string" ? { team } : {}),
    ...(texts.length === 0 ? {} : { labels: Object.fromEntries(texts) }),
  };
}

function ifUnknown(error: unknown): undefined {
  if (!(error instanceof GantryError) || (error.code !== "not-found" && error.code !== "app-unknown")) throw error;
}
