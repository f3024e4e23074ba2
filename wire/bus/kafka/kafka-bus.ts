// The event bus on Kafka, with the client library of the configuration. At least once, without transactions: readers drop
// repeats.

import { GantryError } from "@gantry/core/errors.ts";
import { systemClock, type Timers } from "@gantry/runtime/clock.ts";
import { within } from "@gantry/runtime/deadline.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { BusHealth, Consumption, EventBus } from "../bus.ts";
import type { KafkaConfig } from "./config.ts";
import { startConsumption } from "./consumption.ts";
import { openKafkaClient } from "./open-client.ts";
import { problemOfKafka } from "./problem.ts";
import { openPublisher } from "./publisher.ts";
import { checkTopic } from "./topic.ts";

export type KafkaDeps = {
  readonly logger: Logger;
  readonly clock?: Timers;
  /** Between 0 and 1, for jitter. */
  readonly random?: () => number;
};

const CHECK_MS = 20_000;

/** Does not connect yet. */
export function openKafkaBus(config: KafkaConfig, deps: KafkaDeps): EventBus {
  const { logger, clock = systemClock, random = Math.random } = deps;
  const client = openKafkaClient({ config, clock, logger });
  client.catch(() => {}); // The library cannot be loaded: every call reports it.
  const publisher = openPublisher(client, clock, logger);
  const consumptions = new Set<Consumption>();
  const address = config.brokers.join(", ");
  let health: BusHealth = { up: true };
  let closed = false;

  const onUp = (): void => {
    if (!health.up) logger.info({ brokers: config.brokers }, "Kafka is available again");
    health = { up: true };
  };
  // Logged once, not for every try: an outage of hours must not flood the log.
  const onDown = (error: unknown): void => {
    const problem = problemOfKafka(error);
    if (health.up) logger.warn({ brokers: config.brokers, problem }, "Kafka is unavailable; Gantry keeps trying");
    health = { up: false, problem };
  };
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    if (closed) throw new GantryError("unavailable", { what: "The event bus", problem: "It is closed." });
    try {
      const answer = await work();
      onUp();
      return answer;
    } catch (error) {
      if (error instanceof GantryError) throw error;
      onDown(error);
      throw errorOf(error, address);
    }
  };

  return {
    publish: (messages) => call(() => publisher.publish(messages)),
    consume: (consumer) => {
      if (closed) throw new GantryError("unavailable", { what: "The event bus", problem: "It is closed." });
      const running = startConsumption({ client, clock, random, logger, onUp, onDown }, consumer);
      const consumption: Consumption = {
        stop: async () => {
          await running.stop();
          consumptions.delete(consumption);
        },
      };
      consumptions.add(consumption);
      return consumption;
    },
    checkTopic: () =>
      call(async () => {
        await within(clock, CHECK_MS, "checking the topic", checkTopic(await client, config, logger));
      }),
    health: () => health,
    close: async () => {
      if (closed) return;
      closed = true;
      await Promise.all([...consumptions].map((one) => one.stop()));
      await publisher.close();
      await client.then(
        (opened) => opened.close(),
        () => {},
      );
    },
  };
}

function errorOf(error: unknown, address: string): GantryError {
  const problem = problemOfKafka(error);
  const refused = /SASL|AUTHORIZATION_FAILED|authorized|authentication/i.test(`${nameOf(error)} ${problem}`);
  return refused
    ? new GantryError("bus-refused", { address, problem }, { cause: error })
    : new GantryError("unavailable", { what: `Kafka at ${address}`, problem }, { cause: error });
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const { type = "", apiId = "" } = error as { type?: string; apiId?: string };
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : [error.cause];
  return [error.name, type, apiId, ...inner.map(nameOf)].join(" ");
}
