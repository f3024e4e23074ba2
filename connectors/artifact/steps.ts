// artifact/save and artifact/download: files for later jobs of the same task, and for people. The keywords `artifacts` and
// `download` of a job are these steps.

import { artifactName, isArtifactPath, isRetention, RETENTION } from "@gantry/core/artifact/artifact.ts";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { durationShape, parseDuration } from "@gantry/core/pipeline/duration.ts";
import { failed, failureOf, succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";

const MINUTES = 60_000;
const pattern = z
  .string()
  .min(1)
  .max(300)
  .refine((text) => isArtifactPath(text.replace(/^!/, "").replace(/\/$/, "")), "must be a path below the workspace");
const folder = z
  .string()
  .max(500)
  .refine((text) => text === "." || isArtifactPath(text.replace(/\/$/, "")), "must be a folder below the workspace");

export const save = defineStep({
  name: "artifact/save",
  title: "Save an artifact",
  input: z.strictObject({
    name: artifactName,
    paths: z.array(pattern).min(1).max(50).describe("Files and folders below the workspace. * and **; ! excludes"),
    retention: durationShape
      .refine((text) => isRetention(parseDuration(text) ?? 0), RETENTION)
      .default("30d")
      .describe("How long it is kept"),
    optional: z.boolean().default(false).describe("Without it, the step fails when no file is found"),
  }),
  output: z.object({ files: z.int(), bytes: z.int() }),
  needs: [],
  acts: () => [],
  looksOnly: true,
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 60 * MINUTES,
  plan: async ({ input }) => [`save ${input.paths.join(", ")} as the artifact ${input.name}`],
  run: async ({ input, artifacts, log }) => {
    const { name, paths, retention, optional } = input;
    const saved = await artifacts.save({ name, paths, keepMs: parseDuration(retention) ?? 0 });
    if (saved.files > 0) {
      log(`Saved ${counted(saved.files, "file")} with ${counted(saved.bytes, "byte")} as ${name}, for ${retention}.`);
      return succeeded(saved);
    }
    if (!optional)
      return failed(failureOf(new GantryError("artifact-empty", { artifact: name, paths: paths.join(", ") })));
    log(`No file matches ${paths.join(", ")}: nothing is saved.`);
    return succeeded(saved);
  },
});

export const download = defineStep({
  name: "artifact/download",
  title: "Download artifacts",
  input: z.strictObject({
    job: z.string().min(1).max(200).describe("The job that has saved them. This job needs it"),
    artifact: artifactName.optional().describe("Default: all artifacts of the job"),
    to: folder.default(".").describe("Folder below the workspace"),
  }),
  output: z.object({ artifacts: z.array(z.string()), files: z.int(), bytes: z.int() }),
  needs: [],
  acts: () => [],
  looksOnly: true,
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 60 * MINUTES,
  plan: async ({ input }) => [`download ${input.artifact ?? "all artifacts"} of the job ${input.job}`],
  run: async ({ input, artifacts, log }) => {
    const { artifacts: names, ...taken } = await artifacts.download({ ...input, to: input.to.replace(/\/$/, "") });
    const what = names.length === 0 ? "no artifacts" : names.join(", ");
    log(`Downloaded ${what} of ${input.job}: ${counted(taken.files, "file")} with ${counted(taken.bytes, "byte")}.`);
    return succeeded({ artifacts: [...names], ...taken });
  },
});
