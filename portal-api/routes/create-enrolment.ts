// POST /v1/enrolments and POST /v1/runners/{runner}/renew-key

import { type EnrolmentView, enrolmentView } from "@gantry/wire/agent/agent-api.ts";
import { z } from "zod";
import { onRunner, onSite } from "../access/guards/site-guards.ts";
import type { PortalConfig } from "../config.ts";
import { sendUncached } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { inRunner, json, name } from "../http/schemas.ts";

const enrolment = enrolmentView
  .extend({
    command: z.string().describe("Starts the runner, on a machine with Gantry; it works once, like the token"),
  })
  .meta({ id: "Enrolment" });

export const createEnrolment = route({
  method: "POST",
  path: "/v1/enrolments",
  id: "createEnrolment",
  tag: "sites",
  summary: "Create a one-time token with which a runner enrols",
  description:
    "It is valid for ten minutes and for one runner of this site; with `runner`, only for the runner of this name. Only this response contains the token itself.",
  right: onSite("enrol"),
  verb: "enrol runners",
  body: z.strictObject({
    site: name,
    runner: name
      .optional()
      .describe("May also be a name that runners of another site use without a key. They lose the name."),
    newSite: z
      .boolean()
      .optional()
      .describe("Must be true for the first runner of a site. Other unknown sites are refused."),
  }),
  responses: { 201: json("The token", enrolment) },
  handle: async (call) => {
    const enrolment = await call.portal.agent.createEnrolment({ ...call.body, principal: callerOf(call).name });
    call.ctx.status = 201;
    sendUncached(call.ctx, withCommand(call.portal.config, enrolment));
  },
});

export const renewRunnerKey = route({
  method: "POST",
  path: "/v1/runners/{runner}/renew-key",
  id: "renewRunnerKey",
  tag: "sites",
  summary: "End the key of a runner and create a one-time token for a new one",
  description:
    "The key and all sessions that use it become invalid at once. Running jobs continue if the runner enrols again in time.",
  right: onRunner("enrol"),
  verb: "renew keys of runners",
  params: inRunner,
  responses: { 201: json("The token", enrolment) },
  handle: async (call) => {
    const renewed = await call.portal.agent.renewRunnerKey(call.params.runner, callerOf(call).name);
    call.ctx.status = 201;
    sendUncached(call.ctx, withCommand(call.portal.config, renewed));
  },
});

/** The token is in the environment, because every user of a machine can read the arguments of its processes. */
function withCommand(
  { runnerAgentUrl, agent }: PortalConfig,
  enrolment: EnrolmentView,
): EnrolmentView & { readonly command: string } {
  const { site, runner = "NAME", token } = enrolment;
  const settings = { name: runner, site, agent: runnerAgentUrl ?? agent.url, data: `/var/lib/gantry/${runner}` };
  const flags = Object.entries(settings).map(([name, value]) => `--${name} ${quoted(value)}`);
  return { ...enrolment, command: `GANTRY_TASK_RUNNER_ENROL=${token} node task-runner/main.ts ${flags.join(" ")}` };
}

function quoted(word: string): string {
  return /^[\w./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
