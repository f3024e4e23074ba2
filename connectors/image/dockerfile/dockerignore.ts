// Patterns of a .dockerignore file: which paths of the context a build does not see. Pure.

import { GantryError } from "@gantry/core/errors.ts";
import { type PathPattern, pathPattern } from "./path-pattern.ts";

export type Ignore = {
  /** Whether a path (relative, with slashes) is left out. The last line that matches decides; `!` takes back. */
  readonly ignores: (path: string) => boolean;
  /** Something below a directory that is left out may be taken back. */
  readonly takesBack: boolean;
  /** Whether all builders look for it in this directory: a `!` line begins with its path. Else Buildah skips it. */
  readonly isEntered: (directory: string) => boolean;
  /** Whether BuildKit leaves it out, which asks a `!` line that fits a directory only if the directory itself is left out. */
  readonly ignoresInBuildKit: (path: string) => boolean;
};

/**
 * The lines as all builders read them alike: without spaces around a pattern, and with a backslash before characters that
 * Buildah gives to a regular expression.
 */
export function plainIgnore(text: string): string {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  return lines
    .flatMap((line) => {
      const trimmed = line.trim();
      if (trimmed === "" || trimmed.startsWith("#")) return [];
      const keep = trimmed.startsWith("!");
      return [`${keep ? "!" : ""}${escaped(keep ? trimmed.slice(1).trim() : trimmed)}\n`];
    })
    .join("");
}

/** What stands after a backslash or in brackets stays as it is. */
function escaped(pattern: string): string {
  return pattern.replace(/\\.|\[\^?(?:\\.|[^\]\\])*\]|[+(){}|^]/gs, (part) =>
    /^[+(){}|^]$/.test(part) ? `\\${part}` : part,
  );
}

/** Throws `dockerfile-invalid` for a line that is no pattern, `no-builder` for one that builders read as something else. */
export function parseIgnore(text: string): Ignore {
  const rules = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .flatMap((line) => ruleOf(line) ?? []);
  return {
    ignores: (path) => rules.reduce((ignored, { fits, keep }) => (fits(path) ? !keep : ignored), false),
    takesBack: rules.some(({ keep }) => keep),
    isEntered: (directory) =>
      rules.some(({ keep, text: pattern }) => keep && `${pattern}/`.startsWith(`${directory}/`)),
    ignoresInBuildKit: inBuildKit(rules),
  };
}

/** Each path takes over which patterns fitted its directory. */
function inBuildKit(rules: readonly Rule[]): (path: string) => boolean {
  const fitting = new Map<string, readonly boolean[]>();
  const read = (path: string): { readonly isIgnored: boolean; readonly fitted: readonly boolean[] } => {
    const parent = path.includes("/") ? ofDirectory(path.slice(0, path.lastIndexOf("/"))) : [];
    let isIgnored = false;
    const fitted = rules.map(({ fitsItself, keep }, index) => {
      const isFitting = parent[index] || (keep === isIgnored && fitsItself(path));
      if (isFitting) isIgnored = !keep;
      return isFitting;
    });
    return { isIgnored, fitted };
  };
  const ofDirectory = (directory: string): readonly boolean[] => {
    const known = fitting.get(directory) ?? read(directory).fitted;
    fitting.set(directory, known);
    return known;
  };
  return (path) => read(path).isIgnored;
}

type Rule = {
  /** The path, or a directory that it is in. */
  readonly fits: PathPattern;
  readonly fitsItself: PathPattern;
  readonly keep: boolean;
  readonly text: string;
};

function ruleOf(line: string): Rule | undefined {
  const trimmed = line.trim();
  if (trimmed === "" || trimmed.startsWith("#")) return undefined;
  const keep = trimmed.startsWith("!");
  const pattern = keep ? trimmed.slice(1).trim() : trimmed;
  // Builders give these to a regular expression, where \d is a digit.
  if (/\\[a-z0-9]/i.test(pattern)) {
    const problem = `.dockerignore: "${trimmed}" has a backslash before a letter or digit. The built-in assembler cannot do that.`;
    throw new GantryError("no-builder", { problem });
  }
  const invalid = (): GantryError =>
    new GantryError("dockerfile-invalid", { problem: `.dockerignore: "${trimmed}" is not a pattern` });
  if (pattern === "") throw invalid();
  const isRooted = pattern.startsWith("/");
  const parts = pattern.split("/").filter((part) => part !== "" && part !== ".");
  const cleaned: string[] = [];
  for (const part of parts) {
    if (part !== "..") cleaned.push(part);
    // Nothing in the context is above it; above a leading slash is the slash.
    else if (cleaned.pop() === undefined && !isRooted) return undefined;
  }
  if (cleaned.length === 0) return undefined;
  const text = cleaned.join("/");
  if (!isComplete(text)) throw invalid();
  const [fits, fitsItself] = [true, false].map((below) => pathPattern(text, { below, crosses: true }));
  if (!fits || !fitsItself) throw invalid();
  return { fits, fitsItself, keep, text };
}

/** Brackets are closed and have something in them, and no backslash is the last character: builders refuse all else. */
function isComplete(pattern: string): boolean {
  const one = String.raw`(?:\\.|[^\]\\-])`;
  return new RegExp(String.raw`^(?:\\.|[^[\\]|\[(?:\^|(?!\^))(?:${one}(?:-${one})?)+\])*$`, "s").test(pattern);
}
