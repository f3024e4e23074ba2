// GET /v1/audit, for people, and GET /v1/audit/entries, for verifying and exporting.

import { page } from "@gantry/wire/agent/views.ts";
import { auditEntry } from "@gantry/wire/audit/entry.ts";
import { z } from "zod";
import { onInstallation } from "../access/guards/guards.ts";
import { findEntries, RESULTS } from "../audit/find-entries.ts";
import { sendUncached } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json, limitQuery, name, seqQuery, taskId } from "../http/schemas.ts";

const time = z.iso.datetime({ offset: true });

const auditItem = auditEntry
  .extend({
    result: z
      .enum(RESULTS)
      .describe("`unknown`: the request is running, or the process ended before the outcome was recorded"),
  })
  .meta({ id: "AuditItem" });

export const listAudit = route({
  method: "GET",
  path: "/v1/audit",
  id: "listAudit",
  tag: "audit",
  summary: "List changes and refused requests, newest first",
  description:
    "One request searches a limited number of entries. A page can be empty and still have a cursor, from which the search continues.",
  right: onInstallation("view-audit"),
  verb: "see the audit log",
  query: z.strictObject({
    who: z.string().min(1).max(200).optional().describe("Name of a person or token"),
    verb: z
      .string()
      .regex(/^[a-zA-Z ]{1,80}$/, "must be an operation such as `enrol runners`, or an operationId")
      .optional()
      .describe("The operation as entries name it, or the operationId of the request"),
    app: name.optional(),
    task: taskId.optional(),
    result: z.enum(RESULTS).optional(),
    since: time.optional(),
    until: time.optional(),
    limit: limitQuery.optional(),
    cursor: seqQuery.optional(),
  }),
  responses: { 200: json("A page of entries", page(auditItem)) },
  handle: async ({ ctx, portal, query }) => {
    const { cursor, limit = 50, ...filter } = query;
    const { items, before } = await findEntries(portal.audit.chain, { ...filter, limit, before: cursor });
    sendUncached(ctx, { items, ...(before === undefined ? {} : { nextCursor: String(before) }) });
  },
});

const auditEntries = z.object({
  items: z.array(auditEntry),
  head: auditEntry
    .pick({ seq: true, hash: true })
    .describe("The newest entry, as the journal notes it beside the chain"),
});

export const listAuditEntries = route({
  method: "GET",
  path: "/v1/audit/entries",
  id: "listAuditEntries",
  tag: "audit",
  summary: "Read the chain of audit entries, oldest first, exactly as it is stored",
  description:
    "For `gantry audit verify` and `gantry audit export`. Empty at the end of the chain: if `head` is another entry than the last one before, entries are missing.",
  right: onInstallation("view-audit"),
  verb: "see the audit log",
  query: z.strictObject({
    after: seqQuery.optional().describe("Entries after this number"),
    limit: limitQuery.optional(),
  }),
  responses: { 200: json("A page of entries", auditEntries) },
  handle: async ({ ctx, portal, query }) => {
    const { chain } = portal.audit;
    // Read first: entries that are appended meanwhile must not look as if others were missing.
    const { seq, hash } = await chain.head();
    sendUncached(ctx, { items: await chain.after(query.after ?? 0, query.limit ?? 200), head: { seq, hash } });
  },
});
