// Attempts that were lost unintentionally. With leases of a second, a slow machine loses some by itself; this must be
// distinguished from a bug.

import type { AgentProcess } from "../../processes/agent-process.ts";
import { SHORT_LEASES } from "./short-leases.ts";

export type Losses = {
  /** More attempts than intended lost their lease because it was really not renewed in time. */
  readonly isStarved: boolean;
  /** Attempts that were given away although their lease was renewed in time. Must be 0. */
  readonly unexplained: number;
};

/** The losses of a task of which one attempt was lost on purpose. */
export async function lossesOf(
  agent: AgentProcess,
  task: string,
  runners: readonly { readonly lines: readonly string[] }[],
): Promise<Losses> {
  const events = await agent.client.taskEvents(task, 0, 1_000);
  const reasons = events.flatMap(({ data: { event } }) => (event.kind === "AttemptLost" ? [String(event.reason)] : []));
  const isMissed = (reason: string): boolean => {
    const silentS = /has been silent for (\d+) s/.exec(reason)?.[1];
    if (silentS !== undefined) return Number(silentS) * 1_000 >= SHORT_LEASES.lease.strict.reassignAfterMs;
    // The runner stopped the work by itself, so it must have tried to renew.
    const triedInVain = runners.some(({ lines }) => lines.some((line) => line.includes("could not be renewed")));
    return reason.startsWith("The lease of this attempt has ended") && triedInVain;
  };
  const missed = reasons.filter(isMissed).length;
  return { isStarved: missed > 1, unexplained: reasons.length - missed };
}
