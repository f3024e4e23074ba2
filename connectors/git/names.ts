// Decides which addresses, branch names and revisions may reach git. Pure; all input is untrusted.

import { GantryError } from "@gantry/core/errors.ts";
import { truncate } from "@gantry/core/truncate.ts";

/** Where a clone address may lead: the site's own git system and nowhere else. */
export type Origin = { readonly system: string; readonly base: string };

/**
 * Checks an address before git sees it: http or https as the system's own address has it, its host and port, no
 * credential, no control character. Throws `system-refused`.
 */
export function checkRemoteUrl(url: string, origin: Origin): string {
  const problem = remoteProblem(url, origin);
  if (problem === undefined) return url;
  const what = "use this clone address";
  throw new GantryError("system-refused", { system: origin.system, what, problem });
}

function remoteProblem(text: string, origin: Origin): string | undefined {
  // Not even encoded: a line end in an address reaches credential protocols and header lines.
  if (/[\p{C}\s\\]|%0[0ad]/iu.test(text)) return "it holds a control character, a space or a backslash";
  if (!URL.canParse(text)) return "it is not an address";
  const url = new URL(text);
  const base = new URL(origin.base);
  if (url.protocol !== base.protocol) return `it is not ${base.protocol.slice(0, -1)}`;
  if (url.username !== "" || url.password !== "" || text.includes("@")) return "it holds a user";
  if (url.origin !== base.origin) return `it does not lead to ${base.origin}`;
  if (url.search !== "" || url.hash !== "") return "it holds a query or a fragment";
  return undefined;
}

/** git's own rules for a branch name (git-check-ref-format), without a plus in front, at a length every host allows. */
export function isBranchName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= 250 &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids exactly these.
    !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\//u.test(name) &&
    name.isWellFormed() &&
    !/^[-+/]|[/.]$|^@$|^HEAD$/.test(name) &&
    !name.split("/").some((part) => part.startsWith(".") || part.endsWith(".lock"))
  );
}

export function isCommitId(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/** Names of a project and a repository that may be part of an address; the host decides whether they are valid. */
export const PROJECT = /^~?[A-Za-z0-9][A-Za-z0-9_.-]{0,127}(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}){0,20}$/;
export const SLUG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** One line of a commit as people may see it: no control characters, bounded. */
export function plainLine(text: string, limit = 200): string {
  return truncate(text.replace(/\p{C}+/gu, " ").trim(), limit);
}
