// What `gantry init --form chart` writes, against helm and the chart.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { SYSTEMS } from "@gantry/cli/init/systems.fixture.ts";
import { runCommand } from "@gantry/cli/portal.fixture.ts";
import { CHART, helmFor } from "../../deploy/helm.fixture.ts";

test("init --form chart: helm accepts its values, and each Secret that they name is made", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-init-"));
  t.after(() => rm(folder, { recursive: true }));
  const dir = join(folder, "chart");
  const { code, out } = await runCommand([
    "init",
    dir,
    "--form",
    "chart",
    "--url",
    "https://gantry.example.com",
    ...SYSTEMS,
  ]);
  assert.equal(code, 0, out);
  const values = readFileSync(join(dir, "values.yaml"), "utf8");
  const script = readFileSync(join(dir, "make-secrets"), "utf8");
  for (const [, name] of values.matchAll(/existingSecret: (\S+)|- (gantry-\S+)/g))
    if (name !== undefined) assert.match(script, new RegExp(`^create ${name} `, "m"));
  for (const [, file] of script.matchAll(/(?:=|file=)(secrets\/\S+)/g))
    assert.ok(statSync(join(dir, file ?? "?")).isFile());
  const helm = await helmFor(t);
  if (helm === undefined) return;
  const chart = ["template", "demo", CHART, "--kube-version", "1.31.0", "--namespace", "gantry"];
  const { stdout } = await promisify(execFile)(helm, [...chart, "-f", join(dir, "values.yaml")], {
    maxBuffer: 16 * 1024 * 1024,
  });
  assert.match(stdout, /gantry-runner-main/);
});
