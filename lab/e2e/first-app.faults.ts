// Follows docs/first-app.md line by line, in a shell of its own, with the fakes as if they were real systems and each process
// by itself. It takes over a minute, so it is not part of `npm test`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePorts } from "@gantry/runtime/free-ports.ts";
import { sandboxProblem } from "@gantry/task-runner/main.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The folder of the guide, and ports that nothing else on this machine has. */
const FOLDER = "first-app";

/** The blocks that are run: `sh run`. The others are for real systems, or done already. */
async function blocksOfGuide(): Promise<readonly string[]> {
  const page = await readFile(join(ROOT, "docs/first-app.md"), "utf8");
  return [...page.matchAll(/^```sh run\n(.*?)^```$/gms)].map(([, block = ""]) => block);
}

test("docs/first-app.md, line by line, ends with an app of one's own that runs", { timeout: 300_000 }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-first-app-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const [portal = 0, agent = 0, notify = 0] = await freePorts(3);
  const hasSandbox = (await sandboxProblem(process.env.PATH ?? "")) === undefined;
  const more = [
    "--port",
    portal,
    "--agent-port",
    agent,
    "--notify-port",
    notify,
    ...(hasSandbox ? [] : ["--isolation", "none"]),
  ];
  const blocks = (await blocksOfGuide()).map((block) =>
    block
      // The test has its own folder and ports; nothing else differs from the guide.
      .replaceAll(new RegExp(`(?<![\\w-])${FOLDER}(?![\\w-])`, "g"), join(dir, FOLDER))
      .replace("gantry init ", `gantry init ${more.join(" ")} `),
  );
  assert.ok(blocks.length >= 10, "the guide has its blocks");
  const script = [
    "set -eu",
    'trap "kill $(jobs -p) 2> /dev/null || true; wait" EXIT'.replace("$(jobs", "\\$(jobs"),
    ...blocks.flatMap((block, at) => [`echo "== block ${at + 1}"`, block]),
  ].join("\n");
  const { code, out } = await runShell(script);
  assert.equal(code, 0, out);
  assert.match(out, /main-1 +main +online/);
  assert.match(out, /Nothing is missing\./);
  assert.match(out, /✓ may push to the repositories of apps +APPS\/hello-deploy/);
  assert.match(out, /digest: sha256:[0-9a-f]{64}/);
  assert.match(out, /^#2 .*Greet politely$/m);
  assert.equal(out.match(/^✓ Run CD: hello succeeded/gm)?.length, 3, "deployed, deployed again, and gone back");
  assert.match(out, /"subject":"[^"]*Test message of Gantry on mail"/);
});

function runShell(script: string): Promise<{ readonly code: number | null; readonly out: string }> {
  const path = [`${ROOT}node_modules/.bin`, `${ROOT}cli`, process.env.PATH].join(":");
  const { GANTRY_TOKEN: _, ...env } = process.env;
  return new Promise((resolve, reject) => {
    const shell = spawn("bash", ["-c", script], {
      cwd: ROOT,
      env: { ...env, PATH: path },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    shell.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString("utf8");
    });
    shell.stderr.on("data", (chunk: Buffer) => {
      out += chunk.toString("utf8");
    });
    shell.on("error", reject);
    shell.on("close", (code) => resolve({ code, out }));
  });
}
