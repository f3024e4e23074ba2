// The task-runner: puts its parts together, keeps the list of its attempts, and ends them in order.

import { availableParallelism, hostname, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { deadlineBy } from "@gantry/runtime/deadline.ts";
import type { SessionRequest } from "@gantry/wire/runner/protocol.ts";
import { createRunnerClient, type RunnerClient } from "@gantry/wire/runner/runner-client.ts";
import { createLink } from "./agent-link/agent-link.ts";
import { pollLoop } from "./agent-link/poll-loop.ts";
import { watchRefusals } from "./agent-link/refusals.ts";
import { createSession } from "./agent-link/session.ts";
import { beginAttempt, type Claimed } from "./attempts/attempt.ts";
import { type AttemptRegistry, createAttemptRegistry } from "./attempts/attempt-registry.ts";
import { createLeases } from "./attempts/leases.ts";
import { endFormerWork, tellFormer } from "./attempts/recover.ts";
import { closing } from "./attempts/stop.ts";
import type { RunnerConfig } from "./config.ts";
import { openLive } from "./live-settings.ts";
import manifest from "./package.json" with { type: "json" };
import type { RunnerDeps } from "./ports.ts";
import { type DiskJournal, openDiskJournal } from "./state/disk-journal.ts";
import type { DiskAttempt } from "./state/disk-state.ts";
import { cacheFolder } from "./state/workspace.ts";
import type { RunnerContext } from "./steps/job-context.ts";
import { readSecret } from "./steps/secrets.ts";

export type Runner = {
  readonly name: string;
  /** How many jobs it has. */
  readonly busy: () => number;
  /** Resolves when the task-agent has taken it in for the first time; stays open when it ends before. */
  readonly registered: Promise<void>;
  /**
   * Takes no more work, lets running jobs go on for `drainMs` (default: the configuration's), ends the rest, and closes.
   * What the agent was not told is told by the next process. May be called again with a shorter time.
   */
  readonly close: (options?: { readonly drainMs?: number }) => Promise<void>;
  /**
   * Resolves when the runner is closed. Rejects when it had to give up: with `session-gone` when a newer process of it took
   * over, `runner-refused` when the task-agent refuses its token, `kill-failed` when programs of a job cannot be ended.
   */
  readonly ended: Promise<void>;
};

const GOODBYE_MS = 2_000;

/** Starts a runner. Resolves when it is ready to ask for work; the task-agent need not be there yet. */
export async function openRunner(config: RunnerConfig, deps: RunnerDeps): Promise<Runner> {
  const { files } = deps;
  const data = resolve(config.data);
  await files.makeFolder(data);
  const token = tokenOf(config, deps);
  await token().catch((error: unknown) => {
    throw unreadable(error);
  });
  const unlock = files.lock(join(data, "journal.jsonl"));
  try {
    const disk = await openDiskJournal(files, join(data, "journal.jsonl"), deps.clock.nowMs(), deps.logger);
    const former = await endFormerWork(disk, data, deps);
    const cache = await cacheFolder(files, data, config.site);
    const path = config.path ?? deps.env.PATH ?? "/usr/local/bin:/usr/bin:/bin";
    const guard = deps.programs.openGuard({ clock: deps.clock, logger: deps.logger, path });
    return run({ config: { ...config, data }, deps, disk, cache, path, token, guard }, former, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

/** Everything of a RunnerContext that is there before the link is. */
type RunnerBase = Omit<RunnerContext, "link" | "executor" | "onSurvivors">;

function run(ground: RunnerBase, former: readonly DiskAttempt[], unlock: () => void): Runner {
  const { config, deps, disk, token } = ground;
  const [draining, cut, ended] = [new AbortController(), new AbortController(), new AbortController()];
  const registry = createAttemptRegistry(config.slots, deps, ended.signal);
  const end = Promise.withResolvers<void>();
  // Whoever started the runner may not be listening.
  end.promise.catch(() => {});
  let failure: GantryError | undefined;

  const giveUp = (why: GantryError, how: { drainMs?: number }): void => {
    failure ??= why;
    void close(how);
  };

  const client = watchRefusals(
    createRunnerClient({
      url: config.agent,
      token,
      fetch: deps.fetch,
      deadline: (ms) => deadlineBy(deps.clock, ms),
    }),
    deps.clock,
    () => giveUp(new GantryError("runner-refused", { runner: config.name, agent: config.agent }), { drainMs: 0 }),
  );
  const describe = describer(config, registry, deps.newId());
  const session = createSession({
    client,
    deps,
    describe,
    onDirectives: registry.obey,
    onSuperseded: () => giveUp(new GantryError("session-gone"), { drainMs: 0 }),
    signal: ended.signal,
  });
  const link = createLink(client, session, deps);
  const leases = createLeases(link, deps, ended.signal);
  const onSurvivors = (): void => giveUp(new GantryError("kill-failed", { runner: config.name }), {});
  const site: RunnerContext = { ...ground, link, executor: deps.executor, onSurvivors };
  for (const one of former) registry.keep(tellFormer(site, leases, one), { isFormer: true });
  const begin = (claimed: Claimed): void => registry.keep(beginAttempt(site, leases, claimed), { isFormer: false });
  const live = openLive(config, deps.logger);
  const loop = pollLoop({
    link,
    session,
    leases,
    live,
    deps,
    registry,
    begin,
    signal: draining.signal,
    ended: cut.signal,
  });
  // Only now: a session says what the runner has.
  const registered = new Promise<void>((resolve) => {
    session.id(ended.signal).then(
      () => resolve(),
      () => {},
    );
  });

  const shutDown = async (): Promise<void> => {
    draining.abort();
    await loop;
    const cutAll = (): void => registry.stopAll(closing());
    if (cut.signal.aborted) cutAll();
    cut.signal.addEventListener("abort", cutAll, { once: true });
    await registry.allDone();
    ended.abort(closing());
    if (cut.signal.aborted && !failure) await giveBack(client, { ...describe(), running: untold(disk) }, deps.logger);
    ground.guard.close();
    await disk.close();
    unlock();
    if (failure) end.reject(failure);
    else end.resolve();
  };
  let closed: Promise<void> | undefined;
  const close: Runner["close"] = ({ drainMs = live.drainMs() } = {}) => {
    const cancel = deps.clock.after(drainMs, () => cut.abort());
    closed ??= shutDown();
    return closed.finally(cancel);
  };
  return { name: config.name, busy: registry.busy, registered, close, ended: end.promise };
}

function describer(config: RunnerConfig, registry: AttemptRegistry, bootId: string): () => SessionRequest {
  const systems = Object.entries(config.systems).map(([name, { kind, url, standIn, insecureSkipVerify }]) => ({
    name,
    kind,
    url,
    standIn,
    ...(insecureSkipVerify === true ? { insecureSkipVerify } : {}),
  }));
  let registration = 0;
  return () => ({
    runner: config.name,
    bootId,
    registration: ++registration,
    site: config.site,
    labels: config.labels,
    slots: config.slots,
    version: manifest.version,
    host: {
      name: hostname(),
      platform: `${process.platform}-${process.arch}`,
      cpus: availableParallelism(),
      memoryMb: Math.round(totalmem() / 1_048_576),
    },
    systems,
    running: [...registry.running()],
  });
}

/** What the next process will tell the end of. */
function untold({ state }: DiskJournal): SessionRequest["running"] {
  const ended = [...state.attempts.values()].filter(({ report }) => report !== undefined);
  return ended.map(({ ref }) => ({ ref, started: true }));
}

/** Registers once more without the work that was cut off, so that the agent gives the work away now and not when its leases end. */
async function giveBack(client: RunnerClient, rest: SessionRequest, logger: RunnerDeps["logger"]): Promise<void> {
  try {
    await client.session(rest, { timeoutMs: GOODBYE_MS });
  } catch (error) {
    logger.info({ err: error }, "the task-agent could not be told that the runner leaves");
  }
}

/** While it runs the token may come back; when it starts somebody must look. */
function unreadable(error: unknown): unknown {
  if (!(error instanceof GantryError) || error.code !== "unavailable") return error;
  return new GantryError("secret-unreadable", {
    what: "The token of the runner",
    problem: error.details.problem ?? "",
  });
}

/** The token of the runner, read again each time so that it can be renewed. */
function tokenOf(config: RunnerConfig, deps: RunnerDeps): () => Promise<string> {
  const { token } = config;
  if (typeof token === "string") return async () => token;
  return () =>
    readSecret(
      token,
      deps.env,
      (problem) => new GantryError("unavailable", { what: "The token of the runner", problem }),
    );
}
