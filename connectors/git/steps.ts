// The steps of git: git/checkout, git/create-repository, git/render-template, git/commit-push.

import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { GitSystem } from "@gantry/core/site/systems.ts";
import { type StepOutcome, succeeded, waiting } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { baseOf, bringRevision, fillFolder } from "./checkout.ts";
import { bringTip, commitAndPush, type Draft, EFFECT_TRAILER, findPushed, hasChanges, messageOf } from "./commit.ts";
import { folderInside } from "./folders.ts";
import { carriesMarker, type GitHost, type HostRepository, markerOf } from "./host.ts";
import { openHost } from "./hosts.ts";
import { hasCommit, type Mirror, openMirror, resolveRevision } from "./mirror.ts";
import { tryLock } from "./mirror-lock.ts";
import { checkRemoteUrl, isBranchName, PROJECT, SLUG } from "./names.ts";
import { renderFolder } from "./template.ts";

/** Unknown fields are dropped, so that an app's whole `source` or `yaml` record can be given. */
const repositoryInput = z.object({
  system: z.string().optional(),
  project: z.string().regex(PROJECT),
  slug: z.string().regex(SLUG),
});
type RepositoryInput = z.output<typeof repositoryInput>;

const branchName = z.string().refine(isBranchName, "is not a branch name");
const MINUTES = 60_000;

const checkoutInput = z.strictObject({
  repository: repositoryInput,
  ref: z.string().min(1).max(250).optional(),
  directory: z.string().max(500).default("."),
  depth: z.int().min(1).max(100_000).optional(),
});
const checkoutOutput = z.object({
  commit: z.string(),
  shortCommit: z.string(),
  branch: z.string(),
  subject: z.string(),
  author: z.string(),
  directory: z.string(),
  cloneUrl: z.string(),
  url: z.string(),
});

export const checkout = defineStep({
  name: "git/checkout",
  title: "Check out",
  input: checkoutInput,
  output: checkoutOutput,
  needs: ["git"],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 15 * MINUTES,
  plan: async ({ input }) => [`check out ${input.ref ?? "the default branch"} of ${nameOf(input.repository)}`],
  run: async (context) => {
    const { input, signal } = context;
    const { host, mirror } = await openRepository(context, input.repository);
    const revision = await resolveRevision(mirror, input.ref);
    const unlock = tryLock(`${mirror.dir}.lock`);
    if (unlock === undefined) return waiting("another job is downloading the same repository", 500);
    const commit = await bringRevision(mirror, revision).finally(unlock);
    const folder = await folderInside(context.workspace, input.directory, "git/checkout");
    const made = await fillFolder(mirror, revision, { commit, folder, depth: input.depth }, signal);
    context.log(`${revision.name} is at ${commit.slice(0, 12)}: ${made.subject}`);
    return succeeded({
      ...made,
      shortCommit: commit.slice(0, 12),
      branch: revision.name,
      directory: input.directory,
      cloneUrl: mirror.remote.url,
      url: host.commitUrl(input.repository.project, input.repository.slug, commit),
    });
  },
});

const createInput = z.strictObject({
  repository: repositoryInput,
  description: z.string().max(200).default(""),
  private: z.boolean().default(true),
});
const createOutput = z.object({
  system: z.string(),
  project: z.string(),
  slug: z.string(),
  url: z.string(),
  cloneUrl: z.string(),
  defaultBranch: z.string(),
  created: z.boolean(),
});
type CreateContext = StepContext<z.output<typeof createInput>, "git">;

