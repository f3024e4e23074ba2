// A source of polling as the portal shows it.

import type { PollingView } from "@gantry/wire/agent/triggers/polling.ts";
import { iso } from "../api/iso.ts";
import type { SourceState } from "./poll-stream.ts";
import type { PollSource } from "./polling-config.ts";

export function viewOfPolling({
  source,
  config: { site, system, every },
  task,
  last,
  lookAt,
  failed,
}: SourceState & { readonly config: PollSource }): PollingView {
  const id = task?.id ?? last?.task;
  return {
    ...{ source, site, every },
    ...(system === undefined ? {} : { system }),
    ...(task || lookAt === 0 ? {} : { nextAt: iso(lookAt) }),
    ...(last ? { lookedAt: iso(last.at) } : {}),
    ...(id === undefined ? {} : { task: id }),
    ...(last?.problem === undefined ? {} : { problem: last.problem }),
    failed: Object.entries(failed).map(([repository, problem]) => ({ repository, problem })),
  };
}
