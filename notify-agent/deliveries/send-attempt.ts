// One attempt to send a delivery, and the record of its result.

import type { JsonObject } from "@gantry/core/json.ts";
import type { Channel, SendResult } from "@gantry/core/notify/channel.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { type DeliveryPolicy, decideRetry } from "./decide-retry.ts";
import { type Delivery, earlierThan, messageOf, recordDelivery } from "./delivery.ts";

export type AttemptDeps = {
  readonly journal: Journal;
  readonly policy: DeliveryPolicy;
  readonly clock: Clock;
  /** A number from 0 to 1, to spread retries. */
  readonly random: () => number;
  readonly logger: Logger;
  /** Called after an attempt has been recorded. */
  readonly onTried: (delivery: Delivery) => void;
};

/** Sends once. A channel that throws has a bug: the error is logged, and the message is tried again. */
export async function trySend(
  { journal, clock, logger, policy }: AttemptDeps,
  channel: Channel,
  delivery: Delivery,
  closing: AbortSignal,
): Promise<SendResult> {
  const message = messageOf(delivery, await earlierThan(journal, delivery));
  const timeout = new AbortController();
  const cancel = clock.after(policy.sendMs, () => timeout.abort());
  try {
    return await channel.send(message, AbortSignal.any([timeout.signal, closing]));
  } catch (error) {
    logger.error({ err: error, channel: delivery.channel }, "a channel threw an error instead of returning a result");
    return { kind: "retry", problem: "Internal error; the log of the notify-agent has the details." };
  } finally {
    cancel();
  }
}

/** Records the result of an attempt and returns the delivery after it. */
export async function recordTry(
  deps: AttemptDeps,
  before: Delivery,
  version: number,
  result: SendResult,
  nowMs: number,
): Promise<Delivery> {
  const after = decideRetry(before, result, nowMs, deps.random(), deps.policy);
  await recordChange(deps, after, version);
  return after;
}

/** Records the new state of a delivery, logs it and reports it to `onTried`. Throws when the version has changed. */
export async function recordChange(
  { journal, logger, onTried }: Pick<AttemptDeps, "journal" | "logger" | "onTried">,
  after: Delivery,
  version: number,
): Promise<void> {
  const { key, channel, state, tries, problem } = after;
  const why: JsonObject = problem === null ? {} : { problem };
  const appended = await journal.append([recordDelivery(after, version, { kind: "DeliveryTried", state, ...why })]);
  if (!appended.ok) throw new Error(`the journal has version ${appended.version} of a delivery, not ${version}`);
  const line = { key, channel, state, tries, ...why };
  if (state === "delivered") logger.info(line, "delivered");
  else if (state !== "pending") logger.warn(line, "not delivered");
  // Only the first failure is logged; the record has all of them.
  else if (tries === 1) logger.warn(line, "not delivered yet; it will be tried again");
  onTried(after);
}
