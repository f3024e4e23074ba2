// A piece of a step's log as an answer, of tasks in the journal and in the archive.

import { GantryError } from "@gantry/core/errors.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import type { ParamsOf, Parsed } from "@gantry/runtime/http/route.ts";
import { LOG_FINAL_HEADER, LOG_SIZE_HEADER } from "@gantry/wire/agent/agent-api.ts";
import type { AgentRoutes } from "@gantry/wire/agent/routes.ts";
import type Koa from "koa";
import type { LogStore } from "../logs/log-store.ts";
import type { TaskRecord } from "../tasks/task-store.ts";

type LogRoute = AgentRoutes["log"];

/** Throws `not-found` for a step that the task does not have. */
export async function sendLog(
  ctx: Koa.Context,
  { state, pipeline }: Pick<TaskRecord, "state" | "pipeline">,
  { job: key, step }: Pick<ParamsOf<LogRoute>, "job" | "step">,
  query: Parsed<LogRoute["query"]>,
  logs: LogStore,
): Promise<undefined> {
  const job = state.jobs[key];
  const definition = [...pipeline.jobs, ...pipeline.finally].find((one) => one.id === (job?.id ?? key));
  if (!definition?.steps.some((one) => one.id === step))
    throw new GantryError("not-found", { kind: "step", name: `${key}/${step}` });
  const attempt = query.attempt ?? job?.attempt ?? 1;
  const part = await logs.read(
    { task: state.id, job: key, attempt, step },
    { from: query.from, limit: query.limit, waitMs: query.wait, gone: clientGoneSignal(ctx) },
  );
  // The log of a step whose job has ended does not grow, even when its runner was lost before it closed the log.
  const ended = job?.phase === "ended" || (job !== undefined && attempt < job.attempt);
  ctx.set(LOG_SIZE_HEADER, String(part.size));
  ctx.set(LOG_FINAL_HEADER, String(part.final || (ended && query.wait > 0 && part.bytes.length === 0)));
  ctx.type = "application/octet-stream";
  ctx.body = part.bytes;
}
