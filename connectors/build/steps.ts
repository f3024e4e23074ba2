// build/detect finds out how the images of an app are built. build/run runs commands, of the app or of the pipeline's default.

import { BUILD_KINDS } from "@gantry/core/app/app-shape.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { failed, failureOf, succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { commandsInput, runCommands } from "./commands.ts";
import { decidePlan, type Plan, type Wanted } from "./decide-build.ts";
import { readSources } from "./read-sources.ts";
import { path } from "./step-parts.ts";

const commands = z.array(z.string().min(1).max(4_000)).max(50).optional();
const image = z.object({
  name: z.string().min(1).max(128),
  repository: z.string().min(1).max(255),
  context: path.default("."),
  dockerfile: path.default("Dockerfile"),
  kind: z.enum(BUILD_KINDS).optional(),
  install: commands,
  test: commands,
  build: commands,
});
const plan = z.object({
  name: z.string(),
  repository: z.string(),
  kind: z.enum(BUILD_KINDS),
  folder: z.string(),
  context: z.string(),
  dockerfile: z.string(),
  formats: z.array(z.string()),
  tools: z.array(z.string()),
  install: z.string(),
  test: z.string(),
  build: z.string(),
  why: z.string(),
});

export const detect = defineStep({
  name: "build/detect",
  title: "Find out how the images are built",
  input: z.strictObject({
    directory: path.default(".").describe("The folder of the app, below the workspace."),
    images: z.array(image).min(1).max(20),
  }),
  output: z.strictObject({ images: z.array(plan) }),
  needs: [],
  acts: () => [],
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 60_000,
  plan: async () => [],
  run: async ({ input: { directory, images }, workspace, log }) => {
    const sources = await readSources(workspace, directory, images);
    const plans: Plan[] = [];
    for (const wanted of images satisfies readonly Wanted[]) {
      const next = decidePlan(wanted, sources, plans);
      if ("problem" in next)
        return failed(failureOf(new GantryError("build-unclear", { image: wanted.name, ...next })));
      plans.push(next);
      log(describe(next));
    }
    return succeeded({ images: plans.map((one) => ({ ...one, formats: [...one.formats], tools: [...one.tools] })) });
  },
});

export const run = defineStep({
  name: "build/run",
  title: "Run commands of the app",
  input: z.strictObject(commandsInput),
  output: z.strictObject({}),
  needs: [],
  acts: () => [],
  runsCode: true,
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 30 * 60_000,
  plan: async ({ input }) => [`Run ${JSON.stringify(input.commands)} in ${input.directory}.`],
  run: async (context) => {
    const failure = await runCommands(context, run.name, context.input);
    if (!failure) return succeeded({});
    const line = context.failingLine();
    return failed({ ...failureOf(failure), ...(line === undefined ? {} : { line }) });
  },
});

/** "api: Go (go.mod) in services/api; install: go mod download; test: …" */
function describe({ name, why, install, test, build }: Plan): string {
  const steps = Object.entries({ install, test, build }).map(
    ([what, script]) => `${what}: ${script === "" ? "nothing" : script.replaceAll("\n", "; ")}`,
  );
  return [`${name}: ${why}`, ...steps].join("\n  ");
}
