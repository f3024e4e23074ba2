import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openDataFolder } from "./data-folder.ts";

test("gantry start --port 0 takes a free port, which stays until another one is asked for", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-data-"));
  t.after(() => rm(dir, { recursive: true }));
  const portOf = async (wanted: number | undefined): Promise<number> => {
    const { ports, release } = await openDataFolder(dir, ["seoul"], wanted);
    release();
    return ports.portal;
  };
  assert.equal(await portOf(8080), 8080);
  const portal = await portOf(0);
  assert.ok(portal > 0 && portal !== 8080);
  assert.equal(await portOf(undefined), portal);
});

test("a data folder in use is named as such, and not one of its ports; its file stays as it is", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-data-"));
  t.after(() => rm(dir, { recursive: true }));
  const first = await openDataFolder(dir, ["seoul"], 8080);
  const before = await readFile(join(dir, "gantry.json"), "utf8");
  const gantry = fileURLToPath(new URL("./main.ts", import.meta.url));
  for (const flags of [[], ["--no-lab"], ["--separate"]]) {
    const argv = [gantry, "start", "--data", dir, "--port", "8081", "--no-demo", ...flags];
    const { status, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8", timeout: 60_000 });
    assert.equal(status, 2, stderr);
    assert.match(stderr, new RegExp(`The data folder .* is in use by another process.*process ${process.pid}`, "s"));
    assert.doesNotMatch(stderr, /port/i);
  }
  assert.equal(await readFile(join(dir, "gantry.json"), "utf8"), before);
  first.release();
  (await openDataFolder(dir, ["seoul"], undefined)).release();
});
