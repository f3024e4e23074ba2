// What a cell of the fleet page shows, from the app's record and its newest CD task.

import { STATE_LOOKS, type State, type StateLook } from "@gantry/core/task/states.ts";
import type { AppView, TaskView } from "@gantry/wire/agent/views.ts";
import { clockTime } from "../parts/format.ts";
import { listAt, textAt } from "./json-access.ts";

export type Target = { readonly name: string; readonly site: string; readonly cluster: string };

export type Cell = {
  readonly task: string;
  readonly job: string;
  readonly state: State;
  readonly isSilent: boolean;
  readonly hue: StateLook["hue"] | "silent";
  readonly digest: string | undefined;
  /** The health that Argo CD reported when the deployment was done; before that, the state of the job. */
  readonly status: string;
  readonly at: string | undefined;
  /** For the tooltip: image, commit and failure, one per line. */
  readonly details: string;
};

export function targetsOf(app: AppView): readonly Target[] {
  return listAt(app.record, "targets").map((target) => ({
    name: textAt(target, "name") ?? "",
    site: textAt(target, "site") ?? "",
    cluster: textAt(target, "cluster") ?? "",
  }));
}

/** One column per cluster, by site and name. */
export function decideColumns(apps: readonly AppView[]): readonly Target[] {
  const found = new Map(apps.flatMap(targetsOf).map((target) => [target.cluster, target]));
  return [...found.values()].toSorted((a, b) => a.site.localeCompare(b.site) || a.cluster.localeCompare(b.cluster));
}

export function decideCell(task: TaskView | undefined, target: Target): Cell | undefined {
  const job = task?.jobs.find(({ key }) => key === `deploy[${target.name}]`);
  if (!task || !job) return undefined;
  const image = textAt(task.outputs, "image") ?? textAt(task.params, "digest");
  const health = textAt(job.outputs, "health");
  const since = job.notHeardSince;
  const status =
    since === undefined ? (health ?? STATE_LOOKS[job.state].word) : `not heard from since ${clockTime(since)}`;
  const revision = textAt(job.outputs, "revision");
  return {
    task: task.id,
    job: job.key,
    state: job.state,
    isSilent: since !== undefined,
    hue: since === undefined ? STATE_LOOKS[job.state].hue : "silent",
    digest: image?.split("@").at(-1),
    status,
    at: job.endedAt ?? job.startedAt,
    details: [image, revision === undefined ? undefined : `commit ${revision}`, job.failure?.message]
      .filter(Boolean)
      .join("\n"),
  };
}
