// In a thread of its own, whose memory is limited: reads mutated pipeline files, and reports how long each took.

import { readdirSync, readFileSync } from "node:fs";
import { threadCpuUsage } from "node:process";
import { fileURLToPath } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import { readCatalogue } from "./pipeline-file.ts";

const FOLDER = fileURLToPath(new URL("../../pipelines/", import.meta.url));
/** What people write who know other systems, and what breaks YAML. */
const PIECES = [
  ...[
    "${{",
    "}}",
    "${{ params",
    "'",
    '"',
    ":",
    "- ",
    "? ",
    "&a ",
    "*a",
    "<<: *a",
    "!!x ",
    "|\n",
    ">-\n",
    "{",
    "}",
    "[",
    "]",
    "#",
    "\t",
    "\n",
    ",",
    "%",
  ],
  ...[
    "if: x",
    "needs: [a, a]",
    "matrix: { a: [1, 2] }",
    "each: [1]",
    "include: x",
    "null",
    "~",
    "0x1F",
    "1e999",
    "9007199254740993",
    "\u0000",
    "\u2028",
  ],
  ...[
    "type: object",
    "properties: { a: string }",
    "(".repeat(60),
    "[".repeat(70),
    "a: ".repeat(70),
    "x".repeat(5_000),
    "${{ [1,2].map(a, [1,2].map(b, a)) }}",
  ],
];

const MAX_MS = 200;

/** A small generator, so that a number names a file. */
function random(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) | 0;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
}

function mutate(text: string, next: (below: number) => number): string {
  let result = text;
  for (let count = 1 + next(3); count > 0; count -= 1) {
    const at = next(result.length + 1);
    const end = Math.min(result.length, at + next(next(4) === 0 ? 400 : 12));
    const part = result.slice(at, end);
    const piece = PIECES[next(PIECES.length)] ?? "";
    const lines = result.split("\n");
    const line = next(lines.length);
    const changed = [
      () => result.slice(0, at) + result.slice(end),
      () => result.slice(0, at) + piece + result.slice(at),
      () => result.slice(0, at) + piece + result.slice(end),
      () => result.slice(0, end) + part.repeat(1 + next(20)) + result.slice(end),
      () => [...lines.slice(0, line), ...lines.slice(line + 1 + next(3))].join("\n"),
      () => [...lines.slice(0, line), ` ${lines[line] ?? ""}`, ...lines.slice(line + 1)].join("\n"),
      () => [...lines.slice(0, line), ...lines.slice(line, line + 8), ...lines.slice(line)].join("\n"),
    ][next(7)];
    result = changed?.() ?? result;
  }
  return result;
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"));
const texts = files.map((name) => readFileSync(FOLDER + name, "utf8"));
const steps = readCatalogue({ readFile: (path) => readFileSync(path, "utf8") });
const { from, count } = workerData as { readonly from: number; readonly count: number };

/** Processor time of this thread. */
function timed(text: string): { readonly ms: number; readonly isRead: boolean } {
  const before = threadCpuUsage();
  const { pipeline, problems } = parsePipeline({ name: "mutated.yaml", text }, steps);
  const { user, system } = threadCpuUsage(before);
  if ((pipeline === undefined) !== problems.length > 0) throw new Error("neither read nor refused");
  return { ms: (user + system) / 1_000, isRead: pipeline !== undefined };
}

for (const text of texts) timed(text);
const slow: string[] = [];
let read = 0;
for (let seed = from; seed < from + count; seed += 1) {
  const next = random(seed);
  const text = mutate(texts[next(texts.length)] ?? "", next);
  const { ms, isRead } = timed(text);
  if (isRead) read += 1;
  // A pause of the garbage collector may come at any time, so a file is slow when it is slow again.
  if (ms > MAX_MS && timed(text).ms > MAX_MS) slow.push(`file ${seed} takes ${Math.round(ms)} ms`);
}
parentPort?.postMessage({ slow, read });
