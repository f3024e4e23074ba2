// The steps of git: git/checkout, git/create-repository, git/render-template, git/commit-push.

import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { type StepOutcome, succeeded, waiting } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { EFFECT_TRAILER } from "@gantry/core/webhook/own-commits.ts";
import { tryLock } from "@gantry/runtime/lock.ts";
import { z } from "zod";
import { outlastRestart } from "../outlast.ts";
import { baseOf, branchOfCommit, bringRevision, fillFolder } from "./checkout.ts";
import { bringTip, commitAndPush, type Draft, findPushed, hasChanges, messageOf } from "./commit.ts";
import { fillContents } from "./contents.ts";
import { ensureRepository, findUnfinished, removeRepository } from "./ensure-repository.ts";
import { folderInside } from "./folders.ts";
import { carriesMarker, type GitHost, type HostRepository, markerOf } from "./host.ts";
import { hasCommit, type Mirror, type Revision, resolveRevision } from "./mirror.ts";
import { isBranchName } from "./names.ts";
import { requireOwnCommit } from "./own-commit.ts";
import { hostOf, nameOf, openRepository, repositoryInput, runtimeOf, withPauses } from "./step-parts.ts";
import { renderFolder } from "./templates/template.ts";

const branchName = z.string().refine(isBranchName, "must be the name of a branch");
const MINUTES = 60_000;

const checkoutInput = z.strictObject({
  repository: repositoryInput,
  ref: z.string().min(1).max(250).optional(),
  branch: branchName
    .optional()
    .describe(
      "Where `ref` is a commit: if this branch has it, the output `branch` is its name; else that of the one branch whose newest commit it is; else the commit.",
    ),
  directory: z.string().max(500).default("."),
  depth: z.int().min(1).max(100_000).optional(),
  /** Submodules of the same host, with the same account. */
  submodules: z.boolean().default(true),
  /** Files of Git LFS in place of their pointers. */
  lfs: z.boolean().default(true),
  forApp: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe("Only a repository that the site lets an app of this name have, also where the pipeline is not limited."),
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
  /** See `fileUrl` of host.ts. */
  fileUrl: z.string(),
});

type CheckoutContext = StepContext<z.output<typeof checkoutInput>, "git">;

export const checkout = defineStep({
  name: "git/checkout",
  title: "Check out",
  input: checkoutInput,
  output: checkoutOutput,
  needs: ["git"],
  acts: ({ repository, forApp }) => [
    { kind: "repository", access: "read", ...repository, ...(forApp === undefined ? {} : { forApp }) },
  ],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 15 * MINUTES,
  plan: async ({ input }) => [`check out ${input.ref ?? "the default branch"} of ${nameOf(input.repository)}`],
  run: (context) => outlastRestart(context, () => checkOut(context)),
});

async function checkOut(context: CheckoutContext): Promise<StepOutcome<z.output<typeof checkoutOutput>>> {
  const { input } = context;
  const { host, mirror } = await openRepository(context, input.repository);
  const revision = await resolveRevision(mirror, input.ref);
  const unlock = tryLock(`${mirror.dir}.lock`);
  if (unlock === undefined) return waiting("another job is downloading the same repository", 500);
  const { commit, branch } = await bringBoth(mirror, revision, input.branch, context.task.forkCommit).finally(unlock);
  const folder = await folderInside(context.workspace, input.directory, "git/checkout");
  const { depth, submodules, lfs } = input;
  const { cache, fetch, log } = context;
  const runtime = runtimeOf(context);
  const { git, entries, ...made } = await fillFolder(mirror, revision, { commit, folder, depth }, runtime);
  await fillContents(
    { runtime, cache, fetch, depth, submodules, lfs, log, require: context.require },
    { mirror, git, folder, commit, entries },
  );
  context.log(`${revision.name} is at ${commit.slice(0, 12)}: ${made.subject}`);
  return succeeded({
    ...made,
    shortCommit: commit.slice(0, 12),
    branch,
    directory: input.directory,
    cloneUrl: mirror.remote.url,
    url: host.commitUrl(input.repository.project, input.repository.slug, commit),
    fileUrl: host.fileUrl(input.repository.project, input.repository.slug, commit),
  });
}

/**
 * The commit, and what it is of. A commit is only of a branch that really has it. Throws `commit-not-own` for one that no branch or tag
 * has, unless it is of a fork and a person has let it run.
 */
