// git/push-template: puts a template that ships with Gantry into its repository at the git host. What others have changed
// there is only replaced when that is asked for, and stays in the history even then.

import { GantryError } from "@gantry/core/errors.ts";
import { type StepOutcome, succeeded, waiting } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import { EFFECT_TRAILER } from "@gantry/core/webhook/own-commits.ts";
import { z } from "zod";
import { outlastRestart } from "../../outlast.ts";
import { bringTip, commitAndPush, type Draft, findPushed, messageOf } from "../commit.ts";
import { carriesMarker, type GitHost } from "../host.ts";
import { PROJECT } from "../names.ts";
import { hostOf, nameOf, openRepository, runtimeOf, withPauses } from "../step-parts.ts";
import { compareTemplate, type ShippedTemplate, shippedTemplates, TEMPLATE_TRAILER } from "./shipped-templates.ts";

const input = z.strictObject({
  system: z.string().optional().describe("Empty or absent: the only git host"),
  project: z.string().regex(PROJECT, "must be the key of a project or workspace, such as ORD"),
  template: z.string().max(100),
  force: z.boolean().default(false).describe("Replace what others have changed"),
});
const output = z.object({
  template: z.string(),
  change: z.enum(["new", "changed", "same", "kept"]).describe("kept: others have changed it, and nothing was replaced"),
  url: z.string(),
});
type Context = StepContext<z.output<typeof input>, "git">;
type Outcome = StepOutcome<z.output<typeof output>>;

export const pushTemplate = defineStep({
  name: "git/push-template",
  title: "Push a shipped template",
  input,
  output,
  needs: ["git"],
  // The templates of all apps: only a pipeline of the platform team without an app may change them so.
  acts: () => [{ kind: "site-accounts", access: "change" }],
  effects: ["create-repository", "push"],
  retry: USUAL_RETRY,
  timeoutMs: 15 * 60_000,
  plan: async ({ input: { project, template } }) => [`push the template ${template} to ${project}/${template}`],
  run: (context) => outlastRestart(context, () => withPauses(() => push(context))),
});

async function push(context: Context): Promise<Outcome> {
  const { project, template } = context.input;
  const shipped = await findShipped(template);
  const place = { system: context.input.system || undefined, project, slug: template };
  const { system, host } = hostOf(context, place);
  await ensureExists(context, host, shipped);
  const repository = await host.getRepository(project, template);
  if (repository === undefined) {
    const problem = "it was made a moment ago and cannot be found";
    throw new GantryError("system-strange", { system: system.name, what: `read ${nameOf(place)}`, problem });
  }
  if (!repository.ready) return waiting(`${system.name} is preparing ${nameOf(place)}`, 1_000);
  const { mirror } = await openRepository(context, { ...place, slug: repository.slug });
  const branch = repository.defaultBranch ?? "main";
  const tip = await bringTip({ mirror, branch });
  const { folder } = shipped;
  const draft = { mirror, branch, folder, base: tip, atMs: context.task.requestedAtMs, runtime: runtimeOf(context) };
  const change = await pushChange(context, draft);
  context.log(`${template}: ${change}`);
  return succeeded({ template, change, url: host.repositoryUrl(project, repository.slug) });
}

async function pushChange(context: Context, draft: Draft): Promise<z.output<typeof output>["change"]> {
  const { task, input, effect } = context;
  const { state, tree } = await compareTemplate(draft);
  if (state === "changed" && !input.force) return "kept";
  const change = state === "missing" ? "new" : "changed";
  if (state !== "same")
    await effect({
      name: "push",
      what: `push the template ${input.template} to ${input.project}/${input.template}`,
      probe: async (key) => ((await findPushed(draft, key)) === undefined ? undefined : { change }),
      perform: async (key) => {
        const ours = { "Gantry-Task": task.id, "Gantry-Actor": task.requestedBy, [EFFECT_TRAILER]: key };
        const text = `${change === "new" ? "Add" : "Update"} the template ${input.template}`;
        await commitAndPush(draft, messageOf(text, { [TEMPLATE_TRAILER]: tree, ...ours }), key);
        return { change };
      },
    });
  return state === "same" ? "same" : change;
}

async function ensureExists(context: Context, host: GitHost, { manifest }: ShippedTemplate): Promise<void> {
  const { project, template } = context.input;
  if ((await host.getRepository(project, template)) !== undefined) return;
  const marker = `gantry:template=${template}`;
  const description = `${manifest.title} (${marker})`;
  await context.effect({
    name: "create-repository",
    what: `create repository ${project}/${template}`,
    probe: async () => {
      const found = await host.getRepository(project, template);
      return found !== undefined && carriesMarker(found.description, marker) ? { created: true } : undefined;
    },
    perform: async () => {
      const wanted = { project, slug: template, description, private: true, defaultBranch: "main" };
      if ((await host.createRepository(wanted)) !== undefined) return { created: true };
      const problem = "The host says that it exists, and this account cannot see it.";
      throw new GantryError("exists-foreign", { what: `The repository ${project}/${template}`, problem });
    },
  });
}

async function findShipped(template: string): Promise<ShippedTemplate> {
  const all = await shippedTemplates();
  const found = all.get(template);
  if (found) return found;
  const names = [...all.keys()];
  const problem = `template: no template ${template} ships with Gantry${didYouMean(template, names)}; there are ${names.join(", ")}`;
  throw new GantryError("bad-input", { step: "git/push-template", problem });
}
