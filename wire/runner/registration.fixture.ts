// The registration of a new process of a small runner.

import { randomUUID } from "node:crypto";
import type { SessionRequest } from "./protocol.ts";

export function registrationOf(runner: string, site: string): SessionRequest {
  return {
    runner,
    bootId: randomUUID(),
    site,
    labels: [],
    slots: 1,
    version: "0.0.0",
    host: { name: "host", platform: "linux", cpus: 1, memoryMb: 1 },
    systems: [],
    running: [],
  };
}
