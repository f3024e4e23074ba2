// The relay with its bus, as the configuration has it; without `events.kafka` there is none and kafkajs is not loaded.

import { GantryError } from "@gantry/core/errors.ts";
import { probeAtStartup } from "@gantry/journal/startup-probe.ts";
import { checkTls } from "@gantry/runtime/process/tls-files.ts";
import type { BusHealth } from "@gantry/wire/bus/bus.ts";
import { placeOf } from "@gantry/wire/bus/kafka/config.ts";
import type { AgentConfig } from "../config.ts";
import { type RelayDeps, type RelayState, startRelay } from "./relay.ts";

export type EventsOut = {
  readonly state: () => RelayState;
  /** Why events do not go out at present, in sentences. */
  readonly problems: () => readonly string[];
  readonly close: () => Promise<void>;
};

type Deps = Omit<RelayDeps, "bus" | "me" | "random"> & { readonly newId: () => string };

/**
 * Checks the topic and starts the relay. A topic that does not fit and an account that is refused stop the start, and so
 * does a Kafka that was never reached; one that was and is away does not, because tasks need none.
 */
export async function openEventsOut(config: AgentConfig, deps: Deps): Promise<EventsOut | undefined> {
  const { kafka } = config.events;
  if (kafka === undefined) return undefined;
  const { openKafkaBus } = await import("@gantry/wire/bus/kafka/kafka-bus.ts");
  checkTls(kafka, "/events/kafka");
  const bus = openKafkaBus(kafka, { logger: deps.logger });
  try {
    await probeAtStartup(deps.journal, {
      system: "kafka",
      place: placeOf(kafka),
      look: bus.checkTopic,
      onAway: (err) =>
        deps.logger.warn({ err }, "the topic for events could not be looked at; events wait in the journal"),
      neverReached: (problem) => new GantryError("bus-unreachable", { address: kafka.brokers.join(", "), problem }),
    });
  } catch (error) {
    await bus.close();
    throw error;
  }
  const relay = startRelay({ ...deps, bus, me: deps.newId(), random: Math.random });
  const state = (): RelayState => ({ ...relay.state(), up: relay.state().up && bus.health().up });
  return {
    state,
    problems: () => problemsOf(state(), bus.health()),
    close: async () => {
      await relay.stop();
      await bus.close();
    },
  };
}

function problemsOf({ up, waitingSince }: RelayState, health: BusHealth): readonly string[] {
  if (up) return [];
  const why = health.up ? "" : ` ${health.problem}`;
  const since = waitingSince === undefined ? "" : ` since ${new Date(waitingSince).toISOString()}`;
  return [`Events cannot be published to Kafka; they wait in the journal${since}.${why}`];
}
