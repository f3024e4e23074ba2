// The metrics of every process. Ids are never labels: their number is unbounded.

import { collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Answered } from "../http/app.ts";

export type ProcessMetrics = {
  /** For further metrics of the process: pass it as `registers: [registry]`. */
  readonly registry: Registry;
  readonly contentType: string;
  readonly text: () => Promise<string>;
  readonly answered: (answered: Answered) => void;
};

export function openProcessMetrics(component: string, version: string): ProcessMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const build = new Gauge({
    name: "gantry_build_info",
    help: "Always 1; the labels say what runs",
    labelNames: ["version", "component"],
    registers,
  });
  build.set({ version, component }, 1);
  const requests = new Histogram({
    name: "gantry_http_request_duration_seconds",
    help: "From the request to the end of its answer, by route",
    labelNames: ["method", "route", "code"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 60],
    registers,
  });
  // Looking up a series by its labels costs as much as the rest of a small request. The cache is bounded: no ids.
  const known = new Map<string, ReturnType<typeof requests.labels>>();
  return {
    registry,
    contentType: registry.contentType,
    text: () => registry.metrics(),
    answered: ({ method, route, status, ms }) => {
      const name = `${method} ${status} ${route}`;
      const series = known.get(name) ?? requests.labels({ method, route, code: String(status) });
      known.set(name, series);
      series.observe(ms / 1_000);
    },
  };
}
