// What a deployment of an app would meet and change, rollbacks, and builds that are held, with their routes of `/agent/v1`. Part of routes.ts.

import { route } from "@gantry/runtime/http/route.ts";
import { z } from "zod";
import { time } from "./deployed-views.ts";
import { REQUEST_ERRORS } from "./request-errors.ts";
import { buildView, page, taskView } from "./views.ts";

const name = z.string().max(120);
const principal = z.string().min(1).max(200);
const reason = z.string().trim().min(1).max(500);
const buildNumber = z.int().min(1).max(999_999_999);

/** What the environment of a target demands of people and of the time. */
export const demandView = z
  .object({
    target: z.string(),
    site: z.string().optional(),
    environment: z.string().optional(),
    approval: z
      .object({
        approvers: z.array(z.string()),
        count: z.int(),
        notOwn: z.boolean(),
        text: z.string().describe("2 of group:ops, to follow `waits for`"),
      })
      .optional()
      .describe("Who must approve. Absent: nobody"),
    closed: z
      .object({ code: z.enum(["window", "freeze"]), text: z.string(), opensAt: time.optional() })
      .optional()
      .describe("Why deployments do not start now. Absent: they do"),
  })
  .meta({ id: "Demand" });
export type DemandView = z.infer<typeof demandView>;

/** What the failed creation of an app made, or may have made. */
export const madeView = z
  .object({
    what: z.string().describe("create repository SHOP/orders"),
    site: z.string().describe("Whose systems it is in"),
    url: z.string().optional().describe("Its page, where it has one"),
    unsure: z
      .literal(true)
      .optional()
      .describe("It began, and its answer was lost: an undo looks whether it is there and was made by this task"),
  })
  .meta({ id: "Made" });
export type MadeView = z.infer<typeof madeView>;

const brief = buildView.pick({ number: true, commit: true, branch: true, subject: true, author: true });

export const rollbackTarget = demandView
  .extend({
    from: z
      .object({
        build: z.int().optional(),
        commit: z.string().optional(),
        task: z.string(),
        at: time,
        outcome: z.string(),
      })
      .optional()
      .describe("What was deployed there last. `commit`: of the yaml repository"),
    to: brief
      .extend({ since: time.describe("When it was deployed there") })
      .optional()
      .describe("The build to go back to. Absent: `problem` says why there is none"),
    problem: z.string().optional().describe("Why the target cannot be rolled back, as a sentence without a full stop"),
  })
  .meta({ id: "RollbackTarget" });
export type RollbackTargetView = z.infer<typeof rollbackTarget>;

export const rollbackPlan = z
  .object({ targets: z.array(rollbackTarget).describe("In the order in which they go back") })
  .meta({ id: "RollbackPlan" });
export type RollbackPlanView = z.infer<typeof rollbackPlan>;

/** What a person asks for. */
export const rollbackRequest = z.strictObject({
  targets: z
    .array(name.min(1))
    .min(1)
    .max(500)
    .optional()
    .describe("Targets that go back to the same build. Absent: those of the newest deployment that can"),
  to: buildNumber
    .optional()
    .describe("A build that ran well at each target. Absent: the last one before what is deployed now"),
  reason: reason
    .optional()
    .describe("Why, for the commit, the audit and everybody who wants to deploy the build again"),
});

export const rollbackFor = rollbackRequest.extend({ principal, idempotencyKey: z.string().min(1).max(200) });
export const holdRequest = z.strictObject({ reason: reason.describe("Why nobody should deploy it without thinking") });
export const holdFor = holdRequest.extend({ principal });

/** What may surprise in the plan of a deployment. */
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

export const DEPLOYMENT_ROUTES = {
  /** One for each target of the app. */
  demands: route({ method: "GET", path: "/apps/{name}/demands", answer: page(demandView), errors: ["app-unknown"] }),
  rollbackPlan: route({
    method: "GET",
    path: "/apps/{name}/rollback",
    query: z.strictObject({
      /** Names with commas between them. */
      targets: z.string().max(8_000).optional(),
      to: z.coerce.number().pipe(buildNumber).optional(),
    }),
    answer: rollbackPlan,
    errors: ["app-unknown"],
  }),
  rollback: route({
    method: "POST",
    path: "/apps/{name}/rollback",
    body: rollbackFor,
    answer: taskView,
    status: 202,
    errors: [...REQUEST_ERRORS, "pipeline-invalid", "pipeline-unclear", "pipelines-unread"],
  }),
  /** The build is not chosen by itself until somebody lets it go. */
  holdBuild: route({
    method: "POST",
    path: "/apps/{name}/builds/{number}/hold",
    body: holdFor,
    answer: buildView,
    errors: ["app-unknown", "conflict", "not-found"],
  }),
  releaseBuild: route({
    method: "POST",
    path: "/apps/{name}/builds/{number}/release",
    body: z.strictObject({ principal }),
    answer: buildView,
    errors: ["app-unknown", "conflict", "not-found"],
  }),
};
