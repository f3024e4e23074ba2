// Steps that ensure an app in Argo CD: its project, and the Application itself. Each is safe to repeat:
// what is already as wanted is not touched, and what people added stays.

import { GantryError } from "@gantry/core/errors.ts";
import { type StepOutcome, succeeded } from "@gantry/core/step/outcome.ts";
import type { Resource } from "@gantry/core/step/resource.ts";
import { defineStep, type StepContext, type TaskFacts, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { outlastRestart } from "../outlast.ts";
import { type ArgoCd, connect } from "./client.ts";
import { SEVERAL_SOURCES } from "./decide-sync.ts";
import {
  foreignReason,
  isOf,
  type Maker,
  madeBy,
  mergeApp,
  mergeProject,
  newApp,
  newProject,
  OWN_LABELS,
} from "./desired.ts";
import { type Application, hasSeveralSources, type Project, syncsItself } from "./model.ts";
import { deployersOf } from "./same-place.ts";

/** A Kubernetes object name. */
export const objectName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/,
    "must have only lower case letters, digits, `-` and `.`, and begin and end with a letter or digit",
  );
export const system = z.string().optional();
const namespace = z
  .string()
  .max(63)
  .regex(
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
    "must have only lower case letters, digits and hyphens, and begin and end with a letter or digit",
  );
const cluster = z.string().min(1).max(253);
const repoUrl = z.string().min(1).max(2_048);
/** Longer than the outage that `outlastRestart` waits for, so that a step ends with the reason and not by its limit. */
export const SETUP_LIMIT_MS = 900_000;

const projectInput = z.strictObject({
  project: objectName,
  description: z.string().max(255).optional(),
  sourceRepos: z.array(repoUrl).min(1),
  destinations: z.array(z.strictObject({ cluster, namespace: z.union([namespace, z.literal("*")]) })).min(1),
  system,
});

export const argocdEnsureProject = defineStep({
  name: "argocd/ensure-project",
  title: "Ensure the Argo CD project",
  input: projectInput,
  output: z.object({ project: z.string(), created: z.boolean() }),
  needs: ["argocd"],
  acts: ({ project, sourceRepos, destinations, system }) => [
    { kind: "argocd-project", access: "change", project, system },
    ...sourceRepos.map((url): Resource => ({ kind: "clone-url", access: "read", url })),
    ...destinations.map((place): Resource => ({ kind: "destination", access: "change", ...place, system })),
  ],
  effects: ["create-project", "update-project"],
  retry: USUAL_RETRY,
  timeoutMs: SETUP_LIMIT_MS,
  plan: async (context) => {
    const { input } = context;
    const client = connect(context.system("argocd", input.system), context);
    const there = await client.getProject(input.project);
    if (!there) return [`create the Argo CD project ${input.project}`];
    return mergeProject(there, input, await serversOf(client, there, input))
      ? [`add repositories and destinations to the Argo CD project ${input.project}`]
      : [];
  },
  run: (context) => outlastRestart(context, () => ensureProject(context)),
  undo: {
    find: async (context) => {
      const { project, system } = context.input;
      const found = await connect(context.system("argocd", system), context).getProject(project);
      if (!found || !madeBy(found, makerOf(context.task))) return whyNotMade(context.task, found, `project ${project}`);
      return { project, created: true };
    },
    remove: async (context, output) => {
      if (!output.created) return;
      const client = connect(context.system("argocd", context.input.system), context);
      const there = await client.getProject(output.project);
      if (there && !isOf(there, makerOf(context.task))) return keep(context, `project ${output.project}`);
      await client.deleteProject(output.project);
    },
  },
});

type ProjectContext = StepContext<z.output<typeof projectInput>, "argocd">;

async function ensureProject(context: ProjectContext): Promise<StepOutcome<{ project: string; created: boolean }>> {
  const { input, log } = context;
  const client = connect(context.system("argocd", input.system), context);
  const maker = makerOf(context.task);
  const there = await client.getProject(input.project);
  if (!there || madeBy(there, maker)) {
    const made = await context.effect({
      name: "create-project",
      what: `create the Argo CD project ${input.project}`,
      probe: async () => {
        const found = await client.getProject(input.project);
        return found && madeBy(found, maker) ? { created: true } : undefined;
      },
      perform: async () => {
        const created = await client.createProject(newProject(input, maker), input.project);
        // Another task was faster: the next call finds its project and adds to it.
        if (created === "exists-different") throw new GantryError("conflict", { what: `The project ${input.project}` });
        return { created: true };
      },
    });
    log(`created project ${input.project}`);
    return succeeded({ project: input.project, created: made.created });
  }
  const changed = mergeProject(there, input, await serversOf(client, there, input));
  if (changed) {
    await context.effect({
      name: "update-project",
      what: `add repositories and destinations to the Argo CD project ${input.project}`,
      probe: async () => undefined,
      perform: async () => {
        await client.updateProject(changed);
        return {};
      },
    });
  }
  log(`project ${input.project} exists${changed ? ", completed" : ""}`);
  return succeeded({ project: input.project, created: false });
}

