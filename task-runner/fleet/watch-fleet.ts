// Watches the Argo CDs of the site and reports what changes. The task-agent says which runner of the site watches each of them; the
// others ask from time to time, so that one of them goes on when the watcher is lost.

import { createMasker } from "@gantry/core/mask/masker.ts";
import { otherSiteOf } from "@gantry/core/site/systems.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { backoffMs } from "@gantry/runtime/backoff.ts";
import { pause } from "@gantry/runtime/clock.ts";
import { deadlineBy } from "@gantry/runtime/deadline.ts";
import type { ObserveReply } from "@gantry/wire/runner/fleet.ts";
import type { Link } from "../agent-link/agent-link.ts";
import type { Session } from "../agent-link/session.ts";
import type { RunnerConfig } from "../config.ts";
import { type FleetTools, isCode, type RunnerDeps } from "../ports.ts";
import { createSecrets } from "../steps/secrets.ts";
import { systemFetch } from "../steps/system-fetch.ts";
import { resolveSystems } from "../steps/systems.ts";
import { type Batch, openPendingReport, type PendingReport } from "./pending-report.ts";

export type WatchOptions = {
  readonly config: Pick<RunnerConfig, "site" | "systems" | "secrets">;
  readonly tools: FleetTools;
  readonly link: Link;
  readonly session: Pick<Session, "isOpen">;
  readonly deps: Pick<RunnerDeps, "clock" | "random" | "logger" | "env">;
  /** Ends the watch: another runner takes over. */
  readonly signal: AbortSignal;
  /** Also aborts calls that are under way. */
  readonly ended: AbortSignal;
};

type Watch = WatchOptions & { readonly system: string };

/** An older task-agent has no fleet; it may be replaced while the runner runs. */
const OLD_AGENT_MS = 5 * 60_000;
const REFUSED_MS = 30_000;
/** Changes that follow closely are reported together. */
const SETTLE_MS = 50;
const LAST_REPORT_MS = 2_000;
/** Between two looks at an Argo CD that ends its streams at once. */
const LOOK_AGAIN_MS = 1_000;
const BACKOFF = { firstMs: 1_000, maxMs: 30_000, jitter: "half" } as const;
/** One failure may be a restart of Argo CD, which is no news. */
const TOLD_FAILURES = 2;

/** Resolves when the signal is aborted and the other runners can take over. Never rejects. */
export async function watchFleet(options: WatchOptions): Promise<void> {
  const own = Object.entries(options.config.systems).filter(
    ([, settings]) => settings.kind === "argocd" && otherSiteOf(settings) === undefined,
  );
  await Promise.all(own.map(([system]) => watchSystem({ ...options, system })));
}

async function watchSystem(watch: Watch): Promise<void> {
  const { deps, signal, system } = watch;
  while (!signal.aborted) {
    try {
      const { role, againMs } = await ask(watch);
      if (role === "watch") await follow(watch);
      else await pause(deps.clock, againMs, signal);
    } catch (error) {
      if (signal.aborted) break;
      const isOld = isCode(error, "not-found");
      const log = isOld ? deps.logger.debug : deps.logger.warn;
      log.call(deps.logger, { err: error, system }, "the task-agent takes no reports about the fleet");
      await pause(deps.clock, isOld ? OLD_AGENT_MS : REFUSED_MS, signal);
    }
  }
}

function ask({ link, signal, system }: Watch): Promise<ObserveReply> {
  return link.call((client, session, call) => client.observe({ session, system, changed: [], gone: [] }, call), {
    signal,
  });
}

/** Resolves when another runner watches, or the signal is aborted. */
async function follow(watch: Watch): Promise<void> {
  const { deps, signal, system } = watch;
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  const news = openNews();
  const report = openPendingReport(news.wake);
  const heard = { atMs: undefined as number | undefined };
  deps.logger.info({ system }, "this runner watches the applications of the site");
  const watching = keepWatching({ ...watch, signal: until }, report, heard);
  try {
    await sendReports({ ...watch, signal: until }, report, heard, news);
  } finally {
    stop.abort();
    await watching;
    if (signal.aborted) await leave(watch);
  }
}

type Heard = { atMs: number | undefined };

/** Looks again whenever a look ends, with growing pauses while Argo CD does not answer. */
async function keepWatching(
  { config, tools, deps, system, signal }: Watch,
  report: PendingReport,
  heard: Heard,
): Promise<void> {
  const masker = createMasker();
  let failures = 0;
  while (!signal.aborted) {
    const beganMs = deps.clock.monotonicMs();
    try {
      const secrets = createSecrets(config, deps.env);
      const lookup = await resolveSystems(config, { name: "the fleet", needs: ["argocd"] }, secrets, masker);
      await tools.watchApplications(lookup("argocd", system), {
        fetch: systemFetch(tools.fetch, config.systems),
        clock: deps.clock,
        signal,
        onAlive: () => {
          failures = 0;
          heard.atMs = deps.clock.monotonicMs();
          report.setProblem(undefined);
        },
        onList: report.list,
        onSeen: (seen) => report.see(new Map([...seen].map(([key, one]) => [key, one && masker.json(one)]))),
      });
      const restMs = LOOK_AGAIN_MS - (deps.clock.monotonicMs() - beganMs);
      if (restMs > 0) await pause(deps.clock, restMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      deps.logger.info({ err: error, system }, "the applications cannot be watched; it is tried again");
      const words = error instanceof Error ? error.message : String(error);
      if (failures >= TOLD_FAILURES) report.setProblem(truncate(masker.text(words), 1_000));
      await pause(deps.clock, backoffMs(BACKOFF, failures, deps.random()), signal);
    }
  }
}

type News = ReturnType<typeof openNews>;

function openNews() {
  let wake: (() => void) | undefined;
  return {
    wake: (): void => wake?.(),
    onWake: (run: () => void) => {
      wake = run;
      return () => {
        if (wake === run) wake = undefined;
      };
    },
  };
}

/** Resolves when another runner watches. Throws what the task-agent refuses permanently. */
async function sendReports({ link, deps, system, signal }: Watch, report: PendingReport, heard: Heard, news: News) {
  while (!signal.aborted) {
    let batch: Batch | undefined;
    const reply = await link.call(
      (client, session, call) => {
        const next = report.next(session);
        batch = next;
        const silentMs =
          heard.atMs === undefined ? {} : { silentMs: Math.round(deps.clock.monotonicMs() - heard.atMs) };
        return client.observe({ session, system, ...silentMs, ...next }, call);
      },
      { signal },
    );
    if (reply.role === "stand-by") return;
    if (batch) report.sent(batch);
    if (!report.hasNews()) await pause(deps.clock, reply.againMs, signal, news.onWake);
    if (report.hasNews()) await pause(deps.clock, SETTLE_MS, signal);
  }
}

async function leave({ link, session, deps, system, ended }: Watch): Promise<void> {
  if (ended.aborted || !session.isOpen()) return;
  const deadline = deadlineBy(deps.clock, LAST_REPORT_MS);
  try {
    await link.once(
      (client, id, call) => client.observe({ session: id, system, changed: [], gone: [], leaving: true }, call),
      {
        signal: AbortSignal.any([ended, deadline.signal]),
      },
    );
  } catch (error) {
    deps.logger.info({ err: error, system }, "the task-agent could not be informed that this runner watches no more");
  } finally {
    deadline.cancel();
  }
}
