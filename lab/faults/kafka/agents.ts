// A task-agent and a notify-agent, connected by Kafka, in this process.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startNotifyAgent } from "@gantry/notify-agent/main.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { InboxItem } from "@gantry/wire/notify/views.ts";

const TOKEN = "platform-token-of-this-test";

/** A pipeline whose only job waits for a site without a runner, so its tasks end only by a cancel. */
export const WAITING_PIPELINE = `
name: wait
title: Wait
button: Run wait
app: none
jobs:
  work:
    site: nowhere
    steps:
      - { id: make, title: Make, run: "true" }
`;

export type KafkaSettings = {
  readonly client?: "kafkajs" | "platformatic";
  readonly brokers: string[];
  readonly topic: string;
  readonly partitions: number;
  readonly replication: number;
  readonly idempotent?: boolean;
};

export async function startTaskAgentOnKafka(
  data: string,
  kafka: KafkaSettings,
  logger: Logger,
): Promise<{ readonly url: string; readonly client: AgentClient; readonly close: () => Promise<void> }> {
  await mkdir(data, { recursive: true });
  await writeFile(join(data, "wait.yaml"), WAITING_PIPELINE);
  const agent = await startTaskAgent(
    { data, portalUrl: "http://portal.invalid", token: TOKEN, runnerTokens: {}, pipelines: data, events: { kafka } },
    { logger },
  );
  return { url: agent.url, client: makeAgentClient({ url: agent.url, token: TOKEN }), close: agent.close };
}

export async function startNotifyAgentOnKafka(
  data: string,
  kafka: KafkaSettings,
  logger: Logger,
): Promise<{ readonly inbox: () => Promise<readonly InboxItem[]>; readonly close: () => Promise<void> }> {
  const agent = await startNotifyAgent({ data, token: TOKEN, source: { kafka } }, { logger });
  return {
    inbox: async () => {
      const answer = await fetch(`${agent.url}/notify/v1/inbox?limit=500`, {
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      if (!answer.ok) throw new Error(`the inbox answered ${answer.status}`);
      return ((await answer.json()) as { items: InboxItem[] }).items;
    },
    close: agent.close,
  };
}
