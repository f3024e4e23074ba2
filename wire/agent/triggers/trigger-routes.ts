// The routes of `/agent/v1` about triggers. Part of routes.ts.

import { route } from "@gantry/runtime/http/route.ts";
import { z } from "zod";
import { someApps } from "../queries.ts";
import { REQUEST_ERRORS } from "../request-errors.ts";
import { page, taskView } from "../views.ts";
import { pauseTrigger, resumeTrigger, runTrigger, triggerView } from "./triggers.ts";

export const TRIGGER_ROUTES = {
  /** Those in force, sorted by id. With `apps` only those of these apps. */
  triggers: route({
    method: "GET",
    path: "/triggers",
    query: z.strictObject({ apps: someApps }),
    answer: page(triggerView),
  }),
  trigger: route({ method: "GET", path: "/triggers/{id}", answer: triggerView, errors: ["not-found"] }),
  /** It starts nothing until it is resumed. */
  pauseTrigger: route({
    method: "POST",
    path: "/triggers/{id}/pause",
    body: pauseTrigger,
    answer: triggerView,
    errors: ["not-found"],
  }),
  resumeTrigger: route({
    method: "POST",
    path: "/triggers/{id}/resume",
    body: resumeTrigger,
    answer: triggerView,
    errors: ["not-found"],
  }),
  /** Starts the task of a schedule now. */
  runTrigger: route({
    method: "POST",
    path: "/triggers/{id}/run",
    body: runTrigger,
    answer: taskView,
    status: 202,
    errors: [...REQUEST_ERRORS, "not-found"],
  }),
};
