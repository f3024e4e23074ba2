// Reads version, role, replicas and settings of a Redis.

import type { Redis } from "ioredis";
import type { ServerFacts } from "./decide-server.ts";

export type ServerState = {
  readonly facts: ServerFacts;
  /** Identifies this Redis process in this role; changes with every restart and every failover. */
  readonly run: string;
};

const SETTINGS = ["appendonly", "appendfsync", "maxmemory-policy"];

export async function askServer(client: Redis, address: string): Promise<ServerState> {
  const info = parseInfo(await client.info());
  return {
    facts: {
      address,
      version: info.get("redis_version") ?? "unknown",
      role: info.get("role") ?? "unknown",
      replicas: countReplicas(info),
      settings: await askSettings(client),
    },
    run: runOf(info),
  };
}

export function runOf(info: ReadonlyMap<string, string>): string {
  return `${info.get("run_id") ?? "?"}/${info.get("master_replid") ?? "?"}`;
}

export function countReplicas(info: ReadonlyMap<string, string>): number {
  return [...info].filter(([name, value]) => /^slave\d+$/.test(name) && value.includes("state=online")).length;
}

export function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(":"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}

/** undefined when the account may not read them, as with many hosted services. */
async function askSettings(client: Redis): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    // One at a time: the oldest supported Redis cannot answer several.
    const answers = (await Promise.all(SETTINGS.map((name) => client.config("GET", name)))) as string[][];
    return new Map(
      answers.flatMap(([name, value]) => (name === undefined || value === undefined ? [] : [[name, value]])),
    );
  } catch (error) {
    if (error instanceof Error && /^(NOPERM|ERR unknown command)/.test(error.message)) return undefined;
    throw error;
  }
}
