// Decides whether a topic can be used, and if not, why. Pure.

import { counted } from "@gantry/core/count.ts";
import { MAX_BATCH_BYTES } from "../bus.ts";
import type { KafkaConfig } from "./config.ts";

export type TopicFacts = {
  readonly partitions: number;
  /** The smallest replica count of its partitions. */
  readonly replication: number;
  /** By the brokers' names; absent if reading them is not permitted. */
  readonly settings: { readonly [name: string]: string | undefined };
};

export type TopicProblem = { readonly problem: string; readonly todo: string };

/** A full batch, with room for Kafka's overhead. */
const MIN_MESSAGE_BYTES = 1_000_000;

type Wanted = Pick<KafkaConfig, "topic" | "partitions" | "replication" | "retentionMs">;

/** The settings of a topic that Gantry creates. */
export function topicSettings({ replication, retentionMs }: Wanted): { readonly [name: string]: string } {
  return {
    "cleanup.policy": "delete",
    "retention.ms": String(retentionMs),
    // With three replicas one may fail, and acknowledged events are still on two.
    "min.insync.replicas": String(minInSync(replication)),
    "unclean.leader.election.enable": "false",
  };
}

/** The first reason why events may not be published to this topic. */
export function decideTopic(
  wanted: Wanted,
  { partitions, replication, settings }: TopicFacts,
): TopicProblem | undefined {
  if (partitions < wanted.partitions) {
    return {
      problem: `it has ${counted(partitions, "partition")}, and ${wanted.partitions} are configured`,
      todo: "Add partitions to the topic while no task runs, or configure fewer.",
    };
  }
  if (replication < wanted.replication) {
    return {
      problem: `a partition has ${replication} replicas, and ${wanted.replication} are configured`,
      todo: "Give the topic more replicas, or configure fewer.",
    };
  }
  const policy = settings["cleanup.policy"];
  if (policy !== undefined && policy !== "delete") {
    return {
      problem: `its cleanup.policy is ${policy}, which removes events of a task as soon as there are newer ones`,
      todo: "Set cleanup.policy of the topic to delete.",
    };
  }
  const retention = Number(settings["retention.ms"] ?? wanted.retentionMs);
  if (retention >= 0 && retention < wanted.retentionMs) {
    return {
      problem: `it keeps events for ${retention} ms, and ${wanted.retentionMs} ms are configured`,
      todo: "Raise retention.ms of the topic, or configure less.",
    };
  }
  const inSync = Number(settings["min.insync.replicas"] ?? minInSync(wanted.replication));
  if (inSync < minInSync(wanted.replication)) {
    return {
      problem: `it acknowledges events that only ${inSync} replica has`,
      todo: `Set min.insync.replicas of the topic to ${minInSync(wanted.replication)}.`,
    };
  }
  const maxBytes = Number(settings["max.message.bytes"] ?? MIN_MESSAGE_BYTES);
  if (maxBytes < MIN_MESSAGE_BYTES) {
    return {
      problem: `it takes batches of ${maxBytes} bytes at most, and events go out in batches of up to ${MAX_BATCH_BYTES}`,
      todo: `Raise max.message.bytes of the topic to ${MIN_MESSAGE_BYTES} or more.`,
    };
  }
  if (settings["unclean.leader.election.enable"] === "true") {
    return {
      problem: "it allows unclean leader elections, which lose acknowledged events",
      todo: "Set unclean.leader.election.enable of the topic to false.",
    };
  }
  return undefined;
}

function minInSync(replication: number): number {
  return replication >= 3 ? 2 : 1;
}
