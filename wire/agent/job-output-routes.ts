// The routes of `/agent/v1` about what the jobs of a task write: logs and artifacts. Part of routes.ts.

import { route } from "@gantry/runtime/http/route.ts";
import { z } from "zod";
import { artifactFileView, artifactView } from "./artifacts.ts";
import { page } from "./views.ts";

const whole = z.coerce.number().pipe(z.int().min(0)).default(0);
const positive = z.coerce.number().pipe(z.int().min(1));
/** Of an answer, bytes. */
const limit = positive.pipe(z.int().max(4_194_304)).default(1_048_576);

export const JOB_OUTPUT_ROUTES = {
  /**
   * Bytes from an offset, with `LOG_SIZE_HEADER` and `LOG_FINAL_HEADER`. With `wait` it holds until there are bytes after
   * `from` or the log is final. Without `attempt`: the newest one.
   */
  log: route({
    method: "GET",
    path: "/tasks/{id}/jobs/{job}/steps/{step}/log",
    query: z.strictObject({
      attempt: positive.optional(),
      from: whole,
      limit,
      wait: z.coerce.number().pipe(z.int().min(0).max(30_000)).default(0),
    }),
    errors: ["not-found"],
  }),
  /** What its jobs have saved. */
  artifacts: route({ method: "GET", path: "/tasks/{id}/artifacts", answer: page(artifactView), errors: ["not-found"] }),
  artifactFiles: route({
    method: "GET",
    path: "/tasks/{id}/jobs/{job}/artifacts/{name}/files",
    answer: page(artifactFileView),
    errors: ["artifact-missing", "not-found"],
  }),
  /** Bytes from an offset, with `ARTIFACT_SIZE_HEADER`. */
  artifactContent: route({
    method: "GET",
    path: "/tasks/{id}/jobs/{job}/artifacts/{name}/content",
    query: z.strictObject({
      path: z.string().min(1).max(1_000),
      from: whole,
      limit,
    }),
    errors: ["artifact-missing", "not-found"],
  }),
};
