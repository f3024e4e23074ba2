// What the step that polls a git host hands over, and what it means. It comes from a runner, so it is checked. Pure.

import { z } from "zod";
import type { PushFacts, RefChange, RepositoryName } from "../webhook/delivery.ts";
import { isRefName } from "../webhook/refs.ts";
import type { RefDifference } from "./refs.ts";

const commit = z.string().regex(/^[0-9a-f]{40}$/);
/** `PROJECT/name`. */
const repository = z.string().min(1).max(500);

const polledChange = z.object({
  ref: z
    .string()
    .regex(/^refs\/(heads|tags)\/./)
    .max(300),
  before: commit.optional(),
  commit: commit.optional(),
  isForced: z.boolean().optional(),
  message: z.string().max(10_000).optional(),
  author: z.string().max(300).optional(),
  authorEmail: z.string().max(300).optional(),
  url: z.string().max(2_000).optional(),
  paths: z.array(z.string().max(4_096)).max(1_000).optional(),
  isNoCommit: z.literal(true).optional().describe("A tag of a file or a folder: it starts nothing"),
});
export type PolledChange = z.output<typeof polledChange>;

export const polled = z.object({
  changed: z.array(repository).describe("Repositories whose branches or tags are not those that are known"),
  found: z
    .array(
      z.object({
        repository,
        refs: z.string().max(60_000).optional().describe("All branches and tags, where none were known"),
        changes: z.array(polledChange).max(200),
        isWhole: z.boolean().describe("Whether these are all changes"),
      }),
    )
    .describe("What has changed in those that were to be read"),
  failed: z.array(z.object({ repository, problem: z.string().max(2_000) })),
  provider: z.string().max(50).describe("The kind of the git host"),
});
export type Polled = z.output<typeof polled>;

/** What a webhook of the same changes would have said. */
export function pushOf(repository: RepositoryName, changes: readonly PolledChange[]): PushFacts {
  return {
    kind: "push",
    repository,
    changes: changes.flatMap(({ ref, isNoCommit, ...change }): RefChange[] => {
      const [, folder, name = ""] = /^refs\/(heads|tags)\/(.+)$/s.exec(ref) ?? [];
      if (folder === undefined || isNoCommit || !isRefName(name)) return [];
      return [{ ...change, ref: folder === "heads" ? "branch" : "tag", name }];
    }),
  };
}

export function differenceOf({ ref, commit: after }: PolledChange): RefDifference {
  return { ref, ...(after === undefined ? {} : { commit: after }) };
}

/** `PROJECT/name` → its parts. */
export function repositoryNamed(text: string): RepositoryName {
  const at = text.lastIndexOf("/");
  return { project: text.slice(0, at), slug: text.slice(at + 1) };
}
