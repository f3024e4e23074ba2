// Parses untrusted JSON: refuses what JSON.parse accepts but no well-behaved client sends.

import { GantryError } from "@gantry/core/errors.ts";
import { truncate } from "@gantry/core/truncate.ts";

export const MAX_JSON_DEPTH = 64;

/**
 * The value of a JSON text. Throws `bad-request` for text that is not JSON, is nested deeper than `depth`, repeats a key
 * within an object (parsers disagree on which one counts), has the key `__proto__`, or a lone surrogate.
 */
export function parseJsonText(text: string, depth: number = MAX_JSON_DEPTH): unknown {
  let value: unknown;
  checkStructure(text, depth);
  try {
    value = JSON.parse(text);
  } catch {
    throw refused("the body is not JSON");
  }
  return value;
}

type Level = { readonly keys: Set<string> | undefined; expectsKey: boolean };

/** Scans strings, brackets and commas only; JSON.parse checks everything else. */
function checkStructure(text: string, maxDepth: number): void {
  const levels: Level[] = [];
  const plain = !text.includes("\\");
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    const level = levels.at(-1);
    if (char === '"') {
      const { end, escaped } = plain ? { end: quoteAfter(text, at), escaped: false } : readString(text, at);
      const isKey = level?.keys !== undefined && level.expectsKey;
      if (escaped) checkString(text.slice(at, end + 1), isKey ? level.keys : undefined);
      else if (isKey) checkText(text.slice(at + 1, end), level.keys);
      if (level) level.expectsKey = false;
      at = end;
    } else if (char === "{" || char === "[") {
      if (levels.length >= maxDepth) throw refused(`it is nested deeper than ${maxDepth} levels`);
      levels.push({ keys: char === "{" ? new Set() : undefined, expectsKey: char === "{" });
    } else if (char === "}" || char === "]") levels.pop();
    else if (char === "," && level?.keys) level.expectsKey = true;
  }
}

function quoteAfter(text: string, start: number): number {
  const end = text.indexOf('"', start + 1);
  return end < 0 ? text.length : end;
}

/** `end` is the closing quote, or the end of the text if there is none (JSON.parse then refuses the text). */
function readString(text: string, start: number): { readonly end: number; readonly escaped: boolean } {
  let escaped = false;
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === "\\") {
      escaped = true;
      at += 1;
    } else if (text[at] === '"') return { end: at, escaped };
  }
  return { end: text.length, escaped };
}

function checkString(token: string, keys: Set<string> | undefined): void {
  let value: unknown;
  try {
    value = JSON.parse(token);
  } catch {
    throw refused("the body is not JSON");
  }
  checkText(String(value), keys);
}

function checkText(value: string, keys: Set<string> | undefined): void {
  if (!value.isWellFormed()) throw refused("a text is not valid Unicode");
  if (!keys) return;
  if (value === "__proto__") throw refused("the key __proto__ is not allowed");
  if (keys.has(value)) throw refused(`the key ${JSON.stringify(truncate(value, 100))} appears twice in one object`);
  keys.add(value);
}

function refused(problem: string): GantryError {
  return new GantryError("bad-request", { problem });
}