/** Addresses of the clusters that are wanted, where the project permits clusters by their address. */
async function serversOf(
  client: ArgoCd,
  there: Project,
  { destinations }: { readonly destinations: readonly { readonly cluster: string }[] },
): Promise<ReadonlyMap<string, string>> {
  const servers = new Map<string, string>();
  if (!there.spec.destinations?.some(({ server }) => server !== undefined && server !== "")) return servers;
  for (const name of new Set(destinations.map((one) => one.cluster))) {
    const found = await client.getCluster(name);
    if (found) servers.set(name, found.server);
  }
  return servers;
}

const appInput = z.strictObject({
  app: objectName,
  project: objectName,
  repoUrl,
  path: z.string().min(1).max(1_024),
  targetRevision: z.string().min(1).max(255),
  cluster: cluster.describe("Argo CD's name of the cluster, not its address."),
  namespace,
  valueFiles: z
    .array(z.string().min(1).max(1_024))
    .max(50)
    .optional()
    .describe("Files of the repository with Helm values; of an app that people made, its own count."),
  autoSync: z.boolean().optional(),
  labels: z
    .record(z.string(), z.string().max(63))
    .refine((labels) => !OWN_LABELS.some((one) => Object.hasOwn(labels, one)), `may not set ${OWN_LABELS.join(", ")}`)
    .optional(),
  system,
});
const appOutput = z.object({ app: z.string(), created: z.boolean(), autoSync: z.boolean(), url: z.string() });

export const argocdEnsureApp = defineStep({
  name: "argocd/ensure-app",
  title: "Ensure the Argo CD app",
  input: appInput,
  output: appOutput,
  needs: ["argocd"],
  acts: ({ app, project, repoUrl: url, cluster, namespace, system }) => [
    { kind: "argocd-application", access: "change", app, project, system },
    { kind: "clone-url", access: "read", url },
    { kind: "destination", access: "change", cluster, namespace, system },
  ],
  effects: ["create-app", "update-app"],
  retry: USUAL_RETRY,
  timeoutMs: SETUP_LIMIT_MS,
  plan: async (context) => {
    const { input } = context;
    const there = await connect(context.system("argocd", input.system), context).getApplication(
      input.app,
      input.project,
    );
    if (!there) return [`create the Argo CD app ${input.app}: ${input.path} to ${input.cluster}/${input.namespace}`];
    return mergeApp(there, input, makerOf(context.task)) ? [`update the Argo CD app ${input.app}`] : [];
  },
  run: (context) => outlastRestart(context, () => ensureApp(context)),
  undo: {
    find: async (context) => {
      const { app, project, system } = context.input;
      const argocd = context.system("argocd", system);
      const found = await connect(argocd, context).getApplication(app, project);
      if (!found || !madeBy(found, makerOf(context.task))) return whyNotMade(context.task, found, `app ${app}`);
      return { app, created: true, autoSync: syncsItself(found), url: appUrl(argocd.url, found.metadata) };
    },
    remove: async (context, output) => {
      if (!output.created) return;
      const client = connect(context.system("argocd", context.input.system), context);
      const there = await client.getApplication(output.app, context.input.project);
      if (there && !isOf(there, makerOf(context.task))) return keep(context, `app ${output.app}`);
      await client.deleteApplication(output.app, context.input.project);
    },
  },
});

