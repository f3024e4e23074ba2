// GET /v1/approvals: what waits for people.

import { needInWords, type Rights } from "@gantry/core/access/decide-right.ts";
import { whyNotAnswer } from "@gantry/core/task/decide-approval.ts";
import { type ApprovalView, approvalView } from "@gantry/wire/agent/approvals.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { answererOf } from "../access/answerer.ts";
import type { Caller } from "../access/decide-access.ts";
import { listOf } from "../access/guards/guards.ts";
import { type Visibility, visibilityOf, visiblePage } from "../access/visible.ts";
import { sendVisible } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json, pageQuery, taskId } from "../http/schemas.ts";

const askedView = approvalView
  .extend({
    mayApprove: z.boolean(),
    mayReject: z.boolean(),
    whyNot: z.string().optional().describe("Why you cannot approve it, and who could"),
  })
  .meta({ id: "AskedApproval" });
type AskedView = z.output<typeof askedView>;

export const listApprovals = route({
  method: "GET",
  path: "/v1/approvals",
  id: "listApprovals",
  tag: "tasks",
  summary: "List what waits for the approval of people",
  description:
    "Each with what will happen, who may answer and until when, and whether you may. `limit` counts tasks: a page can have more items, or fewer although there are more.",
  right: listOf("view"),
  verb: "see tasks",
  query: pageQuery.extend({
    task: taskId.optional().describe("Only what this task asks"),
    mine: z.enum(["true", "false"]).optional().describe("`true`: only what you may answer"),
  }),
  responses: { 200: json("A page of questions", page(askedView)) },
  handle: async (call) => {
    const { ctx, portal, query } = call;
    const caller = callerOf(call);
    const visibility = visibilityOf(portal, caller);
    const rights = portal.rights.of(caller);
    const { mine, task, ...paging } = query;
    const found = visibility.none
      ? { items: [] }
      : await visiblePage(
          visibility,
          { limit: 50, ...paging, ...(task === undefined ? {} : { task }) },
          (part) => portal.agent.approvals(part),
          (one) => visibility.task({ task: one.task, app: one.app, pipeline: one.pipeline }),
        );
    const asked = await Promise.all(found.items.map((one) => asSeen(one, caller, rights, visibility)));
    const items = mine === "true" ? asked.filter(({ mayApprove, mayReject }) => mayApprove || mayReject) : asked;
    await sendVisible(ctx, visibility, { ...found, items });
  },
});

async function asSeen(one: ApprovalView, caller: Caller, rights: Rights, visibility: Visibility): Promise<AskedView> {
  const { app, pipeline, site, answers } = one;
  const about = { ...(await visibility.record(app)), app, pipeline, sites: [site] };
  const before = answers.find(({ by }) => by === caller.name);
  const no = (whyNot: string): AskedView => ({ ...one, mayApprove: false, mayReject: false, whyNot });
  if (before) return no(`You have answered already: ${before.answer}.`);
  const request = { ...about, verb: "approve" } as const;
  if (!rights.may(request)) return no(needInWords(rights.decide(request), "app"));
  const who = answererOf(caller, rights, about);
  const whyNot = whyNotAnswer(one, who, one, "approve");
  const mayReject = whyNotAnswer(one, who, one, "reject") === undefined;
  return { ...one, mayApprove: whyNot === undefined, mayReject, ...(whyNot === undefined ? {} : { whyNot }) };
}