async function bringBoth(
  mirror: Mirror,
  revision: Revision,
  expected: string | undefined,
  forkCommit: string | undefined,
): Promise<{ readonly commit: string; readonly branch: string }> {
  const commit = await bringRevision(mirror, revision);
  if (revision.kind === "commit" && commit !== forkCommit) await requireOwnCommit(mirror, commit);
  // Everybody may push tags where branches are protected: a tag with the name of the release branch is no release branch.
  if (revision.kind === "tag") return { commit, branch: `refs/tags/${revision.name}` };
  const isCommit = revision.kind === "commit" && expected !== undefined;
  return { commit, branch: (isCommit && (await branchOfCommit(mirror, commit, expected))) || revision.name };
}

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
  acts: ({ repository }) => [{ kind: "repository", access: "create", ...repository }],
  effects: ["create-repository", "delete-repository"],
  retry: USUAL_RETRY,
  timeoutMs: 15 * MINUTES,
  plan: async (context) => {
    const { system, host } = hostOf(context, context.input.repository);
    const { project, slug } = context.input.repository;
    const found = await host.getRepository(project, slug);
    if (found === undefined) return [`create repository ${project}/${slug} at ${system.name}`];
    return carriesMarker(found.description, markerOf(context.task)) ? [] : [`stop: ${project}/${slug} exists already`];
  },
  run: (context) => outlastRestart(context, () => withPauses(() => createOnce(context))),
  undo: {
    find: async (context, result) => {
      const { system, host } = hostOf(context, context.input.repository);
      const { project, slug } = context.input.repository;
      const found = await findUnfinished(context, host, { project, slug, result });
      return typeof found === "string"
        ? found
        : outputOf(system.name, host, { project, slug: found.slug, created: true }, found);
    },
    remove: async (context, output) => {
      if (!output.created) return;
      const { host } = hostOf(context, { ...context.input.repository, system: output.system });
      const { project, slug, system } = output;
      const open = async () => (await openRepository(context, { project, slug, system })).mirror;
      await removeRepository(context, host, output, open);
    },
  },
});

async function createOnce(context: CreateContext): Promise<StepOutcome<z.output<typeof createOutput>>> {
  const { system, host } = hostOf(context, context.input.repository);
  const { project } = context.input.repository;
  const wanted = { project, slug: context.input.repository.slug, ...context.input };
  const { slug, created } = await ensureRepository(context, host, wanted);
  const repository = await host.getRepository(project, slug);
  if (repository === undefined) {
    const problem = "it was made a moment ago and cannot be found";
    throw new GantryError("system-strange", { system: system.name, what: `read ${project}/${slug}`, problem });
  }
  if (!repository.ready) return waiting(`${system.name} is preparing ${project}/${slug}`, 1_000);
  context.log(`${created ? "created" : "found our own"} ${host.repositoryUrl(project, slug)}`);
  return succeeded(outputOf(system.name, host, { project, slug, created }, repository));
}

function outputOf(
  system: string,
  host: GitHost,
  { project, slug, created }: { readonly project: string; readonly slug: string; readonly created: boolean },
  { defaultBranch }: HostRepository,
): z.output<typeof createOutput> {
  return {
    system,
    project,
    slug,
    url: host.repositoryUrl(project, slug),
    cloneUrl: host.cloneUrl(project, slug),
    defaultBranch: defaultBranch ?? "main",
    created,
  };
}

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
  acts: () => [],
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 5 * MINUTES,
  plan: async ({ input }) => [`fill the template ${input.from} into ${input.into}`],
  run: async (context) => {
    const { workspace, input } = context;
    const from = await folderInside(workspace, input.from, "git/render-template");
    const into = await folderInside(workspace, input.into, "git/render-template");
    const files = await renderFolder(from, into, input.values);
    context.log(counted(files, "file"));
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
    .refine((text) => !text.includes("\0"), "must not contain a NUL character"),
  trailers: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,60}$/), z.string().max(500))
    .refine(
      (all) => !Object.keys(all).some((name) => RESERVED_TRAILERS.includes(name.toLowerCase())),
      "must not name a trailer that Gantry sets itself",
    )
    .default({}),
  /** Pushes only the first content of a branch: a branch that already has commits is left as it is. */
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
  acts: ({ repository }) => [{ kind: "repository", access: "change", ...repository }],
  effects: ["push"],
  retry: USUAL_RETRY,
  timeoutMs: 15 * MINUTES,
  plan: async ({ input }) => [`commit and push to ${input.branch} of ${nameOf(input.repository)}: ${input.message}`],
  run: (context) =>
    outlastRestart(context, async () => {
      const { input, task, log } = context;
      const { host, mirror } = await openRepository(context, input.repository);
      const { commit, changed } = await pushFolder(context, mirror);
      log(changed ? `pushed ${commit.slice(0, 12)} to ${input.branch}` : `nothing to push for ${task.pipeline}`);
      const url = host.commitUrl(input.repository.project, input.repository.slug, commit);
      return succeeded({ commit, changed, branch: input.branch, url });
    }),
});

async function pushFolder(context: PushContext, mirror: Mirror): Promise<{ commit: string; changed: boolean }> {
  const { input, task } = context;
  const folder = await folderInside(context.workspace, input.directory, "git/commit-push");
  // A checkout of another repository is treated as an ordinary folder.
  const checkedOut = await baseOf(folder, runtimeOf(context));
  const base = checkedOut !== undefined && (await hasCommit(mirror, checkedOut)) ? checkedOut : undefined;
  const draft: Draft = {
    mirror,
    branch: input.branch,
    folder,
    base,
    atMs: task.requestedAtMs,
    runtime: runtimeOf(context),
  };
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
