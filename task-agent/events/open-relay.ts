// Opens the relay and its bus as configured. Without `events.kafka` there is no relay, and no Kafka client is loaded.

import { GantryError } from "@gantry/core/errors.ts";
import { probeAtStartup } from "@gantry/journal/startup-probe.ts";
import { checkTls } from "@gantry/runtime/process/tls-files.ts";
import type { BusHealth } from "@gantry/wire/bus/bus.ts";
import { placeOf } from "@gantry/wire/bus/kafka/config.ts";
import type { AgentConfig } from "../config.ts";
import { type RelayDeps, type RelayState, startRelay } from "./relay.ts";

export type EventsOut = {
  readonly state: () => RelayState;
  /** Why events cannot be published at present, as sentences; empty when they can. */
  readonly problems: () => readonly string[];
  readonly close: () => Promise<void>;
};

type Deps = Omit<RelayDeps, "bus" | "relayId" | "random"> & { readonly newId: () => string };

/**
 * Checks the topic and starts the relay. Rejects when the topic does not meet the requirements, the account is refused, or
 * Kafka was never reached. A Kafka that was reached before and is unavailable now is no error, because tasks do not need it.
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
      onAway: (err) => deps.logger.warn({ err }, "the Kafka topic could not be checked; events wait in the journal"),
      neverReached: (problem) => new GantryError("bus-unreachable", { address: kafka.brokers.join(", "), problem }),
    });
  } catch (error) {
    await bus.close();
    throw error;
  }
  const relay = startRelay({ ...deps, bus, relayId: deps.newId(), random: Math.random });
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
