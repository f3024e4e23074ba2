// Schemas that several routes share: names, queries, small bodies.

import { appPattern, namePattern } from "@gantry/core/access/policy.ts";
import { seeingVerbs, VERB_NAMES } from "@gantry/core/access/verbs.ts";
import { OUTCOMES } from "@gantry/core/task/states.ts";
import { taskView } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { ROLES } from "../access/decide-access.ts";
import type { ResponseSpec } from "./route.ts";

export const name = z
  .string()
  .max(63)
  .regex(/^[a-z][a-z0-9-]*$/, "must have only lower case letters, digits and hyphens, and begin with a letter");
export const taskId = z.string().regex(/^[A-Za-z0-9][\w-]{0,99}$/, "must be the id of a task");
/** The key of a job, with its `each` value (`deploy[seoul]`), or the id of a step. */
export const innerId = z.string().regex(/^[A-Za-z_][^\p{C}]{0,199}$/u, "must be the id of a job or step");

/** `<issuer id>:<username>`, or the name of a local account. */
export const personName = z
  .string()
  .max(200)
  .regex(/^[a-z][a-z0-9._-]*(?::[\w.@+|~-]{1,128})?$/, "must be the name of a person");
export const sessionId = z.string().regex(/^[0-9a-f]{64}$/, "must be the id of a session");

export const inApp = z.strictObject({ app: name });
/** The names that a runner may have. */
export const inRunner = z.strictObject({
  runner: z.string().regex(/^[^\p{C}/]{1,200}$/u, "must be the name of a runner"),
});
export const inTask = z.strictObject({ id: taskId });

/** A whole number in a query. */
export const digits = (most: number, least = 0) =>
  z
    .string()
    .regex(/^\d{1,15}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(least, `must be at least ${least}`).max(most))
    .meta({ type: "integer", minimum: least, maximum: most });

/** Only as many digits as a number can have exactly. */
const MOST = 999_999_999_999_999;

export const seqQuery = digits(MOST);
export const limitQuery = digits(200, 1);
export const waitQuery = digits(30_000).describe(
  "How many milliseconds to hold the request while there is nothing to return (JSON only)",
);
export const countQuery = digits(MOST);
/** Counted from 1. */
export const numberQuery = digits(MOST, 1);
export const cursorQuery = z
  .string()
  .max(500)
  .regex(/^[\w.~+/=:@-]+$/, "must be the cursor of a page");

export const pageQuery = z.strictObject({ limit: limitQuery.optional(), cursor: cursorQuery.optional() });
export const taskQuery = pageQuery.extend({
  state: z
    .enum(["open", ...OUTCOMES])
    .optional()
    .describe("`open`: tasks that have not ended"),
  app: name.optional(),
  pipeline: name.optional(),
});

export const params = z
  .record(z.string().max(100), z.json())
  .describe("The parameters, as the schema of the pipeline defines them");
export const reason = z.string().max(500).optional();

export const roleSchema = z
  .enum(ROLES)
  .describe(
    "none: only what the policy gives. viewer: read. developer: also run pipelines. approver: read and approve. operator: also manage runners and settings. admin: everything",
  );

export const meView = z
  .object({
    name: z.string(),
    role: roleSchema,
    may: z.array(z.string()).describe("Verbs that the caller may use on something. GET /v1/access/can tells on what"),
    mayNot: z.record(z.string(), z.string()).describe("The other verbs: what they need, and who could"),
    via: z.enum(["token", "session"]),
    version: z.string().describe("Version of the portal"),
    feedUp: z.boolean().describe("Whether the portal is connected to the feed, so that what it shows is up to date"),
  })
  .meta({ id: "Me" });

const scopeList = <T extends z.core.$ZodType>(of: T): z.ZodOptional<z.ZodArray<T>> => z.array(of).max(100).optional();
export const scopeSchema = z
  .strictObject({
    verbs: scopeList(z.enum(VERB_NAMES)).superRefine((verbs = [], ctx) => {
      const missing = new Set(verbs.flatMap(seeingVerbs).filter((verb) => !verbs.includes(verb)));
      if (missing.size === 0) return;
      const message = `must also have ${[...missing].join(" and ")}: a token cannot use what it may not see`;
      ctx.addIssue({ code: "custom", message });
    }),
    apps: scopeList(appPattern),
    sites: scopeList(namePattern),
  })
  .describe("Narrows what the token may do. A missing list allows everything of its kind");

/** As stored: older ones may have verbs and patterns that are no longer known, which allow nothing. */
const storedScope = z.object({
  verbs: z.array(z.string()).optional(),
  apps: z.array(z.string()).optional(),
  sites: z.array(z.string()).optional(),
});

export const tokenView = z
  .object({
    name: z.string(),
    owner: z.string().optional().describe("Of a personal token: the person whose rights it has"),
    role: roleSchema,
    scope: storedScope.optional(),
    createdBy: z.string(),
    createdAt: z.iso.datetime(),
    rotatedAt: z.iso.datetime().optional(),
    previousUntil: z.iso.datetime().optional().describe("Until then the previous secret is valid, too"),
    expiresAt: z.iso.datetime().optional(),
    lastUsedAt: z.iso.datetime().optional().describe("Precise to a minute"),
  })
  .meta({ id: "Token" });

export const accepted: ResponseSpec = {
  description: "Accepted. Location has the address of the task",
  content: { "application/json": taskView },
  headers: { Location: "Address of the task" },
};

export function json(description: string, schema: z.core.$ZodType): ResponseSpec {
  return { description, content: { "application/json": schema } };
}
