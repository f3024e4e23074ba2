// /livez, /readyz and /metrics of the task-agent. No task ids as labels: their number has no bound.

import type { Answered } from "@gantry/wire/http.ts";
import Router from "@koa/router";
import type Koa from "koa";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Agent } from "./agent.ts";

export function openMetrics(agent: Pick<Agent, "tasks" | "dispatch" | "leases" | "sessions" | "alarms">): {
  answered: (answered: Answered) => void;
  routes: (check: () => Promise<void>) => Koa.Middleware;
} {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
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
  const requests = new Histogram({
    name: "gantry_http_request_duration_seconds",
    help: "HTTP requests by route",
    labelNames: ["method", "route", "code"],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 30],
    registers,
  });
  new Gauge({
    name: "gantry_queue_depth",
    help: "Ready jobs without a runner",
    registers,
    collect() {
      this.set(agent.dispatch.waitingCount());
    },
  });
  new Gauge({
    name: "gantry_jobs_leased",
    help: "Jobs that runners hold",
    registers,
    collect() {
      this.set(agent.leases.count());
    },
  });
  new Gauge({
    name: "gantry_runners",
    help: "Runners that are signed in, by site",
    labelNames: ["site"],
    registers,
    collect() {
      this.reset();
      for (const session of agent.sessions.all()) this.inc({ site: session.facts.site });
    },
  });

  new Gauge({
    name: "gantry_alarms",
    help: "What somebody must look at, raised since the start, by kind",
    labelNames: ["alarm"],
    registers,
    collect() {
      for (const [alarm, count] of agent.alarms.counts()) this.set({ alarm }, count);
    },
  });

  agent.tasks.listen(({ state }, events) => {
    for (const event of events) {
      if (event.kind === "TaskRequested") started.inc({ pipeline: state.pipeline });
      if (event.kind !== "TaskEnded") continue;
      finished.inc({ pipeline: state.pipeline, outcome: event.outcome });
      duration.observe({ pipeline: state.pipeline, outcome: event.outcome }, event.durationMs / 1_000);
    }
  });

  return {
    answered: ({ method, route, status, ms }) => requests.observe({ method, route, code: String(status) }, ms / 1_000),
    routes: (check) => {
      const router = new Router();
      router.get("/livez", (ctx) => {
        ctx.body = { status: "ok" };
      });
      router.get("/readyz", async (ctx) => {
        try {
          await check();
          ctx.body = { status: "ok", checks: { journal: "ok" } };
        } catch (error) {
          ctx.status = 503;
          ctx.body = { status: "not ready", checks: { journal: (error as Error).message } };
        }
      });
      router.get("/metrics", async (ctx) => {
        ctx.type = registry.contentType;
        ctx.body = await registry.metrics();
      });
      return router.routes() as Koa.Middleware;
    },
  };
}
