// What the bus needs from a client library for Kafka. One adapter per library; each is loaded only when it is configured.
// Deadlines, retries and the replacement of producers and members are the bus's, so an adapter may leave a promise pending.

import type { Timers } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { BusMessage } from "../bus.ts";
import type { KafkaConfig } from "./config.ts";
import type { TopicFacts } from "./decide-topic.ts";

export type KafkaClient = {
  /** Connects with the first `send`. */
  readonly openProducer: () => KafkaProducer;
  readonly openTopicAdmin: () => TopicAdmin;
  readonly openMember: (task: MemberTask) => GroupMember;
  /** After everything that was opened is closed. */
  readonly close: () => void;
};

export type KafkaProducer = {
  /** Resolves when all in-sync replicas have the batch. Keys are placed as Kafka's Java client places them. */
  readonly send: (messages: readonly BusMessage[]) => Promise<void>;
  readonly close: () => Promise<void>;
};

export type TopicAdmin = {
  /** Undefined if the topic does not exist. */
  readonly sizeOf: (topic: string) => Promise<Omit<TopicFacts, "settings"> | undefined>;
  /** Undefined if the account may not read the settings. */
  readonly settingsOf: (topic: string) => Promise<TopicFacts["settings"] | undefined>;
  /** Rejects with `TopicRefused` when the brokers refuse. `exists`: another process created it first. */
  readonly create: (topic: NewTopic) => Promise<"created" | "exists">;
  readonly close: () => Promise<void>;
};

export type NewTopic = Pick<KafkaConfig, "topic" | "partitions" | "replication"> & {
  readonly settings: { readonly [name: string]: string };
};

/** The brokers do not create this topic. The message is theirs. */
export class TopicRefused extends Error {
  override readonly name = "TopicRefused";
}

/** One member of a group, from its join until it leaves. */
export type GroupMember = {
  /** Resolves when the member has joined and reads. Messages that were read before a rebalance are dropped after it. */
  readonly join: () => Promise<void>;
  /** The caller has waited for the running handler. */
  readonly leave: () => Promise<void>;
};

export type MemberTask = {
  readonly group: string;
  /** Handles messages of one partition; one call at a time. The member commits them afterwards. */
  readonly handle: (messages: readonly BusMessage[]) => Promise<void>;
  /** True from the moment when the member is to leave: no more messages are handled. */
  readonly isLeaving: () => boolean;
  /** The brokers have answered this member. */
  readonly onAnswer: () => void;
  /** The member works, but has no answer from the brokers yet: a handler is running. */
  readonly onActivity: () => void;
  /** The member is of no more use. */
  readonly onLost: (reason: Error) => void;
};

export type ClientDeps = { readonly config: KafkaConfig; readonly clock: Timers; readonly logger: Logger };

/** Limits of one request to a broker, and of one connection attempt. */
export const REQUEST_MS = 10_000;
export const CONNECT_MS = 3_000;
/** A member whose heartbeats stop for this long is removed from its group. */
export const SESSION_MS = 10_000;
export const REBALANCE_MS = 2 * SESSION_MS;
export const HEARTBEAT_MS = 1_000;
export const FETCH_WAIT_MS = 500;
/** Few: the bus retries without limit. */
export const RETRIES = 3;
/** Messages per call of a handler. */
export const CHUNK = 100;
