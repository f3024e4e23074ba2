// What `npm test` prints: a line per file, every failure in full, every skip with its reason, what tests tell, and the sum.

import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

type FileResult = { passed: number; failed: number; skipped: number; ms: number };

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files = new Map<string, FileResult>();
  const skips: string[] = [];
  const told = new Set<string>();
  const started = performance.now();
  for await (const { type, data } of events) {
    if (type === "test:stderr" || type === "test:stdout") yield data.message;
    // The sums of a process come this way, too, without a file.
    if (type === "test:diagnostic" && data.file) told.add(`${relative(process.cwd(), data.file)}: ${data.message}`);
    if (type !== "test:pass" && type !== "test:fail") continue;
    const file = relative(process.cwd(), data.file ?? "");
    const leaf = data.details.type !== "suite" && relative(process.cwd(), data.name) !== file;
    const known = files.get(file) ?? { passed: 0, failed: 0, skipped: 0, ms: 0 };
    files.set(file, known);
    if (data.nesting === 0) known.ms += data.details.duration_ms;
    if (data.skip !== undefined) {
      known.skipped += 1;
      skips.push(`${file}: ${data.name}: ${typeof data.skip === "string" ? data.skip : "skipped"}`);
    } else if (type === "test:fail") {
      const { error } = data.details;
      const consequence = "failureType" in error && error.failureType === "subtestsFailed";
      if (consequence) continue;
      known.failed += 1;
      yield `\n✕ ${file}: ${data.name}\n${inspect(error.cause ?? error, { colors: false, depth: 6 })}\n\n`;
    } else if (leaf) known.passed += 1;
  }
  for (const [file, { passed, failed, skipped, ms }] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (!file.startsWith("lab/repo-checks/") || failed > 0)
      yield `${failed > 0 ? "✕" : "✓"} ${file}  ${passed} passed${failed ? `, ${failed} failed` : ""}${skipped ? `, ${skipped} skipped` : ""}  ${Math.round(ms)} ms\n`;
  }
  for (const one of told) yield `· ${one}\n`;
  for (const skip of skips) yield `– ${skip}\n`;
  const sum = (of: (result: FileResult) => number): number =>
    [...files.values()].reduce((total, one) => total + of(one), 0);
  // Where everything is installed, a test that skips itself is a fault.
  if (process.env.GANTRY_NO_SKIP && skips.length > 0) process.exitCode = 1;
  yield `\n${((performance.now() - started) / 1_000).toFixed(1)} s in ${files.size} files\n`;
  yield `${sum((one) => one.passed)} passed, ${sum((one) => one.failed)} failed, ${sum((one) => one.skipped)} skipped\n`;
}
