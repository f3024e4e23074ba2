import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openDataFolder } from "./data-folder.ts";

test("gantry start --port 0 takes a free port, which stays until another one is asked for", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-data-"));
  t.after(() => rm(dir, { recursive: true }));
  assert.equal((await openDataFolder(dir, ["seoul"], 8080)).ports.portal, 8080);
  const { portal } = (await openDataFolder(dir, ["seoul"], 0)).ports;
  assert.ok(portal > 0 && portal !== 8080);
  assert.equal((await openDataFolder(dir, ["seoul"], undefined)).ports.portal, portal);
});
