// Runs in one process the tests that can share one; see test-files.ts.

import { testsInOneProcess } from "./test-files.ts";

for (const file of testsInOneProcess()) await import(file);
