// GET /livez, /readyz, /version, /metrics

import { GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import { sendFresh } from "../http/answer.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";
import { VERSION } from "../version.ts";

const health = z.object({ status: z.literal("ok") }).meta({ id: "Health" });
const READY_MS = 2_000;

export const livez = route({
  method: "GET",
  path: "/livez",
  id: "checkLive",
  tag: "operation",
  summary: "The process runs",
  access: "anyone",
  verb: "check health",
  answers: { 200: json("It does", health) },
  handle: ({ ctx }) => sendFresh(ctx, { status: "ok" }),
});

export const readyz = route({
  method: "GET",
  path: "/readyz",
  id: "checkReady",
  tag: "operation",
  summary: "The portal can serve: its journal works and the task-agent answers",
  access: "anyone",
  verb: "check health",
  answers: { 200: json("It can", health) },
  errors: ["unavailable"],
  handle: async ({ ctx, portal }) => {
    if (portal.closing.aborted)
      throw new GantryError("unavailable", { what: "portal-api", problem: "It is stopping." });
    await portal.journal.check().catch((error: unknown) => {
      throw new GantryError(
        "unavailable",
        { what: "The portal's journal", problem: "It cannot be read." },
        { cause: error },
      );
    });
    const deadline = AbortSignal.timeout(READY_MS);
    await portal.agent.tasks({ limit: 1 }, { signal: deadline }).catch((error: unknown) => {
      throw new GantryError("unavailable", { what: "task-agent", problem: "It did not answer." }, { cause: error });
    });
    sendFresh(ctx, { status: "ok" });
  },
});

export const version = route({
  method: "GET",
  path: "/version",
  id: "getVersion",
  tag: "operation",
  summary: "Version of the portal",
  access: "anyone",
  verb: "see the version",
  answers: { 200: json("The version", z.object({ name: z.string(), version: z.string() }).meta({ id: "Version" })) },
  handle: ({ ctx }) => sendFresh(ctx, { name: "gantry", version: VERSION }),
});

export const metrics = route({
  method: "GET",
  path: "/metrics",
  id: "getMetrics",
  tag: "operation",
  summary: "Metrics of this process, for Prometheus",
  access: "viewer",
  verb: "see metrics",
  answers: { 200: { description: "Text format", content: { "text/plain": z.string() } } },
  handle: async ({ ctx, portal }) => {
    ctx.type = portal.metrics.contentType;
    ctx.set("Cache-Control", "no-store");
    ctx.body = await portal.metrics.text();
  },
});
