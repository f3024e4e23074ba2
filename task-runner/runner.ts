// The task-runner: assembles its parts and shuts them down in order.

import { delimiter, isAbsolute, join, resolve } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { LogOrder, StopOrder } from "@gantry/wire/runner/protocol.ts";
import type { Link } from "./agent-link/agent-link.ts";
import { connect } from "./agent-link/connect.ts";
import { answersOnce } from "./agent-link/own-log.ts";
import { pollLoop } from "./agent-link/poll-loop.ts";
import { openContentCache } from "./artifacts/content-cache.ts";
import { beginAttempt } from "./attempts/attempt.ts";
import { type AttemptRegistry, createAttemptRegistry } from "./attempts/attempt-registry.ts";
import { createLeases } from "./attempts/leases.ts";
import { reportPreviousAttempt, stopPreviousWork } from "./attempts/recover.ts";
import { closing } from "./attempts/stop.ts";
import { type RunnerConfig, slotsOf } from "./config.ts";
import { watchFleet } from "./fleet/watch-fleet.ts";
import { openLiveSettings } from "./live-settings.ts";
import type { RunnerDeps } from "./ports.ts";
import type { RunnerBase, RunnerContext } from "./runner-context.ts";
import { type CloseOptions, createShutdown, type Shutdown } from "./runner-shutdown.ts";
import { openToken } from "./runner-token.ts";
import { type DiskJournal, openDiskJournal } from "./state/disk-journal.ts";
import type { DiskAttempt } from "./state/disk-state.ts";
import { cacheFolder } from "./state/workspace.ts";
import { openSiteMaskers } from "./steps/site-masker.ts";
import type { ScriptIsolation } from "./workers/job-executor.ts";

export type Runner = {
  readonly name: string;
  /** Number of running jobs. */
  readonly busy: () => number;
  /** Resolves when the first session with the task-agent is open; stays pending when the runner ends before. */
  readonly registered: Promise<void>;
  /**
   * Takes no more work, lets running jobs continue for `drainMs` (default: the configuration's), stops the rest, and closes.
   * The next process reports what the task-agent has not received. May be called again with a shorter time.
   */
  readonly close: (options?: CloseOptions) => Promise<void>;
  /**
   * Resolves when the runner is closed. Rejects when it had to end: with `session-gone` when a newer process of it took
   * over, `runner-refused` when the task-agent refuses its token, `kill-failed` when programs of a job cannot be ended.
   */
  readonly ended: Promise<void>;
};

/** The longest time of a timer: 24 days. */
const NO_LIMIT_MS = 2_147_483_647;
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/**
 * Starts a runner. Resolves when it is ready to poll for work; the task-agent need not be reachable yet. Throws
 * `store-busy` when its data folder is in use, and what `openToken` throws.
 */
export async function openRunner(config: RunnerConfig, deps: RunnerDeps): Promise<Runner> {
  const { files, clock, logger } = deps;
  const data = resolve(config.data);
  await files.makeFolder(data);
  const token = await openToken(config, data, deps);
  const unlock = files.lock(join(data, "journal.jsonl"));
  try {
    const disk = await openDiskJournal(files, join(data, "journal.jsonl"), clock.nowMs(), logger);
    const previous = await stopPreviousWork(disk, data, deps);
    const cache = await cacheFolder(files, data, config.site);
    const content = openContentCache(join(cache, "content"), config.limits.contentMb, deps);
    const path = absoluteFolders(config.path ?? deps.env.PATH ?? DEFAULT_PATH);
    warnOfScannerTokens(config, logger);
    const isolation = await scriptIsolation({ ...config, data }, path, deps);
    const guard = deps.programs.openGuard({ clock, logger, path });
    return start(
      { config: { ...config, data }, deps, disk, cache, content, path, isolation, token, guard },
      previous,
      unlock,
    );
  } catch (error) {
    unlock();
    throw error;
  }
}

/**
 * Removes empty and relative entries of a PATH: they mean the working directory, where a script may have put a program named
 * `git`.
 */
function absoluteFolders(path: string): string {
  return path
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .join(delimiter);
}

/** The folder of the runner, and the files with its secrets. */
function privatePaths({ data, token, enrol, secrets }: RunnerConfig): readonly string[] {
  const sources = [token, enrol, ...Object.values(secrets)];
  return [data, ...sources.flatMap((source) => (typeof source === "object" && "file" in source ? [source.file] : []))];
}

/** sonar-scanner runs what the sources of an app tell it, and the account of Gantry may create and administer projects. */
function warnOfScannerTokens({ systems }: RunnerConfig, logger: RunnerDeps["logger"]): void {
  for (const [system, settings] of Object.entries(systems)) {
    if (settings.kind !== "sonarqube" || settings.scannerToken !== undefined || settings.standIn) continue;
    const why = "sonar-scanner gets the token of the account, and the sources of an app can pass it on";
    const todo = "set it to the secret with a global analysis token, which can only send analyses";
    logger.warn({ system, why, todo }, "the system has no scannerToken");
  }
}

