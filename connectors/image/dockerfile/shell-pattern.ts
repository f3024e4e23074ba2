// Patterns of shells with `*` and `?`, as they stand behind the operators of variables in Dockerfiles. Pure. Brackets have no
// meaning, as in BuildKit, and a line end fits neither `*` nor `?`.

type Part = { readonly is: "any-text" | "any-character" } | { readonly is: "character"; readonly character: string };
export type ShellPattern = readonly Part[];

/** A backslash takes `*`, `?`, `\`, `/` and `}` as they are. Anything else behind it is a mistake, which is the answer as a text: `\x`. */
export function readShellPattern(text: string): ShellPattern | string {
  const pattern: Part[] = [];
  const characters = [...text];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? "";
    if (character === "*") pattern.push({ is: "any-text" });
    else if (character === "?") pattern.push({ is: "any-character" });
    else if (character !== "\\") pattern.push({ is: "character", character });
    else {
      const next = characters[++at] ?? "";
      if (!["*", "?", "\\", "/", "}"].includes(next)) return `\\${next}`;
      pattern.push({ is: "character", character: next });
    }
  }
  return pattern;
}

/** Without the shortest or longest beginning that fits. */
export function withoutPrefix(value: string, pattern: ShellPattern, longest: boolean): string {
  const characters = [...value];
  const ends = endsOf(pattern, characters, 0);
  const end = longest ? ends.at(-1) : ends[0];
  return characters.slice(end ?? 0).join("");
}

/** Without the shortest or longest end that fits. */
export function withoutSuffix(value: string, pattern: ShellPattern, longest: boolean): string {
  const turned = [...value].reverse().join("");
  return [...withoutPrefix(turned, pattern.toReversed(), longest)].reverse().join("");
}

/** The first place that fits, or all places, replaced. Of what fits at a place, the longest is taken. */
export function replaceMatches(value: string, pattern: ShellPattern, by: string, all: boolean): string {
  const characters = [...value];
  let result = "";
  let before = -1;
  for (let at = 0; at <= characters.length; ) {
    const end = endsOf(pattern, characters, at).at(-1);
    // Nothing, right behind what was replaced, is no place of its own.
    const fits = end !== undefined && !(end === at && at === before);
    if (fits) result += by;
    if (!fits || end === at) result += characters[at++] ?? "";
    else at = end;
    if (!fits) continue;
    before = end;
    if (!all) return result + characters.slice(at).join("");
  }
  return result;
}

/** Where what fits from `start` on can end, in order. Takes time in proportion to pattern and text. */
function endsOf(pattern: ShellPattern, characters: readonly string[], start: number): number[] {
  const ends: number[] = [];
  let reached = withEmptyTexts(pattern, new Set([0]));
  for (let at = start; reached.size > 0; at++) {
    if (reached.has(pattern.length)) ends.push(at);
    const character = characters[at];
    if (character === undefined) break;
    const next = new Set<number>();
    for (const index of reached) {
      const part = pattern[index];
      if (!part || (part.is === "character" ? part.character !== character : character === "\n")) continue;
      next.add(part.is === "any-text" ? index : index + 1);
    }
    reached = withEmptyTexts(pattern, next);
  }
  return ends;
}

/** `*` also stands for nothing. */
function withEmptyTexts(pattern: ShellPattern, reached: Set<number>): Set<number> {
  for (const index of reached) if (pattern[index]?.is === "any-text") reached.add(index + 1);
  return reached;
}
