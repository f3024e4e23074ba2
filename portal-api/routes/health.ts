// GET /livez, /readyz, /version, /metrics

import { GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import { onInstallation } from "../access/guards/guards.ts";
import { sendUncached } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";
import { VERSION } from "../version.ts";

const health = z.object({ status: z.literal("ok") }).meta({ id: "Health" });
const readiness = z
  .object({
    status: z.enum(["ok", "degraded"]),
    problems: z.array(z.string()).optional().describe("What does not work at present, as sentences"),
  })
  .meta({ id: "Readiness" });
const READY_MS = 2_000;

export const livez = route({
  method: "GET",
  path: "/livez",
  id: "checkLive",
  tag: "operation",
  summary: "Liveness: the process runs",
  isProbed: true,
  right: "anyone",
  verb: "check health",
  responses: { 200: json("The process runs", health) },
  handle: ({ ctx }) => sendUncached(ctx, { status: "ok" }),
});

export const readyz = route({
  method: "GET",
  path: "/readyz",
  id: "checkReady",
  tag: "operation",
  summary:
    "Readiness: the journal works. `degraded` while the task-agent does not answer, or a newer policy has mistakes",
  isProbed: true,
  right: "anyone",
  verb: "check health",
  responses: { 200: json("The portal is ready", readiness) },
  errors: ["unavailable"],
  handle: async ({ ctx, portal }) => {
    if (portal.closing.aborted)
      throw new GantryError("unavailable", { what: "portal-api", problem: "The process is stopping." });
    await portal.journal.check().catch((error: unknown) => {
      throw new GantryError(
        "unavailable",
        { what: "The portal's journal", problem: "The journal cannot be read." },
        { cause: error },
      );
    });
    const deadline = AbortSignal.timeout(READY_MS);
    const answers = await portal.agent.tasks({ limit: 1 }, { signal: deadline }).then(
      () => true,
      () => false,
    );
    // Still ready: pages, sign-in and the last known state are served, so a load balancer must not remove the portal.
    const silent = "The task-agent does not answer. Tasks can be neither read nor started.";
    const problems = [answers ? undefined : silent, portal.policyProblem()].filter((one) => one !== undefined);
    sendUncached(ctx, problems.length === 0 ? { status: "ok" } : { status: "degraded", problems });
  },
});

export const version = route({
  method: "GET",
  path: "/version",
  id: "getVersion",
  tag: "operation",
  summary: "Get the version of the portal",
  isProbed: true,
  right: "anyone",
  verb: "see the version",
  responses: { 200: json("The version", z.object({ name: z.string(), version: z.string() }).meta({ id: "Version" })) },
  handle: ({ ctx }) => sendUncached(ctx, { name: "gantry", version: VERSION }),
});

export const metrics = route({
  method: "GET",
  path: "/metrics",
  id: "getMetrics",
  tag: "operation",
  summary: "Get the metrics of this process, for Prometheus",
  right: onInstallation("view-metrics"),
  verb: "see metrics",
  responses: { 200: { description: "Prometheus text format", content: { "text/plain": z.string() } } },
  handle: async ({ ctx, portal }) => {
    ctx.type = portal.metrics.contentType;
    ctx.set("Cache-Control", "no-store");
    ctx.body = await portal.metrics.text();
  },
});
