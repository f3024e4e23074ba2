// What people are asked before a job starts, as the HTTP API shows it.

import { z } from "zod";

const jsonObject = z.record(z.string(), z.json());
const time = z.iso.datetime().describe("RFC 3339, UTC");

const approvalAnswer = z.object({
  by: z.string(),
  at: time,
  answer: z.enum(["approve", "reject"]),
  reason: z.string().optional(),
  inputs: jsonObject.optional(),
});

/** What people were asked about a job, and what they answered. */
export const jobApproval = z
  .object({
    state: z.enum(["asked", "approved", "rejected", "expired"]),
    question: z.string(),
    plan: z.string().describe("Digest of what is asked for. An answer names it"),
    until: time,
    answers: z.array(approvalAnswer),
  })
  .meta({ id: "JobApproval" });

/** A question that waits for people. */
export const approvalView = z
  .object({
    task: z.string(),
    title: z.string(),
    app: z.string().optional(),
    pipeline: z.string(),
    job: z.string().describe("Key of the job"),
    jobTitle: z.string(),
    site: z.string(),
    question: z.string(),
    plan: z.string().describe("Digest of what is asked for. An answer names it"),
    requestedBy: z.string(),
    causedBy: z
      .array(z.string())
      .optional()
      .describe("People because of whom a trigger requested it: for them it is their own, too"),
    requestedAt: time,
    until: time.describe("When it expires"),
    demands: z
      .array(
        z.object({
          environment: z.string().optional().describe("The environment that demands it; absent: the pipeline does"),
          approvers: z.array(z.string()).describe("group:, person: or role:. Empty: everybody with the verb approve"),
          count: z.int(),
          missing: z.int().describe("How many people are missing"),
          notOwn: z.boolean().describe("Who requested the task cannot approve it"),
          escalates: z
            .object({ at: time, to: z.array(z.string()) })
            .optional()
            .describe(
              "Who is asked, too, when too few have approved by then. Absent: nobody, or they are asked already",
            ),
        }),
      )
      .describe("All of them must be met"),
    answers: z.array(approvalAnswer),
    build: z
      .object({ number: z.int(), commit: z.string(), subject: z.string().optional() })
      .optional()
      .describe("What is deployed"),
    targets: z
      .array(z.object({ name: z.string(), environment: z.string().optional(), build: z.int().optional() }))
      .describe("Where, and the build that runs there now"),
    inputs: jsonObject.optional().describe("JSON Schema of what the approver answers"),
  })
  .meta({ id: "Approval" });
export type ApprovalView = z.infer<typeof approvalView>;
