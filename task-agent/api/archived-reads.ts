// Answers for tasks that have left the journal: GET of a task, its events and its logs come from the archive; a change is
// refused with 410. It wraps portal-routes.ts, which has authenticated the client before it reports a task as not found.

import { GantryError } from "@gantry/core/errors.ts";
import { notModified } from "@gantry/runtime/http/conditional.ts";
import { readQuery } from "@gantry/runtime/http/read-request.ts";
import { routeMatcher } from "@gantry/runtime/http/route.ts";
import { READER_HEADER } from "@gantry/wire/agent/agent-api.ts";
import { AGENT_PREFIX, AGENT_ROUTES } from "@gantry/wire/agent/routes.ts";
import type Koa from "koa";
import { z } from "zod";
import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import { eventOfTask } from "../events/feed.ts";
import type { Readers } from "../events/readers.ts";
import type { Leases } from "../leases/leases.ts";
import type { LogStore } from "../logs/log-store.ts";
import type { ArchivedTask, TaskArchive } from "../retention/task-archive.ts";
import { artifactFileViews, artifactViews, sendArtifactPart } from "./artifact-reads.ts";
import { sendLog } from "./logs.ts";
import { taskView } from "./view.ts";

export type ArchivedReadsDeps = {
  readonly archive: TaskArchive;
  readonly readers: Pick<Readers, "acknowledge">;
  readonly leases: Leases;
  readonly logs: LogStore;
  readonly artifacts?: ArtifactStore | undefined;
  /** Store time, ms since 1970. */
  readonly now: () => Promise<number>;
};

const { task, taskEvents, log, artifacts, artifactFiles, artifactContent } = AGENT_ROUTES;
const readOf = routeMatcher(AGENT_PREFIX, { task, taskEvents, log, artifacts, artifactFiles, artifactContent });
const FEED = `${AGENT_PREFIX}${AGENT_ROUTES.feed.path}`;
const READER = /^[a-z0-9.-]{1,60}$/;

const seq = z.coerce.number().pipe(z.int().min(0));

export function archivedReads(deps: ArchivedReadsDeps): Koa.Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const id = missingTask(error);
      const task = id === undefined ? undefined : await deps.archive.read(id);
      if (!task) throw error;
      await answer(ctx, task, deps);
      return;
    }
    if (ctx.path !== FEED || ctx.status !== 200) return;
    const reader = ctx.get(READER_HEADER);
    const after = seq.safeParse(ctx.query.after ?? "none");
    if (after.success && READER.test(reader)) deps.readers.acknowledge(reader, after.data);
  };
}

function missingTask(error: unknown): string | undefined {
  if (!(error instanceof GantryError) || error.code !== "not-found" || error.details.kind !== "task") return undefined;
  return String(error.details.name);
}

async function answer(ctx: Koa.Context, { record, events }: ArchivedTask, deps: ArchivedReadsDeps): Promise<void> {
  const found = readOf(ctx.method, ctx.path);
  if (!found) throw new GantryError("task-archived", { task: record.state.id });
  ctx.status = 200;
  if (found.name === "taskEvents") {
    const { after, limit } = readQuery(ctx, taskEvents.query);
    ctx.body = { items: events.slice(after, after + limit).map((event) => eventOfTask(record, event)) };
  } else if (found.name === "log") {
    const { job = "", step = "" } = found.params;
    await sendLog(ctx, record, { job, step }, readQuery(ctx, log.query), deps.logs);
  } else if (found.name === "artifacts") {
    ctx.body = artifactViews(record, await deps.now());
  } else if (found.name === "artifactFiles" || found.name === "artifactContent") {
    const { job = "", name = "" } = found.params;
    if (found.name === "artifactFiles") ctx.body = await artifactFileViews(record, { job, name }, deps.artifacts);
    else await sendArtifactPart(ctx, record, { job, name }, readQuery(ctx, artifactContent.query), deps.artifacts);
  } else if (!notModified(ctx, `archived.${record.version}`)) {
    ctx.body = { ...taskView(record.state, record.pipeline, record.version, deps.leases), archived: true };
  }
}
