// The metrics of the portal, in addition to those of every process.

import { openProcessMetrics, type ProcessMetrics } from "@gantry/runtime/process/metrics.ts";
import { Gauge } from "prom-client";

export type Metrics = ProcessMetrics & {
  readonly streams: { readonly opened: () => void; readonly closed: () => void };
  readonly feed: (up: boolean, seq: number) => void;
};

export function makeMetrics(version: string): Metrics {
  const metrics = openProcessMetrics("portal-api", version);
  const registers = [metrics.registry];
  const clients = new Gauge({ name: "gantry_sse_clients", help: "Open event streams", registers });
  const up = new Gauge({ name: "gantry_feed_up", help: "1 while the feed of the task-agent answers", registers });
  const seq = new Gauge({ name: "gantry_feed_seq", help: "Number of the newest event seen", registers });

  return {
    ...metrics,
    streams: { opened: () => clients.inc(), closed: () => clients.dec() },
    feed: (isUp, last) => {
      up.set(isUp ? 1 : 0);
      seq.set(last);
    },
  };
}
