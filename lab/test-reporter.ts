// What `npm test` prints: every failure in full at once, the files that hang, and at the end a line per file, every skip with
// its reason, the diagnostics of tests, the sum, and the failures again.

import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

type FileResult = { passed: number; failed: number; skipped: number; ms: number };

/** After this long without any result, the tests that still run are named, and again after each further period. */
const SILENT_MS = 60_000;
/** After this long without any result and without a running test, the run is ended as failed: a process stays alive. */
const HANGING_MS = 300_000;
/** Characters of a failure that are printed again at the end. */
const MAX_REPEATED = 2_000;

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files = new Map<string, FileResult>();
  const skips: string[] = [];
  const failures: string[] = [];
  const diagnostics = new Set<string>();
  const startedAt = performance.now();
  const open = new OpenTests();
  for await (const { type, data } of events) {
    if (type === "test:stderr" || type === "test:stdout") yield data.message;
    // The totals of a process arrive as diagnostics, too, without a file.
    if (type === "test:diagnostic" && data.file) diagnostics.add(`${pathOf(data.file)}: ${data.message}`);
    if (type === "test:dequeue") open.add(pathOf(data.file), data.name);
    if (type === "test:complete") open.remove(pathOf(data.file), data.name);
    if (type !== "test:pass" && type !== "test:fail") continue;
    // A suite with the name of a file holds the tests of that file; see run-group.ts.
    const isSuite = data.details.type === "suite";
    const file = pathOf(isSuite && data.name.endsWith(".test.ts") ? data.name : data.file);
    const leaf = !isSuite && pathOf(data.name) !== file;
    const result = files.get(file) ?? { passed: 0, failed: 0, skipped: 0, ms: 0 };
    files.set(file, result);
    if (data.nesting === 0) result.ms += data.details.duration_ms;
    if (data.skip !== undefined) {
      result.skipped += 1;
      skips.push(`${file}: ${data.name}: ${typeof data.skip === "string" ? data.skip : "skipped"}`);
    } else if (type === "test:fail") {
      const { error } = data.details;
      const isConsequence = "failureType" in error && error.failureType === "subtestsFailed";
      if (isConsequence) continue;
      result.failed += 1;
      const failure = `\n✕ ${file}: ${data.name}\n${inspect(error.cause ?? error, { colors: false, depth: 6 })}\n\n`;
      failures.push(failure.length > MAX_REPEATED ? `${failure.slice(0, MAX_REPEATED)}…\n\n` : failure);
      yield failure;
    } else if (leaf) result.passed += 1;
  }
  open.close();
  // Where everything is installed, a test that skips itself is a failure.
  if (process.env.GANTRY_NO_SKIP && skips.length > 0) process.exitCode = 1;
  yield* summary(files, [...diagnostics], skips, performance.now() - startedAt);
  // Again, because whoever sees only the end of the output needs the reasons.
  yield* failures;
}

function* summary(
  files: ReadonlyMap<string, FileResult>,
  diagnostics: readonly string[],
  skips: readonly string[],
  ms: number,
): Generator<string> {
  for (const [file, { passed, failed, skipped, ms: fileMs }] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (!file.startsWith("lab/repo-checks/") || failed > 0)
      yield `${failed > 0 ? "✕" : "✓"} ${file}  ${passed} passed${failed ? `, ${failed} failed` : ""}${skipped ? `, ${skipped} skipped` : ""}  ${Math.round(fileMs)} ms\n`;
  }
  for (const line of diagnostics) yield `· ${line}\n`;
  for (const skip of skips) yield `– ${skip}\n`;
  const sum = (of: (result: FileResult) => number): number =>
    [...files.values()].reduce((total, one) => total + of(one), 0);
  yield `\n${(ms / 1_000).toFixed(1)} s in ${files.size} files\n`;
  yield `${sum((one) => one.passed)} passed, ${sum((one) => one.failed)} failed, ${sum((one) => one.skipped)} skipped\n`;
}

/** The tests and files that run. Prints them to stderr when nothing happens, and ends the run when that lasts. */
class OpenTests {
  readonly #open = new Map<string, { readonly file: string; readonly name: string }>();
  readonly #timer: NodeJS.Timeout;
  #lastResultAt = performance.now();

  constructor() {
    this.#timer = setInterval(() => this.#check(), SILENT_MS);
    this.#timer.unref();
  }

  add(file: string, name: string): void {
    this.#open.set(`${file}\n${name}`, { file, name });
  }

  remove(file: string, name: string): void {
    this.#open.delete(`${file}\n${name}`);
    this.#lastResultAt = performance.now();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const silentMs = performance.now() - this.#lastResultAt;
    if (silentMs < SILENT_MS) return;
    const open = [...this.#open.values()];
    const tests = open.filter(({ file, name }) => pathOf(name) !== file);
    // A file counts as open until its process has ended; it is named only when none of its tests runs.
    const alone = open.filter((one) => pathOf(one.name) === one.file && !tests.some(({ file }) => file === one.file));
    const running = [...tests.map(({ file, name }) => `${file}: ${name}`), ...alone.map(({ file }) => file)];
    process.stderr.write(
      `\nNo result for ${Math.round(silentMs / 1_000)} s. Still running:\n${running.map((one) => `  ${one}\n`).join("")}`,
    );
    if (silentMs < HANGING_MS || tests.length > 0) return;
    process.stderr.write(
      "The run is ended: a file keeps its process alive after its tests, e.g. by a timer or a server.\n",
    );
    // The test runner ends its child processes on this signal and exits with a failure.
    process.kill(process.pid, "SIGINT");
  }
}

function pathOf(file: string | undefined): string {
  return relative(process.cwd(), file ?? "");
}
