// Opens the event source of the configuration. A Kafka client is loaded only when it is used.

import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { probeAtStartup } from "@gantry/journal/startup-probe.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { checkTls } from "@gantry/runtime/process/tls-files.ts";
import { READER_HEADER } from "@gantry/wire/agent/agent-api.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { placeOf } from "@gantry/wire/bus/kafka/config.ts";
import type { EventSource } from "../config.ts";
import { type BusSourceDeps, startBusSource } from "./bus-source.ts";
import { type FeedSourceDeps, startFeedSource } from "./feed-source.ts";

export type OpenSource = {
  readonly start: (deps: Omit<FeedSourceDeps, "agent"> & Omit<BusSourceDeps, "bus" | "group">) => {
    readonly stop: () => Promise<void>;
  };
  /** After `stop`. */
  readonly close: () => Promise<void>;
};

/**
 * Throws `topic-unfit` and `bus-refused`, and `bus-unreachable` when Kafka was never reached. When Kafka was reached at an
 * earlier start, or for a task-agent, an outage does not prevent the start: reading begins when the other side is back.
 */
export async function openSource(
  source: EventSource,
  { journal, logger }: { readonly journal: Journal; readonly logger: Logger },
  fetch?: typeof globalThis.fetch,
): Promise<OpenSource> {
  if (source.kind === "feed") {
    const agent = makeAgentClient({
      ...source.agent,
      headers: { [READER_HEADER]: "notify-agent" },
      ...(fetch ? { fetch } : {}),
    });
    return { start: (deps) => startFeedSource({ ...deps, agent }), close: async () => {} };
  }
  const { kafka } = source;
  const { openKafkaBus } = await import("@gantry/wire/bus/kafka/kafka-bus.ts");
  checkTls(kafka, "/source/kafka");
  const bus = openKafkaBus(kafka, { logger });
  try {
    await probeAtStartup(journal, {
      system: "kafka",
      place: placeOf(kafka),
      look: bus.checkTopic,
      onAway: (err) =>
        logger.warn({ err }, "the topic of events could not be checked; reading begins when Kafka is reachable"),
      neverReached: (problem) => new GantryError("bus-unreachable", { address: kafka.brokers.join(", "), problem }),
    });
  } catch (error) {
    await bus.close();
    throw error;
  }
  return { start: (deps) => startBusSource({ ...deps, bus, group: source.group }), close: bus.close };
}
