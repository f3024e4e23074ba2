// A task-agent of the simulation: the real one, with a faulty store, behind the simulated network instead of HTTP.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { type MemoryStore, openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { PROBLEM_TYPE, parse, problemOf } from "@gantry/runtime/http/problem.ts";
import { declaresError, type ParamsOf, type RouteSpec, routeMatcher } from "@gantry/runtime/http/route.ts";
import { type Agent, openAgent } from "@gantry/task-agent/agent.ts";
import { appendLog } from "@gantry/task-agent/api/logs.ts";
import { runnerCalls } from "@gantry/task-agent/api/runner-calls.ts";
import { type TaskCalls, taskCalls } from "@gantry/task-agent/api/task-calls.ts";
import type { AgentConfig } from "@gantry/task-agent/config.ts";
import { startRelay } from "@gantry/task-agent/events/relay.ts";
import { AGENT_INDEXES } from "@gantry/task-agent/store/indexes.ts";
import { appStream } from "@gantry/task-agent/tasks/task-stream.ts";
import { AGENT_PREFIX, AGENT_ROUTES } from "@gantry/wire/agent/routes.ts";
import { RUNNER_PROTOCOL } from "@gantry/wire/protocol-version.ts";
import * as wire from "@gantry/wire/runner/protocol.ts";
import { RUNNER_CALLS, RUNNER_LOG, RUNNER_PREFIX } from "@gantry/wire/runner/routes.ts";
import type { z } from "zod";
import type { Invariants } from "../invariants/invariants.ts";
import type { StepObserver } from "../invariants/step-observer.ts";
import type { SimBus } from "../machine/bus.ts";
import { memoryLogs, type StoredLogs } from "../machine/log-store.ts";
import { errorLogger } from "../machine/logger.ts";
import type { Answer, Request, Server } from "../machine/network.ts";
import { createProcess, type Machine, type Process, type Simulation } from "../machine/process.ts";
import { faultyStore, NO_STORE_FAULTS, StoreFault, type StoreFaultProfile } from "../machine/store.ts";
import { APP, type Library } from "../plan/library.ts";

/** What the agents of one simulation share. */
export type AgentCommon = {
  readonly isShared: boolean;
  readonly store: MemoryStore;
  /** The clock of a store that runs on a machine of its own. */
  readonly storeClock: Machine["clock"] | undefined;
  readonly logs: StoredLogs;
  readonly sessions: Map<string, wire.SessionRequest>;
  /** Runner → its newest session. */
  readonly newest: Map<string, string>;
  /** Called after a commit of the agent of this name. */
  readonly onCommit: (by: string) => void;
};

export type AgentHost = {
  readonly name: string;
  readonly server: Server;
  readonly machine: Machine;
  readonly faultProfile: StoreFaultProfile;
  readonly logs: StoredLogs;
  readonly process: () => Process | undefined;
  /** Another agent has committed something to the shared store. */
  readonly onOtherCommit: () => void;
  /** Starts a new process unless one is alive. */
  readonly boot: () => void;
  /** Simulated time since which it serves; undefined while it does not. */
  readonly readySinceMs: () => number | undefined;
  /** Polls that wait at the agent now, with what their runner registered. */
  readonly idle: () => readonly IdlePoll[];
  readonly labelsOf: (pipeline: string, jobId: string) => readonly string[];
};
export type IdlePoll = {
  readonly runner: string;
  readonly site: string;
  readonly labels: readonly string[];
  readonly free: number;
  readonly sinceMs: number;
};

export type AgentHostDeps = {
  readonly name: string;
  readonly common: AgentCommon;
  readonly simulation: Simulation;
  readonly machine: Machine;
  readonly config: AgentConfig;
  readonly library: Library;
  readonly invariants: Invariants;
  readonly observer: StepObserver;
  readonly bus: SimBus | undefined;
};
type Serving = { readonly agent: Agent; readonly calls: ReturnType<typeof runnerCalls>; readonly tasks: TaskCalls };

const TICK_MS = 1_000;
const FENCE_KEY = new Uint8Array(32);
/** Calls that are granted to the holder of an attempt only. */
const GRANTED: ReadonlySet<string> = new Set(["start", "progress", "effectBegin", "effectEnd", "report"]);

