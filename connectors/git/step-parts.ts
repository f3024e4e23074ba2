// What the steps of git share: how they name a repository, and how they reach it.

import { GantryError } from "@gantry/core/errors.ts";
import type { GitSystem } from "@gantry/core/site/systems.ts";
import { type StepOutcome, waiting } from "@gantry/core/step/outcome.ts";
import type { StepContext } from "@gantry/core/step/step.ts";
import { connectionProblem } from "@gantry/core/system-error-words.ts";
import { z } from "zod";
import type { GitRuntime, Remote } from "./git.ts";
import type { GitHost } from "./host.ts";
import { openHost } from "./hosts.ts";
import { type Mirror, openMirror } from "./mirror.ts";
import { checkRemoteUrl, PROJECT, SLUG } from "./names.ts";

/** Unknown fields are dropped, so that an app's whole `source` or `yaml` record can be given. */
export const repositoryInput = z.object({
  system: z.string().optional(),
  project: z.string().regex(PROJECT, "must be the key of a project or workspace, such as ORD"),
  slug: z.string().regex(SLUG, "must be the name of a repository: letters, digits, `_`, `.` and `-`"),
});
export type RepositoryInput = z.output<typeof repositoryInput>;

/** A repository with its host and its mirror. */
export async function openRepository(
  context: Pick<
    StepContext<unknown, "git">,
    "system" | "fetch" | "signal" | "cache" | "environment" | "checkoutLimits"
  >,
  repository: RepositoryInput,
): Promise<{ readonly host: GitHost; readonly mirror: Mirror }> {
  const { system, host } = hostOf(context, repository);
  await host.requireProject?.(repository.project, repository.slug);
  const url = checkRemoteUrl(host.cloneUrl(repository.project, repository.slug), {
    system: system.name,
    base: system.cloneBase ?? system.url,
  });
  const { ca, insecureSkipVerify } = system;
  const remote: Remote = {
    system: system.name,
    url,
    authorization: host.gitAuthorization(),
    tls: { ca, insecureSkipVerify },
    mustBeGit: (address) => mustBeGit(context, remote, address),
  };
  return { host, mirror: await openMirror(context.cache, remote, runtimeOf(context)) };
}

const ADVERTISEMENT_MS = 30_000;
const ADVERTISEMENT = "application/x-git-upload-pack-advertisement";

async function mustBeGit(
  { fetch, signal }: Pick<StepContext<unknown>, "fetch" | "signal">,
  { system, authorization }: Remote,
  url: string,
): Promise<void> {
  const what = `read ${url}`;
  const timeout = AbortSignal.timeout(ADVERTISEMENT_MS);
  const answer = await fetch(`${url}/info/refs?service=git-upload-pack`, {
    headers: { authorization, "user-agent": "git/gantry" },
    redirect: "manual",
    signal: AbortSignal.any([signal, timeout]),
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new GantryError("system-unavailable", { system, what, problem: connectionProblem(error) });
  });
  await answer.body?.cancel();
  const { status, headers } = answer;
  if (status === 200 && headers.get("content-type") === ADVERTISEMENT) return;
  const problem = `status ${status} came, and not from git`;
  throw new GantryError("system-unavailable", { system, what, problem, status });
}

export function hostOf(
  context: Pick<StepContext<unknown, "git">, "system" | "fetch" | "signal">,
  repository: RepositoryInput,
): { readonly system: GitSystem; readonly host: GitHost } {
  const system = context.system("git", repository.system);
  return { system, host: openHost({ system, fetch: context.fetch, signal: context.signal }) };
}

export function runtimeOf({
  environment,
  signal,
  checkoutLimits,
}: Pick<StepContext<unknown>, "environment" | "signal" | "checkoutLimits">): GitRuntime {
  return { environment, signal, limits: checkoutLimits };
}

/** When the host asks for a pause, the step waits that long. */
export async function withPauses<O>(run: () => Promise<StepOutcome<O>>): Promise<StepOutcome<O>> {
  try {
    return await run();
  } catch (error) {
    const pauseMs = error instanceof GantryError ? error.details.retryAfterMs : undefined;
    if (!(error instanceof GantryError) || typeof pauseMs !== "number") throw error;
    return waiting(`${String(error.details.system)} asks for a pause`, pauseMs);
  }
}

export function nameOf({ project, slug }: RepositoryInput): string {
  return `${project}/${slug}`;
}
