// The event bus: publishes events to consumers outside. One port with two adapters, memory and Kafka, and one test suite.

/**
 * Lifecycle: `open…` an adapter, use it from anywhere in the process, `close` it once; afterwards every call rejects.
 *
 * A bus is one topic with several partitions. Messages with the same key are in the same partition, and a partition
 * keeps its order. Delivery is at least once: a message may be published twice (when an answer was lost) and delivered
 * twice (when a consumer left before its commit). A repeat never precedes the original, so a reader that drops repeats
 * sees the messages of every key once, in order, without a gap.
 *
 * An outage of the broker never crashes the process: calls reject, and `health` reports it.
 */
export type EventBus = {
  /**
   * Publishes a batch. When the promise resolves, as many replicas as the topic requires have all of it, in the given order
   * per key. Rejects `unavailable` when this is not confirmed within 30 s: any part of the batch may then be stored, and
   * the caller must publish the same batch again before any later one. Overlapping calls are serialized. A batch should
   * stay below MAX_BATCH_BYTES.
   */
  readonly publish: (messages: readonly BusMessage[]) => Promise<void>;

  /**
   * Reads the topic as a member of a group, from the committed offset of the group; a new group begins with the first
   * message. One member at a time reads a partition. `handle` gets messages of one partition in order and is not called
   * again for this member until it has resolved; only then are they committed. When it rejects, or the broker is
   * unavailable, the same messages are delivered again after a pause, without limit. It ends only by `stop`.
   */
  readonly consume: (consumer: Consumer) => Consumption;

  /**
   * Checks that the topic exists and has the configured settings; creates it if it is missing and `create` is configured.
   * Rejects `topic-unfit` with the reason, or `unavailable`.
   */
  readonly checkTopic: () => Promise<void>;

  /** According to the last call. A bus that has not been used yet is up. */
  readonly health: () => BusHealth;

  /** Ends all consumptions after their running handlers. */
  readonly close: () => Promise<void>;
};

export type BusMessage = {
  readonly key: string;
  readonly value: string;
  readonly headers: { readonly [name: string]: string };
};

export type Consumer = {
  /** Members with the same name share the partitions. */
  readonly group: string;
  readonly handle: (messages: readonly BusMessage[]) => Promise<void>;
  /** Called when reading was interrupted; it is resumed in any case. */
  readonly onDown?: () => void;
};

export type Consumption = {
  /** Resolves when the running handler has ended and this member has left the group. */
  readonly stop: () => Promise<void>;
};

export type BusHealth = { readonly up: true } | { readonly up: false; readonly problem: string };

/** Below the default limit of brokers (1 MiB), with room for their overhead. */
export const MAX_BATCH_BYTES = 900_000;

/** The share of a message in MAX_BATCH_BYTES. */
export function messageBytes({ key, value, headers }: BusMessage): number {
  const head = Object.entries(headers).reduce(
    (sum, [name, text]) => sum + name.length + Buffer.byteLength(text) + 4,
    0,
  );
  return Buffer.byteLength(key) + Buffer.byteLength(value) + head + 32;
}
