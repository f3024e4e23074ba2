// The checks that need no compiler, in one process. `npm run check` runs the two that take longest beside it.

import { globSync } from "node:fs";
import { join } from "node:path";
import { runFiles } from "../run-group.ts";

const ALONE = ["code.test.ts", "messages.test.ts"];

const names = globSync("*.test.ts", { cwd: import.meta.dirname }).filter((name) => !ALONE.includes(name));
await runFiles(names.toSorted().map((name) => join(import.meta.dirname, name)));
