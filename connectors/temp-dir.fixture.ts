// A folder for one test.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Made now, removed when the test ends: `const dir = await tempDir(t)`. */
export async function tempDir(t: { after: (fn: () => Promise<void>) => void }): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-test-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
