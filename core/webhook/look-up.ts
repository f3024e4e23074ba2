// Look-ups in JSON that anybody may have written. None of them throws; what is missing or has another type is undefined.

import { isJsonObject } from "../json.ts";
import { truncate } from "../truncate.ts";

const MAX_TEXT = 300;

export function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) {
    if (!isJsonObject(found) || !Object.hasOwn(found, name)) return undefined;
    found = found[name];
  }
  return found;
}

/** A text that is not empty, at most 300 characters, without control characters. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  if (typeof found !== "string") return undefined;
  const plain = truncate(found.slice(0, MAX_TEXT * 2).replace(/[\p{Cc}\p{Cs}]+/gu, " "), MAX_TEXT).trim();
  return plain === "" ? undefined : plain;
}

const MAX_MESSAGE = 4_000;

/** A message of several lines. Its end is kept: trailers are there. */
export function messageAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  if (typeof found !== "string") return undefined;
  const whole =
    found.length <= MAX_MESSAGE ? found : `${found.slice(0, MAX_MESSAGE / 2)}\n…\n${found.slice(-MAX_MESSAGE / 2)}`;
  const plain = whole
    .replace(/\r\n?/g, "\n")
    .replace(/[^\P{Cc}\n]|\p{Cs}/gu, " ")
    .trim();
  return plain === "" ? undefined : plain;
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? (found as readonly unknown[]) : [];
}

export function numberAt(value: unknown, ...path: readonly string[]): number | undefined {
  const found = at(value, ...path);
  return Number.isSafeInteger(found) && (found as number) >= 0 ? (found as number) : undefined;
}

/** Only http and https: people follow it. */
export function urlAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = textAt(value, ...path);
  return found !== undefined && /^https?:\/\/[^\s<>"]+$/i.test(found) && !found.endsWith("…") ? found : undefined;
}

/** A commit in full, or abbreviated as some hosts do. */
export function commitAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" && /^[0-9a-f]{7,64}$/.test(found) && !/^0+$/.test(found) ? found : undefined;
}

/** The name of a project, a repository or a group of them. */
const NAME = /^[\p{L}\p{N}~_.-]{1,200}$/u;

/** `owner/name`, `group/subgroup/name`: the last part is the repository. */
export function splitFullName(
  text: string | undefined,
): { readonly project: string; readonly slug: string } | undefined {
  const parts = text?.split("/") ?? [];
  if (parts.length < 2 || parts.length > 21 || !parts.every((part) => NAME.test(part))) return undefined;
  return { project: parts.slice(0, -1).join("/"), slug: parts.at(-1) ?? "" };
}
