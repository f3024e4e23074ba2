// Sites, their runners and systems, as people see them.

import { WORK } from "@gantry/core/pipeline/work.ts";
import { z } from "zod";
import { time } from "../deployed-views.ts";
import { waitingView } from "../views.ts";

export const runnerAsked = z
  .object({
    to: z
      .enum(["drain", "stop", "stop-now"])
      .describe("drain: it takes no new jobs. stop: its process also ends after its jobs. stop-now: at once"),
    state: z
      .enum(["draining", "drained", "stopping", "stopped"])
      .describe("drained: it runs no job. stopped: the same, and nothing is heard of it any more"),
    by: z.string(),
    at: time,
    reason: z.string(),
  })
  .meta({ id: "RunnerAsked" });
export type RunnerAsked = z.infer<typeof runnerAsked>;

export const runnerView = z
  .object({
    name: z.string(),
    site: z.string(),
    state: z.enum(["online", "silent", "offline"]),
    labels: z.array(z.string()),
    runs: z.array(z.enum(WORK)).optional().describe("What jobs it takes. Absent: all"),
    keyFingerprint: z.string().optional().describe("SHA-256 of its public key. Absent: it uses the token of its site"),
    slots: z.int(),
    busy: z.int(),
    running: z
      .array(z.object({ task: z.string(), job: z.string() }))
      .optional()
      .describe("The jobs that it holds. The portal shows those that the caller may see"),
    version: z.string(),
    host: z.object({ name: z.string(), platform: z.string(), cpus: z.int(), memoryMb: z.int() }),
    lastHeardAt: time,
    asked: runnerAsked.optional().describe("What an operator has asked of it. Absent: it works as usual"),
  })
  .meta({ id: "Runner" });
export type RunnerView = z.infer<typeof runnerView>;

export const siteView = z
  .object({
    name: z.string(),
    state: z.enum(["online", "offline"]),
    runners: z.array(runnerView),
    systems: z.array(
      z.object({
        name: z.string(),
        kind: z.string(),
        url: z.string(),
        standIn: z.boolean(),
        insecureSkipVerify: z.boolean().optional(),
      }),
    ),
    queue: z.array(z.object({ task: z.string(), job: z.string(), waiting: waitingView })),
    clusters: z
      .object({ at: time, names: z.array(z.string()) })
      .optional()
      .describe("What its Argo CD shows, as a runner of the site last read it. Absent: nothing was read yet"),
    may: z.array(z.string()).optional().describe("Verbs that the caller may use on it. Only from the portal"),
  })
  .meta({ id: "Site" });
export type SiteView = z.infer<typeof siteView>;

export const systemView = z
  .object({
    site: z.string(),
    name: z.string(),
    kind: z.string(),
    url: z.string(),
    standIn: z.boolean(),
    insecureSkipVerify: z.boolean().optional(),
  })
  .meta({ id: "System" });
