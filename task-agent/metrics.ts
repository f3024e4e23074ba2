// The metrics of the task-agent besides those of every process.

import { openProcessMetrics, type ProcessMetrics } from "@gantry/runtime/process/metrics.ts";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Agent } from "./agent.ts";
import type { RelayState } from "./events/relay.ts";
import manifest from "./package.json" with { type: "json" };

type Measured = Pick<Agent, "tasks" | "dispatch" | "leases" | "sessions" | "alarms">;

/** `eventsOut`: the state of the relay to Kafka; absent when there is none. `check` rejects while the journal is unavailable. */
export function openMetrics(
  agent: Measured,
  eventsOut?: () => RelayState,
  check: () => Promise<void> = async () => {},
): ProcessMetrics {
  const metrics = openProcessMetrics("task-agent", manifest.version);
  const registers = [metrics.registry];
  measureTasks(agent, registers);
  measureJournal(check, registers);
  measureQueue(agent, registers);
  measureRunners(agent, registers);
  measureAlarms(agent, registers);
  if (eventsOut) measureEventsOut(eventsOut, registers);
  return metrics;
}

function measureTasks({ tasks }: Pick<Measured, "tasks">, registers: Registry[]): void {
  const started = new Counter({
    name: "gantry_tasks_started_total",
    help: "Tasks requested",
    labelNames: ["pipeline"],
    registers,
  });
  const finished = new Counter({
    name: "gantry_tasks_finished_total",
    help: "Tasks ended, by outcome",
    labelNames: ["pipeline", "outcome"],
    registers,
  });
  const duration = new Histogram({
    name: "gantry_task_duration_seconds",
    help: "From the request to the end",
    labelNames: ["pipeline", "outcome"],
    buckets: [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600],
    registers,
  });
  tasks.listen(({ state }, events, isLocal) => {
    // The agent that committed an event counts it.
    if (!isLocal) return;
    for (const event of events) {
      if (event.kind === "TaskRequested") started.inc({ pipeline: state.pipeline });
      if (event.kind !== "TaskEnded") continue;
      finished.inc({ pipeline: state.pipeline, outcome: event.outcome });
      duration.observe({ pipeline: state.pipeline, outcome: event.outcome }, event.durationMs / 1_000);
    }
  });
}

function measureJournal(check: () => Promise<void>, registers: Registry[]): void {
  new Gauge({
    name: "gantry_journal_up",
    help: "1 while the journal can be written",
    registers,
    async collect() {
      const up = await check().then(
        () => 1,
        () => 0,
      );
      this.set(up);
    },
  });
}

function measureQueue({ dispatch }: Pick<Measured, "dispatch">, registers: Registry[]): void {
  new Gauge({
    name: "gantry_queue_depth",
    help: "Ready jobs without a runner",
    registers,
    collect() {
      this.set(dispatch.waitingCount());
    },
  });
  new Gauge({
    name: "gantry_queue_oldest_seconds",
    help: "How long the oldest of the ready jobs has waited for a runner",
    registers,
    collect() {
      this.set(dispatch.longestWaitMs() / 1_000);
    },
  });
}

function measureRunners({ leases, sessions }: Pick<Measured, "leases" | "sessions">, registers: Registry[]): void {
  new Gauge({
    name: "gantry_jobs_leased",
    help: "Jobs that runners hold",
    registers,
    collect() {
      this.set(leases.count());
    },
  });
  new Gauge({
    name: "gantry_runners",
    help: "Runners that have signed in, by site: alive, or silent for too long",
    labelNames: ["site", "state"],
    registers,
    collect() {
      // A site whose runners are all silent reports 0 alive, so that an alert can see it.
      for (const { facts } of sessions.all()) {
        this.set({ site: facts.site, state: "alive" }, 0);
        this.set({ site: facts.site, state: "silent" }, 0);
      }
      for (const session of sessions.all()) {
        const { site, alive } = sessions.facts(session);
        this.inc({ site, state: alive ? "alive" : "silent" });
      }
    },
  });
}

function measureAlarms({ alarms }: Pick<Measured, "alarms">, registers: Registry[]): void {
  new Gauge({
    name: "gantry_alarms",
    help: "Alarms raised since the start, by kind; each needs an operator",
    labelNames: ["alarm"],
    registers,
    collect() {
      for (const [alarm, count] of alarms.counts()) this.set({ alarm }, count);
    },
  });
}

function measureEventsOut(state: () => RelayState, registers: Registry[]): void {
  new Gauge({
    name: "gantry_events_out_up",
    help: "1 while events can be published",
    registers,
    collect() {
      this.set(state().up ? 1 : 0);
    },
  });
  new Gauge({
    name: "gantry_events_out_seq",
    help: "The seq up to which events are published",
    registers,
    collect() {
      this.set(state().seq);
    },
  });
  new Gauge({
    name: "gantry_events_out_waiting_since_seconds",
    help: "Unix time of the oldest event that waits to be published; 0 when none waits",
    registers,
    collect() {
      this.set((state().waitingSince ?? 0) / 1_000);
    },
  });
}
