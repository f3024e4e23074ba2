// Patterns of a .dockerignore file: which paths of the context a build does not see. Pure.

export type Ignore = {
  /** Whether a path (relative, with slashes) is left out. The last line that matches decides; `!` takes back. */
  readonly ignores: (path: string) => boolean;
  /** Something below a directory that is left out may be taken back. */
  readonly takesBack: boolean;
};

export function parseIgnore(text: string): Ignore {
  const rules = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .flatMap((line) => ruleOf(line) ?? []);
  return {
    ignores: (path) => rules.reduce((ignored, { pattern, keep }) => (pattern.test(path) ? !keep : ignored), false),
    takesBack: rules.some(({ keep }) => keep),
  };
}

/** One part of a path against a pattern with `*`, `?`, `[a-z]` and `\`; used for COPY sources too. */
export function globPart(pattern: string): RegExp {
  return new RegExp(`^${partSource(pattern)}$`);
}

export function isGlob(text: string): boolean {
  return /[*?[\\]/.test(text);
}

function ruleOf(line: string): { pattern: RegExp; keep: boolean } | undefined {
  const trimmed = line.trim();
  if (trimmed === "" || trimmed.startsWith("#")) return undefined;
  const keep = trimmed.startsWith("!");
  const pattern = keep ? trimmed.slice(1).trim() : trimmed;
  const isRooted = pattern.startsWith("/");
  const parts = pattern.split("/").filter((part) => part !== "" && part !== ".");
  const cleaned: string[] = [];
  for (const part of parts) {
    if (part !== "..") cleaned.push(part);
    // Nothing in the context is above it; above a leading slash is the slash.
    else if (cleaned.pop() === undefined && !isRooted) return undefined;
  }
  if (cleaned.length === 0) return undefined;
  // What matches a directory matches everything below it.
  return { pattern: new RegExp(`^${cleaned.map(partOrMany).join("")}(?:/.*)?$`), keep };
}

function partOrMany(part: string, index: number, all: readonly string[]): string {
  const last = index === all.length - 1;
  if (part === "**") return last ? ".*" : "(?:.*/)?";
  return partSource(part) + (last ? "" : "/");
}

function partSource(pattern: string): string {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    const close = character === "[" ? pattern.indexOf("]", at + 2) : -1;
    if (character === "*") {
      while (pattern.charAt(at + 1) === "*") at++;
      source += "[^/]*";
    } else if (character === "?") source += "[^/]";
    else if (close !== -1) {
      // As in Go only ^ negates: [!a] is an exclamation mark or an a.
      const set = pattern.slice(at + 1, close).replace(/[\\\]]/g, "\\$&");
      source += `[${set}]`;
      at = close;
    } else if (character === "\\" && at + 1 < pattern.length) source += escaped(pattern.charAt(++at));
    else source += escaped(character);
  }
  return source;
}

function escaped(character: string): string {
  return character.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}
