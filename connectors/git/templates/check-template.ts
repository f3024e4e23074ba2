// git/check-template: reads the manifest of a template that was checked out, and fills it in without writing anything, so
// that mistakes are told before a repository is made.

import { join } from "node:path";
import { GantryError, type Problem } from "@gantry/core/errors.ts";
import { failed, failureOf, succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY, type StepContext } from "@gantry/core/step/step.ts";
import { readGivenParams } from "@gantry/core/template/given-params.ts";
import {
  deployTemplateOf,
  MANIFEST,
  readManifest,
  TEMPLATE_KINDS,
  type TemplateManifest,
} from "@gantry/core/template/manifest.ts";
import { z } from "zod";
import { readPlainFile } from "../../plain-file.ts";
import { folderInside } from "../folders.ts";
import { GANTRY_VERSION } from "./shipped-templates.ts";
import { fillIn } from "./template.ts";

const STEP = "git/check-template";
const MAX_BYTES = 65_536;

const input = z.strictObject({
  directory: z.string().max(500),
  name: z.string().max(100).describe("The name that the template must have: that of its repository"),
  kind: z.enum(TEMPLATE_KINDS),
  params: z
    .array(z.string().max(2_000))
    .max(100)
    .default([])
    .describe("What was given to the params of a source template, each as name=value"),
  values: z.record(z.string(), z.json()).describe("As for git/render-template"),
});
const output = z.object({
  title: z.string(),
  deploy: z.string().describe("The template of the yaml repository"),
  params: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .describe("The values of all params of the template"),
});
type Context = StepContext<z.output<typeof input>>;

export const checkTemplate = defineStep({
  name: STEP,
  title: "Check a template",
  input,
  output,
  needs: [],
  acts: () => [],
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 60_000,
  plan: async () => [],
  run: async (context) => {
    try {
      return succeeded(await check(context));
    } catch (error) {
      if (!(error instanceof GantryError) || !["template-invalid", "bad-params"].includes(error.code)) throw error;
      for (const one of error.problems) context.log(inWords(one));
      return failed(failureOf(error));
    }
  },
});

/** Throws `template-invalid` with every mistake of the template, and `bad-params` for params that do not fit it. */
async function check({ workspace, input, task }: Context): Promise<z.output<typeof output>> {
  const { name, kind, params, values } = input;
  const folder = await folderInside(workspace, input.directory, STEP);
  const manifest = await manifestIn(workspace, folder, { name, kind });
  const given = readGivenParams(manifest, params);
  if ("problems" in given) {
    const problems = given.problems.map((detail): Problem => ({ detail, pointer: "/templateParams" }));
    const problem = given.problems.join("; ");
    throw new GantryError("bad-params", { pipeline: task.pipeline, problem }, { problems });
  }
  await fillIn(folder, kind === "source" ? { ...values, params: given.values } : values).catch((error: unknown) => {
    throw error instanceof GantryError && error.code === "bad-input" ? invalid(name, error.problems) : error;
  });
  return { title: manifest.title, deploy: deployTemplateOf(manifest), params: given.values };
}

async function manifestIn(
  workspace: string,
  folder: string,
  wanted: Pick<z.output<typeof input>, "name" | "kind">,
): Promise<TemplateManifest> {
  const text = await readPlainFile(workspace, join(folder, MANIFEST), { name: MANIFEST, maxBytes: MAX_BYTES });
  if (text === undefined) {
    const detail = `there is no such file. It says what the template is, for example: name: ${wanted.name}, title: …, kind: ${wanted.kind}`;
    throw invalid(wanted.name, [{ file: MANIFEST, detail }]);
  }
  const read = readManifest(text, { file: MANIFEST, version: GANTRY_VERSION, wanted });
  if ("problems" in read) throw invalid(wanted.name, read.problems);
  return read.manifest;
}

function invalid(template: string, problems: readonly Problem[]): GantryError {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  const problem = `${first === undefined ? "" : inWords(first)}${more}`;
  return new GantryError("template-invalid", { template, problem }, { problems: problems.slice(0, 50) });
}

/** `gantry-template.yaml:3: kind is missing` */
function inWords({ file, line, detail }: Problem): string {
  const place = file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}: `;
  return `${place}${detail}`;
}
