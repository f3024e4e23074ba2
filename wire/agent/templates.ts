// The templates of create-app, and what else its form can offer, as the task-agent has last read them.

import { z } from "zod";

const time = z.iso.datetime();
const project = z.string().min(1).max(200);

export const templateView = z.object({
  name: z.string(),
  title: z.string(),
  summary: z.string(),
  kind: z.enum(["source", "deploy"]),
  deploy: z.string().describe("Of a source template: the template of the yaml repository"),
  params: z.record(z.string(), z.json()).describe("What it asks for, by name, each as JSON Schema"),
  state: z
    .enum(["same", "older", "changed", "missing", "own"])
    .describe(
      "Compared with what ships. same; older: pushed by another version of Gantry; changed: by others; missing: it ships and is not there; own: it does not ship",
    ),
  problem: z.string().optional().describe("Why it cannot be used"),
});

export const pushedTemplate = z.object({
  template: z.string(),
  change: z.enum(["new", "changed", "same", "kept"]).describe("kept: others have changed it, and nothing was replaced"),
  url: z.string(),
});

export const templatesView = z
  .object({
    project: z.string().optional().describe("The project of the templates, by params.yaml. Absent: it names none"),
    read: z
      .object({
        at: time,
        project: z.string(),
        templates: z.array(templateView),
        projects: z.array(z.string()).describe("In which apps may have repositories"),
        clusters: z.array(z.object({ site: z.string(), at: time.optional(), names: z.array(z.string()) })),
      })
      .optional()
      .describe("What was last read. Absent: nothing yet"),
    task: z
      .object({
        id: z.string(),
        state: z.enum(["running", "succeeded", "failed"]),
        problem: z.string().optional(),
        pushed: z.array(pushedTemplate),
      })
      .optional()
      .describe("The last task that was to read or push templates"),
  })
  .meta({ id: "Templates" });
export type TemplatesView = z.infer<typeof templatesView>;

const wanted = {
  project: project.optional().describe("Default: the project that params.yaml presets for create-app"),
  system: z.string().max(63).optional().describe("The git host; only if the runners at site platform have several"),
};
export const readTemplates = z.strictObject(wanted);
export const pushTemplates = z.strictObject({
  ...wanted,
  templates: z.array(z.string().max(100)).min(1).max(100).optional().describe("Default: all that ship"),
  force: z.boolean().default(false).describe("Replace what others have changed, with one more commit"),
});

/** Of the task-agent. `push` absent: they are only read. */
export const syncTemplates = z.strictObject({
  principal: z.string(),
  ...wanted,
  push: z.strictObject({ templates: pushTemplates.shape.templates, force: z.boolean() }).optional(),
});
export type SyncTemplates = z.output<typeof syncTemplates>;
