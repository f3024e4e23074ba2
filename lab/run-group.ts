// Runs test files in this process: a suite per file, so that the hooks of a file apply to its own tests only.

import { relative } from "node:path";
import { suite } from "node:test";
import { groupsOfTests } from "./test-files.ts";

/** As runFiles, for a group of `npm test`. */
export function runGroup(name: string): Promise<void> {
  return runFiles(groupsOfTests().get(name) ?? []);
}

/** Await it at the top level of the main module: what is imported after that module has ended is in no suite. */
export async function runFiles(files: readonly string[]): Promise<void> {
  for (const file of files) {
    const { promise, resolve } = Promise.withResolvers<void>();
    // The name is that of the file: lab/test-reporter.ts gives the suite's time to it.
    void suite(relative(process.cwd(), file), () => import(file).finally(resolve));
    // One after the other: a module that two files import at once would run in the suite of either.
    await promise;
  }
}
