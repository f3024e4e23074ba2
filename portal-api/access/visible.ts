// What a caller may see. All lists, events, streams and texts are filtered here.

import type { Rights } from "@gantry/core/access/decide-right.ts";
import type { Page, PageQuery } from "@gantry/wire/agent/agent-client.ts";
import type { AppView } from "@gantry/wire/agent/views.ts";
import type { Caller } from "./decide-access.ts";
import type { AppFacts, Facts, KnownApp } from "./facts.ts";
import type { RightsOf } from "./rights.ts";
import type { Cursors } from "./sealed-cursor.ts";

/** Something of a task or an app. With only a task id, the task is looked up. */
export type Seen = {
  readonly task?: string | undefined;
  readonly app?: string | undefined;
  readonly pipeline?: string | undefined;
};

export type Visibility = {
  /** The caller may see everything, so nothing has to be filtered. */
  readonly all: boolean;
  readonly none: boolean;
  /** Only tasks of apps are visible. */
  readonly byApp: boolean;
  readonly app: (name: string) => Promise<boolean>;
  /** Names of all visible apps, up to half a minute old. */
  readonly apps: () => Promise<readonly string[]>;
  /** The facts of an app that decisions depend on; empty if they depend on none. */
  readonly record: (app: string | undefined) => Promise<AppFacts>;
  readonly task: (seen: Seen) => Promise<boolean>;
  readonly site: (name: string) => boolean;
  readonly pipeline: (name: string) => boolean;
  /** Replaces the ids of tasks that the caller may not see. */
  readonly redact: (text: string) => Promise<string>;
  readonly cursors: Cursors;
};

/** Parts of the portal. */
export type VisibilityDeps = { readonly facts: Facts; readonly rights: RightsOf; readonly cursors: Cursors };

/** Under the policy in force now. */
export function visibilityOf(portal: VisibilityDeps, caller: Caller): Visibility {
  const rights: Rights = portal.rights.of(caller);
  const all = rights.mayEverywhere("view");
  const record = async (app: string | undefined): Promise<AppFacts> =>
    app !== undefined && rights.needs.record ? portal.facts.app(app) : {};
  const task = async (seen: Seen): Promise<boolean> => {
    if (all) return true;
    const facts =
      seen.pipeline === undefined && seen.task !== undefined ? await portal.facts.task(seen.task) : undefined;
    const { app, pipeline } = facts ?? seen;
    // For a task, its pipeline counts, too. Anything without an app and a pipeline is about the installation.
    if (pipeline === undefined && (seen.task !== undefined || app === undefined)) return false;
    return rights.may({ ...(await record(app)), app, pipeline, verb: "view" });
  };
  return {
    all,
    record,
    byApp: rights.isByApp("view"),
    none: !rights.mayAnywhere("view"),
    app: async (app) => all || rights.may({ ...(await record(app)), app, verb: "view" }),
    apps: async () => visibleApps(rights, await portal.facts.apps()),
    task,
    site: (site) => rights.may({ verb: "view-sites", site }),
    pipeline: (pipeline) => rights.may({ verb: "view-pipelines", pipeline }),
    cursors: all ? PLAIN : portal.cursors,
    redact: async (text) => (all ? text : withoutTasks(text, (id) => task({ task: id }))),
  };
}

const visible = new WeakMap<Rights, { readonly all: readonly KnownApp[]; readonly names: readonly string[] }>();

/** Cached until the apps or the rights change, so that thousands of apps are not checked for each request. */
function visibleApps(rights: Rights, all: readonly KnownApp[]): readonly string[] {
  const known = visible.get(rights);
  if (known?.all === all) return known.names;
  const names = all
    .filter(({ name, facts }) => rights.may({ ...facts, app: name, verb: "view" }))
    .map(({ name }) => name);
  visible.set(rights, { all, names });
  return names;
}

const PLAIN: Cursors = { seal: (cursor) => cursor, open: (text) => text };
const TASK_ID = /\bt[0-9a-z]{19}\b/g;

async function withoutTasks(text: string, isVisible: (id: string) => Promise<boolean>): Promise<string> {
  const ids = [...new Set(text.match(TASK_ID) ?? [])];
  const visible = await Promise.all(ids.map(isVisible));
  const hidden = new Set(ids.filter((_, at) => !visible[at]));
  if (hidden.size === 0) return text;
  return text.replace(/\b(?:task )?(t[0-9a-z]{19})\b/g, (found, id: string) =>
    hidden.has(id) ? "another task" : found,
  );
}

/** Of the newest task of each pipeline, those that the caller may see. */
export async function visibleLatest(
  visibility: Visibility,
  { name, latest }: Pick<AppView, "name" | "latest">,
): Promise<AppView["latest"]> {
  if (visibility.all) return latest;
  const tasks = Object.entries(latest);
  const visible = await filterVisible(tasks, ([pipeline, task]) => visibility.task({ task, app: name, pipeline }));
  return Object.fromEntries(visible);
}

export async function filterVisible<T>(items: readonly T[], isVisible: (item: T) => Promise<boolean>): Promise<T[]> {
  const visible = await Promise.all(items.map(isVisible));
  return items.filter((_, at) => visible[at]);
}

/** The most reads of the other process for one page. A page may then be short, with a cursor for the rest. */
const MAX_READS = 20;

/**
 * A page of visible items: reads until it is full. Never reads beyond what it shows, so its cursor is that of the last read.
 */
export async function visiblePage<T, Q extends PageQuery>(
  { cursors }: Pick<Visibility, "cursors">,
  query: Q & { readonly limit: number },
  read: (query: Q & { readonly limit: number }) => Promise<Page<T>>,
  isVisible: (item: T) => Promise<boolean>,
): Promise<Page<T>> {
  const items: T[] = [];
  let cursor = query.cursor && cursors.open(query.cursor);
  for (let reads = 0; reads < MAX_READS; reads += 1) {
    const page = await read({ ...query, limit: query.limit - items.length, cursor });
    items.push(...(await filterVisible(page.items, isVisible)));
    cursor = page.nextCursor;
    if (cursor === undefined || items.length >= query.limit) break;
  }
  return { items, ...(cursor === undefined ? {} : { nextCursor: cursors.seal(cursor) }) };
}
