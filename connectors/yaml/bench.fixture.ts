// A bench whose workspace has files.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openBench, type StepBench } from "../step.fixture.ts";

/** By path below the workspace, the text of each file. Closed at the end of the test. */
export async function benchWith(
  t: { after: (fn: () => Promise<void>) => void },
  files: Readonly<Record<string, string>>,
): Promise<StepBench> {
  const bench = await openBench({ systems: [] });
  t.after(() => bench.close());
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(bench.workspace, path, ".."), { recursive: true });
    await writeFile(join(bench.workspace, path), text);
  }
  return bench;
}
