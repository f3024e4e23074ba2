// The branches and tags of a repository that is polled, as text: it is compared, kept, and handed to the step that looks. Pure.

import { openNames } from "../webhook/names.ts";

/** Full name of a branch or tag, such as `refs/heads/main` → its commit. */
export type Refs = ReadonlyMap<string, string>;

export type RefPatterns = { readonly branches: readonly string[]; readonly tags: readonly string[] };

/** A tip that differs. Without `before` it is new; without `commit` it is gone. */
export type RefDifference = { readonly ref: string; readonly before?: string; readonly commit?: string };

/** As text with whole commits, about 700 of them. They are a parameter of a task, and those are limited. */
export const MAX_REFS_TEXT = 50_000;

/** What git lists → the branches and tags that count. A tag that is an object of its own is its commit. */
export function wantedRefs(tips: Refs, { branches, tags }: RefPatterns): Refs {
  const [isBranch, isTag] = [openNames(branches), openNames(tags)];
  const wanted = new Map<string, string>();
  for (const [ref, commit] of tips) {
    const [, folder, name = ""] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
    if (folder === undefined || ref.endsWith("^{}")) continue;
    if (folder === "heads" ? isBranch(name) : isTag(name)) wanted.set(ref, tips.get(`${ref}^{}`) ?? commit);
  }
  return wanted;
}

/** The same text for the same refs. */
export function refsText(refs: Refs): string {
  return [...refs]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([ref, commit]) => `${ref} ${commit}\n`)
    .join("");
}

export function readRefs(text: string): Refs {
  const lines = text.split("\n").flatMap((line) => {
    const [, ref, commit] = /^(\S+) ([0-9a-f]{40})$/.exec(line) ?? [];
    return ref === undefined || commit === undefined ? [] : [[ref, commit] as const];
  });
  return new Map(lines);
}

/** New and changed ones in the order of their names, then those that are gone. */
export function differences(before: Refs, now: Refs): readonly RefDifference[] {
  const sorted = [...now].toSorted(([one], [other]) => (one < other ? -1 : 1));
  const changed = sorted.flatMap(([ref, commit]): RefDifference[] => {
    const old = before.get(ref);
    return old === commit ? [] : [{ ref, commit, ...(old === undefined ? {} : { before: old }) }];
  });
  const gone = [...before].filter(([ref]) => !now.has(ref)).map(([ref, old]): RefDifference => ({ ref, before: old }));
  return [...changed, ...gone];
}

export function withDifferences(refs: Refs, found: readonly RefDifference[]): Refs {
  const after = new Map(refs);
  for (const { ref, commit } of found) {
    if (commit === undefined) after.delete(ref);
    else after.set(ref, commit);
  }
  return after;
}
