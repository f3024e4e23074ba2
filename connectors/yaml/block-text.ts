// Edits of YAML that stands as a text inside of YAML, such as the values of an Argo CD application. Not a byte outside of the
// edited lines changes.

import { isMap, isScalar, type Pair } from "yaml";
import { advice, type YamlDocument, type YamlFile } from "./document.ts";
import { blockScalar } from "./layout.ts";
import type { Path } from "./spots.ts";
import { type Change, isExactly } from "./verify.ts";

/** The text of a node, with the offsets of its lines. Undefined when it is no literal block (`|`). */
export function blockTextOf(
  file: YamlFile,
  node: unknown,
): { readonly text: string; readonly start: number; readonly end: number; readonly indent: string } | undefined {
  if (!isScalar(node) || node.type !== "BLOCK_LITERAL" || node.srcToken?.type !== "block-scalar") return undefined;
  if (typeof node.value !== "string") return undefined;
  const { bodyStart, bodyEnd } = blockScalar(node.srcToken);
  const body = file.text.slice(bodyStart, bodyEnd);
  // The first line with text has the indentation of all; deeper ones are part of the text.
  const [first = ""] = node.value.split("\n").filter((line) => line.trim() !== "");
  const lines = body.split("\n").map((line) => line.replace(/\r$/, ""));
  const outer = lines.find((line) => line.trim() !== "" && line.endsWith(first)) ?? "";
  return { text: node.value, start: bodyStart, end: bodyEnd, indent: outer.slice(0, outer.length - first.length) };
}

/** The file with another text there. Throws `file-invalid` when something else would change. */
export function setBlockText(file: YamlFile, document: YamlDocument, path: Path, wanted: string): string {
  const block = blockTextOf(file, document.getIn(path, true));
  const at = block?.start;
  const fail = () =>
    file.wrong(`this text cannot be edited without changing something else of the file; ${advice(file)}`, at);
  const change = changeAt(document, path, wanted);
  if (!block || !change) throw fail();
  const [before, after] = [block.text.split("\n"), wanted.split("\n")];
  const isSame = (index: number): boolean => before[index] === after[index];
  let head = 0;
  while (head < Math.min(before.length, after.length) && isSame(head)) head++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const lines = file.text.slice(block.start, block.end).split("\n");
  const end = lines[head]?.endsWith("\r") ? "\r" : "";
  const fresh = after
    .slice(head, after.length - tail)
    .map((line) => (line === "" ? end : `${block.indent}${line}${end}`));
  const removed = before.length - head - tail;
  const body = lines.toSpliced(head, removed, ...fresh).join("\n");
  const edited = file.text.slice(0, block.start) + body + file.text.slice(block.end);
  if (isExactly(file, document, change, edited)) return edited;
  throw fail();
}

function changeAt(document: YamlDocument, path: Path, value: string): Change | undefined {
  const step = (depth: number): Change | undefined => {
    const part = path[depth];
    if (part === undefined) return { kind: "value", value };
    const inner = step(depth + 1);
    const parent: unknown = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if (typeof part === "number") return inner && { kind: "inside", changed: [[part, inner]] };
    const pair = isMap(parent)
      ? parent.items.find((one: Pair) => isScalar(one.key) && one.key.source === part)
      : undefined;
    return pair && inner && { kind: "inside", changed: [[pair, inner]] };
  };
  return step(0);
}
