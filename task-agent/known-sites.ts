// The sites that runners may serve.

import { type AgentConfig, siteTokensOf } from "./config.ts";
import type { RunnerRegistry } from "./dispatch/runner-registry.ts";

/** A site without a registered runner is known because it has a token. */
export function sitesKnown(
  config: AgentConfig,
  { registry }: { readonly registry: Pick<RunnerRegistry, "stored"> },
): readonly string[] {
  const registered = registry.stored().runners.map(({ site }) => site);
  return [...new Set([...siteTokensOf(config).map(([, { site }]) => site), ...registered])];
}
