// GET /v1/access/can: whether somebody may do something, and why.

import type { Subject } from "@gantry/core/access/decide-right.ts";
import { ROLES } from "@gantry/core/access/roles.ts";
import { VERB_NAMES } from "@gantry/core/access/verbs.ts";
import { z } from "zod";
import { askRight, needOf } from "../access/can.ts";
import type { Caller } from "../access/decide-access.ts";
import type { Guard } from "../access/guards/guard.ts";
import { requireRight } from "../access/guards/guards.ts";
import { sendUncached } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json, name } from "../http/schemas.ts";
import type { Portal } from "../portal.ts";

const who = z.string().regex(/^[^\p{C}]{1,200}$/u, "must be the name of a person or token");

const answerView = z
  .object({
    allowed: z.boolean(),
    reason: z.string().describe("One sentence"),
    needs: z.string().optional().describe("What is required for the right, and who has it"),
    as: z.object({ name: z.string(), role: z.enum(ROLES), groups: z.array(z.string()) }),
  })
  .meta({ id: "RightAnswer" });

/** Callers may ask about themselves. A question about another person needs the right to manage people. */
const aboutOthers: Guard<
  unknown,
  { readonly as?: string | undefined; readonly groups?: readonly string[] | undefined },
  unknown
> = {
  verb: "manage-people",
  on: "others",
  check: (asked) => {
    const { as, groups } = asked.query;
    if ((as !== undefined && as !== asked.caller.name) || groups) requireRight(asked, { verb: "manage-people" }, "");
  },
};

export const askRightRoute = route({
  method: "GET",
  path: "/v1/access/can",
  id: "askRight",
  tag: "access",
  summary: "Ask whether somebody may do something, and why",
  description:
    "Without `as`, about the caller. The groups of a person are those of the last sign-in or refresh, unless `groups` is given.",
  right: aboutOthers,
  verb: "ask about the rights of others",
  query: z.strictObject({
    verb: z.enum(VERB_NAMES),
    app: name.optional(),
    site: name.optional().describe("The site of a verb about sites, or where the work would run"),
    pipeline: name.optional(),
    as: who.optional().describe("A person or token: `corp:ada` for a person of the issuer corp"),
    groups: z
      .string()
      .max(2_000)
      .transform((text) => text.split(",").filter((one) => one !== ""))
      .optional()
      .describe("Names of groups of the person, separated by commas, without the issuer"),
  }),
  responses: { 200: json("The answer", answerView) },
  errors: ["app-unknown", "pipeline-unknown", "not-found"],
  handle: async (call) => {
    const { portal, query } = call;
    const caller = callerOf(call);
    const { as, groups, ...question } = query;
    const subject = await subjectOf(portal, caller, as, groups);
    const decision = await askRight(portal, caller, subject, question);
    const needs = needOf(decision, question.verb);
    const { name, role, groups: theirs } = subject;
    sendUncached(call.ctx, {
      allowed: decision.allowed,
      reason: decision.reason,
      ...(needs === undefined ? {} : { needs }),
      as: { name, role, groups: theirs },
    });
  },
});

/** For a person who has never signed in: the groups in the request, and the policy's rules for the name. */
async function subjectOf(
  portal: Portal,
  caller: Caller,
  as: string | undefined,
  groups: readonly string[] | undefined,
): Promise<Subject> {
  if (as === undefined || as === caller.name) return groups ? { ...caller, groups } : caller;
  const person = await portal.people.rightsOf(as);
  if (person) return groups ? { ...person.rights, groups } : person.rights;
  const token = (await portal.tokens.list()).find((one) => one.owner === undefined && one.name === as);
  const issuer = as.includes(":") ? as.slice(0, as.indexOf(":")) : undefined;
  const role = token ? (token.role ?? "viewer") : "none";
  const scope = token?.scope === undefined ? {} : { scope: token.scope };
  return { name: as, role, groups: groups ?? [], ...(issuer === undefined ? {} : { issuer }), ...scope };
}
