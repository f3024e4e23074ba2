// Where events come from, as the configuration has it. Without Kafka, kafkajs is not loaded.

import { GantryError } from "@gantry/core/errors.ts";
import { makeAgentClient } from "@gantry/wire/agent-client.ts";
import type { Logger } from "@gantry/wire/http.ts";
import { type BusSourceDeps, startBusSource } from "./bus-source.ts";
import type { EventSource } from "./config.ts";
import { type LoopDeps, startLoop } from "./loop.ts";

export type OpenSource = {
  readonly start: (deps: Omit<LoopDeps, "agent"> & Omit<BusSourceDeps, "bus" | "group">) => {
    readonly stop: () => Promise<void>;
  };
  /** After `stop`. */
  readonly close: () => Promise<void>;
};

/**
 * Throws `topic-unfit` and `bus-refused`. A Kafka or a task-agent that is not there is no reason not to start: reading
 * begins when it is.
 */
export async function openSource(
  source: EventSource,
  logger: Logger,
  fetch?: typeof globalThis.fetch,
): Promise<OpenSource> {
  if (source.kind === "feed") {
    const agent = makeAgentClient({ url: source.url, token: source.token, ...(fetch ? { fetch } : {}) });
    return { start: (deps) => startLoop({ ...deps, agent }), close: async () => {} };
  }
  const { openKafkaBus } = await import("@gantry/wire/kafka/bus.ts");
  const bus = openKafkaBus(source.kafka, { logger });
  try {
    await bus.checkTopic();
  } catch (err) {
    if (!(err instanceof GantryError) || err.code !== "unavailable") {
      await bus.close();
      throw err;
    }
    logger.warn({ err }, "the topic of events could not be looked at; reading begins when Kafka is there");
  }
  return { start: (deps) => startBusSource({ ...deps, bus, group: source.group }), close: bus.close };
}