export const createRepository = defineStep({
  name: "git/create-repository",
  title: "Create a repository",
  input: createInput,
  output: createOutput,
  needs: ["git"],
  effects: ["create-repository", "delete-repository"],
  retry: USUAL_RETRY,
  timeoutMs: 10 * MINUTES,
  plan: async (context) => {
    const { system, host } = hostOf(context, context.input.repository);
    const { project, slug } = context.input.repository;
    const found = await host.getRepository(project, slug);
    if (found === undefined) return [`create repository ${project}/${slug} at ${system.name}`];
    return carriesMarker(found.description, markerOf(context.task)) ? [] : [`stop: ${project}/${slug} exists already`];
  },
  run: (context) =>
    withPauses(async () => {
      const { system, host } = hostOf(context, context.input.repository);
      const { project } = context.input.repository;
      const { slug, created } = await ensureRepository(context, host);
      const repository = await host.getRepository(project, slug);
      if (repository === undefined) {
        const problem = "it was made a moment ago and cannot be found";
        throw new GantryError("system-strange", { system: system.name, what: `read ${project}/${slug}`, problem });
      }
      if (!repository.ready) return waiting(`${system.name} is preparing ${project}/${slug}`, 1_000);
      context.log(`${created ? "created" : "found our own"} ${host.repositoryUrl(project, slug)}`);
      return succeeded({
        system: system.name,
        project,
        slug,
        url: host.repositoryUrl(project, slug),
        cloneUrl: host.cloneUrl(project, slug),
        defaultBranch: repository.defaultBranch ?? "main",
        created,
      });
    }),
  undo: async (context, output) => {
    if (!output.created) return;
    const { host } = hostOf(context, { ...context.input.repository, system: output.system });
    const { project, slug } = output;
    const isOurs = async () => {
      const found = await host.getRepository(project, slug);
      return found !== undefined && carriesMarker(found.description, markerOf(context.task));
    };
    if (!(await isOurs())) return;
    await context.effect({
      name: "delete-repository",
      what: `delete repository ${project}/${slug}`,
      probe: async () => ((await isOurs()) ? undefined : { deleted: true }),
      perform: async () => {
        await host.deleteRepository(project, slug);
        return { deleted: true };
      },
    });
  },
});

const renderInput = z.strictObject({
  from: z.string().max(500),
  into: z.string().max(500),
  values: z.record(z.string(), z.json()),
});
const renderOutput = z.object({ files: z.int() });

export const renderTemplate = defineStep({
  name: "git/render-template",
  title: "Render a template",
  input: renderInput,
  output: renderOutput,
  needs: [],
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 5 * MINUTES,
  plan: async ({ input }) => [`fill the template ${input.from} into ${input.into}`],
  run: async (context) => {
    const { workspace, input } = context;
    const from = await folderInside(workspace, input.from, "git/render-template");
    const into = await folderInside(workspace, input.into, "git/render-template");
    const files = await renderFolder(from, into, input.values);
    context.log(`${files} files`);
    return succeeded({ files });
  },
});

const RESERVED_TRAILERS = ["gantry-task", "gantry-actor", EFFECT_TRAILER.toLowerCase()];
const pushInput = z.strictObject({
  directory: z.string().max(500).default("."),
  repository: repositoryInput,
  branch: branchName.default("main"),
  message: z
    .string()
    .trim()
    .min(1)
    .max(10_000)
    .refine((text) => !text.includes("\0"), "holds a NUL"),
  trailers: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,60}$/), z.string().max(500))
    .refine(
      (all) => !Object.keys(all).some((name) => RESERVED_TRAILERS.includes(name.toLowerCase())),
      "names a trailer of ours",
    )
    .default({}),
  /** The first content of a branch: a branch that has commits already is left as it is. */
  onlyIfEmpty: z.boolean().default(false),
});
const pushOutput = z.object({ commit: z.string(), changed: z.boolean(), branch: z.string(), url: z.string() });
type PushContext = StepContext<z.output<typeof pushInput>, "git">;

export const commitPush = defineStep({
  name: "git/commit-push",
  title: "Commit and push",
  input: pushInput,
  output: pushOutput,
  needs: ["git"],
  effects: ["push"],
  retry: USUAL_RETRY,
  timeoutMs: 15 * MINUTES,
  plan: async ({ input }) => [`commit and push to ${input.branch} of ${nameOf(input.repository)}: ${input.message}`],
  run: async (context) => {
    const { input, task } = context;
    const { host, mirror } = await openRepository(context, input.repository);
    const { commit, changed } = await pushFolder(context, mirror);
    context.log(changed ? `pushed ${commit.slice(0, 12)} to ${input.branch}` : `nothing to push for ${task.pipeline}`);
    const url = host.commitUrl(input.repository.project, input.repository.slug, commit);
    return succeeded({ commit, changed, branch: input.branch, url });
  },
});

