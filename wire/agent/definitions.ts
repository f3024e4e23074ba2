// The set of definitions in force, and what was refused, as the task-agent tells the portal.

import { z } from "zod";

const time = z.iso.datetime();

export const definitionRepository = z.object({
  system: z.string().optional(),
  project: z.string(),
  slug: z.string(),
  branch: z.string(),
});
export type DefinitionRepository = z.infer<typeof definitionRepository>;

export const definitionSource = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("folder") }),
  z.object({
    kind: z.literal("git"),
    repository: definitionRepository,
    commit: z.string(),
    subject: z.string(),
    task: z.string().describe("The task that read it"),
  }),
]);
export type DefinitionSource = z.infer<typeof definitionSource>;

const problem = z.object({
  detail: z.string(),
  file: z.string().optional(),
  line: z.int().optional(),
  column: z.int().optional(),
});

export const refusedSet = z.object({
  at: time,
  commit: z.string().optional().describe("Absent: a folder"),
  count: z.int().describe("Of all mistakes; `problems` has the first 100"),
  problems: z.array(problem),
});
export type RefusedSet = z.infer<typeof refusedSet>;

export const definitionsView = z
  .object({
    inForce: z.object({
      source: definitionSource.optional().describe("Absent: the caller does not see all pipelines"),
      since: time.optional().describe("Absent: an older version stored it"),
      definitions: z.array(
        z.object({
          name: z.string(),
          version: z.string(),
          file: z.string().optional(),
          digest: z.string().optional().describe("Of the file, if `version` includes values of params.yaml"),
        }),
      ),
      environments: z.array(z.string()),
      files: z
        .array(z.object({ file: z.string(), digest: z.string().describe("Of its text: the version") }))
        .optional()
        .describe("What counts besides the pipelines. Absent: the caller may not manage settings"),
    }),
    notes: z.array(z.string()).optional().describe("What is in force and yet has no effect, as sentences"),
    refused: refusedSet
      .optional()
      .describe("A newer set that has mistakes. The one in force stays until it is corrected"),
    sync: z
      .object({
        repository: definitionRepository,
        everySeconds: z.number(),
        task: z.string().optional().describe("The last task that was to read the repository"),
        requestedAt: time.optional(),
        state: z.enum(["none", "running", "read", "failed"]),
        problem: z.string().optional(),
      })
      .optional()
      .describe("Absent: definitions are not read from git"),
  })
  .meta({ id: "Definitions" });
export type DefinitionsView = z.infer<typeof definitionsView>;

/** Folders of a set that other processes follow. */
export const FOLLOWED_PARTS = ["roles", "rules"] as const;
export type FollowedPart = (typeof FOLLOWED_PARTS)[number];

/** `version`: of all the files together. They are left out when the asker knows this version. */
export const setPart = z.object({
  version: z.string(),
  files: z.array(z.object({ file: z.string(), text: z.string() })).optional(),
});
export type SetPart = z.infer<typeof setPart>;

export const syncDefinitions = z.strictObject({ principal: z.string() });
