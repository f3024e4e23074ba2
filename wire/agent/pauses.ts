// What people have paused, as the task-agent shows it, and its routes of `/agent/v1`. Part of routes.ts.

import { PAUSABLE } from "@gantry/core/pause/pause.ts";
import { route } from "@gantry/runtime/http/route.ts";
import { z } from "zod";
import { page } from "./views.ts";

const time = z.iso.datetime().describe("RFC 3339, UTC");
const principal = z.string().min(1).max(200);
const what = {
  of: z.enum(PAUSABLE).describe("`queue`: a concurrency group"),
  name: z.string().min(1).max(500),
};

export const pauseView = z
  .object({
    ...what,
    by: z.string(),
    at: time,
    reason: z.string(),
    until: time.optional().describe("When it ends by itself. Absent: when somebody resumes it"),
  })
  .meta({ id: "Pause" });
export type PauseView = z.infer<typeof pauseView>;

/** What a person says of a pause. */
export const pauseRequest = z.strictObject({
  reason: z.string().trim().min(1).max(500).describe("Why, for everybody whose jobs wait"),
  until: time.optional().describe("When it ends by itself"),
});

export const pauseFor = pauseRequest.extend({ ...what, principal });
export const resumeFor = z.strictObject({ ...what, principal });

/** The answers are what is paused after the request. */
export const PAUSE_ROUTES = {
  /** Oldest first. */
  pauses: route({ method: "GET", path: "/pauses", answer: page(pauseView) }),
  pause: route({
    method: "POST",
    path: "/pauses",
    body: pauseFor,
    answer: page(pauseView),
    errors: ["app-unknown", "conflict", "not-found", "pipeline-unknown"],
  }),
  resume: route({
    method: "POST",
    path: "/pauses/end",
    body: resumeFor,
    answer: page(pauseView),
    errors: ["conflict"],
  }),
};
