// GET /v1/runners/{runner}, and stop, drain and undrain of it

import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import { askReason, type RunnerDetail, runnerDetail, runnerLog } from "@gantry/wire/agent/sites/runners.ts";
import { z } from "zod";
import { onRunner } from "../access/guards/site-guards.ts";
import { filterVisible, visibilityOf } from "../access/visible.ts";
import { sendUncached } from "../http/respond.ts";
import { type Call, callerOf, type Route, route } from "../http/route.ts";
import { digits, inRunner, json } from "../http/schemas.ts";
import { withVisibleJobs } from "./list-runners.ts";

type RunnerCall<B = unknown> = Call<z.output<typeof inRunner>, unknown, B>;

const reason = z.strictObject({ reason: askReason.describe("Why, for everybody who looks at the runner") });
const stopRequest = reason.extend({
  now: z.boolean().default(false).describe("true: running jobs are interrupted. Default: they are finished first"),
});
const logQuery = z.strictObject({
  from: z.enum(["oldest", "latest"]).default("latest").describe("From which end of the lines that it keeps"),
  lines: digits(1_000, 1).default(200).describe("How many lines"),
});
const AFTERWARDS = { 200: json("The runner, with what it still runs", runnerDetail) };
const MANAGED = { tag: "sites", right: onRunner("manage-runners"), params: inRunner, responses: AFTERWARDS } as const;
const EXAMPLE = { reason: "The machine gets a new disk" };

export const runnerRoutes: readonly Route[] = [
  route({
    ...{ method: "GET", path: "/v1/runners/{runner}", id: "getRunner", tag: "sites", verb: "see runners" },
    summary: "Show a runner: the jobs and steps that it runs, their leases, and what operators have asked of it",
    ...{ right: onRunner("view-sites"), params: inRunner, responses: { 200: json("The runner", runnerDetail) } },
    handle: async (call) => send(call, await call.portal.agent.runner(call.params.runner)),
  }),
  route({
    ...{ method: "POST", path: "/v1/runners/{runner}/stop", id: "stopRunner", verb: "stop runners", ...MANAGED },
    summary: "Stop the process of a runner",
    description:
      "It takes no new jobs, finishes those that it runs, and exits with 0; with `now`, it interrupts them. It counts for the process that the runner has now: its supervisor may start it again, and then it works as usual. It cannot be taken back. Runners of older versions cannot be stopped (`runner-cannot`).",
    ...{ body: stopRequest, example: { ...EXAMPLE, now: false }, errors: ["conflict", "runner-cannot"] },
    handle: (call) => ask(call, call.body.now ? "stop-now" : "stop", call.body.reason),
  }),
  route({
    ...{ method: "POST", path: "/v1/runners/{runner}/drain", id: "drainRunner", verb: "drain runners", ...MANAGED },
    summary: "Drain a runner: it takes no new jobs until it is undrained, also after a restart",
    ...{ body: reason, example: EXAMPLE, errors: ["conflict"] },
    handle: (call) => ask(call, "drain", call.body.reason),
  }),
  route({
    ...{
      method: "POST",
      path: "/v1/runners/{runner}/undrain",
      id: "undrainRunner",
      verb: "undrain runners",
      ...MANAGED,
    },
    summary: "Let a drained runner take jobs again",
    errors: ["conflict"],
    handle: (call) => ask(call, "work", "undrained"),
  }),
  route({
    ...{ method: "GET", path: "/v1/runners/{runner}/log", id: "readRunnerLog", tag: "sites", isAudited: true },
    ...{ verb: "read the logs of runners", right: onRunner("manage-runners"), params: inRunner, query: logQuery },
    summary: "Read the newest or oldest lines that a runner keeps of its own log",
    description:
      "The runner is asked for them now, which may take some seconds. It keeps up to 5,000 lines since its start, and masks secrets. The lines are what the runner says.",
    responses: { 200: json("The lines", runnerLog) },
    errors: ["conflict", "runner-cannot", "runner-silent"],
    handle: async ({ ctx, portal, params, query }) => {
      const { from, lines } = query;
      sendUncached(
        ctx,
        await portal.agent.runnerLog(params.runner, { from, lines }, { signal: clientGoneSignal(ctx) }),
      );
    },
  }),
];

async function ask(call: RunnerCall, to: "drain" | "stop" | "stop-now" | "work", why: string): Promise<void> {
  const principal = callerOf(call).name;
  await send(call, await call.portal.agent.askRunner(call.params.runner, { to, reason: why, principal }));
}

/** With the jobs of tasks that the caller may see. */
async function send(call: RunnerCall, runner: RunnerDetail): Promise<void> {
  const visibility = visibilityOf(call.portal, callerOf(call));
  const jobs = await filterVisible(runner.jobs, ({ task }) => visibility.task({ task }));
  sendUncached(call.ctx, { ...(await withVisibleJobs(visibility, runner)), jobs });
}
