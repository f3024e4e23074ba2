// `gantry app apply` with as many apps as a company has.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { cpuMsOf } from "@gantry/lab/cpu-time.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { openPortal } from "../portal.fixture.ts";
import { entry } from "./apps-file.fixture.ts";

const logger = makeLogger("test", "silent");
const portal = await openPortal(
  { agent: logger, portal: logger },
  { "runner-token-of-seoul-0": "seoul", "runner-token-of-tokyo-0": "tokyo" },
);
const folder = await mkdtemp(join(tmpdir(), "gantry-many-apps-"));
after(async () => {
  await portal.close();
  await rm(folder, { recursive: true });
});
const run = (...argv: string[]) => portal.runAsPerson("app", ...argv);

test("200 apps are adopted in one go, and a second time changes nothing", async (t) => {
  const names = Array.from({ length: 200 }, (_, at) => `many-${at}`);
  const path = join(folder, "apps.yaml");
  await writeFile(path, `apps:\n${names.map((name) => entry(name)).join("\n")}\n`);
  const dry = await run("apply", "-f", path, "--dry-run");
  assert.equal(dry.code, 0, dry.out);
  assert.match(dry.out, /^\+ many-0 +create$/m);
  assert.match(dry.out, /200 apps: 200 to create, 0 to change, 0 unchanged\. Nothing is written\./);
  assert.deepEqual((await run("list", "--json")).out, "[]\n");

  let first = { code: -1, out: "" };
  const cpuMs = await cpuMsOf(async () => {
    first = await run("apply", "-f", path);
  });
  t.diagnostic(`200 apps take ${(cpuMs / 1_000).toFixed(1)} s of CPU time`);
  assert.equal(first.code, 0, first.out);
  assert.match(first.out, /200 created, 0 changed, 0 unchanged\./);
  assert.ok(cpuMs < 60_000, `${cpuMs} ms`);

  assert.match((await run("apply", "-f", path)).out, /0 created, 0 changed, 200 unchanged\./);
  // What is exported is what would be applied.
  const exported = join(folder, "exported.yaml");
  await writeFile(exported, (await run("export")).out);
  assert.match((await run("apply", "-f", exported)).out, /0 created, 0 changed, 200 unchanged\./);
  assert.match((await run("export", "many-0")).out, /overlay: many-0\/tokyo\n$/, "a target can be appended");
});
