// How a process of the runner describes itself when it opens a session.

import { availableParallelism, hostname, totalmem } from "node:os";
import { listOf, SYSTEMS_OF } from "@gantry/core/app/apps-may.ts";
import { CLAIM_KINDS } from "@gantry/core/app/claims.ts";
import { otherSiteOf } from "@gantry/core/site/systems.ts";
import { MAX_SECRETS, type SessionRequest } from "@gantry/wire/runner/protocol.ts";
import type { AttemptRegistry } from "../attempts/attempt-registry.ts";
import { type RunnerConfig, type SystemSettings, slotsOf } from "../config.ts";
import manifest from "../package.json" with { type: "json" };

/** The returned function describes the current state, with the next registration number. `bootId`: unique per process. `hasSandbox`: for scripts. `hasLog`: operators can read its log. */
export function describeRunner(
  config: RunnerConfig,
  registry: Pick<AttemptRegistry, "running">,
  bootId: string,
  { hasSandbox, hasLog }: { readonly hasSandbox: boolean; readonly hasLog: boolean },
): () => SessionRequest {
  const systems = Object.entries(config.systems).map(([name, settings]) => {
    const { kind, url, standIn, insecureSkipVerify } = settings;
    return {
      name,
      kind,
      url,
      standIn,
      ...(insecureSkipVerify === true ? { insecureSkipVerify } : {}),
      ...listsOf(settings),
    };
  });
  // An incomplete list would be worse than none: the agent would refuse tasks that could run.
  const secrets = Object.keys(config.secrets);
  let registration = 0;
  return () => ({
    runner: config.name,
    bootId,
    registration: ++registration,
    site: config.site,
    labels: config.labels,
    slots: slotsOf(config),
    runs: config.runs,
    ...(hasSandbox ? { forks: true as const } : {}),
    obeys: hasLog ? ["stop", "log"] : ["stop"],
    version: manifest.version,
    host: {
      name: hostname(),
      platform: `${process.platform}-${process.arch}`,
      cpus: availableParallelism(),
      memoryMb: Math.round(totalmem() / 1_048_576),
    },
    systems,
    ...(secrets.length <= MAX_SECRETS ? { secrets } : {}),
    running: [...registry.running()],
  });
}

/** What apps may have there: the agent refuses records that name anything else, before the runner would. */
function listsOf(settings: SystemSettings): { readonly appsMay?: string[]; readonly namespaces?: string[] } {
  const kind = CLAIM_KINDS.find((one) => one !== "namespace" && SYSTEMS_OF[one].includes(settings.kind));
  // Apps have nothing in a system of another site: its own runners say what they may have.
  if (kind === undefined || settings.kind === "nexus" || otherSiteOf(settings) !== undefined) return {};
  return {
    appsMay: [...listOf(kind, settings)],
    ...(settings.kind === "argocd" ? { namespaces: [...listOf("namespace", settings)] } : {}),
  };
}
