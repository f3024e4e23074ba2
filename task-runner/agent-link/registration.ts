// How a process of the runner describes itself when it opens a session.

import { availableParallelism, hostname, totalmem } from "node:os";
import type { SessionRequest } from "@gantry/wire/runner/protocol.ts";
import type { AttemptRegistry } from "../attempts/attempt-registry.ts";
import { type RunnerConfig, slotsOf } from "../config.ts";
import manifest from "../package.json" with { type: "json" };

/** The returned function describes the current state, with the next registration number. `bootId`: unique per process. */
export function describeRunner(
  config: RunnerConfig,
  registry: Pick<AttemptRegistry, "running">,
  bootId: string,
): () => SessionRequest {
  const systems = Object.entries(config.systems).map(([name, { kind, url, standIn, insecureSkipVerify }]) => ({
    name,
    kind,
    url,
    standIn,
    ...(insecureSkipVerify === true ? { insecureSkipVerify } : {}),
  }));
  let registration = 0;
  return () => ({
    runner: config.name,
    bootId,
    registration: ++registration,
    site: config.site,
    labels: config.labels,
    slots: slotsOf(config),
    runs: config.runs,
    version: manifest.version,
    host: {
      name: hostname(),
      platform: `${process.platform}-${process.arch}`,
      cpus: availableParallelism(),
      memoryMb: Math.round(totalmem() / 1_048_576),
    },
    systems,
    running: [...registry.running()],
  });
}
