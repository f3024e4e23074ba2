// Which files a template folder becomes, pure. A path segment is a template too; one that begins with `{{each list}}` is
// repeated, with everything below it, for every element of the list: overlays/{{each targets}}{{item.cluster}}/…
// A file's name loses the ending `.tmpl`, which keeps tools from reading a template as the real file.

import type { JsonValue } from "@gantry/core/json.ts";
import { lookUp, renderText, type Scope } from "./template-text.ts";

export type PlannedFile = { readonly source: string; readonly target: string; readonly scope: Scope };
export type PathMistake = { readonly file: string; readonly detail: string };

/** Expands relative paths (`/` between segments). Safe by construction: no target can leave its folder or reach .git. */
export function planFiles(
  sources: readonly string[],
  scope: Scope,
): { readonly files: readonly PlannedFile[]; readonly mistakes: readonly PathMistake[] } {
  const files: PlannedFile[] = [];
  const mistakes: PathMistake[] = [];
  const taken = new Map<string, string>();
  for (const source of sources) {
    for (const way of expand(source.split("/"), { segments: [], scope })) {
      if ("detail" in way) {
        mistakes.push({ file: source, detail: way.detail });
        continue;
      }
      const target = way.segments.join("/");
      // Two names that differ by case or by Unicode form are one file on some disks.
      const key = target.normalize("NFC").toLowerCase();
      const other = taken.get(key);
      if (other !== undefined) mistakes.push({ file: source, detail: `it becomes ${target}, and so does ${other}` });
      taken.set(key, source);
      files.push({ source, target, scope: way.scope });
    }
  }
  return { files, mistakes };
}

type Way = { readonly segments: readonly string[]; readonly scope: Scope };

function expand(rest: readonly string[], way: Way): (Way | { readonly detail: string })[] {
  const [segment, ...after] = rest;
  if (segment === undefined) return [way];
  const each = /^\{\{\s*each\s+([\w.-]+)\s*\}\}/.exec(segment);
  if (!each) return step(segment, after, way);
  const list: JsonValue | undefined = lookUp(each[1] ?? "", way.scope);
  if (!Array.isArray(list)) return [{ detail: `${each[1]} is not a list` }];
  const name = segment.slice(each[0].length);
  return list.flatMap((item: JsonValue) => step(name, after, { ...way, scope: { ...way.scope, item } }));
}

function step(segment: string, after: readonly string[], way: Way): (Way | { readonly detail: string })[] {
  const { text, mistakes } = renderText(segment, way.scope);
  const [mistake] = mistakes;
  if (mistake) return [{ detail: mistake.detail }];
  const name = after.length === 0 ? text.replace(/\.tmpl$/, "") : text;
  const problem = segmentProblem(name);
  if (problem !== undefined) return [{ detail: `${JSON.stringify(name)} ${problem}` }];
  return expand(after, { ...way, segments: [...way.segments, name] });
}

function segmentProblem(name: string): string | undefined {
  if (name === "" || name === "." || name === "..") return "is not a file name";
  if (/[/\\\p{C}]/u.test(name)) return "holds a slash or a control character";
  if (name.length > 200) return "is longer than 200 characters";
  // What some disks take for `.git`: other case, trailing dots and spaces, its short name.
  if (/^(\.git|git~\d+)[. ]*$/i.test(name)) return "is a name that git keeps for itself";
  return undefined;
}
