// The fleet: 50,000 targets on 500 clusters at ten sites, in a task-agent's own process, without HTTP.

import { join } from "node:path";
import type { ObservedApplication } from "@gantry/core/fleet/observed.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { openSqliteJournal } from "@gantry/journal/sqlite/sqlite.ts";
import { systemClock } from "@gantry/runtime/clock.ts";
import { type Fleet, openFleet } from "@gantry/task-agent/fleet/fleet.ts";
import { AGENT_INDEXES } from "@gantry/task-agent/store/indexes.ts";
import { appStream } from "@gantry/task-agent/tasks/task-stream.ts";
import type { FleetQuery } from "@gantry/wire/agent/fleet.ts";
import type { SessionRequest } from "@gantry/wire/runner/protocol.ts";
import { type Bench, quantile } from "./figure.ts";

const APPS = 5_000;
const TARGETS = 10;
const CLUSTERS = 500;
const SITES = 10;
const BATCH = 200;
const PAGES = 400;
const TICKS = 20;

type Place = { readonly app: string; readonly site: string; readonly cluster: string };

const places: readonly Place[] = Array.from({ length: APPS * TARGETS }, (_, at) => {
  const cluster = (at * 7) % CLUSTERS;
  return { app: `app-${Math.floor(at / TARGETS)}`, site: `site-${cluster % SITES}`, cluster: `cluster-${cluster}` };
});

export const fleet: Bench = async ({ folder }) => {
  const before = process.memoryUsage().rss;
  // The timers of the clock do not keep a process alive, and here nothing else does.
  const alive = setInterval(() => {}, 60_000);
  const journal = await openSqliteJournal({ file: join(folder, "journal.sqlite"), indexes: AGENT_INDEXES });
  try {
    await storeApps(journal);
    const live = openFleet({ journal, clock: systemClock, newId: () => "bench" });
    const loadMs = await took(live.tick);
    const reports: number[] = [];
    for (let site = 0; site < SITES; site += 1) reports.push(await took(() => report(live, `site-${site}`, "Healthy")));
    const againMs = await took(() => report(live, "site-0", "Healthy"));
    const pages = await times(PAGES, (n) => live.page({ limit: 100, ...QUERIES[n % QUERIES.length] }));
    const changes = await times(20, async (n) => {
      const { cursor } = await live.changes(undefined, 0, new AbortController().signal);
      const told = live.changes(cursor, 10_000, new AbortController().signal);
      await observe(live, "site-1", [applicationOf(ofSite("site-1")[n] as Place, "Degraded")]);
      await told;
    });
    const cpu = process.cpuUsage();
    await times(TICKS, live.tick);
    const { user, system } = process.cpuUsage(cpu);
    const note = `${APPS * TARGETS} targets of ${APPS} apps on ${CLUSTERS} clusters at ${SITES} sites; SQLite, without HTTP`;
    return [
      {
        name: "A page of 100 targets, with counts: p99",
        value: quantile(pages, 0.99),
        unit: "ms",
        target: { atMost: 50 },
        note,
      },
      { name: "A page of 100 targets, with counts: median", value: quantile(pages, 0.5), unit: "ms" },
      {
        name: "From a report to who follows: p99",
        value: quantile(changes, 0.99),
        unit: "ms",
        target: { atMost: 1_000 },
      },
      {
        name: "First report of a site of 5,000 targets: worst of 10",
        value: Math.max(...reports),
        unit: "ms",
        target: { atMost: 5_000 },
      },
      { name: "The same again, unchanged", value: againMs, unit: "ms" },
      { name: "Reading all apps at the start", value: loadMs, unit: "ms" },
      { name: "CPU of a second in which nothing changes", value: (user + system) / 1_000 / TICKS, unit: "ms" },
      {
        name: "Memory of the process beyond its start",
        value: (process.memoryUsage().rss - before) / 1_048_576,
        unit: "MiB",
      },
    ];
  } finally {
    clearInterval(alive);
    await journal.close();
  }
};

/** One after the other, ms each. */
async function times(count: number, run: (n: number) => Promise<unknown>): Promise<number[]> {
  const all: number[] = [];
  for (let n = 0; n < count; n += 1) all.push(await took(() => run(n)));
  return all;
}

async function took(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

const QUERIES: readonly FleetQuery[] = [
  {},
  { state: "degraded" },
  { site: "site-3" },
  { cluster: "cluster-42" },
  { group: "cluster" },
  { apps: Array.from({ length: 500 }, (_, at) => `app-${at * 3}`) },
];

function ofSite(site: string): readonly Place[] {
  return places.filter((one) => one.site === site);
}

async function storeApps(journal: Journal): Promise<void> {
  const byApp = [...Map.groupBy(places, ({ app }) => app)];
  for (let at = 0; at < byApp.length; at += BATCH) {
    const batch = byApp.slice(at, at + BATCH).map(([name, own]) => {
      const targets = own.map(({ site, cluster }) => ({
        name: cluster,
        site,
        cluster,
        overlay: `overlays/${cluster}`,
      }));
      const state: AppState = {
        ...{ name, state: "ready", createdBy: "bench", createdAt: 0, task: "", facts: {}, latest: {} },
        record: { title: name, yaml: { url: `https://git/apps/${name}-deploy.git`, form: "kustomize" }, targets },
      };
      return appStream.append(name, { expected: 0, events: [{ kind: "AppAdopted", at: 0 }], state });
    });
    await journal.append(batch);
  }
}

async function report(live: Fleet, site: string, health: ObservedApplication["health"]): Promise<void> {
  const all = ofSite(site).map((place) => applicationOf(place, health));
  for (let at = 0; at < all.length; at += BATCH) await observe(live, site, all.slice(at, at + BATCH));
}

async function observe(live: Fleet, site: string, changed: ObservedApplication[]): Promise<void> {
  const facts = {
    site,
    runner: "bench",
    systems: [{ name: "argocd", kind: "argocd", url: "http://argocd", standIn: false }],
  };
  // Only these fields of a registration are read.
  await live.observe(
    { session: "s", system: "argocd", silentMs: 0, changed, gone: [] },
    facts as unknown as SessionRequest,
  );
}

function applicationOf({ app, cluster }: Place, health: ObservedApplication["health"]): ObservedApplication {
  return {
    ...{ name: `${app}-${cluster}`, namespace: "argocd", project: app, cluster, into: app, autoSync: true },
    sources: [{ repository: `https://git/apps/${app}-deploy.git`, path: `overlays/${cluster}` }],
    ...{
      sync: "Synced",
      revisions: ["c0ffee0c0ffee0c0ffee0c0ffee0c0ffee0c0ffe"],
      health,
      conditions: [],
      resources: 12,
    },
    images: [`harbor.example/apps/${app}@sha256:${"a".repeat(64)}`],
    reasons: [],
  };
}
