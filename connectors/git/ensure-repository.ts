// Ensures that a repository exists once, marked with the app that Gantry created it for.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { RunEffect, TaskFacts } from "@gantry/core/step/step.ts";
import { carriesMarker, type GitHost, type HostRepository, markerOf } from "./host.ts";
import type { Mirror } from "./mirror.ts";
import { signOfOthers } from "./own-commit.ts";

export type WantedRepository = {
  readonly project: string;
  readonly slug: string;
  /** For people; the marker is added. */
  readonly description: string;
  readonly private: boolean;
};
type Context = { readonly task: TaskFacts; readonly effect: RunEffect };

/**
 * Creates the repository unless ours exists. Throws `exists-foreign` for one that was created by someone else, before an
 * effect is recorded: what the record says has begun was not there before.
 */
export async function ensureRepository(
  context: Context,
  host: GitHost,
  wanted: WantedRepository,
): Promise<{ slug: string; created: boolean }> {
  const { project, slug } = wanted;
  const marker = markerOf(context.task);
  const description = `${wanted.description} (${marker})`.trim();
  const isOurs = (found: HostRepository) => carriesMarker(found.description, marker);
  // It may be ours, from before a crash between its creation and its description.
  const isBlank = async (found: HostRepository) =>
    found.description === "" && (await host.isEmpty(project, found.slug));
  const there = await host.getRepository(project, slug);
  if (there !== undefined && !isOurs(there) && !(await isBlank(there))) throw notMarked(wanted, marker);
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
      if (there === undefined) {
        const desired = { project, slug, description, private: wanted.private, defaultBranch: "main" };
        const made = await host.createRepository(desired);
        if (made !== undefined) return { slug: made.slug, created: true };
        throw foreign(project, slug, "The host says that it exists, and this account cannot see it.");
      }
      if (isOurs(there)) return { slug: there.slug, created: false };
      if (!interrupted) throw notMarked(wanted, marker);
      await host.describeRepository(project, there.slug, description);
      return { slug: there.slug, created: true };
    },
  });
}

/**
 * The repository that a task began to create, without having come to its end. A text if there is none, or if it is not surely
 * of that task: without the marker, or with commits, which that task had not pushed.
 */
export async function findUnfinished(
  { task }: Pick<Context, "task">,
  host: GitHost,
  { project, slug, result }: { project: string; slug: string; result: JsonObject | undefined },
): Promise<HostRepository | string> {
  const name = `${project}/${slug}`;
  const found = await host.getRepository(project, slug);
  if (found === undefined) return `there is no repository ${name}`;
  const marker = markerOf(task);
  const stays = `the repository ${name} stays: task ${task.id} may have made it, but it`;
  if (!carriesMarker(found.description, marker)) return `${stays}s description does not hold "${marker}"`;
  if (result?.created !== true && !(await host.isEmpty(project, found.slug))) return `${stays} has commits by now`;
  return found;
}

/**
 * Deletes a repository, unless it is gone already, is not, or no longer, marked as made for this task's app, or has commits of others.
 * `open`: its mirror. What is pushed in the moment of the deletion is lost: no host deletes on a condition.
 */
export async function removeRepository(
  context: Context & { readonly log: (line: string) => void },
  host: GitHost,
  { project, slug }: { readonly project: string; readonly slug: string },
  open: () => Promise<Mirror>,
): Promise<void> {
  const isOurs = async () => {
    const found = await host.getRepository(project, slug);
    return found !== undefined && carriesMarker(found.description, markerOf(context.task));
  };
  if (!(await isOurs())) return;
  const others = await signOfOthers(await open());
  if (others !== undefined) {
    context.log(`kept the repository ${host.repositoryUrl(project, slug)}: ${others}`);
    return;
  }
  await context.effect({
    name: "delete-repository",
    what: `delete repository ${project}/${slug}`,
    probe: async () => ((await isOurs()) ? undefined : { deleted: true }),
    perform: async () => {
      await host.deleteRepository(project, slug);
      return { deleted: true };
    },
  });
}

function notMarked({ project, slug }: WantedRepository, marker: string): GantryError {
  return foreign(project, slug, `Its description does not hold "${marker}".`);
}

function foreign(project: string, slug: string, problem: string): GantryError {
  return new GantryError("exists-foreign", { what: `The repository ${project}/${slug}`, problem });
}
