// 1,000 event streams with one token, at a portal in front of real task-agents: all others are served as before.

import assert from "node:assert/strict";
import { setMaxListeners } from "node:events";
import { describe, test } from "node:test";
import { startTestPortal } from "@gantry/portal-api/portal.fixture.ts";
import { AttackBench, needs, SETUPS } from "@gantry/task-agent/attacks/attack.fixture.ts";

const LIMIT = 100;

for (const setup of SETUPS)
  describe(`1,000 event streams with one token, ${setup}`, needs(setup), () => {
    test("100 are opened, others get answers and events at once, and the agent is not asked more", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { url, portalToken } = bench.attackedAgent;
      const portal = await startTestPortal({ agent: { url, token: portalToken } });
      t.after(() => portal.close());
      const tokens = {
        attacker: await portal.tokenOf("viewer", "attacker"),
        other: await portal.tokenOf("viewer", "other"),
      };
      const leaving = new AbortController();
      setMaxListeners(0, leaving.signal);
      t.after(() => leaving.abort());
      const watch = (token: string, path = "/v1/events"): Promise<Response> =>
        portal.ask(path, { token, headers: { accept: "text/event-stream" }, signal: leaving.signal });
      const before = await watch(tokens.other);
      assert.equal(before.status, 200);
      await bench.victim();
      await bench.turnToAttack();

      await bench.unchanged(async () => {
        const answers: Response[] = [];
        while (answers.length < 1_000)
          answers.push(...(await Promise.all(Array.from({ length: 20 }, () => watch(tokens.attacker)))));
        const refused = answers.filter(({ status }) => status !== 200);
        assert.equal(answers.length - refused.length, LIMIT);
        for (const answer of refused) {
          assert.deepEqual([answer.status, answer.headers.get("retry-after")], [429, "5"]);
          assert.equal(((await answer.json()) as { code: string }).code, "limit-reached");
        }
        const began = performance.now();
        assert.equal((await portal.ask("/v1/me", { token: tokens.attacker })).status, 200);
        assert.equal((await portal.ask("/v1/tasks", { token: tokens.other })).status, 200);
        assert.ok(performance.now() - began < 2_000);
      });

      // A stream from before the attack, and the restart, goes on; and so does one that is opened now.
      const after = await watch(tokens.other);
      assert.equal(after.status, 200);
      const id = await bench.request("busan");
      for (const stream of [before, after]) await seen(stream, id);
      assert.equal((await watch(tokens.attacker, `/v1/tasks/${id}/events`)).status, 429);
    });
  });

/** Waits until the stream has an event of this task. */
async function seen({ body }: Response, task: string): Promise<void> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes(task)) return;
  }
  assert.fail(`the stream ended without the task ${task}: ${text.slice(-500)}`);
}
