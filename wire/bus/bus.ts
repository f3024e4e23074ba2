// The bus: where events go out to whoever wants them. One port; memory and Kafka behind it; one suite for both.

/**
 * Lifecycle: `open…` an adapter, use it from anywhere in the process, `close` it once; then every call rejects.
 *
 * A bus is one topic with several partitions. Messages with the same key are in the same partition, and a partition
 * keeps its order. Delivery is at least once: a message may be published twice (when an answer was lost) and handed out
 * twice (when a consumer went away before its commit). Repeats never come before what they repeat, so that a reader who
 * drops what it has seen sees every key's messages once, in order, without a gap.
 *
 * Nothing here crashes the process: an outage of the other side is an ordinary rejection, and `health` tells of it.
 */
export type EventBus = {
  /**
   * Publishes a batch. When the promise resolves, all of it is kept by as many replicas as the topic asks for, in the
   * order given for each key. Rejects `unavailable` when that is not known within 30 s: any part of the batch may be
   * there then, and the caller publishes the same batch again before anything that comes after it. One call at a time:
   * calls that overlap are done one after the other. Messages together should stay below MAX_BATCH_BYTES.
   */
  readonly publish: (messages: readonly BusMessage[]) => Promise<void>;

  /**
   * Reads the topic as a member of a group, from where the group has committed; a new group begins at the beginning.
   * Each partition is read by one member at a time. `handle` gets messages of one partition in their order and is not
   * called again for this member until it has resolved; only then are they committed. When it rejects, or the other
   * side is not there, the same messages come again after a pause, for ever. It never ends by itself.
   */
  readonly consume: (consumer: Consumer) => Consumption;

  /**
   * Is the topic there, and does it have what was configured? Creates it where it is missing and that is wanted.
   * Rejects `topic-unfit` with what is wrong, or `unavailable`.
   */
  readonly checkTopic: () => Promise<void>;

  /** As of the last answer. A bus that has not been used yet is up. */
  readonly health: () => BusHealth;

  /** Ends all consumptions, after the handling that is going on. */
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
  /** Told when reading has broken off; it is taken up again in any case. */
  readonly onDown?: () => void;
};

export type Consumption = {
  /** Resolves when the handling that is going on has ended and the group knows that this member has left. */
  readonly stop: () => Promise<void>;
};

export type BusHealth = { readonly up: true } | { readonly up: false; readonly problem: string };

/** Below the limit that brokers have by default (1 MiB), with room for what they add. */
export const MAX_BATCH_BYTES = 900_000;

/** What a message counts for MAX_BATCH_BYTES. */
export function messageBytes({ key, value, headers }: BusMessage): number {
  const head = Object.entries(headers).reduce(
    (sum, [name, text]) => sum + name.length + Buffer.byteLength(text) + 4,
    0,
  );
  return Buffer.byteLength(key) + Buffer.byteLength(value) + head + 32;
}
