// The relay with its bus, as the configuration has it; without `events.kafka` there is none and kafkajs is not loaded.

import { GantryError } from "@gantry/core/errors.ts";
import type { EventBus } from "@gantry/wire/bus.ts";
import type { Logger } from "@gantry/wire/http.ts";
import type { AgentConfig } from "./config.ts";
import { type RelayDeps, type RelayState, startRelay } from "./relay.ts";

export type EventsOut = { readonly state: () => RelayState; readonly close: () => Promise<void> };

type Deps = Omit<RelayDeps, "bus" | "me" | "random"> & { readonly newId: () => string };

/**
 * Checks the topic and starts the relay. A topic that does not fit and an account that is refused stop the start; a Kafka
 * that is not there does not, because tasks need none.
 */
export async function openEventsOut(config: AgentConfig, deps: Deps): Promise<EventsOut | undefined> {
  const { kafka } = config.events;
  if (kafka === undefined) return undefined;
  const { openKafkaBus } = await import("@gantry/wire/kafka/bus.ts");
  const bus = openKafkaBus(kafka, { logger: deps.logger });
  try {
    await checkIfThere(bus, deps.logger);
  } catch (error) {
    await bus.close();
    throw error;
  }
  const relay = startRelay({ ...deps, bus, me: deps.newId(), random: Math.random });
  return {
    state: relay.state,
    close: async () => {
      await relay.stop();
      await bus.close();
    },
  };
}

async function checkIfThere(bus: EventBus, logger: Logger): Promise<void> {
  try {
    await bus.checkTopic();
  } catch (err) {
    if (!(err instanceof GantryError) || err.code !== "unavailable") throw err;
    logger.warn({ err }, "the topic for events could not be looked at; events wait in the journal");
  }
}
