// The log of a step, in both directions: a runner appends bytes, the portal reads them, of tasks in the journal and in the
// archive.

import { GantryError } from "@gantry/core/errors.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import { readBytes } from "@gantry/runtime/http/read-request.ts";
import type { ParamsOf, Parsed } from "@gantry/runtime/http/route.ts";
import { addRoutes } from "@gantry/runtime/http/serve-routes.ts";
import { LOG_FINAL_HEADER, LOG_SIZE_HEADER } from "@gantry/wire/agent/agent-api.ts";
import type { AgentRoutes } from "@gantry/wire/agent/routes.ts";
import { jobRef, MAX_LOG_CHUNK } from "@gantry/wire/runner/protocol.ts";
import { RUNNER_LOG } from "@gantry/wire/runner/routes.ts";
import { stepOfLog } from "@gantry/wire/runner/summary-log.ts";
import type Router from "@koa/router";
import type Koa from "koa";
import type { LogStore } from "../logs/log-store.ts";
import type { RunnerProtocol } from "../runner-protocol/runner-protocol.ts";
import type { TaskRecord } from "../tasks/task-store.ts";

type AppendDeps = { readonly protocol: Pick<RunnerProtocol, "mayLog">; readonly logs: LogStore };

/** The upload of a log by a runner. `siteOf` throws for a caller that is not the runner of the session. */
export function addLogUpload(
  router: Router,
  deps: AppendDeps,
  siteOf: (ctx: Koa.Context, session: string) => string,
): void {
  addRoutes(
    router,
    { log: RUNNER_LOG },
    {
      log: ({ ctx, params, query }) => {
        const bytes = (): Promise<Buffer> => readBytes(ctx, MAX_LOG_CHUNK);
        return appendLog(deps, params, query, bytes, siteOf(ctx, query.session));
      },
    },
  );
}

/** `query` is checked already; `bytes` are read once the caller may write them. */
export async function appendLog(
  { protocol, logs }: AppendDeps,
  { task, job, attempt, step }: ParamsOf<typeof RUNNER_LOG>,
  query: Parsed<typeof RUNNER_LOG.query>,
  bytes: () => Promise<Buffer>,
  site: string,
): Promise<{ ack: number }> {
  const ref = jobRef.safeParse({ task, job, attempt: Number(attempt), fence: query.fence });
  if (!ref.success || step.length === 0 || step.length > 200)
    throw new GantryError("bad-request", { problem: "the path of the log is invalid" });
  await protocol.mayLog(query.session, site, ref.data, step);
  const name = { task, job, attempt: ref.data.attempt, step };
  return { ack: await logs.append(name, query.offset, await bytes(), query.crc, query.final) };
}

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
  if (!definition?.steps.some((one) => one.id === stepOfLog(step)))
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
