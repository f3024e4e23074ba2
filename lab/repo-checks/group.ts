// The checks that need no compiler, in one process. `npm run check` runs the others beside it.

import { globSync } from "node:fs";
import { join } from "node:path";
import { runFiles } from "../run-group.ts";

const names = globSync("*.test.ts", { cwd: import.meta.dirname }).filter((name) => name !== "code.test.ts");
await runFiles(names.toSorted().map((name) => join(import.meta.dirname, name)));
