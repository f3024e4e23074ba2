// Who approves, as jobs and environments write it.

import { z } from "zod";
import { durationShape, parseDuration } from "../pipeline/duration.ts";
import { APPROVER, APPROVER_HINT } from "./approvers.ts";

const names = z.array(z.string().max(200).regex(APPROVER, APPROVER_HINT)).max(50);

export const escalationShape = z
  .strictObject({
    after: durationShape.describe("How long the approvers are asked alone"),
    to: names.min(1).describe("Who is asked then, too: group:NAME, person:NAME or role:NAME"),
  })
  .describe("Asks more people when too few have approved after a time");

export const approversShape = z.strictObject({
  approvers: names
    .optional()
    .describe("group:NAME, person:NAME or role:NAME. Without it: everybody with the verb approve on the app"),
  count: z.int().min(1).max(20).optional().describe("How many different people must approve. Default: 1"),
  notOwn: z.boolean().optional().describe("Who requested the task cannot approve it. Default: true"),
  expires: durationShape.optional().describe("How long the request can be answered. Default: 7d"),
  escalate: escalationShape.optional(),
});

/** Who is asked, too, so long after the request. */
export type Escalation = { readonly afterMs: number; readonly to: readonly string[] };

/** Normalised. */
export type Approvers = {
  readonly approvers: readonly string[];
  readonly count: number;
  readonly notOwn: boolean;
  readonly expiresMs: number;
  /** Absent: nobody else is asked. */
  readonly escalate?: Escalation;
};

export function approversOf(file: z.output<typeof approversShape>): Approvers {
  const { approvers = [], count = 1, notOwn = true, expires = "7d", escalate } = file;
  const later = escalate && { afterMs: parseDuration(escalate.after) ?? 0, to: escalate.to };
  const asked = { approvers, count, notOwn, expiresMs: parseDuration(expires) ?? 0 };
  return later === undefined ? asked : { ...asked, escalate: later };
}

/** Problems that the form cannot express. `path`: below the map. */
export function approversProblems({
  approvers,
  count,
  expiresMs,
  escalate,
}: Approvers): readonly { path: string; detail: string }[] {
  const all = [...approvers, ...(escalate?.to ?? [])];
  const people = all.every((one) => one.startsWith("person:") && !one.includes("*"));
  return [
    ...(approvers.length > 0 && people && new Set(all).size < count
      ? [{ path: "count", detail: `there are fewer than ${count} approvers, so nothing could be approved` }]
      : []),
    ...(expiresMs === 0 ? [{ path: "expires", detail: "it must be longer than 0" }] : []),
    ...(escalate && approvers.length === 0
      ? [{ path: "escalate", detail: "everybody with the verb approve is asked already: name `approvers`" }]
      : []),
    ...(escalate && expiresMs > 0 && (escalate.afterMs === 0 || escalate.afterMs >= expiresMs)
      ? [{ path: "escalate", detail: "`after` must be longer than 0 and shorter than `expires`" }]
      : []),
  ];
}
