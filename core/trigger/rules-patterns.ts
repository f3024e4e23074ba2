// Rules for the names and paths that triggers are for: a list that fits nothing would start nothing, without a word.

import type { Path, PathProblem } from "../issues.ts";
import { openNames } from "../webhook/names.ts";
import type { TriggerFile } from "./trigger-shape.ts";

type Kind = "branch" | "tag" | "path" | "tag of an image";

export function fittingPatterns({ push, pull_request: pull, tag, image }: TriggerFile, path: Path): PathProblem[] {
  return [
    ...ofList(push?.branches, "branch", [...path, "push", "branches"]),
    ...ofList(push?.paths, "path", [...path, "push", "paths"]),
    ...ofList(pull?.branches, "branch", [...path, "pull_request", "branches"]),
    ...ofList(tag?.names, "tag", [...path, "tag", "names"]),
    ...ofList(image?.tags, "tag of an image", [...path, "image", "tags"]),
  ];
}

function ofList(patterns: readonly string[] | undefined, kind: Kind, path: Path): PathProblem[] {
  if (patterns === undefined) return [];
  const wrong = patterns.flatMap((pattern, index): PathProblem[] => {
    const detail = wrongPattern(pattern.replace(/^!/, ""), kind);
    return detail === undefined ? [] : [{ path: [...path, index], detail, on: "value" }];
  });
  if (wrong.length > 0 || !isEmptied(patterns)) return wrong;
  return [{ path, detail: `no ${kind} is left: what this list has, it excludes with \`!\``, on: "key" }];
}

function wrongPattern(pattern: string, kind: Kind): string | undefined {
  const [, prefix] = /^(refs\/(?:heads|tags)\/)/.exec(pattern) ?? [];
  if (prefix !== undefined && kind !== "path") return `write the name of the ${kind} alone, without ${prefix}`;
  if (/\{[^{}]*,[^{}]*\}/.test(pattern)) return "write the alternatives as entries of the list: `{…}` has no meaning";
  if (canBe(pattern, kind)) return undefined;
  const only = "only `*` and `**` have a meaning";
  if (kind === "path") return "no path of a repository is like this: write it without `./`, `..`, and `/` at its ends";
  return `no ${kind} can have such a name; ${only}`;
}

/** Whether git, or a registry, has such names. */
function canBe(pattern: string, kind: Kind): boolean {
  switch (kind) {
    case "path":
      return !/^\/|\/$|\/\/|(?:^|\/)\.{1,2}(?:\/|$)/.test(pattern);
    case "tag of an image":
      return /^[\w.*-]+$/.test(pattern);
    case "branch":
    case "tag":
      // See git-check-ref-format(1).
      return !/[\p{Cc} ~^:?[\\]|\.\.|@\{|^\/|\/$|\/\/|(?:^|\/)\.|\.$|\.lock(?:\/|$)/u.test(pattern);
  }
}

/** Whether the excluded names are all that the list has, as far as that can be seen. */
function isEmptied(patterns: readonly string[]): boolean {
  const into = patterns.filter((one) => !one.startsWith("!"));
  const out = patterns.filter((one) => one.startsWith("!"));
  if (into.length === 0) return out.includes("!**");
  const isOpen = openNames(patterns);
  return into.every((one) => out.includes(`!${one}`) || out.includes("!**") || (!one.includes("*") && !isOpen(one)));
}
