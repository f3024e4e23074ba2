// Pause and resume of an app, a pipeline, a site and a queue, against a real portal and a real task-agent.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { registrationOf } from "@gantry/wire/runner/registration.fixture.ts";
import { createRunnerClient } from "@gantry/wire/runner/runner-client.ts";
import { openPortal } from "../portal.fixture.ts";

const runnerToken = "runner-token-of-this-test";
const logger = makeLogger("test", "silent");
const nightly = `name: nightly
app: none
concurrency: night/shift
jobs: { work: { site: seoul, steps: [{ run: "true" }] } }
`;
const portal = await openPortal({ agent: logger, portal: logger }, { [runnerToken]: "seoul" }, undefined, {
  "nightly.yaml": nightly,
});
after(portal.close);
const { run } = portal;
await createRunnerClient({ url: portal.agentUrl, token: () => runnerToken, fetch }).session(
  registrationOf("seoul-1", "seoul"),
);

/** What the task waits for. */
async function waitingOf(task: string): Promise<{ code: string; text: string; until?: string }> {
  for (;;) {
    const { out } = await run("task", "show", task, "--json");
    const view = JSON.parse(out) as { waiting?: { code: string; text: string } };
    if (view.waiting) return view.waiting;
  }
}

for (const { of, name, words } of [
  { of: "site", name: "seoul", words: "The site seoul" },
  { of: "pipeline", name: "nightly", words: "The pipeline nightly" },
  { of: "queue", name: "night/shift", words: "The concurrency group night/shift" },
])
  test(`a paused ${of} keeps jobs waiting and says by whom, why and until when, until it is resumed`, async () => {
    const paused = await run(of, "pause", name, "--reason", "the database moves.", "--for", "2h");
    assert.match(
      paused.out,
      new RegExp(`^${words} is paused until 20.* UTC\\. Jobs that run go on.*gantry ${of} resume ${name}`),
    );
    const task = JSON.parse((await run("pipeline", "run", "nightly", "--json")).out) as { id: string };
    const { code, text, until } = await waitingOf(task.id);
    assert.equal(code, "paused");
    const end = "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC";
    assert.match(text, new RegExp(`^${words} was paused by admin until ${end}, because: the database moves\\.$`));
    assert.ok(until !== undefined && Date.parse(until) > Date.now() + 7_000_000);
    assert.match((await run("paused")).out, new RegExp(`^${of} +${name} +admin .* the database moves`, "m"));

    assert.equal((await run(of, "resume", name)).out, `${words} is not paused.\n`);
    assert.equal((await run(of, "resume", name)).code, 0, "again");
    assert.equal((await run("paused")).out, "Nothing is paused.\n");
    await run("task", "cancel", task.id);
    const audit = (await run("audit", "list", "--limit", "20")).out;
    assert.match(audit, new RegExp(`pause${of[0]?.toUpperCase()}${of.slice(1)}|pause a ${of}`));
  });

test("what does not exist cannot be paused, and wrong flags are errors", async () => {
  const why = ["--reason", "x"];
  await assert.rejects(run("app", "pause", "orders", ...why), { code: "app-unknown" });
  await assert.rejects(run("pipeline", "pause", "other", ...why), { code: "pipeline-unknown" });
  await assert.rejects(run("site", "pause", "tokyo", ...why), { code: "not-found" });
  await assert.rejects(run("queue", "pause", "g", ...why, "--until", "2020-01-01T00:00:00Z"), /has passed/);
  for (const flags of [[], [...why, "--for", "soon"], [...why, "--for", "1h", "--until", "2030-01-01T00:00:00Z"]]) {
    const { code, out } = await portal.runAsPerson("queue", "pause", "g", ...flags);
    assert.equal(code, 2, out);
  }
  assert.equal((await run("paused")).out, "Nothing is paused.\n");
});
