// git/list-templates: which templates are in a project of the git host, and how those that ship with Gantry differ.

import { GantryError } from "@gantry/core/errors.ts";
import { type StepOutcome, succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { deployTemplateOf, MANIFEST, readManifest, TEMPLATE_KINDS } from "@gantry/core/template/manifest.ts";
import { z } from "zod";
import { outlastRestart } from "../../outlast.ts";
import { bringRevision } from "../checkout.ts";
import { type Mirror, resolveRevision } from "../mirror.ts";
import { PROJECT } from "../names.ts";
import { hostOf, openRepository, runtimeOf, withPauses } from "../step-parts.ts";
import {
  compareTemplate,
  GANTRY_VERSION,
  type ShippedTemplate,
  shippedTemplates,
  TEMPLATE_STATES,
} from "./shipped-templates.ts";

const MAX_MANIFEST = 65_536;

const input = z.strictObject({
  system: z.string().optional().describe("Empty or absent: the only git host"),
  project: z.string().regex(PROJECT, "must be the key of a project or workspace, such as ORD"),
});
const template = z.object({
  name: z.string(),
  title: z.string(),
  summary: z.string(),
  kind: z.enum(TEMPLATE_KINDS),
  deploy: z.string().describe("Of a source template: the template of the yaml repository"),
  params: z.record(z.string(), z.json()),
  state: z
    .enum([...TEMPLATE_STATES, "own"])
    .describe(
      "same, older or changed, compared with what ships; missing: it ships and is not there; own: it does not ship",
    ),
  problem: z.string().optional().describe("The first mistake of its manifest"),
});
const output = z.object({
  templates: z.array(template),
  projects: z
    .array(z.string())
    .describe("Projects in which apps may have repositories, by the configuration of the runner"),
});
type Template = z.output<typeof template>;
type Context = StepContext<z.output<typeof input>, "git">;

export const listTemplates = defineStep({
  name: "git/list-templates",
  title: "List the templates",
  input,
  output,
  needs: ["git"],
  acts: () => [{ kind: "site-accounts", access: "read" }],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 15 * 60_000,
  plan: async () => [],
  run: (context) => outlastRestart(context, () => withPauses(() => list(context))),
});

async function list(context: Context): Promise<StepOutcome<z.output<typeof output>>> {
  const { project } = context.input;
  const name = context.input.system || undefined;
  const { system, host } = hostOf(context, { system: name, project, slug: "any" });
  const shipped = await shippedTemplates();
  const found: Template[] = [];
  for (const slug of (await host.listRepositories(project)).toSorted()) {
    const one = await readTemplate(context, slug, shipped.get(slug));
    if (one) found.push(one);
  }
  const names = found.map((one) => one.name);
  const missing = [...shipped].filter(([one]) => !names.includes(one));
  const templates = [...found, ...missing.map(([, { manifest }]) => viewOf(manifest, "missing"))];
  for (const one of templates) context.log(`${one.name}: ${one.problem ?? one.state}`);
  const places = (system.appsMay ?? []).map((place) => /^([^*{}]+)\/\*$/.exec(place)?.[1]);
  return succeeded({ templates, projects: places.filter((place) => place !== undefined) });
}

/** Undefined: the repository is not a template. */
async function readTemplate(
  context: Context,
  slug: string,
  shipped: ShippedTemplate | undefined,
): Promise<Template | undefined> {
  const { mirror } = await openRepository(context, {
    system: context.input.system || undefined,
    project: context.input.project,
    slug,
  });
  const revision = await resolveRevision(mirror, undefined).catch(ifEmpty);
  if (revision === undefined) return undefined;
  const commit = await bringRevision(mirror, revision);
  const text = await manifestAt(mirror, commit);
  if (text === undefined) return undefined;
  const { state } = shipped
    ? await compareTemplate({
        ...{ mirror, branch: revision.name, folder: shipped.folder, base: commit },
        ...{ atMs: context.task.requestedAtMs, runtime: runtimeOf(context) },
      })
    : ({ state: "own" } as const);
  const read = readManifest(text, { file: MANIFEST, version: GANTRY_VERSION });
  if ("manifest" in read && read.manifest.name === slug) return viewOf(read.manifest, state);
  const [first] =
    "problems" in read ? read.problems : [{ line: 1, detail: `name must be ${slug}, like the repository` }];
  const problem = `${MANIFEST}:${first?.line ?? 1}: ${first?.detail}`;
  return { name: slug, title: slug, summary: "", kind: "source", deploy: "", params: {}, state, problem };
}

function viewOf(manifest: ShippedTemplate["manifest"], state: Template["state"]): Template {
  const { name, title, summary = "", kind, params } = manifest;
  const deploy = kind === "source" ? deployTemplateOf(manifest) : "";
  return { name, title, summary, kind, deploy, params: JSON.parse(JSON.stringify(params)), state };
}

/** A repository without a commit is refused like one that is broken; only the first is an ordinary answer here. */
function ifEmpty(error: unknown): undefined {
  const isEmpty = error instanceof GantryError && error.details.problem === "it has no commit yet";
  if (!isEmpty) throw error;
}

async function manifestAt({ git }: Mirror, commit: string): Promise<string | undefined> {
  const object = `${commit}:${MANIFEST}`;
  const [, type, size] = (await git(["cat-file", "--batch-check"], { input: `${object}\n` })).trim().split(" ");
  if (type !== "blob") return undefined;
  return Number(size) > MAX_MANIFEST ? `# larger than ${MAX_MANIFEST} bytes` : git(["cat-file", "blob", object]);
}
