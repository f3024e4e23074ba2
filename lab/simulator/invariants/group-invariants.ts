// Of the tasks of one concurrency group, and of the jobs of one, never more run at the same time than the pipeline says.

import type { TaskState } from "@gantry/core/task/model.ts";
import type { ViolationSink } from "../violation.ts";

/** To be called with each state that is committed. */
export function createGroupInvariant(limitOf: (pipeline: string) => number, violated: ViolationSink["violated"]) {
  const running = new Map<string, Set<string>>();
  return ({ id, group, phase, pipeline }: TaskState): void => {
    if (group === undefined) return;
    const ofGroup = running.get(group) ?? new Set<string>();
    running.set(group, ofGroup);
    if (phase === "queued" || phase === "ended") {
      ofGroup.delete(id);
      return;
    }
    const limit = limitOf(pipeline);
    if (!ofGroup.has(id) && ofGroup.size >= limit)
      violated("group-limit", `${id} runs beside ${[...ofGroup].join(", ")}; ${limit} of ${group} may`);
    ofGroup.add(id);
  };
}

/** The same for the jobs of a group, from the moment in which they may be offered until their end. */
export function createJobGroupInvariant(limit: number, violated: ViolationSink["violated"]) {
  const running = new Map<string, Set<string>>();
  return ({ id, jobs }: TaskState): void => {
    for (const { key, slot, phase } of Object.values(jobs)) {
      if (slot === undefined) continue;
      const ofGroup = running.get(slot) ?? new Set<string>();
      running.set(slot, ofGroup);
      const name = `${key} of ${id}`;
      if (phase === "ended") {
        ofGroup.delete(name);
        continue;
      }
      if (!ofGroup.has(name) && ofGroup.size >= limit)
        violated("group-limit", `${name} has a place beside ${[...ofGroup].join(", ")}; ${limit} of ${slot} may`);
      ofGroup.add(name);
    }
  };
}