async function pushFolder(context: PushContext, mirror: Mirror): Promise<{ commit: string; changed: boolean }> {
  const { input, task, signal } = context;
  const folder = await folderInside(context.workspace, input.directory, "git/commit-push");
  // A folder that was checked out from another repository is only a folder here.
  const checkedOut = await baseOf(folder, signal);
  const base = checkedOut !== undefined && (await hasCommit(mirror, checkedOut)) ? checkedOut : undefined;
  const draft: Draft = { mirror, branch: input.branch, folder, base, atMs: task.requestedAtMs, signal };
  if (!(await hasChanges(draft))) {
    const tip = await bringTip(draft);
    if (tip !== undefined) return { commit: tip, changed: false };
  }
  return context.effect({
    name: "push",
    what: `push to ${input.branch} of ${nameOf(input.repository)}`,
    probe: async (key) => {
      const commit = await findPushed(draft, key);
      return commit === undefined ? undefined : { commit, changed: true };
    },
    perform: async (key) => {
      const first = input.onlyIfEmpty ? await bringTip(draft) : undefined;
      if (first !== undefined) return { commit: first, changed: false };
      const ours = { "Gantry-Task": task.id, "Gantry-Actor": task.requestedBy, [EFFECT_TRAILER]: key };
      return commitAndPush(draft, messageOf(input.message, { ...input.trailers, ...ours }), key);
    },
  });
}

/** Makes the repository unless ours is there. Throws `exists-foreign` for one that somebody else made. */
async function ensureRepository(context: CreateContext, host: GitHost): Promise<{ slug: string; created: boolean }> {
  const { project, slug } = context.input.repository;
  const marker = markerOf(context.task);
  const description = `${context.input.description} (${marker})`.trim();
  const isOurs = (found: HostRepository | undefined) => found !== undefined && carriesMarker(found.description, marker);
  let interrupted = false;
  return context.effect({
    name: "create-repository",
    what: `create repository ${project}/${slug}`,
    probe: async () => {
      interrupted = true;
      const found = await host.getRepository(project, slug);
      return found !== undefined && isOurs(found) ? { slug: found.slug, created: true } : undefined;
    },
    perform: async () => {
      const found = await host.getRepository(project, slug);
      if (found === undefined) {
        const wish = { project, slug, description, private: context.input.private, defaultBranch: "main" };
        const made = await host.createRepository(wish);
        if (made !== undefined) return { slug: made.slug, created: true };
        throw foreign(project, slug, "The host says that it exists, and this account cannot see it.");
      }
      if (isOurs(found)) return { slug: found.slug, created: false };
      // Ours from before a crash between its creation and its description: nobody has used it, nobody has described it.
      if (interrupted && found.description === "" && (await host.isEmpty(project, found.slug))) {
        await host.describeRepository(project, found.slug, description);
        return { slug: found.slug, created: true };
      }
      throw foreign(project, slug, `Its description does not hold "${marker}".`);
    },
  });
}

async function openRepository(
  context: Pick<StepContext<unknown, "git">, "system" | "fetch" | "signal" | "cache">,
  repository: RepositoryInput,
): Promise<{ readonly host: GitHost; readonly mirror: Mirror }> {
  const { system, host } = hostOf(context, repository);
  const url = checkRemoteUrl(host.cloneUrl(repository.project, repository.slug), {
    system: system.name,
    base: system.cloneBase ?? system.url,
  });
  const remote = { system: system.name, url, authorization: host.gitAuthorization() };
  return { host, mirror: await openMirror(join(context.cache), remote, context.signal) };
}

function hostOf(
  context: Pick<StepContext<unknown, "git">, "system" | "fetch" | "signal">,
  repository: RepositoryInput,
): { readonly system: GitSystem; readonly host: GitHost } {
  const system = context.system("git", repository.system);
  return { system, host: openHost({ system, fetch: context.fetch, signal: context.signal }) };
}

/** A host that asks for a pause gets one. */
async function withPauses<O>(run: () => Promise<StepOutcome<O>>): Promise<StepOutcome<O>> {
  try {
    return await run();
  } catch (error) {
    const pauseMs = error instanceof GantryError ? error.details.retryAfterMs : undefined;
    if (!(error instanceof GantryError) || typeof pauseMs !== "number") throw error;
    return waiting(`${String(error.details.system)} asks for a pause`, pauseMs);
  }
}

function nameOf({ project, slug }: RepositoryInput): string {
  return `${project}/${slug}`;
}

function foreign(project: string, slug: string, problem: string): GantryError {
  return new GantryError("exists-foreign", { what: `The repository ${project}/${slug}`, problem });
}
