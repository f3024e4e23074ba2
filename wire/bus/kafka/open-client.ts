// Loads the configured client library, and no other.

import type { ClientDeps, KafkaClient } from "./kafka-client.ts";

export async function openKafkaClient(deps: ClientDeps): Promise<KafkaClient> {
  if (deps.config.client === "platformatic") {
    const { openPlatformaticClient } = await import("./platformatic/client.ts");
    return openPlatformaticClient(deps);
  }
  const { openKafkajsClient } = await import("./kafkajs/client.ts");
  return openKafkajsClient(deps);
}
