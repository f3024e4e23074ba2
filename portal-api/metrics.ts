// The portal's own metrics, by route template and never by id.

import type { Answered } from "@gantry/wire/http.ts";
import { collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export type Metrics = {
  readonly contentType: string;
  readonly text: () => Promise<string>;
  readonly answered: (answered: Answered) => void;
  readonly streams: { readonly opened: () => void; readonly closed: () => void };
  readonly feed: (up: boolean, seq: number) => void;
};

export function makeMetrics(version: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const build = new Gauge({
    name: "gantry_build_info",
    help: "Always 1; the labels say what runs",
    labelNames: ["version", "component"],
    registers,
  });
  build.set({ version, component: "portal-api" }, 1);
  const durations = new Histogram({
    name: "gantry_http_request_duration_seconds",
    help: "Time from request to the end of its answer",
    labelNames: ["method", "route", "code"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers,
  });
  const clients = new Gauge({ name: "gantry_sse_clients", help: "Open event streams", registers });
  const up = new Gauge({ name: "gantry_feed_up", help: "1 while the feed of the task-agent answers", registers });
  const seq = new Gauge({ name: "gantry_feed_seq", help: "Number of the newest event seen", registers });

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    answered: ({ method, route, status, ms }) => durations.observe({ method, route, code: String(status) }, ms / 1_000),
    streams: { opened: () => clients.inc(), closed: () => clients.dec() },
    feed: (isUp, last) => {
      up.set(isUp ? 1 : 0);
      seq.set(last);
    },
  };
}
