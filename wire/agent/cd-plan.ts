// The plan of a deployment, as people and programs get it. `argocd/plan` makes it for each target.

import { z } from "zod";
import { demandView } from "./deployments.ts";

export const planWarning = z
  .object({
    code: z.string().describe("Such as immutable-field, prune, crd-missing"),
    severity: z
      .enum(["fails", "careful", "unknown", "waits"])
      .describe("It fails; it does what people may not want; it cannot be known before; it waits"),
    text: z.string().describe("A sentence without a full stop"),
  })
  .meta({ id: "PlanWarning" });
export type PlanWarning = z.infer<typeof planWarning>;

/** What a job gives as its output `plan`. */
export const plannedTarget = z.object({
  target: z.string(),
  application: z.string().describe("In Argo CD"),
  known: z.boolean().describe("False: `problem` says why it cannot be known what changes"),
  problem: z.string(),
  commit: z.string().describe("Of the yaml repository, on which the commit of the deployment will be"),
  hash: z.string().describe("Of what changes, and of the warnings"),
  resources: z.array(
    z.object({
      kind: z.string(),
      name: z.string(),
      namespace: z.string(),
      action: z.enum(["add", "change", "remove"]),
    }),
  ),
  changes: z.array(z.string()).describe("`Deployment orders: replicas 2 → 5`"),
  warnings: z.array(planWarning),
  diff: z.string().describe("As `diff -u`, without values of Secrets"),
});

export const targetPlan = plannedTarget
  .extend({
    site: z.string(),
    environment: z.string().optional(),
    approval: demandView.shape.approval,
  })
  .meta({ id: "TargetPlan" });
export type TargetPlan = z.infer<typeof targetPlan>;

export const cdPlan = z
  .object({
    task: z.string(),
    state: z.enum(["running", "ready", "failed"]).describe("`failed`: some targets have no plan; the task says why"),
    problem: z.string().describe("Why Run CD would end before it changes anything. Empty: nothing is known"),
    targets: z.array(targetPlan),
  })
  .meta({ id: "CdPlan" });
export type CdPlan = z.infer<typeof cdPlan>;
