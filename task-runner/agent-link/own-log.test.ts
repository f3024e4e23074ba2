import assert from "node:assert/strict";
import { test } from "node:test";
import { script, TOKEN } from "../fake-agent.fixture.ts";
import { openTestRunner } from "../runner.fixture.ts";

/** Of 24 characters, so that its base64 form ends with it. */
const SECRET = "the-password-of-harbor-1";

test("A7: a runner sends its own log once, without its secrets, also while it works", async (t) => {
  const { agent, ownLog } = await openTestRunner(t, {
    config: { secrets: { HARBOR: { env: "HARBOR" } } },
    env: { HARBOR: SECRET },
  });
  const job = agent.offer({ steps: [script("work", "sleep 300")] });
  await agent.until("the start", () => job.state === "started");
  ownLog.write(`{"msg":"first"}\n{"msg":"${SECRET} ${Buffer.from(SECRET).toString("base64")} ${TOKEN}"}\n`);
  agent.asksLog = { id: "l1", from: "oldest", lines: 2 };
  // Wakes the poll of the fake.
  agent.offer({ steps: [script("next", "true")] }, { job: "next" });
  const sent = await agent.until("the log", () => agent.ownLogs[0]);
  assert.deepEqual(sent, {
    session: sent.session,
    id: "l1",
    lines: ['{"msg":"first"}', '{"msg":"*** *** ***"}'],
    held: 2,
    dropped: 0,
  });
  assert.equal(agent.ownLogs.length, 1);
  agent.cancel(job);
  await agent.reported(job);
});

test("A7: a log that is too large is sent from the end that was asked for", async (t) => {
  const { agent, ownLog } = await openTestRunner(t);
  for (let at = 0; at < 300; at += 1) ownLog.write(`${at} ${"x".repeat(9_000)}\n`);
  agent.asksLog = { id: "l1", from: "latest", lines: 1_000 };
  agent.offer({ steps: [script("work", "true")] });
  const { lines, held, dropped } = await agent.until("the log", () => agent.ownLogs[0]);
  assert.equal(held + dropped, 300);
  assert.ok(dropped > 0);
  assert.match(lines.at(-1) ?? "", /^299 x+$/);
  assert.ok(lines.every((line) => line.length <= 8_192));
  assert.ok(Buffer.byteLength(JSON.stringify(lines)) <= 1_048_576 + 2);
});