export function createAgentHost(deps: AgentHostDeps): AgentHost {
  const { simulation, machine, config, library, invariants, name, common } = deps;
  const { store, logs, sessions, newest } = common;
  const { timeline } = simulation;
  const random = simulation.random.fork(name);
  const faultProfile: StoreFaultProfile = { ...NO_STORE_FAULTS };
  const polls = new Set<{ session: string; free: number; sinceMs: number }>();
  let current: { process: Process; serving?: Serving; sinceMs?: number; wake?: () => void } | undefined;
  let boots = 0;

  const crashOf = (process: Process) => (): void => {
    process.kill();
    timeline.at(timeline.nowMs() + random.between(100, 20_000), boot);
  };
  const open = async (process: Process): Promise<Serving> => {
    const clock = { ...process.clock, ...(common.storeClock ? { nowMs: common.storeClock.nowMs } : {}) };
    const inner = openMemoryJournal({ indexes: AGENT_INDEXES, store, clock });
    if (current?.process === process) current.wake = inner.wake;
    if (library.names.some((one) => library.appOf(one) !== undefined)) await adoptApp(inner);
    const onCommit: typeof invariants.onCommit = (batch) => {
      invariants.onCommit(batch);
      common.onCommit(name);
    };
    const journal = faultyStore(inner, { process, random, faultProfile, crash: crashOf(process), onCommit });
    const logger = errorLogger(invariants, process.name);
    const agent = await openAgent({
      config,
      journal,
      definitions: library.definitions,
      logs: memoryLogs(logs),
      logger,
      clock: process.clock,
      newId: random.uuid,
      fenceKey: FENCE_KEY,
      ...(common.isShared ? { name } : {}),
    });
    const tick = (): void => {
      agent.tick().catch((error: unknown) => {
        if (!(error instanceof StoreFault))
          invariants.violated("no-unexpected-error", `a sweep failed: ${String(error)}`);
      });
      process.clock.after(TICK_MS, tick);
    };
    process.clock.after(TICK_MS, tick);
    if (deps.bus)
      startRelay({
        ...agent,
        journal,
        bus: deps.bus.seenBy(process),
        relayId: random.uuid(),
        clock: process.clock,
        random: random.next,
        logger,
      });
    const onCancel = agent.protocol.cancel;
    return {
      agent,
      calls: runnerCalls(agent.protocol),
      tasks: taskCalls({ ...agent, journal, portalUrl: "http://portal", newId: random.uuid, onCancel }),
    };
  };

  const boot = (): void => {
    if (current?.process.isAlive()) return;
    boots += 1;
    const process = createProcess(simulation, machine, `${name}#${boots}`);
    const mine: typeof current = { process };
    current = mine;
    polls.clear();
    simulation.trace.line(`${process.name} starts`);
    process.onDeath(() => polls.clear());
    open(process).then(
      (serving) => Object.assign(mine, { serving, sinceMs: timeline.nowMs() }),
      (error: unknown) => {
        if (!(error instanceof StoreFault))
          invariants.violated("no-unexpected-error", `the agent cannot start: ${String(error)}`);
        process.kill();
        timeline.at(timeline.nowMs() + 2_000, boot);
      },
    );
  };

  const runnerCall = async (serving: Serving, request: Request, gone: AbortSignal): Promise<object> => {
    const site = request.token.replace(/^token-of-/, "");
    const log = logOf(request.method, request.path);
    if (log) return logCall(serving, request, log.params as LogParams, site);
    const call = serving.calls.get(request.path);
    if (!call) throw new Error(`no call ${request.path}`);
    const body = JSON.parse(Buffer.from(request.body).toString("utf8")) as JsonObject;
    const { name: called } = call;
    const ref = wire.jobRef.safeParse(body.ref).data;
    const known = ref && invariants.account(ref.task, ref.job);
    const before = ref && known && { fence: known.fence, outcome: known.ends.get(ref.attempt) };
    const poll = { session: String(body.session), free: Number(body.freeSlots), sinceMs: timeline.nowMs() };
    if (called === "poll") polls.add(poll);
    try {
      const answer = await call.answer(body, site, () => gone);
      if (ref && before && GRANTED.has(called)) invariants.onGranted(called, ref, before);
      if (called === "claim" && ref) invariants.onRenewed(ref, poll.sinceMs);
      if (called === "session")
        signIn(body as unknown as wire.SessionRequest, answer as wire.SessionReply, poll.sinceMs);
      if (called === "heartbeat") renewed(answer as wire.HeartbeatReply, poll.sinceMs);
      if (called === "effectBegin" && ref) deps.observer.permitted((answer as wire.EffectPermit).key, ref.fence);
      return called === "session" ? { ...answer, protocol: RUNNER_PROTOCOL.newest } : answer;
    } finally {
      polls.delete(poll);
    }
  };
  const signIn = (facts: wire.SessionRequest, { session, directives }: wire.SessionReply, arrivedMs: number): void => {
    const before = sessions.get(newest.get(facts.runner) ?? "");
    if (before && before.bootId !== facts.bootId) invariants.onNewProcess(facts.runner, facts.running);
    sessions.set(session, facts);
    newest.set(facts.runner, session);
    for (const { ref, do: directive } of directives) if (directive !== "drop") invariants.onRenewed(ref, arrivedMs);
  };
  const renewed = ({ items }: wire.HeartbeatReply, arrivedMs: number): void => {
    for (const { ref, state } of items) if (state !== "lost") invariants.onRenewed(ref, arrivedMs);
  };

  const handle = async (request: Request, gone: AbortSignal): Promise<Answer> => {
    const serving = current?.serving;
    try {
      if (!serving) throw new StoreFault("the agent is starting");
      const isRunner = request.path.startsWith(`${RUNNER_PREFIX}/`);
      const answer = isRunner ? await runnerCall(serving, request, gone) : await portalCall(serving, request, gone);
      return { status: 200, type: "application/json", body: JSON.stringify(answer) };
    } catch (error) {
      const problem = problemOf(error, "sim");
      if (problem.status === 500 && !(error instanceof StoreFault))
        invariants.violated(
          "no-unexpected-error",
          `${request.path}: ${error instanceof Error ? error.stack : String(error)}`,
        );
      const route = routeOf(request);
      if (error instanceof GantryError && route && !declaresError(route, error.code))
        invariants.violated("no-unexpected-error", `${request.path} does not declare ${error.code}`);
      return { status: problem.status, type: PROBLEM_TYPE, body: JSON.stringify(problem), note: problem.code };
    }
  };

  return {
    name,
    machine,
    faultProfile,
    logs,
    boot,
    onOtherCommit: () => {
      const mine = current;
      mine?.process.deliverIn(random.between(0.5, 20), () => mine.wake?.());
    },
    process: () => current?.process,
    readySinceMs: () => (current?.process.isAlive() ? current.sinceMs : undefined),
    idle: () =>
      [...polls].flatMap(({ session, free, sinceMs }) => {
        const facts = sessions.get(session);
        if (!facts || newest.get(facts.runner) !== session) return [];
        return [{ runner: facts.runner, site: facts.site, labels: facts.labels, free, sinceMs }];
      }),
    labelsOf: (name, id) => {
      const pipeline = library.definitions.current(name)?.pipeline;
      return [...(pipeline?.jobs ?? []), ...(pipeline?.finally ?? [])].find((job) => job.id === id)?.labels ?? [];
    },
    server: { name, process: () => current?.process, handle },
  };
}

