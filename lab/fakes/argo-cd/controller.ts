// The application controller: compares an app on request or on schedule, runs operations, and queries registries for
// images. Work in progress is part of the state, so a new process continues after a kill.

import { nextChangeMs } from "./cluster.ts";
import type { AppRecord, Live, State } from "./model.ts";
import { beginOperation, finishOperation } from "./operations.ts";
import { clusterOf, type FakeArgoCd, forgetFailures, look, observationOf, observe } from "./refresh.ts";
import { findImage } from "./registry.ts";
import { imagesOf } from "./transform.ts";

export type Controller = {
  /** Fetches from git and compares. Resolves when the status is updated. */
  readonly refresh: (name: string, how: "normal" | "hard") => Promise<void>;
  /** Call after a change of the state from outside: does what is due. */
  readonly wake: () => void;
  readonly close: () => Promise<void>;
};

const DELETION_MS = 40;
/** How often a node retries to pull a missing image. */
const PULL_AGAIN_MS = 1_500;
const NEVER = Number.POSITIVE_INFINITY;

export function startController(fake: FakeArgoCd): Controller {
  const { state } = fake;
  const chains = new Map<string, Promise<void>>();
  const busy = new Set<string>();
  const puller = imagePuller(fake, () => wake());
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const wake = (): void => {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(tick, 0);
  };
  /** Runs one job at a time per app. A failed job does not block the next. */
  const work = (name: string, job: (fake: FakeArgoCd, record: AppRecord) => Promise<void>): Promise<void> => {
    const next = (chains.get(name) ?? Promise.resolve()).then(async () => {
      const record = state.apps[name];
      if (closed || !record || record.object.metadata.deletionTimestamp) return;
      await job(fake, record);
      fake.save();
      fake.changed(name);
      wake();
    });
    const settled = next.catch((error: Error) => {
      process.stderr.write(`argo-cd fake: ${error.stack ?? error}\n`);
    });
    chains.set(name, settled);
    return next;
  };
  const workOnce = (name: string, job: (fake: FakeArgoCd, record: AppRecord) => Promise<void>): void => {
    if (busy.has(name)) return;
    busy.add(name);
    const done = (): void => {
      busy.delete(name);
      wake();
    };
    work(name, job).then(done, done);
  };
  const tick = (): void => {
    const nowMs = Date.now();
    const due = Object.entries(state.apps).map(([name, record]) => {
      const next = stepApp(fake, name, record, nowMs);
      if (next.job) workOnce(name, next.job);
      const isGone = state.apps[name] === undefined;
      if (isGone || observe(fake, record)) fake.changed(name);
      return next.atMs;
    });
    const live = Object.values(state.clusters).flatMap((cluster) => Object.values(cluster.live));
    const health = live.map((one) => nextChangeMs(one, observationOf(fake)) ?? NEVER);
    const nextMs = Math.min(nowMs + 60_000, puller(live, nowMs), ...due, ...health);
    fake.save();
    clearTimeout(timer);
    if (!closed) timer = setTimeout(tick, Math.max(5, nextMs - nowMs)).unref();
  };

  wake();
  return {
    refresh: (name, how) =>
      work(name, async (fake, record) => {
        if (how === "hard") forgetFailures(fake, record.object);
        await look(fake, record);
      }),
    wake,
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await Promise.allSettled(chains.values());
    },
  };
}

/** What is due for this app, and when to check again. */
function stepApp(
  fake: FakeArgoCd,
  name: string,
  record: AppRecord,
  nowMs: number,
): { readonly atMs: number; readonly job?: (fake: FakeArgoCd, record: AppRecord) => Promise<void> } {
  if (record.object.metadata.deletionTimestamp) {
    record.goneAtMs ??= nowMs + DELETION_MS;
    if (nowMs < record.goneAtMs) return { atMs: record.goneAtMs };
    remove(fake.state, name);
    return { atMs: NEVER };
  }
  beginOperation(fake, record);
  if (record.operationEndsMs !== undefined) {
    return nowMs >= record.operationEndsMs ? { atMs: NEVER, job: finishOperation } : { atMs: record.operationEndsMs };
  }
  const lookAtMs = record.lookAtMs ?? 0;
  return nowMs >= lookAtMs ? { atMs: NEVER, job: look } : { atMs: lookAtMs };
}

/** Queries registries for the images of running pods until each exists. Returns when to check again. */
function imagePuller(
  { state, credentials }: FakeArgoCd,
  answered: () => void,
): (live: readonly Live[], nowMs: number) => number {
  const asking = new Set<string>();
  return (live, nowMs) => {
    let nextMs = NEVER;
    for (const image of new Set(live.flatMap((one) => imagesOf(one.manifest)))) {
      const known = state.images[image];
      if (known === "present" || asking.has(image)) continue;
      if (known !== undefined && nowMs < known.askedAtMs + PULL_AGAIN_MS) {
        nextMs = Math.min(nextMs, known.askedAtMs + PULL_AGAIN_MS);
        continue;
      }
      asking.add(image);
      void findImage(image, credentials).then((found) => {
        asking.delete(image);
        state.images[image] = found === "present" ? found : { ...found, askedAtMs: Date.now() };
        answered();
      });
    }
    return nextMs;
  };
}

function remove(state: State, name: string): void {
  const record = state.apps[name];
  const cascade = record?.object.metadata.finalizers?.some((one) =>
    one.startsWith("resources-finalizer.argocd.argoproj.io"),
  );
  if (record && cascade) {
    const live = clusterOf(state, record.object)?.live ?? {};
    for (const [key, one] of Object.entries(live)) if (one.app === name) delete live[key];
  }
  delete state.apps[name];
}
