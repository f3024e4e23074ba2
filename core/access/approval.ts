// Who approves, as jobs and environments write it.

import { z } from "zod";
import { durationShape, parseDuration } from "../pipeline/duration.ts";
import { APPROVER, APPROVER_HINT } from "./approvers.ts";

export const approversShape = z.strictObject({
  approvers: z
    .array(z.string().max(200).regex(APPROVER, APPROVER_HINT))
    .max(50)
    .optional()
    .describe("group:NAME, person:NAME or role:NAME. Without it: everybody with the verb approve on the app"),
  count: z.int().min(1).max(20).optional().describe("How many different people must approve. Default: 1"),
  notOwn: z.boolean().optional().describe("Who requested the task cannot approve it. Default: true"),
  expires: durationShape.optional().describe("How long the request can be answered. Default: 7d"),
});

/** Normalised. */
export type Approvers = {
  readonly approvers: readonly string[];
  readonly count: number;
  readonly notOwn: boolean;
  readonly expiresMs: number;
};

export function approversOf(file: z.output<typeof approversShape>): Approvers {
  const { approvers = [], count = 1, notOwn = true, expires = "7d" } = file;
  return { approvers, count, notOwn, expiresMs: parseDuration(expires) ?? 0 };
}

/** Problems that the form cannot express. `path`: below the map. */
export function approversProblems({
  approvers,
  count,
  expiresMs,
}: Approvers): readonly { path: string; detail: string }[] {
  const people = approvers.every((one) => one.startsWith("person:") && !one.includes("*"));
  return [
    ...(approvers.length > 0 && people && new Set(approvers).size < count
      ? [{ path: "count", detail: `there are fewer than ${count} approvers, so nothing could be approved` }]
      : []),
    ...(expiresMs === 0 ? [{ path: "expires", detail: "it must be longer than 0" }] : []),
  ];
}
