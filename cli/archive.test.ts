import assert from "node:assert/strict";
import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { newTaskId } from "@gantry/core/task/task-id.ts";
import { openArchiveWriter } from "@gantry/journal/archive/archive.ts";
import { runCommand } from "./portal.fixture.ts";

const run = (...argv: readonly string[]) => runCommand(["archive", ...argv]);

test("list, show and check work; check finds damage; wrong arguments print the usage", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-cli-archive-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const id = newTaskId(Date.UTC(2026, 7, 22), "00000000-0000-4000-8000-000000000000");
  const nowMs = (): number => Date.UTC(2026, 10, 20);
  const value = { format: 1, version: 2, state: { id }, events: [] };
  await openArchiveWriter({ folder, kind: "tasks", nowMs }).append([{ day: "2026-08-22", id, value }]);
  await openArchiveWriter({ folder, kind: "deliveries", nowMs }).append([{ day: "2026-08-23", id: "1", value: {} }]);

  const listed = await run("list", folder);
  assert.match(listed.out, /^2026-08-22\/tasks\.jsonl\.gz: 1 tasks, \d+ bytes, newest part of 2026-11-20T/);
  assert.match(listed.out, /2026-08-23\/deliveries\.jsonl\.gz: 1 deliveries/);
  const shown = await run("show", folder, id);
  assert.deepEqual([shown.code, JSON.parse(shown.out)], [0, value]);
  const unknown = await run("show", folder, "t0");
  assert.deepEqual([unknown.code, unknown.out], [5, `There is no task t0 in ${folder}.\n`]);
  const whole = await run("check", folder);
  assert.equal(whole.code, 0);
  assert.match(whole.out, /^[^\n]*: 2 parts with 2 records intact, 0 damaged/);

  await truncate(join(folder, "2026-08-22", "tasks.jsonl.gz"), 20);
  const cut = await run("check", folder);
  assert.equal(cut.code, 1);
  assert.match(cut.out, /2026-08-22\/tasks\.jsonl\.gz: .* is damaged: it ends in the part at 0/);

  for (const argv of [
    [],
    ["list"],
    ["show", folder],
    ["list", folder, id],
    ["burn", folder],
    ["list", folder, "--now"],
  ]) {
    const wrong = await run(...argv);
    assert.equal(wrong.code, 2);
    assert.match(wrong.out, /gantry archive (list|show) DIR/);
  }
  assert.equal((await run("--help")).code, 0);
  await assert.rejects(run("list", join(folder, "none")), { code: "argument-unusable" });
});