const logOf = routeMatcher(RUNNER_PREFIX, { log: RUNNER_LOG });
const agentRouteOf = routeMatcher(AGENT_PREFIX, AGENT_ROUTES);
const runnerRouteOf = routeMatcher(RUNNER_PREFIX, RUNNER_CALLS);

/** A second time it changes nothing. */
async function adoptApp(journal: Pick<Journal, "append">): Promise<void> {
  const made = { name: APP, createdBy: "ann", createdAt: 0, task: "", record: {}, facts: {}, latest: {} };
  const events = [{ kind: "AppAdopted", at: 0, by: "ann" }];
  await journal.append([appStream.append(APP, { expected: 0, events, state: { ...made, state: "ready" } })]);
}

function routeOf({ method, path }: Request): RouteSpec | undefined {
  const call = runnerRouteOf(method, path);
  if (call) return RUNNER_CALLS[call.name];
  if (logOf(method, path)) return RUNNER_LOG;
  const asked = agentRouteOf(method, path);
  return asked && AGENT_ROUTES[asked.name];
}

type LogParams = ParamsOf<typeof RUNNER_LOG>;

async function logCall({ agent }: Serving, { query, body }: Request, params: LogParams, site: string): Promise<object> {
  const checked = parse(RUNNER_LOG.query, Object.fromEntries(query), "/query");
  return appendLog(agent, params, checked, async () => Buffer.from(body), site);
}

async function portalCall({ agent, tasks }: Serving, request: Request, gone: AbortSignal): Promise<object> {
  const found = agentRouteOf(request.method, request.path);
  const id = found?.params.id ?? "";
  const body = <B>(schema: z.core.$ZodType<B>): B =>
    parse(schema, JSON.parse(Buffer.from(request.body).toString("utf8")) as unknown);
  switch (found?.name) {
    case "feed": {
      const { after, limit, wait } = parse(AGENT_ROUTES.feed.query, Object.fromEntries(request.query), "/query");
      return after === undefined ? agent.feed.newest() : agent.feed.page(after, limit, wait, gone);
    }
    case "startTask":
      return tasks.start(body(AGENT_ROUTES.startTask.body));
    case "cancel":
      return tasks.cancel(id, body(AGENT_ROUTES.cancel.body));
    case "resolve":
      return tasks.resolve(id, body(AGENT_ROUTES.resolve.body));
    case "task":
      return tasks.view(await tasks.requireTask(id));
    default:
      throw new Error(`no call ${request.path}`);
  }
}