/** Logs when scripts are refused, or when they are not isolated from the runner. */
async function scriptIsolation(
  config: RunnerConfig,
  path: string,
  { programs, logger }: RunnerDeps,
): Promise<ScriptIsolation> {
  const { isolation, sandbox } = config;
  const { network, readOnly } = sandbox;
  if (isolation === "none")
    logger.warn({}, "isolation: none. Scripts of pipelines can read what this runner can read, including its secrets");
  if (isolation !== "sandbox") return { kind: "none" };
  const host = await programs.findSandbox({
    folder: join(config.data, "sandbox"),
    path,
    readOnly,
    hidden: privatePaths(config),
  });
  if (!("why" in host)) return { kind: "sandbox", host, network };
  logger.error({ why: host.why }, "scripts are refused: there is no sandbox for them");
  return { kind: "refused", why: host.why };
}

function start(base: RunnerBase, previous: readonly DiskAttempt[], unlock: () => void): Runner {
  const { config, deps, disk, guard } = base;
  const live = openLiveSettings(config, deps.logger);
  const shutdown = createShutdown({
    clock: deps.clock,
    drainMs: live.drainMs,
    endWork: async (cut) => {
      await Promise.all([polling, watching]);
      await stopWhenCut(registry, cut);
    },
    reason: closing,
    closeAll: async (wasCut) => {
      if (wasCut) await connection.giveBack(unreported(disk));
      guard.close();
      await disk.close();
      unlock();
    },
  });
  const registry = createAttemptRegistry(slotsOf(config), deps, shutdown.ended);
  const connection = connect(base, registry, (why) => shutdown.fail(why, { drainMs: 0 }), shutdown.ended);
  const { link, session } = connection;
  const onStop = stopsOnce(shutdown, deps.logger);
  const onLog = ownLogOf(base, link, shutdown.ended);
  const leases = createLeases(link, { ...deps, onStop, onLog }, shutdown.ended);
  const onSurvivors = (): void => shutdown.fail(new GantryError("kill-failed", { runner: config.name }), {});
  const context: RunnerContext = { ...base, link, onSurvivors };
  for (const one of previous) registry.keep(reportPreviousAttempt(context, leases, one), { isPrevious: true });
  const polling = pollLoop({
    link,
    session,
    leases,
    live,
    deps,
    registry,
    onStop,
    onLog,
    slots: slotsOf(config),
    begin: (claimed) => registry.keep(beginAttempt(context, leases, claimed), { isPrevious: false }),
    signal: shutdown.draining,
    ended: shutdown.cut,
  });
  const watching = deps.fleet
    ? watchFleet({ config, tools: deps.fleet, link, session, deps, signal: shutdown.draining, ended: shutdown.cut })
    : Promise.resolve();
  // Only now, because a session is opened with the list of attempts.
  const registered = new Promise<void>((resolve) => {
    session.id(shutdown.ended).then(
      () => resolve(),
      () => {},
    );
  });
  return { name: config.name, busy: registry.busy, registered, close: shutdown.close, ended: shutdown.done };
}

/** Sends the runner's own log, without its secrets. */
function ownLogOf({ config, deps, token }: RunnerBase, link: Link, signal: AbortSignal): (order: LogOrder) => void {
  const { ownLog, logger, env } = deps;
  if (!ownLog) return () => {};
  const maskerOf = openSiteMaskers();
  const mask = async () => (await maskerOf({ config, env, token: await token() })).text;
  return answersOnce({ recent: ownLog, link, mask, logger, signal });
}

/** Obeys an operator who ends this process. Jobs get all the time that they need, unless they are to be cut. */
function stopsOnce({ close }: Pick<Shutdown, "close">, logger: RunnerDeps["logger"]): (stop: StopOrder) => void {
  let obeyed: "no" | "stop" | "stop-now" = "no";
  return ({ now, reason }) => {
    if (obeyed === "stop-now" || (obeyed === "stop" && !now)) return;
    obeyed = now ? "stop-now" : "stop";
    logger.warn({ reason }, now ? "stopped by an operator: running jobs are cut" : "stopped by an operator");
    close({ drainMs: now ? 0 : NO_LIMIT_MS }).catch((err: unknown) => logger.error({ err }, "the stop failed"));
  };
}

/** Resolves when all attempts have ended; they are stopped when `cut` is aborted. */
async function stopWhenCut(registry: AttemptRegistry, cut: AbortSignal): Promise<void> {
  const stopAll = (): void => registry.stopAll(closing());
  if (cut.aborted) stopAll();
  cut.addEventListener("abort", stopAll, { once: true });
  await registry.allDone();
}

/** The attempts whose result the next process will report. */
function unreported({ state }: DiskJournal): ReturnType<AttemptRegistry["running"]> {
  const ended = [...state.attempts.values()].filter(({ report }) => report !== undefined);
  return ended.map(({ ref }) => ({ ref, started: true }));
}
