// Patterns of a .dockerignore file: which paths of the context a build does not see. Pure.

import { GantryError } from "@gantry/core/errors.ts";
import { type PathPattern, pathPattern } from "./path-pattern.ts";

export type Ignore = {
  /** Whether a path (relative, with slashes) is left out. The last line that matches decides; `!` takes back. */
  readonly ignores: (path: string) => boolean;
  /** Something below a directory that is left out may be taken back. */
  readonly takesBack: boolean;
};

/** Throws `dockerfile-invalid` for a line that is no pattern, `no-builder` for one that builders read as something else. */
export function parseIgnore(text: string): Ignore {
  const rules = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .flatMap((line) => ruleOf(line) ?? []);
  return {
    ignores: (path) => rules.reduce((ignored, { fits, keep }) => (fits(path) ? !keep : ignored), false),
    takesBack: rules.some(({ keep }) => keep),
  };
}

function ruleOf(line: string): { fits: PathPattern; keep: boolean } | undefined {
  const trimmed = line.trim();
  if (trimmed === "" || trimmed.startsWith("#")) return undefined;
  const keep = trimmed.startsWith("!");
  const pattern = keep ? trimmed.slice(1).trim() : trimmed;
  // Builders give these to a regular expression, where \d is a digit.
  if (/\\[a-z0-9]/i.test(pattern)) {
    const problem = `.dockerignore: "${trimmed}" has a backslash before a letter or digit. The built-in assembler cannot do that.`;
    throw new GantryError("no-builder", { problem });
  }
  const isRooted = pattern.startsWith("/");
  const parts = pattern.split("/").filter((part) => part !== "" && part !== ".");
  const cleaned: string[] = [];
  for (const part of parts) {
    if (part !== "..") cleaned.push(part);
    // Nothing in the context is above it; above a leading slash is the slash.
    else if (cleaned.pop() === undefined && !isRooted) return undefined;
  }
  if (cleaned.length === 0) return undefined;
  const fits = pathPattern(cleaned.join("/"), { below: true, crosses: true });
  if (!fits) throw new GantryError("dockerfile-invalid", { problem: `.dockerignore: "${trimmed}" is not a pattern` });
  return { fits, keep };
}
