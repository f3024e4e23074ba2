// GET /v1/tasks/{id}/jobs/{job}/steps/{step}/summary: the Markdown that the script of a step wrote about itself.

import { GantryError } from "@gantry/core/errors.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import { MAX_SUMMARY, summaryLogOf } from "@gantry/wire/runner/summary-log.ts";
import { z } from "zod";
import { onTask } from "../access/guards/guards.ts";
import { route } from "../http/route.ts";
import { innerId, numberQuery, taskId } from "../http/schemas.ts";

const TYPE = "text/markdown";

export const readSummary = route({
  method: "GET",
  path: "/v1/tasks/{id}/jobs/{job}/steps/{step}/summary",
  id: "readSummary",
  tag: "tasks",
  summary: "Read the summary of a step",
  description:
    "The Markdown that its script wrote to the file that `GANTRY_STEP_SUMMARY` names, at most 1 MiB. It is text of the script: " +
    "show it without scripts, HTML and remote images.",
  right: onTask("view-logs"),
  verb: "see logs",
  params: z.strictObject({ id: taskId, job: innerId.describe("Key of the job"), step: innerId }),
  query: z.strictObject({ attempt: numberQuery.optional().describe("Attempt of the job. Default: the newest") }),
  responses: { 200: { description: "The summary", content: { [TYPE]: z.string() } } },
  handle: async ({ ctx, portal, params: { id, job, step }, query: { attempt } }) => {
    const signal = AbortSignal.any([clientGoneSignal(ctx), portal.closing]);
    const place = { task: id, job, step: summaryLogOf(step), attempt };
    const { bytes } = await portal.agent.log(place, 0, MAX_SUMMARY, { signal });
    if (bytes.length === 0) throw new GantryError("not-found", { kind: "summary", name: `of the step ${job}/${step}` });
    ctx.status = 200;
    ctx.type = `${TYPE}; charset=utf-8`;
    ctx.set("Cache-Control", "no-store");
    ctx.set("Content-Security-Policy", "sandbox");
    ctx.body = bytes;
  },
});
