// The routes of `/agent/v1` about what people have paused.

import { GantryError } from "@gantry/core/errors.ts";
import type { Pause, PauseOf } from "@gantry/core/pause/pause.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { RouteHandlers } from "@gantry/runtime/http/serve-routes.ts";
import type { Page } from "@gantry/wire/agent/agent-client.ts";
import type { PAUSE_ROUTES, PauseView } from "@gantry/wire/agent/pauses.ts";
import type { Pauses } from "../pauses/pauses.ts";
import { isAppName } from "../tasks/decide-start.ts";
import type { Definitions } from "../tasks/definitions.ts";
import type { OwnDefinitions } from "../tasks/start-task.ts";
import { appStream } from "../tasks/task-stream.ts";
import { iso } from "./iso.ts";

export type PauseDeps = {
  readonly pauses: Pauses;
  readonly journal: Pick<Journal, "load">;
  readonly definitions: Pick<Definitions, "current">;
  readonly ownPipelines: Pick<OwnDefinitions, "named">;
  readonly knownSites?: () => readonly string[];
};

export function pauseHandlers(deps: PauseDeps): RouteHandlers<typeof PAUSE_ROUTES> {
  const { pauses } = deps;
  return {
    pauses: async () => pageOf(await pauses.list()),
    pause: async ({ body: { of, name, principal: by, reason, until } }) => {
      await requireKnown(deps, { of, name });
      const end = until === undefined ? {} : { until: Date.parse(until) };
      return pageOf(await pauses.pause({ of, name }, { by, reason, ...end }));
    },
    // What is gone can be resumed, so that its pause does not stay.
    resume: async ({ body: { of, name, principal } }) => pageOf(await pauses.resume({ of, name }, principal)),
  };
}

/** A concurrency group exists when a task is in it. Throws `app-unknown`, `pipeline-unknown` and `not-found`. */
async function requireKnown(
  { journal, definitions, ownPipelines, knownSites }: PauseDeps,
  { of, name }: PauseOf,
): Promise<void> {
  if (of === "app") {
    const app = isAppName(name) ? (await appStream.load(journal, name))?.state.state : undefined;
    if (app === undefined || app === "removed") throw new GantryError("app-unknown", { app: name });
  }
  if (of === "pipeline" && !(definitions.current(name) ?? (await ownPipelines.named(name, name.split(".")[0]))))
    throw new GantryError("pipeline-unknown", { pipeline: name });
  if (of === "site" && knownSites?.().includes(name) === false)
    throw new GantryError("not-found", { kind: "site", name });
}

function pageOf(pauses: readonly Pause[]): Page<PauseView> {
  return {
    items: pauses.map(({ at, until, ...rest }) => {
      return { ...rest, at: iso(at), ...(until === undefined ? {} : { until: iso(until) }) };
    }),
  };
}