async function ensureApp(
  context: StepContext<z.output<typeof appInput>, "argocd">,
): Promise<StepOutcome<z.output<typeof appOutput>>> {
  const { input, log } = context;
  const argocd = context.system("argocd", input.system);
  const client = connect(argocd, context);
  const maker = makerOf(context.task);
  const answer = (there: Application, created: boolean) =>
    succeeded({ app: input.app, created, autoSync: syncsItself(there), url: appUrl(argocd.url, there.metadata) });

  const there = await client.getApplication(input.app, input.project);
  await requireOurs(context, client, there);
  if (!there || madeBy(there, maker)) {
    const { namespace: home, autoSync } = await context.effect({
      name: "create-app",
      what: `create the Argo CD app ${input.app}`,
      probe: async () => {
        const found = await client.getApplication(input.app, input.project);
        return found && madeBy(found, maker) ? madeFacts(found) : undefined;
      },
      perform: async () => {
        const created = await client.createApplication(newApp(input, maker), input.app, false);
        if (created !== "exists-different") return madeFacts(created);
        const problem = "It was made at the same time, or it is in another project.";
        throw new GantryError("exists-foreign", { what: `The Argo CD app ${input.app}`, problem });
      },
    });
    log(`created app ${input.app}`);
    const url = appUrl(argocd.url, { name: input.app, namespace: home });
    return succeeded({ app: input.app, created: true, autoSync, url });
  }
  const server = (await client.getCluster(input.cluster))?.server;
  const changed = mergeApp(there, { ...input, server }, maker);
  if (!changed) return answer(there, false);
  await context.effect({
    name: "update-app",
    what: `update the Argo CD app ${input.app}`,
    probe: async () => undefined,
    perform: async () => {
      await client.createApplication(changed, input.app, true);
      return {};
    },
  });
  log(`updated app ${input.app}`);
  return answer((await client.getApplication(input.app, input.project)) ?? there, false);
}

const placeInput = appInput.omit({ targetRevision: true, valueFiles: true, autoSync: true, labels: true });
type PlaceContext = StepContext<z.output<typeof placeInput>, "argocd">;

/** Before the commit, because an application that is there may deploy it although this task will not. */
export const argocdRequireApp = defineStep({
  name: "argocd/require-app",
  title: "Verify that the Argo CD app can be ensured",
  input: placeInput,
  output: z.object({ app: z.string(), exists: z.boolean() }),
  needs: ["argocd"],
  acts: ({ app, project, repoUrl: url, cluster, namespace, system }) => [
    { kind: "argocd-application", access: "read", app, project, system },
    { kind: "clone-url", access: "read", url },
    { kind: "destination", access: "read", cluster, namespace, system },
  ],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: SETUP_LIMIT_MS,
  plan: async () => [],
  run: (context) =>
    outlastRestart(context, async () => {
      const { app, project, system } = context.input;
      const client = connect(context.system("argocd", system), context);
      const there = await client.getApplication(app, project);
      await requireOurs(context, client, there);
      return succeeded({ app, exists: there !== undefined });
    }),
});

/** Throws when the app may not be made or changed. */
async function requireOurs(context: PlaceContext, client: ArgoCd, there: Application | undefined): Promise<void> {
  const { input, task, system } = context;
  const maker = makerOf(task);
  if (!there) return refuseSecond(context, client);
  if (madeBy(there, maker)) return;
  if (hasSeveralSources(there)) {
    const what = `update app ${input.app}`;
    throw new GantryError("system-refused", {
      system: system("argocd", input.system).name,
      what,
      problem: SEVERAL_SOURCES,
    });
  }
  const problem = foreignReason(there, input, maker);
  if (problem !== undefined) throw new GantryError("exists-foreign", { what: `The Argo CD app ${input.app}`, problem });
}

/** Two applications over one folder would fight over the same objects. */
async function refuseSecond({ input }: PlaceContext, client: ArgoCd): Promise<void> {
  const all = await client.listApplications(input.repoUrl);
  const server = (await client.getCluster(input.cluster))?.server;
  const [other] = deployersOf(all, { ...input, server });
  if (!other) return;
  const { project } = other.spec;
  throw new GantryError("application-exists", {
    application: other.metadata.name,
    path: input.path,
    namespace: input.namespace,
    hint: project === input.project ? "" : `, and \`argocd: { project: ${project} }\` into the record of the app`,
  });
}

/** Address of the app's page; Argo CD serves it below its own URL. */
export function appUrl(base: string, app: { readonly name: string; readonly namespace?: string | undefined }): string {
  return `${base}/applications/${app.namespace === undefined ? "" : `${app.namespace}/`}${app.name}`;
}

function keep({ log }: Pick<StepContext<unknown>, "log">, what: string): void {
  log(`kept the Argo CD ${what}: it is not the one that was created for this app`);
}

function whyNotMade({ id }: TaskFacts, found: unknown, what: string): string {
  if (found === undefined) return `there is no ${what}`;
  return `the ${what} stays: task ${id} may have made it, but it does not carry its mark`;
}

function makerOf(task: TaskFacts): Maker {
  return { app: task.app, formerNames: task.formerNames, task: task.id, url: task.url };
}

function madeFacts(app: Application): { namespace: string; autoSync: boolean } {
  return { namespace: app.metadata.namespace ?? "argocd", autoSync: syncsItself(app) };
}
