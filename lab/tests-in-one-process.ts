// Runs the tests that only compute in one process; see test-files.ts.

import { testsInOneProcess } from "./test-files.ts";

for (const file of testsInOneProcess()) await import(file);
