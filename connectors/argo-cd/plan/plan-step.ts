// argocd/plan: what a deployment would change at one target, before there is a commit. It changes nothing.
// Argo CD renders the newest commit of the branch; the images that ours would set are put into what it has rendered.

import { createHash } from "node:crypto";
import { canonicalJson } from "@gantry/core/canonical-json.ts";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { failed, failureOf, succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { stringify } from "yaml";
import { z } from "zod";
import { isDigest } from "../../oci/reference.ts";
import { outlastRestart } from "../../outlast.ts";
import { type ArgoCd, connect } from "../client.ts";
import {
  type Application,
  hasSeveralSources,
  isAt,
  type ManagedResource,
  short,
  stateOf,
  syncsItself,
} from "../model.ts";
import { application, placeInput } from "../place.ts";
import { samePath } from "../same-place.ts";
import { decidePlan, objectInWords, type PlannedObject } from "./decide-plan.ts";
import { decideWarnings, fails, isCustom, type Warning } from "./decide-warnings.ts";
import type { PlannedImage } from "./planned-images.ts";
import { unifiedDiff } from "./unified-diff.ts";

const text = z.string().max(1_024);
const input = z.strictObject({
  ...placeInput.shape,
  target: z.string().min(1).max(120).describe("The name of the target, for people."),
  path: text.describe("The folder that Argo CD renders."),
  cluster: z.string().min(1).max(253),
  namespace: z.string().max(253),
  images: z
    .array(z.strictObject({ name: text, repository: text, digest: z.string().refine(isDigest, "must be a digest") }))
    .max(50)
    .describe("The images of the build, as host/project/name."),
  changes: z
    .array(z.looseObject({ place: text, image: text, old: text, new: text }))
    .max(2_000)
    .default([])
    .describe("What yaml/set-images has changed for this target."),
  expected: z
    .array(z.string().max(80))
    .max(500)
    .default([])
    .describe("Hashes of plans that somebody has seen. With any, the plan must be one of them."),
});
type Input = z.output<typeof input>;

const warning = z.object({ code: z.string(), severity: z.enum(["fails", "careful", "unknown"]), text: z.string() });
const resource = z.object({
  kind: z.string(),
  name: z.string(),
  namespace: z.string(),
  action: z.enum(["add", "change", "remove"]),
});
const output = z.object({
  target: z.string(),
  application: z.string(),
  /** False: `problem` says why it cannot be known what changes. */
  known: z.boolean(),
  problem: z.string(),
  /** The commit that was rendered. */
  commit: z.string(),
  /** Of everything that people decide by: changes and warnings. */
  hash: z.string(),
  resources: z.array(resource),
  changes: z.array(z.string()),
  warnings: z.array(warning),
  /** As `diff -u`, at most 24,000 characters; the log has all of it. */
  diff: z.string(),
});
type Plan = z.output<typeof output>;
type Context = StepContext<Input, "argocd">;

const MAX_DIFF = 24_000;
const MAX_RESOURCES = 200;
const MAX_WORDS = 200;

export const argocdPlan = defineStep({
  name: "argocd/plan",
  title: "Show what the deployment will change",
  input,
  output,
  needs: ["argocd"],
  acts: (given) => [application(given, "read")],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 900_000,
  plan: async ({ input: { app, revision } }) => [`compare ${app} with ${short(revision)}`],
  run: (context) =>
    outlastRestart(context, async () => {
      const plan = await planOf(context, connect(context.system("argocd", context.input.system), context));
      const { diff, ...words } = plan;
      for (const line of inLines(words)) context.log(line);
      for (const line of diff === "" ? [] : diff.split("\n")) context.log(line);
      const { expected, target } = context.input;
      if (expected.length > 0 && !expected.includes(plan.hash)) {
        const now = words.changes.length === 0 ? inLines(words)[0] : `Now: ${words.changes.slice(0, 5).join(". ")}.`;
        return failed(failureOf(new GantryError("plan-changed", { target, now: now ?? "" })));
      }
      return succeeded({ ...plan, diff: truncate(diff, MAX_DIFF) });
    }),
});

async function planOf({ input: given }: Context, client: ArgoCd): Promise<Plan> {
  const { app: name, project, revision, cluster } = given;
  const app = await client.getApplication(name, project);
  if (!app)
    return unknownPlan(
      given,
      `The application ${name} does not exist yet, so Argo CD cannot render it: everything in ${given.path} will be new`,
    );
  const moved = movedIn(app, given);
  if (moved) return unknownPlan(given, moved);
  const managed = await client.managedResources(name, project);
  const compared = hasComparisonError(app) ? undefined : app.status.sync;
  const isCurrent = compared !== undefined && isAt(compared, revision);
  if (!isCurrent && hasSeveralSources(app))
    return unknownPlan(
      given,
      `The application ${name} has several sources, and Argo CD has not yet compared it with ${short(revision)}`,
    );
  const answer = isCurrent ? undefined : await client.manifests(name, project, revision);
  if (answer && "problem" in answer) {
    const problem = `Argo CD cannot render ${short(revision)}: ${truncate(answer.problem, 800)}`;
    return unknownPlan(given, problem, [
      fails("not-rendered", "Argo CD cannot render what is in git, so the sync fails"),
    ]);
  }
  const rendered = answer?.manifests
    .map(stateOf)
    .filter(isJsonObject)
    .filter((one) => !isHook(one));
  const images = plannedImages(given);
  const planned = decidePlan({ rendered, managed, images });
  const needsKinds = planned.objects.some((one) => one.action === "add" && isCustom(one));
  const served = needsKinds ? (await client.getCluster(cluster))?.info?.apiVersions : undefined;
  const warnings = decideWarnings({
    app,
    planned,
    images,
    namespace: given.namespace,
    ...liveFacts(managed),
    served: served ?? undefined,
    keepsRemoved: syncsItself(app) && app.spec.syncPolicy?.automated?.prune !== true,
  });
  return knownPlan(given, planned.objects, warnings);
}

/** CD points the application at another place first; Argo CD cannot render for that before. */
function movedIn({ spec: { source } }: Application, { path }: Input): string | undefined {
  if (!source || samePath(source.path, path)) return undefined;
  return `The application deploys ${source.path ?? "the whole repository"} now, and CD makes it deploy ${path}`;
}

function hasComparisonError(app: Application): boolean {
  return app.status.conditions?.some(({ type }) => type === "ComparisonError" || type === "InvalidSpecError") ?? false;
}

function isHook(manifest: JsonObject): boolean {
  const metadata = isJsonObject(manifest.metadata) ? manifest.metadata : {};
  const annotations = isJsonObject(metadata.annotations) ? metadata.annotations : {};
  return annotations["argocd.argoproj.io/hook"] !== undefined || annotations["helm.sh/hook"] !== undefined;
}

function plannedImages({ images, changes }: Input): readonly PlannedImage[] {
  return changes.flatMap(({ place, image, old }) => {
    const found = images.find(({ name }) => name === image);
    if (!found) return [];
    const entry = /^images\[name=(.+)\]$/.exec(place)?.[1];
    return [{ name: image, repository: found.repository, ref: `${found.repository}@${found.digest}`, old, entry }];
  });
}

function liveFacts(managed: readonly ManagedResource[]) {
  const live = managed.filter((one) => stateOf(one.liveState ?? one.normalizedLiveState) !== undefined);
  return {
    liveNamespaces: new Set(live.flatMap(({ namespace }) => (namespace ? [namespace] : []))),
    liveKinds: new Set(live.map(({ group = "", kind }) => `${group}/${kind}`)),
  };
}

function knownPlan(given: Input, objects: readonly PlannedObject[], warnings: readonly Warning[]): Plan {
  const words = objects.flatMap(objectInWords);
  const resources = objects.map(({ kind, name, namespace, action }) => ({ kind, name, namespace, action }));
  const content = {
    objects: objects.map(({ before, after, ...rest }) => ({ ...rest, after: after ?? null })),
    warnings,
  };
  return {
    ...headOf(given),
    known: true,
    problem: "",
    hash: hashOf(given, content),
    resources: resources.slice(0, MAX_RESOURCES),
    changes: words.slice(0, MAX_WORDS),
    warnings: [...warnings],
    diff: objects.map(diffOf).join("\n"),
  };
}

function unknownPlan(given: Input, problem: string, warnings: readonly Warning[] = []): Plan {
  return {
    ...headOf(given),
    known: false,
    problem,
    hash: hashOf(given, { problem, warnings }),
    resources: [],
    changes: [],
    warnings: [...warnings],
    diff: "",
  };
}

function headOf({ target, app, revision }: Input): Pick<Plan, "target" | "application" | "commit"> {
  return { target, application: app, commit: revision };
}

/** Not of the commit: in a repository of many apps, another app's commit changes nothing here. */
function hashOf({ target, app, images }: Input, content: object): string {
  const all = JSON.parse(JSON.stringify({ target, app, images, ...content })) as JsonValue;
  return `sha256:${createHash("sha256").update(canonicalJson(all)).digest("hex")}`;
}

function diffOf({ kind, name, before, after }: PlannedObject): string {
  const yaml = (object: JsonObject | undefined): string => (object ? stringify(object, { sortMapEntries: true }) : "");
  return unifiedDiff(`${kind}/${name}`, yaml(before), yaml(after));
}

function inLines({ known, problem, changes, resources, warnings }: Omit<Plan, "diff">): readonly string[] {
  const summary = !known
    ? `${problem}.`
    : resources.length === 0
      ? "Nothing changes."
      : `${counted(resources.length, "object")} will change:`;
  return [summary, ...changes, ...warnings.map((one) => `${PREFIX[one.severity]}: ${one.text}.`)];
}

const PREFIX = { fails: "The sync will fail", careful: "Careful", unknown: "Not known" } as const;
