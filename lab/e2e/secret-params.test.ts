// A parameter with `secret: true`, from the request to the script: it works there, and nobody else ever sees it.

import assert from "node:assert/strict";
import { hash, randomBytes } from "node:crypto";
import type { Dirent } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { GantryError } from "@gantry/core/errors.ts";
import { pause, systemClock } from "@gantry/runtime/clock.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { startRunner } from "@gantry/task-runner/main.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";

const SECRET = "hunter2-is-a-licence";
const OTHER = "another-licence-key";
const token = "platform-token-of-this-test";
const runnerToken = "runner-token-of-this-test";
const HIDDEN = "(secret: kept, not shown)";
const PIPELINE = `
name: activate
app: none
params:
  licence: { type: string, required: true, secret: true }
  place: { type: string, default: here }
jobs:
  check:
    site: seoul
    steps:
      - id: with
        env: { LICENCE: "\${{ params.licence }}" }
        run: 'echo "the licence is $LICENCE at last"; printf %s "$LICENCE" | sha256sum | grep -q ${hash("sha256", SECRET)}'
      - id: without
        run: 'test -z "\${LICENCE:-}"'
`;

const PUBLISH = `
name: publish
app: none
jobs:
  first: { site: seoul, steps: [{ run: "true" }] }
  publish: { site: seoul, needs: first, steps: [{ run: "true", env: { T: "\${{ secrets.NPM_TOKN }}" } }] }
`;

async function open(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-sealed-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "pipelines"));
  await writeFile(join(folder, "pipelines/activate.yaml"), PIPELINE);
  await writeFile(join(folder, "pipelines/publish.yaml"), PUBLISH);
  const lines: string[] = [];
  const logger = makeLogger("test", "debug", { write: (line) => void lines.push(line) });
  const config = {
    data: join(folder, "agent"),
    portalUrl: "http://portal",
    token,
    runnerTokens: { [runnerToken]: "seoul" },
    pipelines: join(folder, "pipelines"),
  };
  const start = async () => {
    const agent = await startTaskAgent(config, { logger });
    const runner = await startRunner(
      {
        name: "r",
        site: "seoul",
        agent: agent.url,
        token: runnerToken,
        data: join(folder, "runner"),
        isolation: "none",
        secrets: { NPM_TOKEN: { env: "NPM_TOKEN_OF_THIS_TEST" } },
      },
      { logger },
    );
    return {
      client: makeAgentClient({ url: agent.url, token }),
      close: async () => {
        await runner.close({ drainMs: 0 });
        await agent.close();
      },
    };
  };
  return { folder, lines, start };
}

async function ended(client: AgentClient, id: string): Promise<TaskView> {
  for (;;) {
    const view = await client.task(id);
    if (view.endedAt !== undefined) return view;
    await pause(systemClock, 50);
  }
}

const request = (key: string, licence = SECRET) => ({
  pipeline: "activate",
  params: { licence },
  principal: "kim",
  idempotencyKey: key,
});

/** The runner removes folders of ended jobs at the same time. */
async function entriesBelow(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const below = await Promise.all(
    entries.map((entry) => (entry.isDirectory() ? entriesBelow(join(folder, entry.name)) : [entry])),
  );
  return below.flat();
}

async function textsIn(folder: string): Promise<string> {
  const entries = await entriesBelow(folder);
  const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.includes("pipelines"));
  // The runner removes what it has uploaded.
  const read = (file: string): Promise<string> =>
    readFile(file, "latin1").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw error;
    });
  const texts = await Promise.all(files.map(({ parentPath, name }) => read(join(parentPath, name))));
  return texts.join("\n");
}

test("a secret parameter reaches the step that names it, and no view, event, log or file", async (t) => {
  const { folder, lines, start } = await open(t);
  const { client, close } = await start();
  t.after(close);
  const { id, params } = await client.startTask(request("a"));
  assert.deepEqual(params, { licence: HIDDEN, place: "here" });
  const view = await ended(client, id);
  assert.equal(view.state, "succeeded", view.headline);
  const { bytes } = await client.log({ task: id, job: "check", step: "with" }, 0, 10_000);
  assert.match(bytes.toString(), /the licence is \*\*\* at last/);
  assert.deepEqual(
    (await client.tasks({ limit: 10 })).items.map((one) => one.id),
    [id],
    "the same key starts one task",
  );
  assert.equal((await client.startTask(request("a"))).id, id);
  await assert.rejects(client.startTask(request("a", OTHER)), { code: "idempotency-key-reused" });

  const again = await client.rerun(id, { principal: "kim", idempotencyKey: "again", from: "all" });
  assert.deepEqual(again.params, { licence: HIDDEN, place: "here" });
  assert.equal((await ended(client, again.id)).state, "succeeded", "a rerun has the secret");

  const feed = await client.feed({ after: 0, limit: 500 });
  const shown = JSON.stringify([view, again, feed, await client.pipeline("activate")]) + lines.join("");
  assert.equal(shown.includes(SECRET) || shown.includes("sealed.v1"), false);
  assert.equal((await textsIn(folder)).includes(SECRET), false, "nothing on disk has it");
  assert.match(await textsIn(folder), /sealed\.v1\.[0-9a-f]{12}\./);
  assert.equal((await stat(join(folder, "agent/seal-key"))).mode & 0o777, 0o600);
  assert.match(lines.join(""), /a key for secret parameters was created/);
});

test("keys are rotated; without the old key a rerun says which parameter is lost", async (t) => {
  const { folder, start } = await open(t);
  const { client, close } = await start();
  t.after(close);
  const { id } = await client.startTask(request("a"));
  await ended(client, id);
  const file = join(folder, "agent/seal-key");
  const old = await readFile(file, "utf8");
  const young = `2027 ${randomBytes(32).toString("base64")}\n`;
  await writeFile(file, young + old);
  const next = await client.rerun(id, { principal: "kim", idempotencyKey: "b", from: "all" });
  assert.equal((await ended(client, next.id)).state, "succeeded");
  assert.match(await textsIn(join(folder, "agent")), /sealed\.v1\.2027\./);
  await writeFile(file, young);
  await assert.rejects(client.rerun(id, { principal: "kim", idempotencyKey: "c", from: "all" }), {
    code: "sealing-key-missing",
  });
  const later = await client.rerun(next.id, { principal: "kim", idempotencyKey: "d", from: "all" });
  assert.equal((await ended(client, later.id)).state, "succeeded");
});

test("a secret that is too short is refused without repeating it", async (t) => {
  const { start } = await open(t);
  const { client, close } = await start();
  t.after(close);
  await assert.rejects(client.startTask(request("a", "qw3")), (error) => {
    assert.match(JSON.stringify(error), /bad-params/);
    assert.doesNotMatch(JSON.stringify(error), /qw3/);
    return true;
  });
});

test("a pipeline that names a secret that its site does not have is refused before anything runs", async (t) => {
  const { start } = await open(t);
  const { client, close } = await start();
  t.after(close);
  const asked = client.startTask({ pipeline: "publish", params: {}, principal: "kim", idempotencyKey: "p" });
  await assert.rejects(asked, (error: GantryError) => {
    const why =
      "the job publish needs the secret NPM_TOKN, which the site seoul does not have (did you mean NPM_TOKEN?)";
    assert.deepEqual([error.code, error.details.problem], ["secret-unknown", why]);
    return true;
  });
  assert.deepEqual((await client.tasks({})).items, []);
});
