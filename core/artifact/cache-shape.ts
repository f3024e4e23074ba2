// The form of `cache:` of a job, before normalising. rules-artifacts.ts checks what a form cannot express.

import { z } from "zod";
import { artifactName } from "./artifact.ts";
import { pathPatterns } from "./artifact-shape.ts";

const text = z.string().min(1).max(500);

export const cacheShape = z.strictObject({
  paths: pathPatterns.describe("Files and folders below the workspace, or below the home of the job with ~/"),
  files: pathPatterns.optional().describe("Files whose content is part of the key, such as lock files"),
  key: text.optional().describe("Text that is part of the key. It may contain ${{ expression }}"),
  fallback: z
    .union([text, z.array(text).min(1).max(10)], "a key, or a list of keys")
    .optional()
    .describe("Other keys, of which the newest cache is taken when there is none with this one"),
});
export const cachesShape = z
  .record(artifactName, z.union([pathPatterns, cacheShape], "a path, a list of paths, or a map with `paths`"))
  .refine((all) => Object.keys(all).length <= 10, "a job has at most 10 caches");
export type CachesFile = z.infer<typeof cachesShape>;
