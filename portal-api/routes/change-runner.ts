// DELETE /v1/runners/{runner} and POST /v1/runners/{runner}/readmit

import { onRunner } from "../access/guards/site-guards.ts";
import { route } from "../http/route.ts";
import { inRunner } from "../http/schemas.ts";

export const removeRunner = route({
  method: "DELETE",
  path: "/v1/runners/{runner}",
  id: "removeRunner",
  tag: "sites",
  summary: "Take a runner out of service",
  description:
    "For a runner that no longer exists, or must not work any more. It is no longer listed and can neither register nor renew its leases; its jobs are given to other runners, as after the loss of a runner.",
  right: onRunner("manage-runners"),
  verb: "remove runners",
  params: inRunner,
  responses: { 204: { description: "Out of service" } },
  handle: async ({ ctx, portal, params }) => {
    await portal.agent.removeRunner(params.runner);
    ctx.status = 204;
  },
});

export const readmitRunner = route({
  method: "POST",
  path: "/v1/runners/{runner}/readmit",
  id: "readmitRunner",
  tag: "sites",
  summary: "Take a runner back into service",
  right: onRunner("manage-runners"),
  verb: "readmit runners",
  params: inRunner,
  responses: { 204: { description: "May register again" } },
  handle: async ({ ctx, portal, params }) => {
    await portal.agent.readmitRunner(params.runner);
    ctx.status = 204;
  },
});
