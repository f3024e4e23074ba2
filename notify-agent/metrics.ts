// The metrics of the notify-agent, in addition to those of every process. Keys of deliveries are not used as labels: there
// are too many.

import { openProcessMetrics, type ProcessMetrics } from "@gantry/runtime/process/metrics.ts";
import { Counter, Gauge, Histogram } from "prom-client";
import type { Delivery } from "./deliveries/delivery.ts";
import manifest from "./package.json" with { type: "json" };

export type Metrics = ProcessMetrics & {
  readonly tried: (delivery: Delivery) => void;
  readonly feed: (up: boolean, seq: number) => void;
  /** What does not work at present, as sentences. */
  readonly problems: () => readonly string[];
};

export function makeMetrics(pending: () => ReadonlyMap<string, number>): Metrics {
  const metrics = openProcessMetrics("notify-agent", manifest.version);
  const registers = [metrics.registry];
  const results = new Counter({
    name: "gantry_notifications_total",
    help: "Tries to deliver, by their result",
    labelNames: ["channel", "result"],
    registers,
  });
  const seconds = new Histogram({
    name: "gantry_notification_delivery_seconds",
    help: "From the event to its delivery",
    labelNames: ["channel"],
    buckets: [0.1, 0.5, 1, 2, 5, 15, 60, 300, 1_800, 7_200, 86_400],
    registers,
  });
  new Gauge({
    name: "gantry_notifications_pending",
    help: "Deliveries that wait for their next try",
    labelNames: ["channel"],
    registers,
    collect() {
      for (const [channel, count] of pending()) this.set({ channel }, count);
    },
  });
  const up = new Gauge({ name: "gantry_feed_up", help: "1 while the feed of the task-agent answers", registers });
  const seq = new Gauge({ name: "gantry_feed_seq", help: "How far the feed was read", registers });
  let isFeedUp = true;
  return {
    ...metrics,
    problems: () =>
      isFeedUp ? [] : ["Events cannot be read. Notifications will be sent when they can be read again."],
    tried: ({ channel, state, atMs, deliveredMs }) => {
      results.inc({ channel, result: state === "pending" ? "retry" : state });
      if (deliveredMs !== null) seconds.observe({ channel }, Math.max(0, deliveredMs - atMs) / 1_000);
    },
    feed: (isUp, last) => {
      isFeedUp = isUp;
      up.set(isUp ? 1 : 0);
      if (isUp) seq.set(last);
    },
  };
}
